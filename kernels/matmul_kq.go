package kernels

import (
	"encoding/binary"
	"math"
)

// Q8_K, the blocks of activations that the K-quants are multiplied with: d as float32, 256
// codes, and the sum of each sixteen of them as int16.
const (
	q8KCodes, q8KSums, q8KBytes = 4, 260, 292
	q8KGroups                   = superLen / 16
)

// QuantizeQ8_K writes whole blocks of ggml's Q8_K (quantize_row_q8_K_ref in ggml-quants.c):
// with the first value of the largest magnitude, m, it is q = min(127, round(x·s)), ties to
// even, where s = −127/m, and d = 1/s, so that m has the code −127. Zeros where m is 0.
//
// x must be finite. Where s is infinite, which ggml leaves undefined, the block is zeros.
func QuantizeQ8_K(dst []byte, x []float32) {
	dst, x = superBlocks(dst, x, q8KBytes)
	quantizeQ8_K(dst, x)
}

// MatMulQ4_K multiplies activations in Q8_K with weights in Q4_K (ggml_vec_dot_q4_K_q8_K in
// ggml-cpu/quants.c). Of a block, with eight scales sc and minimums m of groups of 32, it is
//
//	float32(Σ_g sc[g]·Σ a·b)·(d_x·d_w) − float32(Σ_g m[g]·Σ a)·(d_x·dmin_w)
//
// in integers inside. Group g's minimum goes to integer g mod 4. The rest is said above
// MatMulQ8_0.
func MatMulQ4_K(y []float32, x, w []byte, tokens, rows, cols int) {
	matMulBlocks(y, x, w, tokens, rows, cols, superLen, q8KBytes, q4KBytes, matVecQ4_K)
}

// MatMulQ6_K multiplies activations in Q8_K with weights in Q6_K (ggml_vec_dot_q6_K_q8_K):
// Σ over blocks float32(Σ_g sc[g]·(Σ a·b − 32·Σ a))·(d_x·d_w), with sixteen scales sc of
// groups of 16. Group g's 32·Σ a goes to integer (g mod 8) / 2.
func MatMulQ6_K(y []float32, x, w []byte, tokens, rows, cols int) {
	matMulBlocks(y, x, w, tokens, rows, cols, superLen, q8KBytes, q6KBytes, matVecQ6_K)
}

func quantizeQ8_KGeneric(dst []byte, x []float32) {
	const magic = 12582912 // 1.5·2^23: adding it rounds to an integer, ties to even
	for ; len(x) >= superLen && len(dst) >= q8KBytes; x, dst = x[superLen:], dst[q8KBytes:] {
		var m, most float32
		for _, v := range x[:superLen] {
			if a := float32(math.Abs(float64(v))); a > most {
				m, most = v, a
			}
		}
		s := -127 / m
		if most == 0 || s > maxInverse || s < -maxInverse {
			clear(dst[:q8KBytes])
			continue
		}
		binary.LittleEndian.PutUint32(dst, math.Float32bits(1/s))
		for g := range q8KGroups {
			sum := int32(0)
			for i, v := range x[16*g:][:16] {
				q := min(127, int32(math.Float32bits(float32(v*s)+magic)&0x7fffff)-0x400000)
				dst[q8KCodes+16*g+i] = byte(q)
				sum += q
			}
			binary.LittleEndian.PutUint16(dst[q8KSums+2*g:], uint16(sum))
		}
	}
}

// groupCodes are the scales and minimums of a block of Q4_K as they are stored, see groupScales.
func groupCodes(b []byte) (scale, low [8]int32) {
	for j, p := range b[4:8] {
		s, m, both := p, b[8+j], b[12+j]
		scale[j], low[j] = int32(s&63), int32(m&63)
		scale[j+4], low[j+4] = int32(both&15|s>>6<<4), int32(both>>4|m>>6<<4)
	}
	return scale, low
}

// sumGroup adds to sums scale times the products of codes a and b.
func sumGroup(sums *[4]int32, a []byte, b []int8, scale int32) {
	a = a[:len(b)]
	for i, q := range b {
		sums[i&15>>2] += scale * (int32(int8(a[i])) * int32(q))
	}
}

// floatAt is the float32 at the head of a block of Q8_K.
func floatAt(b []byte) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b)) }

func matVecQ4_KGeneric(y []float32, x, w []byte) {
	var q [superLen]int8
	for r := range y {
		var total blockLanes
		for a := x; len(a) >= q8KBytes && len(w) >= q4KBytes; a, w = a[q8KBytes:], w[q4KBytes:] {
			var sums, lows [4]int32
			scale, low := groupCodes(w)
			unpackBitsGeneric(q[:], w[q4KLow:q4KBytes], 4, 32, 0)
			for g := range 8 {
				sumGroup(&sums, a[q8KCodes+32*g:], q[32*g:32*g+32], scale[g])
				for _, b := range [][]byte{a[q8KSums+4*g:], a[q8KSums+4*g+2:]} {
					lows[g&3] += low[g] * int32(int16(binary.LittleEndian.Uint16(b)))
				}
			}
			total.add(&sums, floatAt(a)*halfAt(w))
			total.add(&lows, -(floatAt(a) * halfAt(w[2:])))
		}
		y[r] = total.total()
	}
}

func matVecQ6_KGeneric(y []float32, x, w []byte) {
	var q [superLen]int8
	for r := range y {
		var total blockLanes
		for a := x; len(a) >= q8KBytes && len(w) >= q6KBytes; a, w = a[q8KBytes:], w[q6KBytes:] {
			var sums [4]int32
			unpackBitsGeneric(q[:], w[:q6KHigh], 4, 64, 0)
			unpackBitsGeneric(q[:], w[q6KHigh:q6KScales], 2, 32, 4)
			for g, sc := range w[q6KScales:q6KD] {
				sumGroup(&sums, a[q8KCodes+16*g:], q[16*g:16*g+16], int32(int8(sc)))
				sums[g&7>>1] -= 32 * int32(int8(sc)) * int32(int16(binary.LittleEndian.Uint16(a[q8KSums+2*g:])))
			}
			total.add(&sums, floatAt(a)*halfAt(w[q6KD:]))
		}
		y[r] = total.total()
	}
}
