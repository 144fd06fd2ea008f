package ggml

import (
	"fmt"

	"fewbits/kernels"
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

	start  bool        // from a search on even steps first
	tries  int         // how many of levels there are
	levels [32]float32 // at which the largest magnitude is tried
	settle settle
}

// levelsAround are the highest level, 2·top − 1, and some to each side.
func levelsAround(top int32, each int, by float32) (levels [32]float32) {
	for t := -each; t <= each; t++ {
		levels[t+each] = float32(2*top-1) + float32(float32(t)*by)
	}
	return levels
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

// oddLevels are what coordinates stand for in the search.
var oddLevels = [3]float32{1, 3, 5}

// gridBlock is a super-block as gridSearch packs it.
type gridBlock struct {
	scales [16]float32 // of each group
	signs  [32]uint8   // of each eight weights, bit 1 is minus
	places [64]uint16  // of each run's point in the grid
	zero   [16]bool    // groups in which there is nothing to pack
	most   float32     // the largest scale

	t       kernels.GridTrials
	high    [32]float32 // of each eight weights the largest magnitude
	idle    [16]bool    // groups that are not searched
	settled [16]bool    // groups whose runs were placed anew
	points  [64]uint16  // of each run
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
	t := &b.t
	sigma2 := float32(s.sigma*sumSquares(x)) / superBlock
	if importance != nil {
		weigh(t.W[:], x, importance, sigma2)
	} else {
		s.weighPlain(t.W[:], x, sigma2)
	}
	kernels.TakeSigns(t.X[:], t.Root[:], b.high[:], b.signs[:], x, t.W[:], s.even)
	t.Group, t.Tries, t.Levels[0] = s.group, s.tries, oddLevels
	clear(t.Failed[:])
	if s.start {
		kernels.SearchPositive(nil, t.Scale[:superBlock/s.group], t.X[:], t.W[:], s.group, s.top+1)
	}
	var high [16]float32
	for j := range superBlock / s.group {
		high[j] = s.begin(b, j)
	}
	kernels.TryScales(t, &high, &s.levels)
	g := s.grid.ready()
	kernels.RoundTrials(t, g)
	kernels.PlaceTrials(t, g)
	kernels.JudgeTrials(t, g)
	b.scales = t.Scale
	if again := s.settleGroups(b, g); again {
		kernels.RoundTrials(t, g)
		kernels.PlaceTrials(t, g)
		kernels.JudgeTrials(t, g)
	}
	b.most = 0
	for j := range superBlock / s.group {
		if why := s.end(b, j, g); why != nil {
			return why(column + j*s.group)
		}
	}
	return ""
}

// runs are those of group j.
func (s *gridSearch) runs(j int) (first, end int) {
	n := s.group / s.grid.dims
	return j * n, (j + 1) * n
}

// begin returns the magnitude of group j that is tried at the highest level, or near
// it: the largest.
func (s *gridSearch) begin(b *gridBlock, j int) float32 {
	t := &b.t
	eights := b.high[j*s.group/8 : (j+1)*s.group/8]
	high := eights[0]
	for _, v := range eights[1:] {
		if v > high {
			high = v
		}
	}
	b.zero[j] = high < s.eps || high == 0
	b.idle[j] = b.zero[j]
	switch {
	case b.idle[j]:
	case s.start:
		high = float32(t.Scale[j] * float32(s.top))
		b.idle[j] = high <= 0
	default:
		t.Scale[j] = high / float32(2*s.top-1)
	}
	for r, end := s.runs(j); r < end; r++ {
		t.Done[r] = b.idle[j]
	}
	if b.idle[j] {
		return 1
	}
	return high
}

// settleGroups takes the points of the tries that were kept, and has those runs
// placed anew that settle says, with the scale that was found. It says whether
// there are any.
func (s *gridSearch) settleGroups(b *gridBlock, g *kernels.Grid) (again bool) {
	t := &b.t
	for j := range superBlock / s.group {
		first, end := s.runs(j)
		kept := t.Kept[j]
		var off [8]bool
		any := s.settle == settleAlways
		for r := first; r < end; r++ {
			b.points[r], off[r-first] = 0, s.settle != settleMoved
			if kept >= 0 {
				b.points[r], off[r-first] = t.Points[r][kept], g.Place(t.Rounded[r][kept]) < 0
			}
			any = any || off[r-first]
		}
		scale := b.scales[j]
		settled := any && scale > 0 && !b.idle[j] && !t.Failed[j]
		if settled {
			again = true
			t.Inverse[j][0], t.Step[j][0] = 1/scale, scale
		}
		for r := first; r < end; r++ {
			t.Points[r][0] = b.points[r]
			t.Done[r] = !settled || s.settle == settleMoved && !off[r-first]
		}
		b.settled[j] = settled
	}
	t.Tries = 1
	return again
}

// end settles scale, signs and places of group j. Where it cannot it returns
// what says why.
func (s *gridSearch) end(b *gridBlock, j int, g *kernels.Grid) func(column int) string {
	t := &b.t
	signs := b.signs[j*s.group/8 : (j+1)*s.group/8]
	first, end := s.runs(j)
	if b.idle[j] {
		clear(signs)
		clear(b.places[first:end])
		b.scales[j] = 0
		return nil
	}
	if t.Failed[j] {
		return offGrid
	}
	scale := b.scales[j]
	if b.settled[j] && t.Q2[j] > 0 {
		scale = t.QX[j] / t.Q2[j]
	}
	if scale != scale {
		return noScale
	}
	if scale < 0 {
		scale = -scale
		for k := range signs {
			signs[k] = ^signs[k]
		}
	}
	for r := first; r < end; r++ {
		b.places[r] = uint16(g.Place(t.Points[r][0]))
	}
	b.scales[j] = scale
	if scale > b.most {
		b.most = scale
	}
	return nil
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
