package kernels

// Products of blocks in integers, as ggml computes them: activations are quantized too,
// to blocks of 8 bits, and the codes of a block are multiplied and added up exactly before
// the scales come in. What a sum loses against MatMulF32 on the dequantized weights is the
// rounding of its activations.
//
// For all of them: x has tokens rows, w has rows rows, of cols values each, in whole blocks;
// y[t·rows+r] is the product of two rows. In a block the products of codes go to four
// integers, that of value i to integer (i mod 16) / 4; these are rounded to float32, multiplied by the scale and added to four lanes,
// block by block; the result is (lane 0 + lane 2) + (lane 1 + lane 3). No operation is
// fused. Sums of ggml's own code differ in their last bits by their order.
//
// Tokens and rows that do not fit into the slices are left alone, and where cols is not a
// multiple of the block, all. Nothing is allocated.

// MatMulQ8_0 multiplies activations in Q8_0 with weights in Q8_0 (ggml_vec_dot_q8_0_q8_0 in
// ggml-cpu/quants.c): Σ over blocks float32(Σ a·b)·(d_x·d_w).
func MatMulQ8_0(y []float32, x, w []byte, tokens, rows, cols int) {
	matMulBlocks(y, x, w, tokens, rows, cols, blockLen, q8_0Bytes, q8_0Bytes, matVecQ8_0)
}

// MatMulQ4_0 multiplies activations in Q8_0 with weights in Q4_0 (ggml_vec_dot_q4_0_q8_0):
// Σ over blocks float32(Σ a·(b − 8))·(d_x·d_w).
func MatMulQ4_0(y []float32, x, w []byte, tokens, rows, cols int) {
	matMulBlocks(y, x, w, tokens, rows, cols, blockLen, q8_0Bytes, q4_0Bytes, matVecQ4_0)
}

// blockBytes is how many bytes of w all tokens pass over before the next.
const blockBytes = 1 << 15

// matMulBlocks calls mul for each token and some rows of w: y, one row of x, rows of w.
func matMulBlocks(y []float32, x, w []byte, tokens, rows, cols, block, xBytes, wBytes int, mul func(y []float32, x, w []byte)) {
	if cols <= 0 || cols%block != 0 || rows <= 0 {
		return
	}
	blocks, ys := cols/block, rows
	if blocks > min(len(x)/xBytes, len(w)/wBytes) {
		return
	}
	xs, ws := blocks*xBytes, blocks*wBytes
	rows = min(rows, len(w)/ws)
	tokens = min(tokens, len(x)/xs, rowsIn(len(y), ys, rows))
	step := rows
	if tokens > 1 {
		step = max(1, blockBytes/ws)
	}
	for r := 0; r < rows; r += step {
		n := min(step, rows-r)
		for t := range tokens {
			mul(y[t*ys+r:][:n], x[t*xs:(t+1)*xs], w[r*ws:(r+n)*ws])
		}
	}
}

// blockLanes are the running sums of a product of blocks.
type blockLanes [4]float32

func (l *blockLanes) total() float32 { return (l[0] + l[2]) + (l[1] + l[3]) }

// add multiplies the sums of a block by a scale and adds them.
func (l *blockLanes) add(sums *[4]int32, scale float32) {
	for i, s := range sums {
		l[i] += float32(float32(s) * scale)
	}
}

func matVecQ8_0Generic(y []float32, x, w []byte) {
	for r := range y {
		var total blockLanes
		for a := x; len(a) >= q8_0Bytes && len(w) >= q8_0Bytes; a, w = a[q8_0Bytes:], w[q8_0Bytes:] {
			var sums [4]int32
			for i, q := range a[2:q8_0Bytes] {
				sums[i&15>>2] += int32(int8(q)) * int32(int8(w[2+i]))
			}
			total.add(&sums, halfAt(a)*halfAt(w))
		}
		y[r] = total.total()
	}
}

func matVecQ4_0Generic(y []float32, x, w []byte) {
	for r := range y {
		var total blockLanes
		for a := x; len(a) >= q8_0Bytes && len(w) >= q4_0Bytes; a, w = a[q8_0Bytes:], w[q4_0Bytes:] {
			var sums [4]int32
			for i, q := range w[2:q4_0Bytes] {
				sums[i&15>>2] += int32(int8(a[2+i]))*(int32(q&15)-8) + int32(int8(a[18+i]))*(int32(q>>4)-8)
			}
			total.add(&sums, halfAt(a)*halfAt(w))
		}
		y[r] = total.total()
	}
}
