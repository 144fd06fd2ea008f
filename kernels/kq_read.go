package kernels

import "encoding/binary"

// superLen is how many values a block of the K-quants holds.
const superLen = 256

// Where blocks of the K-quants have their codes, and what is not the first thing
// in them; and how many bytes they are. Of some types, the high bits of codes are
// apart from the low ones.
const (
	q2KLow, q2KD, q2KBytes             = 16, 80, 84
	q3KLow, q3KScales, q3KD, q3KBytes  = 32, 96, 108, 110
	q4KLow, q4KBytes                   = 16, 144
	q5KHigh, q5KLow, q5KBytes          = 16, 48, 176
	q6KHigh, q6KScales, q6KD, q6KBytes = 128, 192, 208, 210
)

// superBlocks are the whole blocks of 256 values that both b and x have.
func superBlocks(b []byte, x []float32, size int) ([]byte, []float32) {
	n := min(len(b)/size, len(x)/superLen)
	return b[:n*size], x[:n*superLen]
}

// DequantizeQ2_K reads whole blocks of ggml's Q2_K (dequantize_row_q2_K): x =
// float32((d·sc)·q) − dmin·m, with sixteen scales sc and minimums m of 4 bits.
func DequantizeQ2_K(dst []float32, src []byte) {
	src, dst = superBlocks(src, dst, q2KBytes)
	dequantizeQ2_K(dst, src)
}

// DequantizeQ3_K reads whole blocks of ggml's Q3_K (dequantize_row_q3_K): x =
// (d·(sc − 32))·(q − 4), with sixteen scales sc of 6 bits.
func DequantizeQ3_K(dst []float32, src []byte) {
	src, dst = superBlocks(src, dst, q3KBytes)
	dequantizeQ3_K(dst, src)
}

// DequantizeQ4_K reads whole blocks of ggml's Q4_K (dequantize_row_q4_K): x =
// float32((d·sc)·q) − dmin·m, with eight scales sc and minimums m of 6 bits.
func DequantizeQ4_K(dst []float32, src []byte) {
	src, dst = superBlocks(src, dst, q4KBytes)
	dequantizeQ4_K(dst, src)
}

// DequantizeQ5_K reads whole blocks of ggml's Q5_K (dequantize_row_q5_K): as
// Q4_K, with a fifth bit of each code.
func DequantizeQ5_K(dst []float32, src []byte) {
	src, dst = superBlocks(src, dst, q5KBytes)
	dequantizeQ5_K(dst, src)
}

// DequantizeQ6_K reads whole blocks of ggml's Q6_K (dequantize_row_q6_K): x =
// (d·sc)·(q − 32), with sixteen scales sc of 8 bits.
func DequantizeQ6_K(dst []float32, src []byte) {
	src, dst = superBlocks(src, dst, q6KBytes)
	dequantizeQ6_K(dst, src)
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

func halfAt(b []byte) float32 { return halfToFloat(binary.LittleEndian.Uint16(b)) }

func dequantizeQ2_KGeneric(dst []float32, src []byte) {
	var q [superLen]int8
	var scale, low [16]float32
	for ; len(dst) >= superLen; dst, src = dst[superLen:], src[q2KBytes:] {
		d, dmin := halfAt(src[q2KD:]), halfAt(src[q2KD+2:])
		for j, p := range src[:16] {
			scale[j], low[j] = d*float32(p&15), -float32(dmin*float32(p>>4))
		}
		unpackBitsGeneric(q[:], src[q2KLow:q2KD], 2, 32, 0)
		expandGroups(dst[:superLen], q[:], scale[:], low[:], 16, 0)
	}
}

func dequantizeQ3_KGeneric(dst []float32, src []byte) {
	var q [superLen]int8
	var scale [16]float32
	for ; len(dst) >= superLen; dst, src = dst[superLen:], src[q3KBytes:] {
		d, packed := halfAt(src[q3KD:]), src[q3KScales:q3KD]
		for j := range scale {
			// The low 4 bits of scale j are in byte j mod 8, the high 2 in byte 8 + j mod 4.
			sc := packed[j%8]>>(j/8*4)&15 | packed[8+j%4]>>(j/4*2)&3<<4
			scale[j] = d * float32(int32(sc)-32)
		}
		unpackBitsGeneric(q[:], src[q3KLow:q3KScales], 2, 32, 0)
		unpackBitsGeneric(q[:], src[:q3KLow], 1, 32, 2)
		expandGroups(dst[:superLen], q[:], scale[:], nil, 16, 4)
	}
}

func dequantizeQ6_KGeneric(dst []float32, src []byte) {
	var q [superLen]int8
	var scale [16]float32
	for ; len(dst) >= superLen; dst, src = dst[superLen:], src[q6KBytes:] {
		d := halfAt(src[q6KD:])
		for j, sc := range src[q6KScales:q6KD] {
			scale[j] = d * float32(int8(sc))
		}
		unpackBitsGeneric(q[:], src[:q6KHigh], 4, 64, 0)
		unpackBitsGeneric(q[:], src[q6KHigh:q6KScales], 2, 32, 4)
		expandGroups(dst[:superLen], q[:], scale[:], nil, 16, 32)
	}
}

func dequantizeQ4_KGeneric(dst []float32, src []byte) {
	var q [superLen]int8
	for ; len(dst) >= superLen; dst, src = dst[superLen:], src[q4KBytes:] {
		scale, low := groupScales(src)
		unpackBitsGeneric(q[:], src[q4KLow:q4KBytes], 4, 32, 0)
		expandGroups(dst[:superLen], q[:], scale[:], low[:], 32, 0)
	}
}

func dequantizeQ5_KGeneric(dst []float32, src []byte) {
	var q [superLen]int8
	for ; len(dst) >= superLen; dst, src = dst[superLen:], src[q5KBytes:] {
		scale, low := groupScales(src)
		unpackBitsGeneric(q[:], src[q5KLow:q5KBytes], 4, 32, 0)
		unpackBitsGeneric(q[:], src[q5KHigh:q5KLow], 1, 32, 4)
		expandGroups(dst[:superLen], q[:], scale[:], low[:], 32, 0)
	}
}
