package kernels

import "math"

// RangeScales writes, for each of the ranges lo … hi, widened to hold 0, the scale of
// codes bottom … top that cover it, and how many scales lie from the zero point to the
// least code and to the most:
//
//	scale = (hi − lo)/(top − bottom)    zero = clamp(round(bottom − lo·(top − bottom)/(hi − lo)))
//	least = bottom − zero               most = top − zero
//
// The scale is float32, the zero point float64, ties to even. Where symmetric, scale =
// max(−lo, hi)/((top − bottom)/2), and the zero point is 0. Where a scale is not a
// normal number nothing of the above holds.
func RangeScales(scale, least, most, lo, hi []float32, bottom, top int32, symmetric bool) {
	n := min(len(scale), len(least), len(most), len(lo), len(hi))
	rangeScales(scale[:n], least[:n], most[:n], lo[:n], hi[:n], bottom, top, symmetric)
}

// SquaredErrors adds to each of the sums Σ (x̂ − x)² in float64, value by value, x̂ being
// x on the levels least·scale … most·scale of that sum: x̂ = scale·clamp(round(x/scale)) in
// float32, ties to even. Scales must be positive, and least and most whole numbers of
// magnitudes up to 2^22; x must be finite.
func SquaredErrors(sums []float64, x, scale, least, most []float32) {
	n := min(len(sums), len(scale), len(least), len(most))
	squaredErrors(sums[:n], x, scale[:n], least[:n], most[:n])
}

func rangeScalesGeneric(scale, least, most, lo, hi []float32, bottom, top int32, symmetric bool) {
	steps := float32(top - bottom)
	for i := range scale {
		a, b := min(lo[i], 0), max(hi[i], 0)
		if symmetric {
			scale[i], least[i], most[i] = max(-a, b)/(steps/2), float32(bottom), float32(top)
			continue
		}
		scale[i] = (b - a) / steps
		below := float64(float64(a)*float64(steps)) / (float64(b) - float64(a))
		z := math.RoundToEven(float64(bottom) - below)
		zero := float32(max(float64(bottom), min(float64(top), z)))
		least[i], most[i] = float32(bottom)-zero, float32(top)-zero
	}
}

func squaredErrorsGeneric(sums []float64, x, scale, least, most []float32) {
	const magic = 12582912 // 1.5·2^23: adding it rounds to an integer, ties to even
	for i, sum := range sums {
		scale, lo, hi := scale[i], least[i], most[i]
		for _, v := range x {
			t := v / scale
			if t < lo {
				t = lo
			}
			if t > hi {
				t = hi
			}
			r := float32(t+magic) - magic
			d := float64(float32(r*scale)) - float64(v)
			sum += float64(d * d)
		}
		sums[i] = sum
	}
}
