//go:build relaxed && !purego

package kernels

// Relaxed says whether the functions whose names end so use relaxed SIMD.
const Relaxed = true

//go:noescape
func relaxedF32x1Asm(y, x, w *float32, ws, quads, cols int)

//go:noescape
func relaxedF32x2Asm(y *float32, ys int, x *float32, xs int, w *float32, ws, quads, cols int)

func relaxedF32(y []float32, ys int, x []float32, xs int, w []float32, ws int, tokens, rows, cols int) {
	if cols < 4 || rows < 4 {
		matMulF32(y, ys, x, xs, w, ws, tokens, rows, cols)
		return
	}
	tile := func(t, r, quads int) {
		if t+1 < tokens {
			relaxedF32x2Asm(&y[t*ys+r], ys, &x[t*xs], xs, &w[r*ws], ws, quads, cols)
		} else {
			relaxedF32x1Asm(&y[t*ys+r], &x[t*xs], &w[r*ws], ws, quads, cols)
		}
	}
	tiles(tokens, rows, tile)
}

//go:noescape
func relaxedF16Asm(y, x *float32, w *byte, quads, cols int)

func relaxedF16(y, x []float32, w []byte) {
	if len(x)%8 != 0 || len(y) < 4 {
		matVecF16(y, x, w)
		return
	}
	relaxedF16Asm(&y[0], &x[0], &w[0], len(y)/4, len(x))
	if r := len(y) - 4; r%4 != 0 {
		relaxedF16Asm(&y[r], &x[0], &w[2*r*len(x)], 1, len(x))
	}
}

//go:noescape
func relaxedInt8x1Asm(y *int32, x, w *int8, quads, cols int)

//go:noescape
func relaxedInt8x2Asm(y *int32, ys int, x, w *int8, quads, cols int)

func relaxedInt8(y []int32, ys int, x, w []int8, tokens, rows, cols int) {
	if cols < 16 || rows < 4 {
		matMulInt8(y, ys, x, w, tokens, rows, cols)
		return
	}
	tile := func(t, r, quads int) {
		if t+1 < tokens {
			relaxedInt8x2Asm(&y[t*ys+r], ys, &x[t*cols], &w[r*cols], quads, cols)
		} else {
			relaxedInt8x1Asm(&y[t*ys+r], &x[t*cols], &w[r*cols], quads, cols)
		}
	}
	tiles(tokens, rows, tile)
}

// splitQ8_0 is a block of Q8_0 as its products with bytes take it. The assembly knows the
// layout.
type splitQ8_0 struct {
	d      float32
	_      [3]float32
	minus8 [4]int32       // −8 times the sums of the codes of each lane
	codes  [blockLen]int8 // and their
	sizes  [blockLen]int8 // magnitudes, and
	signs  [blockLen]int8 // 0, or −1 for minus
}

//go:noescape
func relaxedSplitAsm(dst *splitQ8_0, x *byte, blocks int)

//go:noescape
func relaxedQ8_0Asm(lanes *blockLanes, x *splitQ8_0, w *byte, ws, rows, blocks int)

//go:noescape
func relaxedQ4_0Asm(lanes *blockLanes, x *splitQ8_0, w *byte, ws, rows, blocks int)

//go:noescape
func relaxedQ4_KAsm(lanes *blockLanes, x, w *byte, ws, rows, blocks int)

//go:noescape
func relaxedQ6_KAsm(lanes *blockLanes, x, w *byte, ws, rows, blocks int)

func relaxedQ8_0(y []float32, x, w []byte) { relaxedOfQ8_0(y, x, w, q8_0Bytes) }
func relaxedQ4_0(y []float32, x, w []byte) { relaxedOfQ8_0(y, x, w, q4_0Bytes) }
func relaxedQ4_K(y []float32, x, w []byte) { relaxedOfQ8_K(y, x, w, q4KBytes) }
func relaxedQ6_K(y []float32, x, w []byte) { relaxedOfQ8_K(y, x, w, q6KBytes) }

// relaxedOfQ8_0 multiplies with weights whose blocks have wBytes, which tells their type.
func relaxedOfQ8_0(y []float32, x, w []byte, wBytes int) {
	var split [q8_0Together]splitQ8_0
	blocks := len(x) / q8_0Bytes
	ws := blocks * wBytes
	for from := 0; from < len(y); from += rowsTogether {
		var lanes [rowsTogether]blockLanes
		n := min(rowsTogether, len(y)-from)
		for b := 0; b < blocks; b += len(split) {
			k := min(len(split), blocks-b)
			relaxedSplitAsm(&split[0], &x[b*q8_0Bytes], k)
			at := &w[from*ws+b*wBytes]
			if wBytes == q8_0Bytes {
				relaxedQ8_0Asm(&lanes[0], &split[0], at, ws, n, k)
			} else {
				relaxedQ4_0Asm(&lanes[0], &split[0], at, ws, n, k)
			}
		}
		for r := range n {
			y[from+r] = lanes[r].total()
		}
	}
}

// relaxedOfQ8_K does so with those of the K-quants.
func relaxedOfQ8_K(y []float32, x, w []byte, wBytes int) {
	blocks := len(x) / q8KBytes
	ws := blocks * wBytes
	for from := 0; from < len(y); from += rowsTogether {
		var lanes [rowsTogether]blockLanes
		n := min(rowsTogether, len(y)-from)
		if wBytes == q4KBytes {
			relaxedQ4_KAsm(&lanes[0], &x[0], &w[from*ws], ws, n, blocks)
		} else {
			relaxedQ6_KAsm(&lanes[0], &x[0], &w[from*ws], ws, n, blocks)
		}
		for r := range n {
			y[from+r] = lanes[r].total()
		}
	}
}
