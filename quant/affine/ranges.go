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
}

// find is the params of the group x on grid g; false as grid.fit.
func (f *finder) find(g grid, x []float32) (params, bool) {
	lo, hi := kernels.MinMax(x)
	switch f.from {
	case quant.RangePercentile:
		lo, hi = f.percentile(x, g.sym, lo, hi)
	case quant.RangeMSE:
		return leastSquares(g, x, lo, hi)
	case quant.RangeEntropy:
		lo, hi = f.leastDivergence(x, g, lo, hi)
	}
	return g.fit(lo, hi)
}

// percentile is the range that leaves out the tails of x, or [lo, hi] where
// that is nothing but 0.
func (f *finder) percentile(x []float32, sym bool, lo, hi float32) (float32, float32) {
	f.scratch = append(f.scratch[:0], x...)
	var a, b float32
	if sym {
		for i, v := range f.scratch {
			f.scratch[i] = float32(math.Abs(float64(v)))
		}
		b = quantile(f.scratch, f.percent/100)
		a = -b
	} else {
		a = quantile(f.scratch, (100-f.percent)/100)
		b = quantile(f.scratch, f.percent/100)
	}
	if a >= 0 && b <= 0 {
		return lo, hi
	}
	return a, b
}

// quantile is quantile q of x, linear between the two neighbours of position
// q·(n−1), as numpy's. It reorders x.
func quantile(x []float32, q float64) float32 {
	pos := q * float64(len(x)-1)
	k := min(int(pos), len(x)-1)
	nth(x, k)
	a, part := float64(x[k]), pos-float64(k)
	if part <= 0 || k+1 == len(x) {
		return x[k]
	}
	b, _ := kernels.MinMax(x[k+1:])
	return float32(a + float64((float64(b)-a)*part))
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

// leastSquares is the params of the range p·[lo, hi] with the least squared
// error; false where none of them fits.
func leastSquares(g grid, x []float32, lo, hi float32) (best params, ok bool) {
	least := math.Inf(1)
	for i := range shrinks {
		p := 1 - float64(i)/100
		m, fits := g.fit(float32(p*float64(lo)), float32(p*float64(hi)))
		if !fits {
			continue
		}
		if e := squaredError(x, m.scale, g.lo-m.zero, g.hi-m.zero, least); e < least {
			best, least, ok = m, e, true
		}
	}
	return best, ok
}
