package ggml

import "fewbits/kernels"

// eighth is the shift of the types of one bit. Source: IQ1S_DELTA in
// src/ggml-common.h.
const eighth = 0.125

// shifted are their three levels, shifted up and down.
var shifted = [2][3]float32{
	{-1 + eighth, eighth, 1 + eighth},
	{-1 - eighth, -eighth, 1 - eighth},
}

// splitBlock is a super-block of a type of one bit at work.
type splitBlock struct {
	s      kernels.Splits
	t      kernels.GridTrials
	w      [superBlock]float32
	places [32]uint16 // of each eight weights
	scales [16]float32
	most   float32     // of the scales
	qx, q2 [16]float32 // of each group
}

// begin sets what is the same for all super-blocks of a type.
func (b *splitBlock) begin(group int, eps float32) {
	b.s.Group, b.s.Eps = group, eps
	b.t.Group, b.t.Tries = group, 1
	b.t.Levels = shifted
}

// down says whether the levels of run r are shifted down.
func (b *splitBlock) down(r int) uint8 {
	if b.s.Group == 32 {
		return b.s.Down[r/4]
	}
	return b.s.Down[r/2] >> (1 - r%2) & 1
}

// search finds the levels, the grid points of the runs, those off the grid moved to
// the closest neighbour, and the scales, anew where a run was moved. It returns why
// it cannot, or "".
//
// Where no neighbour is at a finite distance the reference goes on through the
// whole grid, but takes each point's distance to a value that it reads from beyond
// the run, and beyond the tensor.
func (b *splitBlock) search(x []float32, column int) string {
	kernels.SearchSplits(&b.s, x, b.w[:])
	g := grid1x2048.ready()
	n := b.s.Group / 8
	copy(b.t.X[:], x)
	b.t.Root = b.w
	clear(b.t.Failed[:])
	for r := range b.places {
		j := r / n
		b.t.Rounded[r][0], b.t.Shift[r] = b.s.Points[r], b.down(r)
		b.t.Done[r], b.t.Step[j][0] = !b.s.Found[j], b.s.Scale[j]
	}
	kernels.PlaceTrials(&b.t, g)
	for r := range b.places {
		if !b.s.Found[r/n] {
			b.t.Points[r][0] = grid1x2048.points[0]
		}
	}
	b.sum(&ones, false)
	b.most = 0
	for j := range 32 / n {
		why := b.end(j, g)
		if why != nil {
			return why(column + j*b.s.Group)
		}
		b.most = max(b.most, b.scales[j])
	}
	return ""
}

// end settles scale and places of group j. Where it cannot it returns what says why.
func (b *splitBlock) end(j int, g *kernels.Grid) func(column int) string {
	n := b.s.Group / 8
	b.scales[j] = 0
	moved := false
	for r := j * n; r < (j+1)*n; r++ {
		b.places[r] = uint16(g.Place(b.t.Points[r][0]))
		moved = moved || b.t.Points[r][0] != b.s.Points[r]
	}
	scale := b.s.Scale[j]
	switch {
	case !b.s.Found[j]:
		return nil
	case b.t.Failed[j]:
		return offGrid
	case moved && b.qx[j] > 0 && b.q2[j] > 0:
		scale = b.qx[j] / b.q2[j]
	}
	if scale != scale {
		return noScale
	}
	b.scales[j] = scale
	return nil
}

// ones are the times that levels are taken as they are.
var ones = [16]float32{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}

// sum sets the sums of w·q·x and w·q² of each group, q being times a level; with on,
// from the sums of the group before.
func (b *splitBlock) sum(times *[16]float32, on bool) {
	kernels.SumTrials(&b.qx, &b.q2, &b.t, times, on)
}

// odds are the scales in 15ths of the largest, which is 2·7 + 1: scale ≈
// d·(2·code + 1), code from 0 to 7.
func odds(inverse, scale float32) uint8 {
	return uint8(max(0, min(7, nearest(float32(0.5*(float32(inverse*scale)-1))))))
}
