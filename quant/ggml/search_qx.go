package ggml

import "fewbits/kernels"

// groupEps is the magnitude below which a group counts as all zeros
// (GROUP_MAX_EPS in the reference).
const groupEps = 1e-15

// largest is the value of greatest magnitude in x, the first of equals, and
// that magnitude. Both are 0 where nothing exceeds 0; NaN is passed over.
func largest(x []float32) (value, magnitude float32) {
	for _, v := range x {
		if a := abs(v); a > magnitude {
			magnitude, value = a, v
		}
	}
	return value, magnitude
}

// searchScale is kernels.SearchScale of one group of up to maxGroup values.
func searchScale(x, w []float32, half int32, q []uint8) float32 {
	var scale [1]float32
	kernels.SearchScale(q, scale[:], x, w, len(x), half, kernels.WeightsGiven)
	return scale[0]
}
