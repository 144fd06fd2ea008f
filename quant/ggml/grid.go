package ggml

import (
	"math"
	"sync"
	"sync/atomic"
)

// grid is a set of points, of which a format stores one for each run of eight
// or four weights. A point has small whole coordinates, packed into 16 bits.
//
// A run that rounds to a point off the grid takes a neighbour of it, and of
// which neighbours it is to choose, and in which order, decides the bytes. The
// reference sorts the whole grid by distance, once for each point that there
// is, before the first row. Here a point's neighbours are found when it is
// first met, by counting sort, and are kept; see neighbours. What is kept does
// not show: it depends on the grid alone.
type grid struct {
	dims, bits int      // coordinates of a point, and bits of each
	rings      int      // neighbours are the points at so many different distances, nearest first
	points     []uint16 // rising

	once  sync.Once
	place []int16                       // of each packed point, −1 off the grid
	near  []atomic.Pointer[[]neighbour] // of each packed point off the grid, once it was met
}

// The grids. Source: nwant in iq2xs_init_impl and iq3xs_init_impl.
var (
	grid2x256  = &grid{dims: 8, bits: 2, rings: 2, points: points2x256}
	grid2x512  = &grid{dims: 8, bits: 2, rings: 2, points: points2x512}
	grid2x1024 = &grid{dims: 8, bits: 2, rings: 1, points: points2x1024}
	grid1x2048 = &grid{dims: 8, bits: 2, rings: 3, points: points1x2048}
	grid3x256  = &grid{dims: 4, bits: 3, rings: 2, points: points3x256}
	grid3x512  = &grid{dims: 4, bits: 3, rings: 3, points: points3x512}
)

// ready makes the table of places, once.
func (g *grid) ready() {
	g.once.Do(func() {
		place := make([]int16, 1<<(g.dims*g.bits))
		for i := range place {
			place[i] = -1
		}
		for i, p := range g.points {
			place[p] = int16(i)
		}
		g.place, g.near = place, make([]atomic.Pointer[[]neighbour], len(place))
	})
}

// neighbour is a point of the grid and its place there.
type neighbour struct{ place, point uint16 }

// neighbours are the grid's points that are nearest to p: those at the least
// distance, then those at the next, as many distances as there are rings, and
// by place where the distance is the same.
func (g *grid) neighbours(p uint16) []neighbour {
	if list := g.near[p].Load(); list != nil {
		return *list
	}
	// Two callers may find the same list at once; either may stay.
	list := g.find(p)
	g.near[p].Store(&list)
	return list
}

// maxDistance bounds Σ(c − c′)² over the coordinates: four times 7².
const maxDistance = 4 * 7 * 7

func (g *grid) find(p uint16) []neighbour {
	// The distance is the sum of those of the two halves of a point.
	width := g.dims * g.bits / 2
	var low, high [256]uint8
	mask := uint16(1)<<width - 1
	for h := range uint16(1) << width {
		low[h], high[h] = g.distance(h, p&mask), g.distance(h, p>>width)
	}
	distances := make([]uint8, len(g.points))
	var count [maxDistance + 1]int
	for i, q := range g.points {
		distances[i] = low[q&mask] + high[q>>width]
		count[distances[i]]++
	}
	var at [maxDistance + 1]int // where in the list a distance begins
	last, total := 0, 0
	for d, rings := 0, 0; d <= maxDistance && rings < g.rings; d++ {
		at[d] = total
		if count[d] > 0 {
			last, total = d, total+count[d]
			rings++
		}
	}
	list := make([]neighbour, total)
	for i, d := range distances {
		if int(d) <= last {
			list[at[d]] = neighbour{uint16(i), g.points[i]}
			at[d]++
		}
	}
	return list
}

// distance is Σ(c − c′)² over the coordinates of half a point.
func (g *grid) distance(p, q uint16) (sum uint8) {
	mask := uint16(1)<<g.bits - 1
	for range g.dims / 2 {
		d := int(p&mask) - int(q&mask)
		sum += uint8(d * d)
		p, q = p>>g.bits, q>>g.bits
	}
	return sum
}

// closest8 is that neighbour of p for which Σw·(scale·level − x)² is least, the
// first of equals; ok is false where no sum is a finite number.
//
// Source: iq2_find_best_neighbour, iq1_find_best_neighbour2.
func (g *grid) closest8(p uint16, x, w *[8]float32, scale float32, levels *[3]float32) (_ neighbour, ok bool) {
	var term [8][4]float32
	q0, q1, q2 := float32(scale*levels[0]), float32(scale*levels[1]), float32(scale*levels[2])
	for i, v := range x {
		w := w[i]
		d0, d1, d2 := q0-v, q1-v, q2-v
		t := &term[i]
		t[0], t[1], t[2] = float32(float32(w*d0)*d0), float32(float32(w*d1)*d1), float32(float32(w*d2)*d2)
	}
	best, win := float32(math.MaxFloat32), -1
	list := g.neighbours(p)
	for i := range list {
		q := uint(list[i].point)
		sum := term[0][q&3] + term[1][q>>2&3] + term[2][q>>4&3] + term[3][q>>6&3]
		if sum >= best { // no term is negative
			continue
		}
		sum = sum + term[4][q>>8&3] + term[5][q>>10&3] + term[6][q>>12&3] + term[7][q>>14&3]
		if sum < best {
			best, win = sum, i
		}
	}
	if win < 0 {
		return neighbour{}, false
	}
	return list[win], true
}

// closest4 is closest8 for four coordinates, whose levels are 2·c + 1.
// Source: iq3_find_best_neighbour.
func (g *grid) closest4(p uint16, x, w *[4]float32, scale float32) (_ neighbour, ok bool) {
	var scaled [8]float32
	for c := range scaled {
		scaled[c] = float32(scale * float32(2*c+1))
	}
	x0, x1, x2, x3 := x[0], x[1], x[2], x[3]
	w0, w1, w2, w3 := w[0], w[1], w[2], w[3]
	best, win := float32(math.MaxFloat32), -1
	list := g.neighbours(p)
	for i := range list {
		q := uint(list[i].point)
		d := scaled[q&7] - x0
		sum := float32(float32(w0*d) * d)
		d = scaled[q>>3&7] - x1
		sum += float32(float32(w1*d) * d)
		d = scaled[q>>6&7] - x2
		sum += float32(float32(w2*d) * d)
		d = scaled[q>>9&7] - x3
		sum += float32(float32(w3*d) * d)
		if sum < best {
			best, win = sum, i
		}
	}
	if win < 0 {
		return neighbour{}, false
	}
	return list[win], true
}
