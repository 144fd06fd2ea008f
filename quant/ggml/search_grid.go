package ggml

import (
	"fmt"
	"math"
	"slices"
)

// gridSearch packs the magnitudes of super-blocks of the I-quants of two and
// three bits: their signs are taken off, and each run of magnitudes becomes a
// point of a grid times the scale of its group. A coordinate c stands for the
// level 2·c + 1.
type gridSearch struct {
	grid  *grid
	top   int32 // levels of a coordinate
	group int   // weights that share a scale
	even  bool  // of eight signs, an even number is minus

	sigma float32   // weights are tempered by sigma times the mean square
	plain plainKind // weights without importance
	eps   float32   // a group whose largest magnitude is below is 0

	start  bool    // from a search on even steps first
	tries  int     // scales tried to each side
	by     float32 // between them
	settle settle
}

// plainKind is how values are weighted without importance.
type plainKind uint8

const (
	plainNone     plainKind = iota // importance is required
	plainSquare                    // x²
	plainTempered                  // sigma2/4 + x²
)

// settle says which runs are placed anew with the scale that was found.
type settle uint8

const (
	settleMoved  settle = iota // those that were off the grid
	settleAll                  // all, where one was off the grid
	settleAlways               // all
)

// gridBlock is a super-block as gridSearch packs it.
type gridBlock struct {
	scales [16]float32 // of each group
	signs  [32]uint8   // of each eight weights, bit 1 is minus
	places [64]uint16  // of each run's point in the grid
	zero   [16]bool    // groups in which there is nothing to pack
	most   float32     // the largest scale
}

// The reasons why a row has no place in the grid; the reference ends its
// process over them.
func offGrid(column int) string {
	return fmt.Sprintf("no grid point is at a finite distance from the values of the group at column %d, and ggml ends there: scale the tensor down, or its importance to about 1", column)
}

func noScale(column int) string {
	return fmt.Sprintf("the group at column %d has no scale that is a number, and ggml ends there: scale the tensor down, or its importance to about 1", column)
}

// block packs x, whose first value stands in column of its row. It returns
// why it cannot, or "".
//
// Source: what the quantize_row_iq2_*_impl and quantize_row_iq3_*_impl share.
func (s *gridSearch) block(x, importance []float32, column int, b *gridBlock) string {
	*b = gridBlock{}
	sigma2 := float32(s.sigma*sumSquares(x)) / superBlock
	var g gridGroup
	for j := range superBlock / s.group {
		from := j * s.group
		v := x[from : from+s.group]
		w := g.w[:s.group]
		if importance != nil {
			weigh(w, v, importance[from:], sigma2)
		} else {
			s.weighPlain(w, v, sigma2)
		}
		for i, w := range w {
			g.root[i] = sqrt(w)
		}
		signs := b.signs[from/8 : (from+s.group)/8]
		for k := range signs {
			signs[k] = g.takeSigns(v, 8*k, s.even)
		}
		high := g.x[0]
		for _, v := range g.x[1:s.group] {
			if v > high {
				high = v
			}
		}
		if high < s.eps || high == 0 {
			b.zero[j] = true
			clear(signs)
			continue
		}
		scale, why := s.search(&g, high)
		switch {
		case why == outOfGrid:
			return offGrid(column + from)
		case why == zeroGroup:
			clear(signs)
			continue
		case scale != scale:
			return noScale(column + from)
		}
		if scale < 0 {
			scale = -scale
			for k := range signs {
				signs[k] = ^signs[k]
			}
		}
		for k := range s.group / s.grid.dims {
			b.places[from/s.grid.dims+k] = uint16(s.grid.place[g.points[k]])
		}
		b.scales[j] = scale
		if scale > b.most {
			b.most = scale
		}
	}
	return ""
}

// weighPlain writes the weights where there is no importance.
func (s *gridSearch) weighPlain(w, x []float32, sigma2 float32) {
	x = x[:len(w)]
	low := float32(0)
	if s.plain == plainTempered {
		low = float32(0.25 * sigma2)
	}
	for i, v := range x {
		w[i] = low + float32(v*v)
	}
}

// scaleCodes are the scales in 31sts of the largest, which is 2·15 + 1: scale
// ≈ d·(2·code + 1). It returns d.
func (b *gridBlock) scaleCodes(codes []uint8) float32 {
	d := b.most / 31
	inverse := 1 / d
	for j := range codes {
		codes[j] = uint8(max(0, min(15, nearest(float32(0.5*(float32(inverse*b.scales[j])-1))))))
	}
	return d
}

// gridGroup is a group at work.
type gridGroup struct {
	x       [32]float32 // magnitudes
	w, root [32]float32 // weights and their square roots
	points  [8]uint16   // of each run
}

// takeSigns takes the signs off eight values. Where an even number has to be
// minus and is not, the value that matters least takes the wrong sign.
func (g *gridGroup) takeSigns(v []float32, from int, even bool) (signs uint8) {
	x, w := g.x[from:from+8], g.w[from:from+8]
	odd := false
	for i, v := range v[from : from+8] {
		if v >= 0 {
			x[i] = v
		} else {
			x[i] = -v
			signs |= 1 << i
			odd = !odd
		}
	}
	if !even || !odd {
		return signs
	}
	at, least := 0, float32(float32(w[0]*x[0])*x[0])
	for i := 1; i < 8; i++ {
		if loss := float32(float32(w[i]*x[i]) * x[i]); loss < least {
			at, least = i, loss
		}
	}
	x[at] = -x[at]
	return signs ^ 1<<at
}

// outcome is how a search ends.
type outcome uint8

const (
	found outcome = iota
	outOfGrid
	zeroGroup
)

// search finds a scale and the points of a group, whose largest magnitude is
// high. Scales are tried around high over the highest level; of each, the
// points are kept by rounding, those off the grid moved to the closest
// neighbour, and the scale follows by least squares.
func (s *gridSearch) search(g *gridGroup, high float32) (float32, outcome) {
	n, runs := s.group, s.group/s.grid.dims
	levels := float32(2*s.top - 1)
	scale := high / levels
	if s.start {
		var codes [maxGroup]uint8
		scale = searchPositive(g.x[:n], g.w[:n], s.top+1, codes[:n])
		high = float32(scale * float32(s.top))
		if high <= 0 {
			return 0, zeroGroup
		}
	}
	var wx [32]float32
	for i, w := range g.w[:n] {
		wx[i] = float32(w * g.x[i])
	}
	clear(g.points[:])
	moved := s.settle != settleMoved
	was := [8]bool{moved, moved, moved, moved, moved, moved, moved, moved}
	var trial [8]uint16
	var off [8]bool
	var best float32
	for t := -s.tries; t <= s.tries; t++ {
		id := (levels + float32(float32(t)*s.by)) / high
		step := 1 / id
		for k := range runs {
			var ok bool
			if trial[k], off[k], ok = s.put(g, k, id, step); !ok {
				return 0, outOfGrid
			}
		}
		qx, q2 := s.moments(g, &wx, &trial)
		if q2 > 0 && float32(qx*qx) > float32(best*q2) {
			scale = qx / q2
			best = float32(scale * qx)
			g.points, was = trial, off
		}
	}
	return s.settleRuns(g, &wx, &was, scale)
}

// settleRuns places runs anew with the scale that was found, those that
// settle says, and finds the scale anew from them.
func (s *gridSearch) settleRuns(g *gridGroup, wx *[32]float32, off *[8]bool, scale float32) (float32, outcome) {
	runs := s.group / s.grid.dims
	if any := slices.Contains(off[:runs], true); !any && s.settle != settleAlways || !(scale > 0) {
		return scale, found
	}
	id := 1 / scale
	for k := range runs {
		if s.settle == settleMoved && !off[k] {
			continue
		}
		var ok bool
		if g.points[k], _, ok = s.put(g, k, id, scale); !ok {
			return 0, outOfGrid
		}
	}
	if qx, q2 := s.moments(g, wx, &g.points); q2 > 0 {
		scale = qx / q2
	}
	return scale, found
}

// put is the point of run k for a scale and its inverse, and whether rounding
// led off the grid. ok is false where no neighbour is at a finite distance.
func (s *gridSearch) put(g *gridGroup, k int, inverse, scale float32) (p uint16, off, ok bool) {
	var at neighbour
	if s.grid.dims == 8 {
		x := (*[8]float32)(g.x[8*k:])
		var bits uint
		for i := 7; i >= 0; i-- {
			bits = bits<<2 | coordinate(inverse, x[i], 2)
		}
		if p = uint16(bits); s.grid.place[p] >= 0 {
			return p, false, true
		}
		at, ok = s.grid.closest8(p, x, (*[8]float32)(g.root[8*k:]), scale, &oddLevels)
		return at.point, true, ok
	}
	x := (*[4]float32)(g.x[4*k:])
	bits := coordinate(inverse, x[0], 7) | coordinate(inverse, x[1], 7)<<3 | coordinate(inverse, x[2], 7)<<6 | coordinate(inverse, x[3], 7)<<9
	if p = uint16(bits); s.grid.place[p] >= 0 {
		return p, false, true
	}
	at, ok = s.grid.closest4(p, x, (*[4]float32)(g.root[4*k:]), scale)
	return at.point, true, ok
}

// coordinate is the one from 0 to top whose level 2·c + 1 is nearest v times
// inverse: nearest((inverse·v − 1)/2), in the machine's own integers.
func coordinate(inverse, v float32, top int) uint {
	t := float32(0.5*(float32(inverse*v)-1)) + 12582912
	return uint(max(0, min(top, int(math.Float32bits(t)&0x007fffff)-0x00400000)))
}

// oddLevels are what coordinates of two bits stand for in the search, and
// levels8 those of three.
var (
	oddLevels = [3]float32{1, 3, 5}
	levels8   = [8]float32{1, 3, 5, 7, 9, 11, 13, 15}
)

// moments are Σw·x·q and Σw·q² over the levels q of the points.
func (s *gridSearch) moments(g *gridGroup, wx *[32]float32, points *[8]uint16) (qx, q2 float32) {
	dims, width, mask := s.grid.dims, s.grid.bits, uint(1)<<s.grid.bits-1
	for k := range s.group / dims {
		p := uint(points[k])
		w, wx := g.w[k*dims:(k+1)*dims], wx[k*dims:(k+1)*dims]
		for i, w := range w {
			q := levels8[p&mask&7]
			p >>= width
			qx += float32(wx[i] * q)
			q2 += float32(float32(w*q) * q)
		}
	}
	return qx, q2
}
