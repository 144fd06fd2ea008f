package awq

import "math"

// quantizer rounds groups of weights.
type quantizer struct {
	lo, hi    float32 // codes
	symmetric bool
}

func newQuantizer(bits int, symmetric bool) quantizer {
	if symmetric {
		half := float32(int(1) << (bits - 1))
		return quantizer{-half, half - 1, true}
	}
	return quantizer{0, float32(int(1)<<bits - 1), false}
}

// least is the smallest range of a group.
const least = 1e-5

// grid is the scale and the zero point of one group.
func (z quantizer) grid(w []float32) (scale, zero float32) {
	lo, hi := w[0], w[0]
	for _, v := range w {
		lo, hi = min(lo, v), max(hi, v)
	}
	if z.symmetric {
		return max(-lo, hi, least) / max(1, z.hi), 0
	}
	if scale = max(hi-lo, least) / z.hi; scale > math.MaxFloat32 {
		scale = hi/z.hi - lo/z.hi
	}
	return scale, min(max(-roundEven(lo/scale), z.lo), z.hi) + 0 // −0 becomes 0
}

func (z quantizer) code(v, scale, zero float32) float32 {
	return min(max(roundEven(v/scale)+zero, z.lo), z.hi)
}

// round sets out to w rounded, a group.
func (z quantizer) round(out, w []float32) {
	scale, zero := z.grid(w)
	for i, v := range w {
		out[i] = (z.code(v, scale, zero) - zero) * scale
	}
}

// roundEven rounds to the nearest whole number, ties to even.
func roundEven(v float32) float32 { return float32(math.RoundToEven(float64(v))) }
