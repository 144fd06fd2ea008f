package ggml

// groupEps is the magnitude below which a group counts as all zeros
// (GROUP_MAX_EPS in the reference).
const groupEps = 1e-15

// maxGroup is the most values that share a scale.
const maxGroup = 32

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

// searchScale finds codes q in 0 … 2·half−1 and a scale s, so that
// x ≈ s·(q − half) with a small sum of w·(x − s·(q − half))². The scale may be
// negative: the value of greatest magnitude is tried at code 0, with nineteen
// slightly different steps; of each, the codes are kept by rounding and s
// follows by least squares: s = Σw·x·l / Σw·l² with l = q − half.
//
// Source: make_qx_quants with rmse_type 1.
func searchScale(x, w []float32, half int32, q []uint8) float32 {
	n := len(x)
	w, q = w[:n], q[:n]
	top, magnitude := largest(x)
	if magnitude < groupEps {
		clear(q)
		return 0
	}
	var buffer [maxGroup]float32
	wx := buffer[:n]
	for i, v := range x {
		wx[i] = float32(w[i] * v)
	}
	inverse := float32(-half) / top
	sumLX, sumL2 := correlate(x, w, wx, inverse, half)
	roundSym(x, inverse, half, q)
	var scale float32
	if sumL2 != 0 {
		scale = sumLX / sumL2
	}
	best := float32(scale * sumLX)
	for try := -9; try <= 9; try++ {
		if try == 0 {
			continue
		}
		inverse = -(float32(half) + float32(float32(0.1)*float32(try))) / top
		sumLX, sumL2 = correlate(x, w, wx, inverse, half)
		if sumL2 > 0 && float32(sumLX*sumLX) > float32(best*sumL2) {
			roundSym(x, inverse, half, q)
			scale = sumLX / sumL2
			best = float32(scale * sumLX)
		}
	}
	return scale
}

// correlate is Σw·x·l and Σw·l² for the codes that inverse rounds x to.
func correlate(x, w, wx []float32, inverse float32, half int32) (sumLX, sumL2 float32) {
	w, wx = w[:len(x)], wx[:len(x)]
	for i, v := range x {
		l := float32(min(max(nearest(float32(inverse*v)), -half), half-1))
		sumLX += float32(wx[i] * l)
		sumL2 += float32(float32(w[i]*l) * l)
	}
	return sumLX, sumL2
}

// roundSym writes the codes that inverse rounds x to.
func roundSym(x []float32, inverse float32, half int32, q []uint8) {
	q = q[:len(x)]
	for i, v := range x {
		q[i] = uint8(half + min(max(nearest(float32(inverse*v)), -half), half-1))
	}
}
