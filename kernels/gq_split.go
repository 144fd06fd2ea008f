package kernels

import "math"

// The types of one bit round a weight to one of three levels, −1, 0 and 1, all
// shifted by an eighth up or down. ggml sorts a group by value and tries every
// way to cut it into three.

// eighth is the shift (IQ1S_DELTA in ggml-common.h).
const eighth = 0.125

// shiftedLevels are the three levels, shifted up and down.
var shiftedLevels = [2][3]float32{
	{-1 + eighth, eighth, 1 + eighth},
	{-1 - eighth, -eighth, 1 - eighth},
}

// Splits is what SearchSplits finds for the groups of a super-block.
type Splits struct {
	Group  int                    // weights of a group, 16 or 32
	Eps    float32                // a group whose largest magnitude is below is passed over
	Scale  [maxGroups]float32     // of each group
	Down   [maxGroups]uint8       // 1 where a group of 32 is shifted down; of a group of 16 bit 1 is for the first eight, bit 0 for the others
	Found  [maxGroups]bool        // whether there is anything
	Points [superValue / 8]uint16 // of each eight weights: the places of their levels, two bits each, the first lowest
}

// SearchSplits finds, for each group of the 256 values of x, where to cut them in
// order of value, how to shift the levels l, and the scale qx/q2, so that qx²/q2
// is greatest, with qx = Σw·l·x and q2 = Σw·l². All cuts and shifts are gone through
// in turn, and one is kept where
//
//	q2 > 0 and qx² > best·q2
//
// best being scale·qx. Where the scale is negative its sign, the levels and the
// shifts are changed. Equal values keep their order. All is float32, nothing fused;
// sums are taken from those of the values in order, as split32 and split16 say.
//
// Source: quantize_row_iq1_s_impl and quantize_row_iq1_m_impl of ggml-quants.c.
func SearchSplits(s *Splits, x, w []float32) {
	if (s.Group == 16 || s.Group == 32) && len(x) >= superValue && len(w) >= superValue {
		searchSplits(s, x, w)
	}
}

func searchSplitsGeneric(s *Splits, x, w []float32) {
	for j := range superValue / s.Group {
		g := splitGroup{x: x[j*s.Group : (j+1)*s.Group], w: w[j*s.Group : (j+1)*s.Group], best: -math.MaxFloat32}
		if absMaxGeneric(g.x) >= s.Eps {
			g.sort()
			if s.Group == 32 {
				g.split32()
			} else {
				g.split16()
			}
		}
		g.finish(s, j)
	}
}

// splitGroup is a group at work: n weights, cut at first and second in order
// of value.
type splitGroup struct {
	x, w          []float32
	order         [32]uint8 // of the values, rising
	first, second int
	shift         int
	found         bool
	scale, best   float32
}

// sort puts the values in order. Equal ones keep theirs: ggml calls qsort, which
// in glibc is a merge sort.
func (g *splitGroup) sort() {
	for i := range g.x {
		j := i
		for ; j > 0 && g.x[i] < g.x[g.order[j-1]]; j-- {
			g.order[j] = g.order[j-1]
		}
		g.order[j] = uint8(i)
	}
}

// try keeps a cut if it is better.
func (g *splitGroup) try(first, second, shift int, qx, q2 float32) {
	if q2 > 0 && float32(qx*qx) > float32(g.best*q2) {
		g.scale = qx / q2
		g.best = float32(g.scale * qx)
		g.first, g.second, g.shift, g.found = first, second, shift, true
	}
}

// split32 adds up the three parts: of a part with the sums X of w·x and W of w,
// X·l and (W·l)·l.
func (g *splitGroup) split32() {
	var sumX, sumW [33]float32
	for j, i := range g.order {
		sumX[j+1] = sumX[j] + float32(g.w[i]*g.x[i])
		sumW[j+1] = sumW[j] + g.w[i]
	}
	for first := range 33 {
		for second := first; second <= 32; second++ {
			x0, x1, x2 := sumX[first], sumX[second]-sumX[first], sumX[32]-sumX[second]
			w0, w1, w2 := sumW[first], sumW[second]-sumW[first], sumW[32]-sumW[second]
			for s := range shiftedLevels {
				l := &shiftedLevels[s]
				qx := float32(x0*l[0]) + float32(x1*l[1]) + float32(x2*l[2])
				q2 := float32(float32(w0*l[0])*l[0]) + float32(float32(w1*l[1])*l[1]) + float32(float32(w2*l[2])*l[2])
				g.try(first, second, s, qx, q2)
			}
		}
	}
}

// split16 adds up two runs of eight, each with a shift of its own. With S and W
// the sums of w·x and of w over a run's values in order of size, the run adds
// S(16)·l₂ − S(first) − S(second) to qx, as the levels are 1 apart, and
// W(16)·l₂² + (l₀² − l₁²)·W(first) + (l₁² − l₂²)·W(second) to q2.
//
// Builds of ggml from before September 2026 sum in another order, and differ
// where two cuts are equally good but for rounding.
func (g *splitGroup) split16() {
	var sumX, sumW [2][17]float32 // of each run
	for j, i := range g.order[:16] {
		run := i / 8
		sumX[run][j+1] = sumX[run][j] + float32(g.w[i]*g.x[i])
		sumW[run][j+1] = sumW[run][j] + g.w[i]
		sumX[1-run][j+1], sumW[1-run][j+1] = sumX[1-run][j], sumW[1-run][j]
	}
	var allX, allW [2][2]float32 // of each run, shifted up and down
	for s, l := range shiftedLevels {
		for run := range allX {
			allX[run][s] = float32(sumX[run][16] * l[2])
			allW[run][s] = float32(float32(sumW[run][16]*l[2]) * l[2])
		}
	}
	outer, inner := splitSquares()
	for first := range 17 {
		var w [2][2]float32
		for run := range w {
			w[run][0] = float32(outer[0]*sumW[run][first]) + allW[run][0]
			w[run][1] = float32(outer[1]*sumW[run][first]) + allW[run][1]
		}
		for second := first; second <= 16; second++ {
			x0, x1 := sumX[0][second]+sumX[0][first], sumX[1][second]+sumX[1][first]
			w0, w1 := sumW[0][second], sumW[1][second]
			up0, down0 := allX[0][0]-x0, allX[0][1]-x0
			up1, down1 := allX[1][0]-x1, allX[1][1]-x1
			wUp0, wDown0 := float32(inner[0]*w0)+w[0][0], float32(inner[1]*w0)+w[0][1]
			wUp1, wDown1 := float32(inner[0]*w1)+w[1][0], float32(inner[1]*w1)+w[1][1]
			g.try(first, second, 0, up0+up1, wUp0+wUp1)
			g.try(first, second, 1, up0+down1, wUp0+wDown1)
			g.try(first, second, 2, down0+up1, wDown0+wUp1)
			g.try(first, second, 3, down0+down1, wDown0+wDown1)
		}
	}
}

// splitSquares are l₀² − l₁² and l₁² − l₂² of the levels, shifted up and down.
func splitSquares() (outer, inner [2]float32) {
	for s, l := range shiftedLevels {
		middle := float32(l[1] * l[1])
		outer[s], inner[s] = float32(l[0]*l[0])-middle, middle-float32(l[2]*l[2])
	}
	return outer, inner
}

// finish writes what was found of group j.
func (g *splitGroup) finish(s *Splits, j int) {
	runs := s.Points[j*s.Group/8 : (j+1)*s.Group/8]
	clear(runs)
	s.Scale[j], s.Down[j], s.Found[j] = 0, 0, g.found
	if !g.found {
		return
	}
	shift, flip := uint8(g.shift), g.scale < 0
	if flip {
		g.scale, shift = -g.scale, uint8(32/s.Group*2-1)-shift
	}
	s.Scale[j], s.Down[j] = g.scale, shift
	for k, i := range g.order[:s.Group] {
		code := uint16(0)
		switch {
		case k >= g.second:
			code = 2
		case k >= g.first:
			code = 1
		}
		if flip {
			code = 2 - code
		}
		runs[i/8] |= code << (i % 8 * 2)
	}
}
