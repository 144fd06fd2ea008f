package ggml

// searchPositive finds codes q in 0 … top and a scale s, so that x ≈ s·q, for
// x that are scales or minimums themselves. It rounds with the best of nine
// steps, then moves one code at a time as searchSteps does.
//
// The reference means x ≥ 0 and does not hold codes above 0: a negative x
// leaves a code that wraps around in its byte, here as there.
//
// Source: make_qp_quants.
func searchPositive(x, w []float32, top int32, q []uint8) float32 {
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
		l := min(top, nearest(float32(inverse*v)))
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
			l := min(top, nearest(float32(v*l2)/lx))
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

// bestStep is the inverse step of least squared error, from top/high and its
// neighbours up to 0.4 codes away.
func bestStep(x, w []float32, top int32, high float32) float32 {
	w = w[:len(x)]
	inverse := float32(top) / high
	step := 1 / inverse
	var best float32
	for i, v := range x {
		// Only here is a code taken into its byte before it is multiplied.
		e := v - float32(step*float32(uint8(nearest(float32(inverse*v)))))
		best += float32(float32(w[i]*e) * e)
	}
	for try := -4; try <= 4; try++ {
		if try == 0 {
			continue
		}
		candidate := (float32(float32(0.1)*float32(try)) + float32(top)) / high
		step := 1 / candidate
		var loss float32
		for i, v := range x {
			e := v - float32(step*float32(min(top, nearest(float32(candidate*v)))))
			loss += float32(float32(w[i]*e) * e)
		}
		if loss < best {
			best, inverse = loss, candidate
		}
	}
	return inverse
}
