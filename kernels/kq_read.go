package kernels

import "encoding/binary"

// superLen is how many values a block of the K-quants holds.
const superLen = 256

// Where a block of Q4_K has its codes, and how many bytes it is; the same for
// Q5_K, which has bit 4 of its codes before the others.
const (
	q4KLow, q4KBytes = 16, 144
	q5KHigh          = 16
	q5KLow, q5KBytes = 48, 176
)

// DequantizeQ4_K reads whole blocks of ggml's Q4_K (dequantize_row_q4_K): x =
// float32((d·sc)·q) − dmin·m, with eight scales sc and minimums m of 6 bits.
func DequantizeQ4_K(dst []float32, src []byte) {
	n := min(len(dst)/superLen, len(src)/q4KBytes)
	dequantizeQ4_K(dst[:n*superLen], src[:n*q4KBytes])
}

// DequantizeQ5_K reads whole blocks of ggml's Q5_K (dequantize_row_q5_K): as
// Q4_K, with a fifth bit of each code.
func DequantizeQ5_K(dst []float32, src []byte) {
	n := min(len(dst)/superLen, len(src)/q5KBytes)
	dequantizeQ5_K(dst[:n*superLen], src[:n*q5KBytes])
}

// groupScales are d·sc and −dmin·m of the eight groups of a block of Q4_K or Q5_K.
// Bytes 4 … 15 hold them: the low 6 bits of bytes 0 … 3 of these are scales, of 4
// … 7 minimums; bytes 8 … 11 hold the low 4 bits of the other scales, and above
// them of the other minimums; their high 2 are those over in bytes 0 … 7.
func groupScales(b []byte) (scale, low [8]float32) {
	d := halfToFloat(binary.LittleEndian.Uint16(b))
	dmin := halfToFloat(binary.LittleEndian.Uint16(b[2:]))
	for j, p := range b[4:8] {
		s, m, both := p, b[8+j], b[12+j]
		scale[j], low[j] = d*float32(s&63), -float32(dmin*float32(m&63))
		scale[j+4] = d * float32(both&15|s>>6<<4)
		low[j+4] = -float32(dmin * float32(both>>4|m>>6<<4))
	}
	return scale, low
}

func dequantizeQ4_KGeneric(dst []float32, src []byte) {
	var q [superLen]int8
	for ; len(dst) >= superLen; dst, src = dst[superLen:], src[q4KBytes:] {
		scale, low := groupScales(src)
		unpackBitsGeneric(q[:], src[q4KLow:q4KBytes], 4, 32, 0)
		expandGroupsGeneric(dst[:superLen], q[:], scale[:], low[:], 32, 0)
	}
}

func dequantizeQ5_KGeneric(dst []float32, src []byte) {
	var q [superLen]int8
	for ; len(dst) >= superLen; dst, src = dst[superLen:], src[q5KBytes:] {
		scale, low := groupScales(src)
		unpackBitsGeneric(q[:], src[q5KLow:q5KBytes], 4, 32, 0)
		unpackBitsGeneric(q[:], src[q5KHigh:q5KLow], 1, 32, 4)
		expandGroupsGeneric(dst[:superLen], q[:], scale[:], low[:], 32, 0)
	}
}
