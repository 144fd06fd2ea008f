package calib

import (
	"math"

	"fewbits/quant/affine"
)

// Bins is how finely a Histogram cuts the magnitudes of one sign, as TensorRT
// does.
const Bins = 2048

// Histogram counts values by sign and magnitude. Limit is what the bins reach
// up to; where a value is past it, it is doubled and two bins become one each.
type Histogram struct {
	Limit        float32   // 0 where there are only zeros so far
	Above, Below [Bins]int // counts of x > 0 and of x < 0, by ⌊|x|·Bins/Limit⌋
	Zeros        int
	Count        int
	Min, Max     float32 // exactly
}

// Add counts values, which are finite. The first ones that are not all 0 set
// the limit to the largest of them: of one addition the bins are as TensorRT's.
func (h *Histogram) Add(x []float32) {
	most := h.Limit
	for _, v := range x {
		most = max(most, v, -v)
		h.Min, h.Max = min(h.Min, v), max(h.Max, v)
	}
	h.Count += len(x)
	if h.Limit == 0 {
		h.Limit = most
	}
	for h.Limit < most {
		h.double()
	}
	if h.Limit == 0 {
		h.Zeros += len(x)
		return
	}
	perBin := Bins / float64(h.Limit)
	for _, v := range x {
		switch {
		case v > 0:
			h.Above[min(int(float64(v)*perBin), Bins-1)]++
		case v < 0:
			h.Below[min(int(-float64(v)*perBin), Bins-1)]++
		default:
			h.Zeros++
		}
	}
}

// double makes room for magnitudes twice as large.
func (h *Histogram) double() {
	if h.Limit *= 2; h.Limit > math.MaxFloat32 {
		h.Limit = math.MaxFloat32 // the last bin takes what is beyond half of it
		return
	}
	for _, b := range []*[Bins]int{&h.Above, &h.Below} {
		for i := range Bins / 2 {
			b[i] = b[2*i] + b[2*i+1]
		}
		clear(b[Bins/2:])
	}
}

// width is that of a bin.
func (h *Histogram) width() float64 { return float64(h.Limit) / Bins }

// Percentile is the range that p percent of the values lie in: with symmetric,
// ±t where p percent of |x| are up to t; else each tail has 100 − p percent
// beyond it. Edges are those of bins, and never past Min and Max.
func (h *Histogram) Percentile(p float64, symmetric bool) (lo, hi float32) {
	if symmetric {
		t := min(h.edge(p, func(i int) int { return h.Above[i] + h.Below[i] }, h.Zeros), max(h.Max, -h.Min))
		return 0 - t, t
	}
	below, above := 0, 0
	for i := range Bins {
		below, above = below+h.Below[i], above+h.Above[i]
	}
	hi = h.edge(p, func(i int) int { return h.Above[i] }, below+h.Zeros)
	lo = 0 - h.edge(p, func(i int) int { return h.Below[i] }, above+h.Zeros)
	return max(lo, h.Min), min(hi, h.Max)
}

// edge is the upper edge of the bin up to which p percent of the values lie,
// where before of them come before the first bin.
func (h *Histogram) edge(p float64, bin func(i int) int, before int) float32 {
	// A thousand-millionth is allowed for what p/100 was rounded by.
	want := float64(h.Count) * (p/100 - 1e-9)
	if float64(before) >= want {
		return 0
	}
	for i := range Bins {
		if before += bin(i); float64(before) >= want {
			return float32(float64(i+1) * h.width())
		}
	}
	return h.Limit
}

// Entropy is the range cut at ±T, where T makes the KL divergence from |x| to
// its quantized self least; levels is those of one sign, a power of two: 128 of
// INT8. Source: see package affine, which does the same to weights.
func (h *Histogram) Entropy(levels int) (lo, hi float32) {
	var counts [Bins]int
	counts[0] = h.Zeros
	any := false
	for i := range counts {
		counts[i] += h.Above[i] + h.Below[i]
		any = any || counts[i] > 0
	}
	if !any || h.Limit == 0 {
		return h.Min, h.Max
	}
	t := float32(float64(affine.EntropyBins(&counts, levels)) * h.width())
	return max(h.Min, -t), min(h.Max, t)
}

// shrinks is how many ranges LeastSquares looks at.
const shrinks = 100

// LeastSquares is, of the ranges i/100·[Min, Max], the one on whose grid the
// values lose least in squares, the widest of equals; with symmetric of ±t.
// Values are taken to be in the middle of their bins. levels is how many steps
// the whole grid has: 255 of INT8, or 254 where symmetric.
func (h *Histogram) LeastSquares(levels int, symmetric bool) (lo, hi float32) {
	if symmetric {
		hi = max(h.Max, -h.Min)
		lo = -hi
	} else {
		lo, hi = h.Min, h.Max
	}
	best, least := 1.0, math.Inf(1)
	for i := shrinks; i > 0; i-- {
		p := float64(i) / shrinks
		if e := h.loss(p*float64(lo), p*float64(hi), levels); e < least {
			best, least = p, e
		}
	}
	return float32(best * float64(lo)), float32(best * float64(hi))
}

// loss is Σ(x − x̂)² on a grid over [lo, hi] that holds 0.
func (h *Histogram) loss(lo, hi float64, levels int) float64 {
	step := (hi - lo) / float64(levels)
	if !(step > 0) {
		return 0
	}
	least := math.RoundToEven(lo / step)
	most := least + float64(levels)
	sum := 0.0
	one := func(v float64, n int) {
		q := min(max(math.RoundToEven(v/step), least), most)
		d := v - float64(q*step)
		sum += float64(n) * float64(d*d)
	}
	for i := range Bins {
		v := (float64(i) + 0.5) * h.width()
		if n := h.Above[i]; n > 0 {
			one(v, n)
		}
		if n := h.Below[i]; n > 0 {
			one(-v, n)
		}
	}
	return sum
}
