package kernels

// groupEps is the magnitude below which a group counts as all zeros
// (GROUP_MAX_EPS in ggml-quants.c).
const groupEps = 1e-15

// scaleTries are how far each candidate of SearchScale is from half, in order.
// They are products of 0.1 in float32, and so nine of them are not 0.9.
var scaleTries = [19]float32{
	0, -0.90000004, -0.8, -0.7, -0.6, -0.5, -0.4, -0.3, -0.2, -0.1,
	0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.90000004,
}

// SearchScale finds, for each group of n values of x, codes q in 0 … 2·half−1
// and a scale s, so that x ≈ s·(q − half) with a small sum of w·(x − s·(q −
// half))². The scale may be negative: the value of greatest magnitude is tried
// at code 0, with nineteen slightly different steps; of each, the codes are kept
// by rounding and s follows by least squares: s = Σw·x·l / Σw·l² with l = q −
// half. Groups of nothing above 1e-15 have codes and scale 0. All is float32,
// each sum in rising order, nothing fused. x must be finite; w is read for
// WeightsGiven alone, and no less than 0. n is 1 … 32, half 1 … 128. Where q is nil
// there are no codes.
//
// Source: make_qx_quants of ggml-quants.c with rmse_type 1.
func SearchScale(q []uint8, scale, x, w []float32, n int, half int32, k Weights) {
	if n < 1 || n > maxGroup || half < 1 || half > 128 {
		return
	}
	groups := min(len(scale), len(x)/n)
	if q != nil {
		groups = min(groups, len(q)/n)
		q = q[:groups*n]
	}
	if k == WeightsGiven {
		groups = min(groups, len(w)/n)
		w = w[:groups*n]
	}
	searchScale(q, scale[:groups], x[:groups*n], w, n, half, k)
}

func searchScaleGeneric(q []uint8, scale, x, w []float32, n int, half int32, k Weights) {
	var buffer [maxGroup]float32
	var unasked [maxGroup]uint8
	for g := range scale {
		v, codes := x[g*n:g*n+n], unasked[:n]
		if q != nil {
			codes = q[g*n : g*n+n]
		}
		scale[g] = searchGroupScale(v, k.of(v, w, g*n, &buffer), half, codes)
	}
}

// searchGroupScale searches in one group.
func searchGroupScale(x, w []float32, half int32, q []uint8) float32 {
	n := len(x)
	w, q = w[:n], q[:n]
	top := firstLargest(x)
	if magnitude(top) < groupEps {
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
	roundGroupSym(x, inverse, half, q)
	var scale float32
	if sumL2 != 0 {
		scale = sumLX / sumL2
	}
	best := float32(scale * sumLX)
	for _, try := range scaleTries[1:] {
		inverse = -(float32(half) + try) / top
		sumLX, sumL2 = correlate(x, w, wx, inverse, half)
		if sumL2 > 0 && float32(sumLX*sumLX) > float32(best*sumL2) {
			roundGroupSym(x, inverse, half, q)
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
		l := float32(min(max(nearestInt(float32(inverse*v)), -half), half-1))
		sumLX += float32(wx[i] * l)
		sumL2 += float32(float32(w[i]*l) * l)
	}
	return sumLX, sumL2
}

// roundGroupSym writes the codes that inverse rounds x to.
func roundGroupSym(x []float32, inverse float32, half int32, q []uint8) {
	q = q[:len(x)]
	for i, v := range x {
		q[i] = uint8(half + min(max(nearestInt(float32(inverse*v)), -half), half-1))
	}
}
