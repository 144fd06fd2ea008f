package kernels

import "math"

// PlaceTrials finds the Points of all runs that are not Done: a Rounded one that
// is on the grid stays; of one off the grid it is that neighbour for which
// Σroot·(step·level − x)² is least, the first of equals. The sums are float32,
// in rising order, each term (root·d)·d, nothing fused. Where no sum is below
// float32's largest number the group has Failed; Points are then of no use, nor
// is what is Failed in other tries of the same group.
//
// The steps of a group must fall from try to try, by no more than a third in
// all, and Levels rise at even distances. Where the point that rounding gives is the same in neighbouring tries,
// and so the list of neighbours, the winner is looked for in the first and the
// last of them and, only where these differ or are close, between: of two
// neighbours the difference of the sums, over the step, is linear in the step.
//
// Source: iq2_find_best_neighbour, iq3_find_best_neighbour and
// iq1_find_best_neighbour2 of ggml-quants.c.
func PlaceTrials(t *GridTrials, g *Grid) {
	if t.ok() {
		placeTrials(t, g)
	}
}

func placeTrialsGeneric(t *GridTrials, g *Grid) {
	for r := range superValue / g.dims {
		if t.Done[r] {
			continue
		}
		group := r * g.dims / t.Group
		for k, p := range t.Rounded[r][:t.Tries] {
			q, ok := p, true
			switch {
			case g.Place(p) >= 0:
			case g.dims == 8:
				q, ok = g.closest8(p, (*[8]float32)(t.X[8*r:]), (*[8]float32)(t.Root[8*r:]), t.Step[group][k], &t.Levels[t.Shift[r]&1])
			default:
				q, ok = g.closest4(p, (*[4]float32)(t.X[4*r:]), (*[4]float32)(t.Root[4*r:]), t.Step[group][k])
			}
			t.Points[r][k] = q
			if !ok {
				t.Failed[group] = true
			}
		}
	}
}

// closest8 is the neighbour of p that is closest to x; ok is false where no sum
// is a finite number.
func (g *Grid) closest8(p uint16, x, w *[8]float32, step float32, levels *[3]float32) (q uint16, ok bool) {
	var term [8][4]float32
	q0, q1, q2 := float32(step*levels[0]), float32(step*levels[1]), float32(step*levels[2])
	for i, v := range x {
		w := w[i]
		d0, d1, d2 := q0-v, q1-v, q2-v
		t := &term[i]
		t[0], t[1], t[2] = float32(float32(w*d0)*d0), float32(float32(w*d1)*d1), float32(float32(w*d2)*d2)
	}
	best, win := float32(math.MaxFloat32), uint16(noPoint)
	for _, p := range g.list(p) {
		q := uint(p)
		sum := term[0][q&3] + term[1][q>>2&3] + term[2][q>>4&3] + term[3][q>>6&3]
		if sum >= best || p == noPoint { // no term is negative
			continue
		}
		sum = sum + term[4][q>>8&3] + term[5][q>>10&3] + term[6][q>>12&3] + term[7][q>>14&3]
		if sum < best {
			best, win = sum, p
		}
	}
	return win, win != noPoint
}

// closest4 is closest8 for runs of four, whose levels are 2·c + 1.
func (g *Grid) closest4(p uint16, x, w *[4]float32, step float32) (q uint16, ok bool) {
	var scaled [8]float32
	for c, l := range oddLevels {
		scaled[c] = float32(step * l)
	}
	best, win := float32(math.MaxFloat32), uint16(noPoint)
	for _, p := range g.list(p) {
		if p == noPoint {
			break
		}
		q := uint(p)
		var sum float32
		for i, v := range x {
			d := scaled[q&7] - v
			q >>= 3
			sum += float32(float32(w[i]*d) * d)
		}
		if sum < best {
			best, win = sum, p
		}
	}
	return win, win != noPoint
}
