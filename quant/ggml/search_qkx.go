package ggml

// minSearch is a search for a scale and a minimum.
type minSearch struct {
	top      float32 // the largest code
	from, by float32 // candidate i divides the range into top + from + by·i steps
	last     int     // i runs from 0 to last
	absolute bool    // errors count by magnitude, not squared
}

// run finds codes q in 0 … top, a scale s ≥ 0 and a minimum m ≥ 0, so that
// x ≈ s·q − m with a small sum of w·(error)². For each number of steps that
// the range may be divided into, the codes are kept by rounding, and s and m
// follow by least squares, m no less than 0:
//
//	D = Σw·Σwq² − (Σwq)²    s = (Σw·Σwqx − Σwx·Σwq)/D    −m = (Σwq²·Σwx − Σwq·Σwqx)/D
//
// The minimum of a candidate that wins bounds the range that the later ones
// divide, so their order matters.
//
// Source: make_qkx2_quants and make_qkx3_quants, which agree on finite x.
func (c *minSearch) run(x, w []float32, q []uint8) (scale, minimum float32) {
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
	inverse := c.top / (high - low)
	scale = 1 / inverse
	roundMin(x, inverse, low, int32(c.top), q)
	best := c.loss(x, w, q, scale, low)

	var buffer [maxGroup]uint8
	codes := buffer[:len(x)]
	for i := 0; i <= c.last; i++ {
		inverse = (c.from + float32(c.by*float32(i)) + c.top) / (high - low)
		sumL, sumL2, sumXL := moments(x, w, inverse, low, int32(c.top), codes)
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

// moments writes the codes that inverse rounds x − low to, and sums w·q, w·q²
// and w·q·x over them.
func moments(x, w []float32, inverse, low float32, top int32, q []uint8) (sumL, sumL2, sumXL float32) {
	w, q = w[:len(x)], q[:len(x)]
	for i, v := range x {
		l := max(min(nearest(float32(inverse*(v-low))), top), 0)
		q[i] = uint8(l)
		f := float32(l)
		wl := float32(w[i] * f)
		sumL += wl
		sumL2 += float32(wl * f)
		sumXL += float32(wl * v)
	}
	return sumL, sumL2, sumXL
}

// roundMin writes the codes that inverse rounds x − low to.
func roundMin(x []float32, inverse, low float32, top int32, q []uint8) {
	q = q[:len(x)]
	for i, v := range x {
		q[i] = uint8(max(min(nearest(float32(inverse*(v-low))), top), 0))
	}
}

// loss is the weighted error of s·q + low.
func (c *minSearch) loss(x, w []float32, q []uint8, s, low float32) (sum float32) {
	w, q = w[:len(x)], q[:len(x)]
	if c.absolute {
		for i, v := range x {
			sum += float32(w[i] * abs(float32(s*float32(q[i]))+low-v))
		}
		return sum
	}
	for i, v := range x {
		e := float32(s*float32(q[i])) + low - v
		sum += float32(w[i] * float32(e*e))
	}
	return sum
}
