package kernels

import "math"

// The simple ggml blocks: 32 values, a half-float scale d, the codes.
const (
	blockLen   = 32
	q8_0Bytes  = 34 // d, 32 × int8
	q4_0Bytes  = 18 // d, 16 bytes: byte j is value j in its low and value j+16 in its high nibble
	maxInverse = math.MaxFloat32
)

// QuantizeQ8_0 writes whole blocks of ggml's Q8_0 (quantize_row_q8_0_ref in
// ggml-quants.c): d = max|x|/127, q = round(x · (1/d)) with ties away from zero,
// all in float32; d is then stored as half float.
//
// x must be finite. Where d is so small that 1/d is infinite all codes are 0.
// (In C the conversion of the infinite quotient is undefined; x86 gives 0.)
func QuantizeQ8_0(dst []byte, x []float32) {
	n := min(len(dst)/q8_0Bytes, len(x)/blockLen)
	quantizeQ8_0(dst[:n*q8_0Bytes], x[:n*blockLen])
}

// DequantizeQ8_0 reads whole blocks of Q8_0: x = q · d.
func DequantizeQ8_0(dst []float32, src []byte) {
	n := min(len(dst)/blockLen, len(src)/q8_0Bytes)
	dequantizeQ8_0(dst[:n*blockLen], src[:n*q8_0Bytes])
}

// inverse is 1/d, and 0 where d is 0 or 1/d is infinite.
func inverse(d float32) float32 {
	if id := 1 / d; id <= maxInverse && id >= -maxInverse {
		return id
	}
	return 0
}

// roundAway is C's roundf for |t| < 2^23: to the nearest integer, ties away
// from zero. The largest float32 below 0.5 is added, so that the one below 0.5
// itself does not become 1.
func roundAway(t float32) int32 {
	const nearlyHalf = 0.5 - 1.0/(1<<25)
	if t < 0 {
		return int32(t - nearlyHalf)
	}
	return int32(t + nearlyHalf)
}

func quantizeQ8_0Generic(dst []byte, x []float32) {
	for len(x) >= blockLen && len(dst) >= q8_0Bytes {
		in, out := x[:blockLen], dst[:q8_0Bytes]
		d := absMaxGeneric(in) / 127
		id := inverse(d)
		h := floatToHalf(d)
		out[0], out[1] = byte(h), byte(h>>8)
		for i, v := range in {
			out[2+i] = byte(roundAway(float32(v * id)))
		}
		x, dst = x[blockLen:], dst[q8_0Bytes:]
	}
}

func dequantizeQ8_0Generic(dst []float32, src []byte) {
	for len(dst) >= blockLen && len(src) >= q8_0Bytes {
		in, out := src[:q8_0Bytes], dst[:blockLen]
		d := halfToFloat(uint16(in[0]) | uint16(in[1])<<8)
		for i := range out {
			out[i] = float32(int8(in[2+i])) * d
		}
		dst, src = dst[blockLen:], src[q8_0Bytes:]
	}
}
