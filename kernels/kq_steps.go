package kernels

// stepsLen is how many values a group of SearchSteps has.
const stepsLen = 16

// SearchSteps finds, for each group of sixteen values of x, codes q in 0 … 7 and
// a scale s, so that x ≈ s·(q − 4), weighted by x². It rounds once, then moves
// one code at a time to where the least-squares scale of the others would put
// it, while that raises (Σw·x·l)² / Σw·l²; five rounds at most. Groups of
// nothing above 1e-15 have codes and scale 0. All is float32, each sum in rising
// order, nothing fused. x must be finite. Where q is nil there are no codes.
//
// Source: make_q3_quants of ggml-quants.c with do_rmse.
func SearchSteps(q []uint8, scale, x []float32) {
	groups := min(len(scale), len(x)/stepsLen)
	if q != nil {
		groups = min(groups, len(q)/stepsLen)
		q = q[:groups*stepsLen]
	}
	searchSteps(q, scale[:groups], x[:groups*stepsLen])
}

func searchStepsGeneric(q []uint8, scale, x []float32) {
	var unasked [stepsLen]uint8
	for g := range scale {
		codes := &unasked
		if q != nil {
			codes = (*[stepsLen]uint8)(q[g*stepsLen:])
		}
		scale[g] = searchGroupSteps((*[stepsLen]float32)(x[g*stepsLen:]), codes)
	}
}

// searchGroupSteps searches in one group.
func searchGroupSteps(x *[stepsLen]float32, q *[stepsLen]uint8) float32 {
	const half = 4
	top := firstLargest(x[:])
	if magnitude(top) < groupEps {
		clear(q[:])
		return 0
	}
	inverse := float32(-half) / top
	var l [stepsLen]int32
	var w, wx [stepsLen]float32
	var sumLX, sumL2 float32
	for i, v := range x {
		l[i] = min(max(nearestInt(float32(inverse*v)), -half), half-1)
		w[i] = float32(v * v)
		wx[i] = float32(w[i] * v)
		f := float32(l[i])
		sumLX += float32(wx[i] * f)
		sumL2 += float32(float32(w[i]*f) * f)
	}
	for range 5 {
		changed := false
		for i, v := range x {
			f := float32(l[i])
			lx := sumLX - float32(wx[i]*f)
			if !(lx > 0) {
				continue
			}
			l2 := sumL2 - float32(float32(w[i]*f)*f)
			next := min(max(nearestInt(float32(v*l2)/lx), -half), half-1)
			if next == l[i] {
				continue
			}
			f = float32(next)
			lx += float32(wx[i] * f)
			l2 += float32(float32(w[i]*f) * f)
			if l2 > 0 && float32(float32(lx*lx)*sumL2) > float32(float32(sumLX*sumLX)*l2) {
				l[i], sumLX, sumL2 = next, lx, l2
				changed = true
			}
		}
		if !changed {
			break
		}
	}
	for i := range q {
		q[i] = uint8(l[i] + half)
	}
	if sumL2 > 0 {
		return sumLX / sumL2
	}
	return 0
}
