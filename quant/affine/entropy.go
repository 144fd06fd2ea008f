package affine

import (
	"math"
	"math/bits"
)

// bins is how finely the histogram of |x| is cut.
const bins = 2048

// maxLogs bounds the table of logarithms.
const maxLogs = 1 << 16

// entropy finds the threshold at which clipping and quantizing a distribution
// changes it least, as TensorRT calibrates.
//
// The counts of |x| stand in 2048 bins up to the largest. For each i from L,
// the levels of one sign, to 2048, P is the first i bins with all that lies
// beyond added to the last of them. Q is the first i bins merged to L levels,
// bin k to level ⌊k·L/i⌋, each level's count spread evenly over those of its
// bins that are not empty. The threshold is the upper edge of bin i−1 for the
// i with the least KL(P‖Q), the largest of equals.
//
// Migacz, "8-bit Inference with TensorRT", GTC 2017, gives the idea. Details
// follow NVIDIA's pytorch-quantization (calib/histogram.py): bin 0, where
// exact zeros are, counts as bin 1 does; the threshold is an edge of a bin;
// where P has a count and Q none, the divergence is infinite.
type entropy struct {
	counts [bins]int
	before [bins + 1]int     // counts of the bins before
	filled [bins + 1]int     // bins before that are not empty
	plogp  [bins + 1]float64 // Σ c·ln c over the bins before
	logs   []float64         // ln of small whole numbers
}

// leastDivergence is [lo, hi] cut at the threshold on both sides. A group of
// fewer values than bins is left as it is: its histogram says nothing.
func (f *finder) leastDivergence(x []float32, g grid, lo, hi float32) (float32, float32) {
	top := max(-lo, hi)
	if len(x) < bins || top <= 0 {
		return lo, hi
	}
	if f.entropy == nil {
		f.entropy = newEntropy(len(x))
	}
	f.entropy.count(x, top)
	i := f.entropy.best(int(g.hi) + 1)
	t := float32(float64(top) * float64(i) / bins)
	return max(lo, -t), min(hi, t)
}

// newEntropy has a table of logarithms that suits groups of n values.
func newEntropy(n int) *entropy {
	e := &entropy{logs: make([]float64, min(n+bins, maxLogs))}
	for i := 1; i < len(e.logs); i++ {
		e.logs[i] = math.Log(float64(i))
	}
	return e
}

// ln is the natural logarithm of n > 0.
func (e *entropy) ln(n int) float64 {
	if n < len(e.logs) {
		return e.logs[n]
	}
	return math.Log(float64(n))
}

// clnc is c·ln c, 0 for 0.
func (e *entropy) clnc(c int) float64 {
	if c == 0 {
		return 0
	}
	return float64(c) * e.ln(c)
}

// EntropyBins is how many bins of a histogram of |x| to keep for a grid of
// levels of one sign, a power of two up to 2048: 128 of INT8. The range is to
// be cut at the upper edge of the last of them. See the entropy type.
func EntropyBins(counts *[2048]int, levels int) int {
	e := newEntropy(bins)
	e.counts = *counts
	e.sum()
	return e.best(levels)
}

// count fills the histogram of |x| up to top, and its running sums.
func (e *entropy) count(x []float32, top float32) {
	clear(e.counts[:])
	perBin := bins / float64(top)
	for _, v := range x {
		k := int(math.Abs(float64(v)) * perBin)
		e.counts[min(k, bins-1)]++
	}
	e.sum()
}

// sum takes the running sums of the histogram.
func (e *entropy) sum() {
	e.counts[0] = e.counts[1]
	for k, c := range e.counts {
		e.before[k+1] = e.before[k] + c
		e.filled[k+1] = e.filled[k]
		if c > 0 {
			e.filled[k+1]++
		}
		e.plogp[k+1] = e.plogp[k] + e.clnc(c)
	}
}

// best is the number of bins to keep for a grid of levels, a power of two.
func (e *entropy) best(levels int) int {
	at, least := bins, math.Inf(1)
	for i := levels; i <= bins; i++ {
		if d := e.divergence(i, levels); d <= least {
			at, least = i, d
		}
	}
	return at
}

// divergence is KL(P‖Q) of the first i bins; levels is a power of two.
//
// With P = c/T, where T is all counts, and Q = (S/n)/B, where S is the count
// of a level, n its filled bins and B the counts of the first i bins, it is
//
//	(Σ c·ln c − Σ c·ln(S/n))/T − ln T + ln B
//
// which takes the levels' sums only, not their bins.
func (e *entropy) divergence(i, levels int) float64 {
	total := e.before[bins]
	beyond := total - e.before[i]
	last := e.counts[i-1]
	if beyond > 0 && last == 0 {
		return math.Inf(1)
	}
	sum := e.plogp[i-1] + e.clnc(last+beyond)
	from, shift := 0, bits.TrailingZeros(uint(levels))
	for j := range levels {
		to := ((j+1)*i + levels - 1) >> shift // first bin of the next level
		s := e.before[to] - e.before[from]
		if s > 0 {
			c := s
			if j == levels-1 {
				c += beyond
			}
			sum -= float64(c) * (e.ln(s) - e.ln(e.filled[to]-e.filled[from]))
		}
		from = to
	}
	return sum/float64(total) - e.ln(total) + e.ln(e.before[i])
}
