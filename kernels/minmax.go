package kernels

import "math"

// MinMax is the smallest and the largest value of x; 0, 0 where there is none.
// NaN is skipped. A bound of zero is +0.
func MinMax(x []float32) (lo, hi float32) { return minMax(x) }

// AbsMax is the largest |x[i]|; 0 where there is none. NaN is skipped.
func AbsMax(x []float32) float32 { return absMax(x) }

// CheckFinite is the index of the first NaN or infinity in x, −1 where all
// values are finite.
func CheckFinite(x []float32) int { return checkFinite(x) }

func minMaxGeneric(x []float32) (lo, hi float32) {
	return minMaxEnd(minMaxFrom(x, float32(math.Inf(1)), float32(math.Inf(-1))))
}

// minMaxFrom widens lo … hi by the values of x.
func minMaxFrom(x []float32, lo, hi float32) (float32, float32) {
	for _, v := range x {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
	}
	return lo, hi
}

// minMaxEnd turns the empty range into 0, 0 and −0 into +0.
func minMaxEnd(lo, hi float32) (float32, float32) {
	if lo > hi {
		return 0, 0
	}
	return lo + 0, hi + 0
}

func absMaxGeneric(x []float32) float32 { return absMaxFrom(x, 0) }

func absMaxFrom(x []float32, m float32) float32 {
	for _, v := range x {
		if a := math.Float32frombits(math.Float32bits(v) &^ (1 << 31)); a > m {
			m = a
		}
	}
	return m
}

func checkFiniteGeneric(x []float32) int {
	const exponent = 0x7f800000 // all ones for NaN and infinity alike
	for i, v := range x {
		if math.Float32bits(v)&exponent == exponent {
			return i
		}
	}
	return -1
}
