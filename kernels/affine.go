package kernels

import "math"

// QuantizeAffine writes
//
//	dst[i] = int8(min(max(rint(x[i]/scale), qmin−zero), qmax−zero) + zero)
//
// in this order: the quotient is a true division in float32, a NaN quotient
// (0/0) counts as 0, ties go to the even integer, the bounds are float32, and
// what is outside int8 saturates. So quotients that no integer holds, infinite
// ones too, become qmin or qmax.
//
// |qmin−zero| and |qmax−zero| must be at most 2^22.
func QuantizeAffine(dst []int8, x []float32, scale float32, zero, qmin, qmax int32) {
	n := min(len(dst), len(x))
	quantizeAffine(dst[:n], x[:n], scale, zero, qmin, qmax)
}

// DequantizeAffine writes dst[i] = float32(q[i]−zero) · scale.
func DequantizeAffine(dst []float32, q []int8, scale float32, zero int32) {
	n := min(len(dst), len(q))
	dequantizeAffine(dst[:n], q[:n], scale, zero)
}

func quantizeAffineGeneric(dst []int8, x []float32, scale float32, zero, qmin, qmax int32) {
	lo, hi := float32(qmin-zero), float32(qmax-zero)
	dst = dst[:len(x)]
	for i, v := range x {
		t := v / scale
		if t != t {
			t = 0
		}
		if t < lo {
			t = lo
		}
		if t > hi {
			t = hi
		}
		q := int32(math.RoundToEven(float64(t))) + zero
		dst[i] = int8(min(max(q, math.MinInt8), math.MaxInt8))
	}
}

func dequantizeAffineGeneric(dst []float32, q []int8, scale float32, zero int32) {
	dst = dst[:len(q)]
	for i, v := range q {
		dst[i] = float32(int32(v)-zero) * scale
	}
}
