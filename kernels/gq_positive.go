package kernels

// positiveTries are how far from top the tries of SearchPositive are.
var positiveTries = [8]float32{-0.4, -0.3, -0.2, -0.1, 0.1, 0.2, 0.3, 0.4}

// SearchPositive finds, for each group of n values of x, codes q in 0 … top and a
// scale s, so that x ≈ s·q with a small sum of w·(x − s·q)². It rounds with the
// best of nine steps, from top over the largest value to 0.4 codes away, then
// moves one code at a time in up to five rounds, l to nearest(x·L/X), where
//
//	X = Σ(w·x)·l    L = Σ(w·l)·l    s = X/L
//
// without the code in question, if with it X² grows more than L. Groups of nothing
// above 1e-15 have codes and scale 0. All is float32, each sum in rising order,
// nothing fused. x and w must be finite. n is 1 … 32, top 1 … 255. q may be nil.
//
// x is meant to be no less than 0, and codes are not held above 0: a negative x
// leaves a code that wraps around in its byte, here as in ggml.
//
// Source: make_qp_quants of ggml-quants.c.
func SearchPositive(q []uint8, scale, x, w []float32, n int, top int32) {
	if n < 1 || n > maxGroup || top < 1 || top > 255 {
		return
	}
	groups := min(len(scale), len(x)/n, len(w)/n)
	if q != nil {
		groups = min(groups, len(q)/n)
		q = q[:groups*n]
	}
	searchPositive(q, scale[:groups], x[:groups*n], w[:groups*n], n, top)
}

func searchPositiveGeneric(q []uint8, scale, x, w []float32, n int, top int32) {
	var buffer [maxGroup]uint8
	codes := buffer[:n]
	for g := range scale {
		if q != nil {
			codes = q[g*n : (g+1)*n]
		}
		scale[g] = searchGroupPositive(x[g*n:(g+1)*n], w[g*n:(g+1)*n], top, codes)
	}
}

// searchGroupPositive searches in one group.
func searchGroupPositive(x, w []float32, top int32, q []uint8) float32 {
	w, q = w[:len(x)], q[:len(x)]
	var high float32
	for _, v := range x {
		if !(high > v) {
			high = v
		}
	}
	if high < groupEps {
		clear(q)
		return 0
	}
	inverse := bestStep(x, w, top, high)
	var sumLX, sumL2 float32
	for i, v := range x {
		l := min(top, nearestInt(float32(inverse*v)))
		q[i] = uint8(l)
		sumLX += float32(float32(w[i]*v) * float32(l))
		sumL2 += float32(float32(w[i]*float32(l)) * float32(l))
	}
	for range 5 {
		changed := false
		for i, v := range x {
			f := float32(q[i])
			lx := sumLX - float32(float32(w[i]*v)*f)
			l2 := sumL2 - float32(float32(w[i]*f)*f)
			if !(lx > 0 && l2 > 0) {
				continue
			}
			l := min(top, nearestInt(float32(v*l2)/lx))
			if l == int32(q[i]) {
				continue
			}
			f = float32(l)
			lx += float32(float32(w[i]*v) * f)
			l2 += float32(float32(w[i]*f) * f)
			if float32(float32(lx*lx)*sumL2) > float32(float32(sumLX*sumLX)*l2) {
				q[i], sumLX, sumL2 = uint8(l), lx, l2
				changed = true
			}
		}
		if !changed {
			break
		}
	}
	if sumL2 > 0 {
		return sumLX / sumL2
	}
	return 0
}

// bestStep is the inverse step of least squared error.
func bestStep(x, w []float32, top int32, high float32) float32 {
	w = w[:len(x)]
	inverse := float32(top) / high
	step := 1 / inverse
	var best float32
	for i, v := range x {
		// Only here is a code taken into its byte before it is multiplied.
		e := v - float32(step*float32(uint8(nearestInt(float32(inverse*v)))))
		best += float32(float32(w[i]*e) * e)
	}
	for _, try := range positiveTries {
		candidate := (try + float32(top)) / high
		step := 1 / candidate
		var loss float32
		for i, v := range x {
			e := v - float32(step*float32(min(top, nearestInt(float32(candidate*v)))))
			loss += float32(float32(w[i]*e) * e)
		}
		if loss < best {
			best, inverse = loss, candidate
		}
	}
	return inverse
}
