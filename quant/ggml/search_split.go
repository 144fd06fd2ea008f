package ggml

// The types of one bit round a weight to one of three levels, −1, 0 and 1, all
// shifted by an eighth up or down. The reference sorts a group by value and
// tries every way to cut it into three.

// eighth is the shift. Source: IQ1S_DELTA in src/ggml-common.h.
const eighth = 0.125

// shifted are the three levels, shifted up and down.
var shifted = [2][3]float32{
	{-1 + eighth, eighth, 1 + eighth},
	{-1 - eighth, -eighth, 1 - eighth},
}

// splitGroup is a group at work: n weights, cut at first and second in order
// of value.
type splitGroup struct {
	x, w          []float32
	order         [32]uint8 // of the values, rising
	first, second int
	points        [4]uint16 // of each eight weights
	places        [4]uint16
}

// sort puts the values in order. Equal ones keep theirs: the reference calls
// qsort, which in glibc is a merge sort.
func (g *splitGroup) sort() {
	for i := range g.x {
		j := i
		for ; j > 0 && g.x[i] < g.x[g.order[j-1]]; j-- {
			g.order[j] = g.order[j-1]
		}
		g.order[j] = uint8(i)
	}
}

// cut packs the levels of the three parts; with flip the signs are changed.
func (g *splitGroup) cut(flip bool) {
	g.points = [4]uint16{}
	for j, i := range g.order[:len(g.x)] {
		var code uint16
		switch {
		case j >= g.second:
			code = 2
		case j >= g.first:
			code = 1
		}
		if flip {
			code = 2 - code
		}
		g.points[i/8] |= code << (i % 8 * 2)
	}
}

// settle finds the grid points of the runs, those off the grid moved to the
// closest neighbour, and the scale anew where one was moved. down says of a
// run whether its levels are shifted down. ok is false where no neighbour is
// at a finite distance.
//
// There the reference goes on through the whole grid, but takes each point's
// distance to a value that it reads from beyond the run, and beyond the tensor.
func (g *splitGroup) settle(scale float32, down *[4]bool) (_ float32, ok bool) {
	moved := false
	for k := range len(g.x) / 8 {
		p := g.points[k]
		place := int(grid1x2048.place[p])
		if place < 0 {
			moved = true
			levels := &shifted[b2u(down[k])]
			at, ok := grid1x2048.closest8(p, (*[8]float32)(g.x[8*k:]), (*[8]float32)(g.w[8*k:]), scale, levels)
			if !ok {
				return 0, false
			}
			place = int(at.place)
		}
		g.places[k] = uint16(place)
	}
	if !moved {
		return scale, true
	}
	var qx, q2 float32
	for k := range len(g.x) / 8 {
		g.moments(k, &shifted[b2u(down[k])], 1, &qx, &q2)
	}
	if qx > 0 && q2 > 0 {
		scale = qx / q2
	}
	return scale, true
}

// moments adds Σw·q·x and Σw·q² of a run, where q is times a level.
func (g *splitGroup) moments(k int, levels *[3]float32, times float32, qx, q2 *float32) {
	p := grid1x2048.points[g.places[k]]
	x, w := g.x[8*k:8*k+8], g.w[8*k:8*k+8]
	for i, v := range x {
		q := float32(levels[p&3] * times)
		p >>= 2
		wq := float32(w[i] * q)
		*qx += float32(wq * v)
		*q2 += float32(wq * q)
	}
}

// greatest is the largest magnitude of a group.
func greatest(x []float32) float32 {
	_, magnitude := largest(x)
	return magnitude
}

// odds are the scales in 15ths of the largest, which is 2·7 + 1: scale ≈
// d·(2·code + 1), code from 0 to 7.
func odds(inverse, scale float32) uint8 {
	return uint8(max(0, min(7, nearest(float32(0.5*(float32(inverse*scale)-1))))))
}

func b2u(b bool) uint8 {
	if b {
		return 1
	}
	return 0
}
