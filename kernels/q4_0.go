package kernels

import "math"

// QuantizeQ4_0 writes whole blocks of ggml's Q4_0 (quantize_row_q4_0_ref in
// ggml-quants.c): m is the first value of the largest magnitude, with its sign,
// d = m/−8, q = min(15, trunc(x · (1/d) + 8.5)), all in float32 and not fused;
// d is then stored as half float. A block of zeros has d = −0 and codes 8.
//
// x must be finite. Where d is so small that 1/d is infinite all codes are 0.
// (In C the conversion of the infinite quotient is undefined; x86 gives 0.)
func QuantizeQ4_0(dst []byte, x []float32) {
	n := min(len(dst)/q4_0Bytes, len(x)/blockLen)
	quantizeQ4_0(dst[:n*q4_0Bytes], x[:n*blockLen])
}

// DequantizeQ4_0 reads whole blocks of Q4_0: x = (q − 8) · d.
func DequantizeQ4_0(dst []float32, src []byte) {
	n := min(len(dst)/blockLen, len(src)/q4_0Bytes)
	dequantizeQ4_0(dst[:n*blockLen], src[:n*q4_0Bytes])
}

// firstLargest is the first value of the largest magnitude; +0 where all are 0.
func firstLargest(x []float32) float32 {
	var amax, m float32
	for _, v := range x {
		if a := float32(math.Abs(float64(v))); a > amax {
			amax, m = a, v
		}
	}
	return m
}

func quantizeQ4_0Generic(dst []byte, x []float32) {
	for len(x) >= blockLen && len(dst) >= q4_0Bytes {
		in, out := x[:blockLen], dst[:q4_0Bytes]
		d := firstLargest(in) / -8
		id, half := inverse(d), float32(8.5)
		if d != 0 && id == 0 {
			half = 0 // 1/d is infinite: every code is 0
		}
		h := floatToHalf(d)
		out[0], out[1] = byte(h), byte(h>>8)
		for j := range 16 {
			q0 := min(15, int32(float32(in[j]*id)+half))
			q1 := min(15, int32(float32(in[j+16]*id)+half))
			out[2+j] = byte(q0 | q1<<4)
		}
		x, dst = x[blockLen:], dst[q4_0Bytes:]
	}
}

func dequantizeQ4_0Generic(dst []float32, src []byte) {
	for len(dst) >= blockLen && len(src) >= q4_0Bytes {
		in, out := src[:q4_0Bytes], dst[:blockLen]
		d := halfToFloat(uint16(in[0]) | uint16(in[1])<<8)
		for j := range 16 {
			q := int32(in[2+j])
			out[j] = float32(q&15-8) * d
			out[j+16] = float32(q>>4-8) * d
		}
		dst, src = dst[blockLen:], src[q4_0Bytes:]
	}
}
