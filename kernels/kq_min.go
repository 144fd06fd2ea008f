package kernels

import "math"

// maxGroup is the most values that share a scale.
const maxGroup = 32

// MinSearch is a search for a scale and a minimum.
type MinSearch struct {
	Top      float32 // the largest code, up to 255
	From, By float32 // candidate i divides the range into Top + From + By·i steps
	Last     int     // i runs from 0 to Last
	Absolute bool    // errors count by magnitude, not squared
	Weights  Weights
}

// SearchMin finds, for each group of n values of x, codes q in 0 … Top, a scale
// s ≥ 0 and a minimum m ≥ 0, so that x ≈ s·q − m with a small sum of
// w·(error)². For each number of steps that the range may be divided into, the
// codes are kept by rounding, and s and m follow by least squares, m no less
// than 0:
//
//	D = Σw·Σwq² − (Σwq)²    s = (Σw·Σwqx − Σwx·Σwq)/D    −m = (Σwq²·Σwx − Σwq·Σwqx)/D
//
// The minimum of a candidate that wins bounds the range that the later ones
// divide, so their order matters. All is float32, each sum in rising order,
// nothing fused. x must be finite; w is read for WeightsGiven alone. n is 1 … 32.
//
// Source: make_qkx2_quants and make_qkx3_quants of ggml-quants.c, which agree
// on finite x.
func SearchMin(q []uint8, scale, minimum, x, w []float32, n int, c *MinSearch) {
	if n < 1 || n > maxGroup {
		return
	}
	groups := min(len(q)/n, len(scale), len(minimum), len(x)/n)
	if c.Weights == WeightsGiven {
		groups = min(groups, len(w)/n)
		w = w[:groups*n]
	}
	searchMin(q[:groups*n], scale[:groups], minimum[:groups], x[:groups*n], w, n, c)
}

func searchMinGeneric(q []uint8, scale, minimum, x, w []float32, n int, c *MinSearch) {
	var buffer [maxGroup]float32
	for g := range scale {
		v := x[g*n : g*n+n]
		scale[g], minimum[g] = c.run(v, c.Weights.of(v, w, g*n, &buffer), q[g*n:g*n+n])
	}
}

// run searches in one group.
func (c *MinSearch) run(x, w []float32, q []uint8) (scale, minimum float32) {
	w, q = w[:len(x)], q[:len(x)]
	low, high := x[0], x[0]
	sumW, sumX := w[0], float32(w[0]*x[0])
	for i := 1; i < len(x); i++ {
		v := x[i]
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
		sumW += w[i]
		sumX += float32(w[i] * v)
	}
	if low > 0 {
		low = 0
	}
	if high == low {
		clear(q)
		return 0, -low
	}
	inverse := c.Top / (high - low)
	scale = 1 / inverse
	roundGroupFrom(x, inverse, low, int32(c.Top), q)
	best := c.loss(x, w, q, scale, low)

	var buffer [maxGroup]uint8
	codes := buffer[:len(x)]
	for i := 0; i <= c.Last; i++ {
		inverse = (c.From + float32(c.By*float32(i)) + c.Top) / (high - low)
		sumL, sumL2, sumXL := codeMoments(x, w, inverse, low, int32(c.Top), codes)
		d := float32(sumW*sumL2) - float32(sumL*sumL)
		if !(d > 0) {
			continue
		}
		s := (float32(sumW*sumXL) - float32(sumX*sumL)) / d
		m := (float32(sumL2*sumX) - float32(sumL*sumXL)) / d
		if m > 0 {
			m = 0
			s = sumXL / sumL2
		}
		if loss := c.loss(x, w, codes, s, m); loss < best {
			copy(q, codes)
			best, scale, low = loss, s, m
		}
	}
	return scale, -low
}

// codeMoments writes the codes that inverse rounds x − low to, and sums w·q,
// w·q² and w·q·x over them.
func codeMoments(x, w []float32, inverse, low float32, top int32, q []uint8) (sumL, sumL2, sumXL float32) {
	w, q = w[:len(x)], q[:len(x)]
	for i, v := range x {
		l := max(min(nearestInt(float32(inverse*(v-low))), top), 0)
		q[i] = uint8(l)
		f := float32(l)
		wl := float32(w[i] * f)
		sumL += wl
		sumL2 += float32(wl * f)
		sumXL += float32(wl * v)
	}
	return sumL, sumL2, sumXL
}

// roundGroupFrom writes the codes that inverse rounds x − low to.
func roundGroupFrom(x []float32, inverse, low float32, top int32, q []uint8) {
	q = q[:len(x)]
	for i, v := range x {
		q[i] = uint8(max(min(nearestInt(float32(inverse*(v-low))), top), 0))
	}
}

// loss is the weighted error of s·q + low.
func (c *MinSearch) loss(x, w []float32, q []uint8, s, low float32) (sum float32) {
	w, q = w[:len(x)], q[:len(x)]
	if c.Absolute {
		for i, v := range x {
			sum += float32(w[i] * magnitude(float32(s*float32(q[i]))+low-v))
		}
		return sum
	}
	for i, v := range x {
		e := float32(s*float32(q[i])) + low - v
		sum += float32(w[i] * float32(e*e))
	}
	return sum
}

// nearestInt is v rounded to the nearest integer, ties to even, for |v| < 2^22:
// added to 1.5·2^23, its integer part lands in the low bits of the mantissa.
// Beyond that, for infinities and NaN too, it is whatever those bits hold, as
// in ggml's nearest_int.
func nearestInt(v float32) int32 {
	return int32(math.Float32bits(v+12582912)&0x007fffff) - 0x00400000
}
