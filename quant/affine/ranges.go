package affine

import (
	"math"
	"slices"

	"fewbits/kernels"
	"fewbits/quant"
)

// finder finds the params of one group after the other, and keeps what memory
// that takes.
type finder struct {
	from    quant.Range
	percent float64
	scratch []float32
	entropy *entropy

	magnitudes []float32
	counts     []uint32
	found      found
	*candidates
}

// found is what findAll found.
type found struct{ lo, hi, scale, least, most [together]float32 }

// find is the params of the group x on grid g; false as grid.fit.
func (f *finder) find(g grid, x []float32) (params, bool) {
	lo, hi := kernels.MinMax(x)
	switch f.from {
	case quant.RangePercentile:
		lo, hi = f.percentile(x, g.sym, lo, hi)
	case quant.RangeMSE:
		return f.leastSquares(g, x, lo, hi)
	case quant.RangeEntropy:
		lo, hi = f.leastDivergence(x, g, lo, hi)
	}
	return g.fit(lo, hi)
}

// findAll finds the params of groups of n values, and puts them down as the levels that they
// give, least·scale … most·scale. It returns the first group that none fit, or −1.
func (f *finder) findAll(g grid, x []float32, n int) int {
	groups, all := len(x)/n, &f.found
	fast := f.from == quant.RangeMinMax && !g.half
	if fast {
		kernels.GroupRanges(all.lo[:groups], all.hi[:groups], x, n)
		kernels.RangeScales(all.scale[:groups], all.least[:groups], all.most[:groups], all.lo[:], all.hi[:], g.lo, g.hi, g.sym)
	}
	for i := range groups {
		if fast && ordinary(all.lo[i], all.hi[i]) {
			continue
		}
		m, ok := f.find(g, x[i*n:(i+1)*n])
		if !ok {
			return i
		}
		all.scale[i], all.least[i], all.most[i] = m.scale, float32(g.lo-m.zero), float32(g.hi-m.zero)
	}
	return -1
}

// ordinary says whether a range is so far from the ends of float32 that grid.fit does
// nothing special about it, nor about a fifth of it, and is not 0.
func ordinary(lo, hi float32) bool {
	const narrow, wide = 0x1p-110, 0x1p120
	w := max(hi, 0) - min(lo, 0)
	return w > narrow && w < wide
}

// percentile is the range that leaves out the tails of x, or [lo, hi] where
// that is nothing but 0.
func (f *finder) percentile(x []float32, sym bool, lo, hi float32) (float32, float32) {
	var a, b float32
	if sym {
		f.magnitudes = append(f.magnitudes[:0], x...)
		kernels.Abs(f.magnitudes, x)
		least, most := kernels.MinMax(f.magnitudes)
		b = f.quantile(f.magnitudes, f.percent/100, least, most)
		a = -b
	} else {
		a = f.quantile(x, (100-f.percent)/100, lo, hi)
		b = f.quantile(x, f.percent/100, lo, hi)
	}
	if a >= 0 && b <= 0 {
		return lo, hi
	}
	return a, b
}

// quantile is quantile q of x, linear between the two neighbours of position
// q·(n−1), as numpy's. lo and hi are the least and the greatest of x.
func (f *finder) quantile(x []float32, q float64, lo, hi float32) float32 {
	pos := q * float64(len(x)-1)
	k := min(int(pos), len(x)-1)
	part := pos - float64(k)
	a, b := f.neighbours(x, k, lo, hi)
	if part <= 0 || k+1 == len(x) {
		return a
	}
	return float32(float64(a) + float64((float64(b)-float64(a))*part))
}

// Ways to find a place in order: a few from either end by keeping these, among
// many by counting.
const (
	fewFromEnd = 16
	many       = 4 * quantileBins
	// quantileBins is how finely a range is cut to count in.
	quantileBins = 4096
)

// neighbours are x[k] and x[k+1], if x were sorted; of the last, twice it.
func (f *finder) neighbours(x []float32, k int, lo, hi float32) (a, b float32) {
	switch next := min(k+1, len(x)-1); {
	case len(x)-k <= fewFromEnd:
		var ends [fewFromEnd]float32
		top := ends[:len(x)-k]
		keepGreatest(top, x)
		return top[len(top)-1], top[len(x)-1-next]
	case k+2 <= fewFromEnd:
		var ends [fewFromEnd]float32
		low := ends[:k+2]
		keepLeast(low, x)
		return low[k], low[next]
	case len(x) < many || !(hi > lo):
		f.scratch = append(f.scratch[:0], x...)
		return nextTo(f.scratch, k)
	default:
		return f.counted(x, k, lo, hi)
	}
}

// counted finds neighbours in the bin that holds them.
func (f *finder) counted(x []float32, k int, lo, hi float32) (a, b float32) {
	if f.counts == nil {
		f.counts = make([]uint32, quantileBins)
	}
	clear(f.counts)
	kernels.Histogram(f.counts, x, lo, hi)
	bin := 0
	for ; k >= int(f.counts[bin]); bin++ {
		k -= int(f.counts[bin])
	}
	in := f.inBin(x, bin, lo, hi)
	a, b = nextTo(in, k)
	if k+1 == len(in) {
		for bin++; bin < quantileBins; bin++ {
			if f.counts[bin] > 0 {
				b, _ = kernels.MinMax(f.inBin(x, bin, lo, hi))
				break
			}
		}
	}
	return a, b
}

// inBin are the values of a bin of counts.
func (f *finder) inBin(x []float32, bin int, lo, hi float32) []float32 {
	n := int(f.counts[bin])
	if cap(f.scratch) < n {
		f.scratch = make([]float32, n)
	}
	return f.scratch[:kernels.InBin(f.scratch[:n], x, lo, hi, quantileBins, bin)]
}

// keepGreatest fills top with the greatest values of x, falling; keepLeast fills low with the
// least, rising.
func keepGreatest(top, x []float32) {
	for i := range top {
		top[i] = float32(math.Inf(-1))
	}
	last := &top[len(top)-1]
	for _, v := range x {
		if v <= *last {
			continue
		}
		i := len(top) - 1
		for ; i > 0 && top[i-1] < v; i-- {
			top[i] = top[i-1]
		}
		top[i] = v
	}
}

func keepLeast(low, x []float32) {
	for i := range low {
		low[i] = float32(math.Inf(1))
	}
	last := &low[len(low)-1]
	for _, v := range x {
		if v >= *last {
			continue
		}
		i := len(low) - 1
		for ; i > 0 && low[i-1] > v; i-- {
			low[i] = low[i-1]
		}
		low[i] = v
	}
}

// nextTo are x[k] and x[k+1] of x sorted. It reorders x.
func nextTo(x []float32, k int) (a, b float32) {
	nth(x, k)
	if a = x[k]; k+1 == len(x) {
		return a, a
	}
	b, _ = kernels.MinMax(x[k+1:])
	return a, b
}

// nth reorders x so that x[k] is what it would be if x were sorted, with
// nothing larger before it and nothing smaller after it.
func nth(x []float32, k int) {
	lo, hi := 0, len(x)-1
	// Hoare's selection halves the rest on average. Where it has not come to
	// an end long after that, sorting bounds the time.
	for budget := 64; hi-lo > 16 && budget > 0; budget-- {
		pivot := median(x[lo], x[lo+(hi-lo)/2], x[hi])
		i, j := lo, hi
		for i <= j {
			for x[i] < pivot {
				i++
			}
			for x[j] > pivot {
				j--
			}
			if i <= j {
				x[i], x[j] = x[j], x[i]
				i++
				j--
			}
		}
		switch {
		case k <= j:
			hi = j
		case k >= i:
			lo = i
		default:
			return
		}
	}
	slices.Sort(x[lo : hi+1])
}

// median is the middle one of three.
func median(a, b, c float32) float32 {
	return max(min(a, b), min(max(a, b), c))
}

// shrinks is how many ranges the mse search tries, each a hundredth of the
// widest one smaller than the one before.
const shrinks = 80

// shrunk are what is left of the widest range.
var shrunk = func() (p [shrinks]float64) {
	for i := range p {
		p[i] = 1 - float64(i)/100
	}
	return p
}()

// candidates are the params of the ranges that the mse search tries, as the levels
// that they give: least·scale … most·scale.
type candidates struct {
	lo, hi             [shrinks]float32
	scale, least, most [shrinks]float32
	sums               [shrinks]float64
	fits               [shrinks]bool
}

// leastSquares is the params of the range p·[lo, hi] with the least squared
// error, the widest of equals; false where none of them fits.
func (f *finder) leastSquares(g grid, x []float32, lo, hi float32) (best params, ok bool) {
	if f.candidates == nil {
		f.candidates = &candidates{}
	}
	c := f.candidates
	c.fit(g, lo, hi)
	clear(c.sums[:])
	if len(x) <= chunk {
		kernels.SquaredErrors(c.sums[:], x, c.scale[:], c.least[:], c.most[:])
	}
	least, at := math.Inf(1), -1
	const few = 4 // at a time: what is worse already is left off
	for i := 0; i < shrinks; i += few {
		sums := c.sums[i : i+few]
		for y := x; len(x) > chunk && len(y) > 0 && slices.Min(sums) <= least; {
			part := y[:min(len(y), chunk)]
			y = y[len(part):]
			kernels.SquaredErrors(sums, part, c.scale[i:i+few], c.least[i:i+few], c.most[i:i+few])
		}
		for j, e := range sums {
			if e < least && c.fits[i+j] {
				least, at = e, i+j
			}
		}
	}
	if at < 0 {
		return params{}, false
	}
	return params{scale: c.scale[at], zero: g.lo - int32(c.least[at])}, true
}

// fit fills in what is tried.
func (c *candidates) fit(g grid, lo, hi float32) {
	for i, p := range shrunk {
		c.lo[i], c.hi[i] = float32(p*float64(lo)), float32(p*float64(hi))
	}
	if !g.half && ordinary(lo, hi) {
		kernels.RangeScales(c.scale[:], c.least[:], c.most[:], c.lo[:], c.hi[:], g.lo, g.hi, g.sym)
		for i := range c.fits {
			c.fits[i] = true
		}
		return
	}
	for i := range shrunk {
		m, fits := g.fit(c.lo[i], c.hi[i])
		if !fits {
			m = params{scale: 1}
		}
		c.scale[i], c.least[i], c.most[i], c.fits[i] = m.scale, float32(g.lo-m.zero), float32(g.hi-m.zero), fits
	}
}
