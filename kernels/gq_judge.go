package kernels

// JudgeTrials finds, for each group, which try fits best. With q = 2·c + 1 the
// levels of the Points of a try, qx = Σ(w·x)·q and q2 = Σ(w·q)·q, in rising order,
// the tries are gone through from the first: one of
//
//	q2 > 0 and qx² > best·q2
//
// is Kept, Scale is qx/q2, and best, at first 0, scale·qx. Of a group in which
// none is, Scale stays and Kept is −1. QX and Q2 are those of try 0.
//
// Source: the loops over is in quantize_row_iq2_*_impl and
// quantize_row_iq3_*_impl of ggml-quants.c.
func JudgeTrials(t *GridTrials, g *Grid) {
	if t.ok() {
		judgeTrials(t, g)
	}
}

func judgeTrialsGeneric(t *GridTrials, g *Grid) {
	for j := range superValue / t.Group {
		t.Kept[j] = -1
		best := float32(0)
		for k := range t.Tries {
			qx, q2 := t.moments(g, j, k)
			if k == 0 {
				t.QX[j], t.Q2[j] = qx, q2
			}
			if q2 > 0 && float32(qx*qx) > float32(best*q2) {
				t.Kept[j], t.Scale[j] = int32(k), qx/q2
				best = float32(t.Scale[j] * qx)
			}
		}
	}
}

// moments are Σw·x·q and Σw·q² of a group in a try.
func (t *GridTrials) moments(g *Grid, group, try int) (qx, q2 float32) {
	width, mask := g.width(), uint16(1)<<g.width()-1
	for r := group * t.Group / g.dims; r < (group+1)*t.Group/g.dims; r++ {
		p := t.Points[r][try]
		x, w := t.X[r*g.dims:(r+1)*g.dims], t.W[r*g.dims:(r+1)*g.dims]
		for i, v := range x {
			q := oddLevels[p&mask&7]
			p >>= width
			qx += float32(float32(w[i]*v) * q)
			q2 += float32(float32(w[i]*q) * q)
		}
	}
	return qx, q2
}

// SumTrials sets qx and q2 of each group to Σ(Root·q)·x and Σ(Root·q)·q over the
// Points of try 0 of runs of eight, in rising order, q being the group's times times
// a level out of Levels. With on, each group goes on from the sums of the one before.
//
// Source: the sums of quantize_row_iq1_s_impl and quantize_row_iq1_m_impl of
// ggml-quants.c.
func SumTrials(qx, q2 *[maxGroups]float32, t *GridTrials, times *[maxGroups]float32, on bool) {
	if t.ok() {
		sumTrials(qx, q2, t, times, on)
	}
}

func sumTrialsGeneric(qx, q2 *[maxGroups]float32, t *GridTrials, times *[maxGroups]float32, on bool) {
	var a, b float32
	for j := range superValue / t.Group {
		if !on {
			a, b = 0, 0
		}
		for r := j * t.Group / 8; r < (j+1)*t.Group/8; r++ {
			p, levels := t.Points[r][0], &t.Levels[t.Shift[r]&1]
			x, w := t.X[8*r:8*r+8], t.Root[8*r:8*r+8]
			for i, v := range x {
				q := float32(levels[min(p&3, 2)] * times[j])
				p >>= 2
				wq := float32(w[i] * q)
				a += float32(wq * v)
				b += float32(wq * q)
			}
		}
		qx[j], q2[j] = a, b
	}
}
