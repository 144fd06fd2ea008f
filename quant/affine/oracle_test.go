package affine

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"fewbits/quant"
)

// oracleRange is the range of a group, found the long way in float64.
func oracleRange(x []float64, bits int, o quant.Options) (lo, hi float64) {
	lo, hi = slices.Min(x), slices.Max(x)
	sym := o.Symmetric || o.Narrow
	switch o.Range {
	case quant.RangePercentile:
		p := o.Percentile
		if p == 0 {
			p = 99.9
		}
		if sym {
			var abs []float64
			for _, v := range x {
				abs = append(abs, math.Abs(v))
			}
			hi = numpyPercentile(abs, p)
			return -hi, hi
		}
		return numpyPercentile(x, 100-p), numpyPercentile(x, p)
	case quant.RangeEntropy:
		t := slowThreshold(x, 1<<(bits-1))
		return max(lo, -t), min(hi, t)
	}
	return lo, hi
}

// numpyPercentile sorts and interpolates.
func numpyPercentile(x []float64, p float64) float64 {
	s := slices.Clone(x)
	slices.Sort(s)
	v := p / 100 * float64(len(s)-1)
	i := int(math.Floor(v))
	j := min(i+1, len(s)-1)
	return s[i] + (s[j]-s[i])*(v-float64(i))
}

// slowThreshold walks every bin of every candidate.
func slowThreshold(x []float64, levels int) float64 {
	top := 0.0
	for _, v := range x {
		top = max(top, math.Abs(v))
	}
	hist := make([]float64, 2048)
	for _, v := range x {
		hist[min(2047, int(math.Abs(v)/(top/2048)))]++
	}
	hist[0] = hist[1]
	best, at := math.Inf(1), 0
	for i := levels; i <= 2048; i++ {
		p := slices.Clone(hist[:i])
		for _, c := range hist[i:] {
			p[i-1] += c
		}
		q := make([]float64, i)
		for l := range levels {
			var in []int
			sum := 0.0
			for k := range i {
				if k*levels/i == l && hist[k] > 0 {
					in = append(in, k)
					sum += hist[k]
				}
			}
			for _, k := range in {
				q[k] = sum / float64(len(in))
			}
		}
		if kl := klDivergence(p, q); kl <= best+1e-12 {
			best, at = min(best, kl), i
		}
	}
	return top * float64(at) / 2048
}

func klDivergence(p, q []float64) float64 {
	var sp, sq, kl float64
	for i := range p {
		sp += p[i]
		sq += q[i]
	}
	for i := range p {
		if p[i] > 0 {
			kl += p[i] / sp * math.Log((p[i]/sp)/(q[i]/sq))
		}
	}
	return kl
}

// oracleParams is scale and zero point of a range.
func oracleParams(lo, hi float64, bits int, o quant.Options) (scale, zero float64) {
	lo, hi = min(lo, 0), max(hi, 0)
	if lo == 0 && hi == 0 {
		return 1, 0
	}
	n := math.Pow(2, float64(bits))
	switch a := max(-lo, hi); {
	case o.Narrow:
		return a / (n/2 - 1), 0
	case o.Symmetric:
		return 2 * a / (n - 1), 0
	}
	zero = math.RoundToEven(-n/2 - lo*(n-1)/(hi-lo))
	return (hi - lo) / (n - 1), min(max(zero, -n/2), n/2-1)
}

// oracleGroups lists the values of each group: indexes, row-major.
func oracleGroups(rows, cols int, o quant.Options) (gs [][]int) {
	switch {
	case o.Granularity == quant.PerChannel && o.Axis == 1:
		for c := range cols {
			var g []int
			for r := range rows {
				g = append(g, r*cols+c)
			}
			gs = append(gs, g)
		}
	case o.Granularity == quant.PerChannel || o.Granularity == quant.PerGroup || o.Group != 0:
		size := o.Group
		if size == 0 {
			size = 32
		}
		if o.Granularity == quant.PerChannel || size < 0 {
			size = cols
		}
		for r := range rows {
			for c := 0; c < cols; c += size {
				var g []int
				for i := c; i < min(c+size, cols); i++ {
					g = append(g, r*cols+i)
				}
				gs = append(gs, g)
			}
		}
	default:
		var g []int
		for i := range rows * cols {
			g = append(g, i)
		}
		gs = append(gs, g)
	}
	return gs
}

// checkOracle compares what f decided with the oracle. Where the quotient is
// within a hair of a tie, both neighbours are right.
func checkOracle(t *testing.T, f quant.Format, x quant.Tensor, o quant.Options) {
	t.Helper()
	y, m, _ := quantized(t, f, x, o)
	bits := f.Info().Bits
	qmin, qmax := -math.Pow(2, float64(bits-1)), math.Pow(2, float64(bits-1))-1
	if o.Narrow {
		qmin = -qmax
	}
	for _, g := range oracleGroups(x.Rows(), x.Cols(), o) {
		var v []float64
		for _, i := range g {
			v = append(v, float64(x.Data[i]))
		}
		lo, hi := oracleRange(v, bits, o)
		scale, zero := oracleParams(lo, hi, bits, o)
		for k, i := range g {
			at := i/m.Cols*m.Groups + int(m.GroupIndex[i%m.Cols])
			if s := float64(m.Scales[at]); math.Abs(s-scale) > 3e-7*scale {
				t.Fatalf("value %d: scale %v, want %v", i, s, scale)
			}
			if z := float64(m.Zeros[at]); z != zero {
				t.Fatalf("value %d: zero %v, want %v", i, z, zero)
			}
			quotient := v[k] / scale
			want := min(max(math.RoundToEven(quotient)+zero, qmin), qmax)
			if got := float64(m.Codes[i]); got != want && (math.Abs(got-want) > 1 || math.Abs(quotient-math.Floor(quotient)-0.5) > 1e-4) {
				t.Fatalf("value %d = %v: code %v, want %v", i, v[k], got, want)
			}
			if want := float32(float32(m.Codes[i])-m.Zeros[at]) * m.Scales[at]; y[i] != want {
				t.Fatalf("value %d comes back as %v, want %v", i, y[i], want)
			}
		}
	}
}

func TestOracle(t *testing.T) {
	for name, o := range every() {
		if o.ScaleType == quant.ScaleF16 {
			continue // the oracle knows scales only before they are stored
		}
		for _, f := range Formats() {
			t.Run(f.Info().Name+" "+name, func(t *testing.T) {
				for seed := range uint64(6) {
					shape := [][]int{{3, 40}, {7, 33}, {1, 100}, {50, 3}, {20, 1}, {2, 35}}[seed]
					x := normal(seed, shape[0]*shape[1])
					if seed == 5 {
						for i := range x {
							x[i] = float32(math.Abs(float64(x[i]))) + 0.1
						}
					}
					checkOracle(t, f, tensor(x, shape[1]), o)
				}
			})
		}
	}
}

func TestOracleRanges(t *testing.T) {
	for _, c := range []struct {
		name string
		o    quant.Options
	}{
		{"percentile", quant.Options{Range: quant.RangePercentile}},
		{"percentile 60 sym", quant.Options{Range: quant.RangePercentile, Percentile: 60, Symmetric: true}},
		{"percentile 99 group", quant.Options{Range: quant.RangePercentile, Percentile: 99, Group: 50}},
		{"percentile 100 group 1", quant.Options{Range: quant.RangePercentile, Percentile: 100, Group: 1}},
		{"percentile group 2", quant.Options{Range: quant.RangePercentile, Group: 2}},
		{"percentile column", quant.Options{Range: quant.RangePercentile, Percentile: 95, Granularity: quant.PerChannel, Axis: 1}},
		{"percentile narrow", quant.Options{Range: quant.RangePercentile, Percentile: 99.5, Narrow: true}},
		{"entropy", quant.Options{Range: quant.RangeEntropy}},
		{"entropy sym", quant.Options{Range: quant.RangeEntropy, Symmetric: true}},
	} {
		for _, name := range []string{"INT8", "INT4", "INT3", "INT2"} {
			if testing.Short() && c.o.Range == quant.RangeEntropy && name == "INT8" {
				continue // its oracle takes seconds
			}
			t.Run(name+" "+c.name, func(t *testing.T) {
				checkOracle(t, named(t, name), tensor(normal(17, 4000), 200), c.o)
			})
		}
	}
}

// Exact zeros, however many, do not draw the threshold to them.
func TestEntropyOfSparse(t *testing.T) {
	x := normal(18, 6000)
	for i := range x {
		if i%10 != 0 {
			x[i] = 0
		}
	}
	checkOracle(t, named(t, "INT4"), tensor(x, 200), quant.Options{Range: quant.RangeEntropy})
}

func TestQuantile(t *testing.T) {
	sizes := []int{many - 1, many, many + 1, 5 * many}
	for n := 1; n < 300; n += 7 {
		sizes = append(sizes, n)
	}
	var f finder
	for _, n := range sizes {
		for kind := range 4 {
			x := normal(uint64(n), n)
			switch kind {
			case 1: // few distinct values
				for i := range x {
					x[i] = float32(math.Round(float64(x[i]) * 20))
				}
			case 2:
				slices.Sort(x)
			case 3: // nearly all in one bin
				x[n/2] = 1e9
			}
			lo, hi := slices.Min(x), slices.Max(x)
			var v []float64
			for _, e := range x {
				v = append(v, float64(e))
			}
			slices.Sort(v)
			for _, q := range []float64{0, 0.001, 0.01, 0.3, 0.5, 0.99, 0.999, 0.9999, 1} {
				if got, want := f.quantile(x, q, lo, hi), float32(numpyPercentile(v, 100*q)); math.Abs(float64(got-want)) > 1e-7*max(1, math.Abs(float64(want))) {
					t.Errorf("%d values of kind %d, q %v: %v, want %v", n, kind, q, got, want)
				}
			}
		}
	}
}

// The oracle of the threshold is slow; the quick form has the same divergence.
func TestDivergence(t *testing.T) {
	x := normal(5, 3000)
	top := x[largest(x, 1)]
	e := newEntropy(len(x))
	e.count(x, float32(math.Abs(float64(top))))
	for _, levels := range []int{2, 4, 8, 16, 32, 128} {
		for _, i := range []int{levels, levels + 1, 200, 777, 2047, 2048} {
			t.Run(fmt.Sprint(levels, " of ", i), func(t *testing.T) {
				p, q := make([]float64, i), make([]float64, i)
				sum, filled := make([]float64, levels), make([]float64, levels)
				for k, c := range e.counts {
					p[min(k, i-1)] += float64(c)
					if k < i && c > 0 {
						sum[k*levels/i] += float64(c)
						filled[k*levels/i]++
					}
				}
				for k := range q {
					if e.counts[k] > 0 {
						q[k] = sum[k*levels/i] / filled[k*levels/i]
					}
				}
				want := klDivergence(p, q)
				if got := e.divergence(i, levels); !(math.Abs(got-want) < 1e-9) && !(math.IsInf(got, 1) && math.IsInf(want, 1)) {
					t.Errorf("%v, want %v", got, want)
				}
			})
		}
	}
}
