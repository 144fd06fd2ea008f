package kernels

import "encoding/binary"

// Blocks of ggml's types of one scale and three levels, or two.
const (
	tq1_0Bytes = 54 // 48 bytes of five trits, 4 bytes of four, d
	tq2_0Bytes = 66 // 64 bytes of four pairs of bits, d
	q2_0Bytes  = 18 // d, 16 bytes of four neighbouring pairs of bits
	q2_0Len    = 64
	q1_0Bytes  = 18 // d, 16 bytes of eight neighbouring bits
	q1_0Len    = 128
)

// QuantizeTQ1_0 writes whole blocks of ggml's TQ1_0 (quantize_row_tq1_0_ref): d =
// max|x|, trits round(x · (1/d)) + 1 with halves away from zero, five in a byte:
// those 32, or 16, values apart; the last sixteen values four in a byte, 4 apart.
// Where 1/d is infinite all trits are 1; in C that is not defined. x must be finite.
func QuantizeTQ1_0(dst []byte, x []float32) {
	dst, x = superBlocks(dst, x, tq1_0Bytes)
	quantizeTQ1_0(dst, x)
}

// QuantizeTQ2_0 writes whole blocks of ggml's TQ2_0 (quantize_row_tq2_0_ref): as
// QuantizeTQ1_0, four trits in a byte, those 32 values apart.
func QuantizeTQ2_0(dst []byte, x []float32) {
	dst, x = superBlocks(dst, x, tq2_0Bytes)
	quantizeTQ2_0(dst, x)
}

// QuantizeQ2_0 writes whole blocks of ggml's Q2_0 (quantize_row_q2_0_ref): as
// QuantizeTQ2_0, 64 values to a block and four neighbours in a byte.
func QuantizeQ2_0(dst []byte, x []float32) {
	n := min(len(dst)/q2_0Bytes, len(x)/q2_0Len)
	quantizeQ2_0(dst[:n*q2_0Bytes], x[:n*q2_0Len])
}

// QuantizeQ1_0 writes whole blocks of ggml's Q1_0 (quantize_row_q1_0_ref): d is the
// mean of |x|, summed in order in float32; bits are 1 where x ≥ 0. x must be finite.
func QuantizeQ1_0(dst []byte, x []float32) {
	n := min(len(dst)/q1_0Bytes, len(x)/q1_0Len)
	quantizeQ1_0(dst[:n*q1_0Bytes], x[:n*q1_0Len])
}

// DequantizeTQ1_0 reads whole blocks of TQ1_0: x = (q − 1)·d.
func DequantizeTQ1_0(dst []float32, src []byte) {
	src, dst = superBlocks(src, dst, tq1_0Bytes)
	dequantizeTQ1_0(dst, src)
}

// DequantizeTQ2_0 reads whole blocks of TQ2_0: x = (q − 1)·d.
func DequantizeTQ2_0(dst []float32, src []byte) {
	src, dst = superBlocks(src, dst, tq2_0Bytes)
	dequantizeTQ2_0(dst, src)
}

// DequantizeQ2_0 reads whole blocks of Q2_0: x = (q − 1)·d.
func DequantizeQ2_0(dst []float32, src []byte) {
	n := min(len(dst)/q2_0Len, len(src)/q2_0Bytes)
	dequantizeQ2_0(dst[:n*q2_0Len], src[:n*q2_0Bytes])
}

// DequantizeQ1_0 reads whole blocks of Q1_0: x = ±d.
func DequantizeQ1_0(dst []float32, src []byte) {
	n := min(len(dst)/q1_0Len, len(src)/q1_0Bytes)
	dequantizeQ1_0(dst[:n*q1_0Len], src[:n*q1_0Bytes])
}

// tritsOf are the trits of x, and d.
func tritsOf(q []uint8, x []float32) (d float32) {
	d = absMaxGeneric(x)
	id := inverse(d)
	for i, v := range x {
		q[i] = 1
		switch y := v * id; {
		case y >= 0.5:
			q[i] = 2
		case y <= -0.5:
			q[i] = 0
		}
	}
	return d
}

// putTrits packs n trits a byte, the first the most significant, of those that stand
// len(b) apart. The byte is the fraction 0.qqqqq to the base 3, in 256ths, rounded up.
func putTrits(b, q []uint8, n int) {
	for j := range b {
		v := uint16(0)
		for k := range 5 {
			v *= 3
			if k < n {
				v += uint16(q[k*len(b)+j])
			}
		}
		b[j] = uint8((v<<8 + 242) / 243)
	}
}

// getTrits undoes putTrits and takes 1 from each.
func getTrits(q []int8, b []byte) {
	for k := uint8(1); len(q) > 0; k *= 3 {
		for j, v := range b {
			q[j] = int8(uint16(v*k)*3>>8) - 1
		}
		q = q[len(b):]
	}
}

func quantizeTQ1_0Generic(dst []byte, x []float32) {
	var q [superLen]uint8
	for ; len(x) >= superLen; x, dst = x[superLen:], dst[tq1_0Bytes:] {
		d := tritsOf(q[:], x[:superLen])
		binary.LittleEndian.PutUint16(dst[52:], floatToHalf(d))
		putTrits(dst[:32], q[:], 5)
		putTrits(dst[32:48], q[160:], 5)
		putTrits(dst[48:52], q[240:], 4)
	}
}

func quantizeTQ2_0Generic(dst []byte, x []float32) {
	var q [superLen]uint8
	for ; len(x) >= superLen; x, dst = x[superLen:], dst[tq2_0Bytes:] {
		d := tritsOf(q[:], x[:superLen])
		packBitsGeneric(dst[:64], q[:], 2, 32, 0)
		binary.LittleEndian.PutUint16(dst[64:], floatToHalf(d))
	}
}

func quantizeQ2_0Generic(dst []byte, x []float32) {
	var q [q2_0Len]uint8
	for ; len(x) >= q2_0Len; x, dst = x[q2_0Len:], dst[q2_0Bytes:] {
		d := tritsOf(q[:], x[:q2_0Len])
		binary.LittleEndian.PutUint16(dst, floatToHalf(d))
		packBitsGeneric(dst[2:q2_0Bytes], q[:], 2, 1, 0)
	}
}

func quantizeQ1_0Generic(dst []byte, x []float32) {
	for ; len(x) >= q1_0Len; x, dst = x[q1_0Len:], dst[q1_0Bytes:] {
		var sum float32
		clear(dst[2:q1_0Bytes])
		for i, v := range x[:q1_0Len] {
			sum += magnitude(v)
			if v >= 0 {
				dst[2+i/8] |= 1 << (i % 8)
			}
		}
		binary.LittleEndian.PutUint16(dst, floatToHalf(sum/q1_0Len))
	}
}

func dequantizeTQ1_0Generic(dst []float32, src []byte) {
	var q [superLen]int8
	for ; len(dst) >= superLen; dst, src = dst[superLen:], src[tq1_0Bytes:] {
		getTrits(q[:160], src[:32])
		getTrits(q[160:240], src[32:48])
		getTrits(q[240:], src[48:52])
		scaled(dst[:superLen], q[:], halfAt(src[52:]), 0)
	}
}

func dequantizeTQ2_0Generic(dst []float32, src []byte) {
	var q [superLen]int8
	for ; len(dst) >= superLen; dst, src = dst[superLen:], src[tq2_0Bytes:] {
		unpackBitsGeneric(q[:], src[:64], 2, 32, 0)
		scaled(dst[:superLen], q[:], halfAt(src[64:]), 1)
	}
}

func dequantizeQ2_0Generic(dst []float32, src []byte) {
	var q [q2_0Len]int8
	for ; len(dst) >= q2_0Len; dst, src = dst[q2_0Len:], src[q2_0Bytes:] {
		unpackBitsGeneric(q[:], src[2:q2_0Bytes], 2, 1, 0)
		scaled(dst[:q2_0Len], q[:], halfAt(src), 1)
	}
}

func dequantizeQ1_0Generic(dst []float32, src []byte) {
	var q [q1_0Len]int8
	for ; len(dst) >= q1_0Len; dst, src = dst[q1_0Len:], src[q1_0Bytes:] {
		for i := range q {
			q[i] = int8(src[2+i/8]>>(i%8)&1) * 2
		}
		scaled(dst[:q1_0Len], q[:], halfAt(src), 1)
	}
}

// scaled is d·(q − zero).
func scaled(dst []float32, q []int8, d float32, zero int32) {
	for i, v := range q {
		dst[i] = d * float32(int32(v)-zero)
	}
}
