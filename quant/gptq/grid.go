package gptq

import "math"

// grid is the evenly spaced levels of one group: scale · (q − zero), q from 0
// to maxq. All is float32, as the reference has it.
type grid struct{ scale, zero float32 }

// grids finds them.
type grids struct {
	maxq      float32
	symmetric bool
	mse       bool
}

func newGrids(bits int, symmetric, mse bool) grids {
	return grids{float32(int(1)<<bits - 1), symmetric, mse}
}

const minNormal = 0x1p-126

// find is the grid of the weights w.
func (g grids) find(w []float32) grid {
	var lo, hi float32
	for _, v := range w {
		lo, hi = min(lo, v), max(hi, v)
	}
	if g.symmetric {
		hi = max(-lo, hi)
		lo = -hi
	}
	if lo == 0 && hi == 0 {
		lo, hi = -1, 1
	}
	best := g.between(lo, hi)
	if !g.mse {
		return best
	}
	least := math.Inf(1)
	for i := range 80 {
		p := float32(1 - float64(i)/100)
		c := g.between(p*lo, p*hi)
		if e := g.loss(w, c, least); e < least {
			least, best = e, c
		}
	}
	return best
}

// between is the grid over [lo, hi].
func (g grids) between(lo, hi float32) grid {
	s := (hi - lo) / g.maxq
	if s > math.MaxFloat32 {
		s = hi/g.maxq - lo/g.maxq
	}
	s = max(s, minNormal)
	if g.symmetric {
		return grid{s, (g.maxq + 1) / 2}
	}
	return grid{s, min(g.maxq, roundEven(-lo/s))}
}

// loss is Σ|w − q|^2.4 as far as it stays below limit.
func (g grids) loss(w []float32, c grid, limit float64) float64 {
	sum := 0.0
	for _, v := range w {
		if d := math.Abs(float64(c.value(g.code(v, c)) - v)); d > 0 {
			if sum += math.Exp(2.4 * math.Log(d)); sum >= limit {
				return sum
			}
		}
	}
	return sum
}

// code is the code of v, a whole number.
func (g grids) code(v float32, c grid) float32 {
	return min(max(roundEven(v/c.scale)+c.zero, 0), g.maxq)
}

// value is what a code stands for.
func (c grid) value(q float32) float32 { return c.scale * (q - c.zero) }

// roundEven rounds to the nearest whole number, ties to even.
func roundEven(v float32) float32 { return float32(math.RoundToEven(float64(v))) }
