package budget

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Choice is what one type costs a tensor, and what it loses there.
type Choice struct {
	Bytes int64
	Loss  float64 // 0 or more; +Inf for a choice that is never to be taken
}

// Frontier is a knapsack that is ready for any limit: of each item one choice
// is taken, their bytes stay within the limit, and their losses add up to
// about the least. It does not change, and several goroutines may use it.
type Frontier struct {
	items [][]Choice
	hulls [][]int // per item, indexes of the choices on its lower convex hull, bytes rising
	steps []step  // from each hull's point to the next, the most gain a byte first
	bytes []int64 // after so many steps; bytes[0] is the least of all
	loss  []float64
}

// step goes from a point of an item's hull to the next one.
type step struct {
	item  int
	bytes int64   // more
	gain  float64 // loss less
}

// slope is what a step gains a byte.
func (s step) slope() float64 { return s.gain / float64(s.bytes) }

// Solution is one choice of each item.
type Solution struct {
	Choice []int   // of each item, the index of its choice
	Bytes  int64   // in all
	Loss   float64 // in all
	Bound  float64 // no choice within the limit loses less than this
	Exact  bool    // whether Loss is known to be the least there is
}

// Point is a size with the loss that goes with it.
type Point struct {
	Bytes int64
	Loss  float64
}

// TooSmallError says that a limit is below the least that there is.
type TooSmallError struct{ Limit, Least int64 }

func (e *TooSmallError) Error() string {
	return fmt.Sprintf("budget: %d bytes are too few: the smallest types take %d; give more, or allow smaller types", e.Limit, e.Least)
}

// maxBytes bounds the bytes of a choice, so that sums do not overflow.
const maxBytes = 1 << 50

// NewFrontier prepares items. Each has a choice at least whose loss is finite.
// It keeps the slices.
//
// Method: the linear relaxation of the multiple-choice knapsack is solved by
// steps along the items' convex hulls in the order of their slopes (Sinha and
// Zoltners 1979; Kellerer, Pferschy, Pisinger, Knapsack Problems 2004, §11.2).
func NewFrontier(items [][]Choice) (*Frontier, error) {
	f := &Frontier{items: items, bytes: []int64{0}, loss: []float64{0}}
	if len(items) > 1<<20 {
		return nil, fmt.Errorf("budget: %d items are more than %d", len(items), 1<<20)
	}
	for i, choices := range items {
		for k, c := range choices {
			if c.Bytes < 0 || c.Bytes > maxBytes || !(c.Loss >= 0) {
				return nil, fmt.Errorf("budget: choice %d of item %d has %d bytes and a loss of %v; both are 0 or more", k, i, c.Bytes, c.Loss)
			}
		}
		h := hull(choices)
		if len(h) == 0 {
			return nil, fmt.Errorf("budget: item %d has no choice with a finite loss", i)
		}
		f.hulls = append(f.hulls, h)
		f.bytes[0] += choices[h[0]].Bytes
		f.loss[0] += choices[h[0]].Loss
		for k := 1; k < len(h); k++ {
			a, b := choices[h[k-1]], choices[h[k]]
			f.steps = append(f.steps, step{i, b.Bytes - a.Bytes, a.Loss - b.Loss})
		}
	}
	slices.SortStableFunc(f.steps, func(a, b step) int { return cmp.Compare(b.slope(), a.slope()) })
	for i, s := range f.steps {
		f.bytes = append(f.bytes, f.bytes[i]+s.bytes)
		f.loss = append(f.loss, f.loss[i]-s.gain)
	}
	return f, nil
}

// hull is the lower convex hull of the choices, as their indexes: bytes rise,
// losses fall, and what a byte gains falls strictly.
func hull(choices []Choice) []int {
	var order []int
	for k, c := range choices {
		if !math.IsInf(c.Loss, 0) {
			order = append(order, k)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return cmp.Or(cmp.Compare(choices[a].Bytes, choices[b].Bytes), cmp.Compare(choices[a].Loss, choices[b].Loss))
	})
	var h []int
	for _, k := range order {
		c := choices[k]
		if n := len(h); n > 0 && choices[h[n-1]].Loss <= c.Loss {
			continue // more bytes for nothing
		}
		for len(h) > 1 {
			a, b := choices[h[len(h)-2]], choices[h[len(h)-1]]
			// b stays where the step to it gains more a byte than the one from it.
			if (a.Loss-b.Loss)*float64(c.Bytes-b.Bytes) > (b.Loss-c.Loss)*float64(b.Bytes-a.Bytes) {
				break
			}
			h = h[:len(h)-1]
		}
		h = append(h, k)
	}
	return h
}

// Least is how many bytes the smallest choices take together.
func (f *Frontier) Least() int64 { return f.bytes[0] }

// Most is as many bytes as are of any use.
func (f *Frontier) Most() int64 { return f.bytes[len(f.bytes)-1] }

// Curve is the least loss by size, from the smallest to the largest: the
// corners of the linear relaxation, each of which is also a choice. Between
// two of them no solution lies below the line.
func (f *Frontier) Curve() []Point {
	points := make([]Point, len(f.bytes))
	for i := range points {
		points[i] = Point{f.bytes[i], max(0, f.loss[i])}
	}
	return points
}

// Solve finds the choices for a limit of bytes. Equal inputs give equal
// answers. It fails with a *TooSmallError.
func (f *Frontier) Solve(limit int64) (Solution, error) {
	if limit < f.Least() {
		return Solution{}, &TooSmallError{limit, f.Least()}
	}
	n, _ := slices.BinarySearch(f.bytes, limit+1) // bytes rise with each step
	n--                                           // steps that fit
	at := make([]int, len(f.items))
	for _, s := range f.steps[:n] {
		at[s.item]++
	}
	if n == len(f.steps) {
		out := f.solution(f.chosen(at))
		out.Bound, out.Exact = out.Loss, true
		return out, nil
	}
	slope := f.steps[n].slope()
	start := f.solution(f.chosen(at))
	known := f.solution(f.chosen(f.fill(at, n, limit-start.Bytes)))
	c := newCore(f, start.Choice, known.Choice, slope, limit)
	c.solve()
	out := f.solution(c.best)
	out.Bound = min(max(0, start.Loss-float64(slope*float64(limit-start.Bytes))), out.Loss)
	out.Exact = c.exact
	return out, nil
}

// chosen are the choices at places on the hulls.
func (f *Frontier) chosen(at []int) []int {
	out := make([]int, len(at))
	for i, k := range at {
		out[i] = f.hulls[i][k]
	}
	return out
}

// fill takes further steps that still fit, in their order.
func (f *Frontier) fill(at []int, from int, room int64) []int {
	at = slices.Clone(at)
	stopped := make([]bool, len(at))
	for _, s := range f.steps[from:] {
		if stopped[s.item] || s.bytes > room {
			stopped[s.item] = true
			continue
		}
		at[s.item]++
		room -= s.bytes
	}
	return at
}

func (f *Frontier) solution(choice []int) Solution {
	s := Solution{Choice: choice}
	for i, k := range choice {
		s.Bytes += f.items[i][k].Bytes
		s.Loss += f.items[i][k].Loss
	}
	return s
}
