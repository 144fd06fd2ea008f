package affine

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"fewbits/quant"
)

// random is a tensor and options at random.
func random(r *rand.Rand) (quant.Tensor, quant.Options) {
	cols := 1 + r.IntN(70)
	x := normal(r.Uint64(), cols*(1+r.IntN(6)))
	shift, size := float32(r.NormFloat64()*0.05), float32(math.Exp(r.NormFloat64()*10))
	for i := range x {
		x[i] = (x[i] + shift) * size
	}
	return tensor(x, cols), quant.Options{
		Symmetric:   r.IntN(3) == 0,
		Narrow:      r.IntN(5) == 0,
		Granularity: []quant.Granularity{"", quant.PerTensor, quant.PerChannel, quant.PerGroup}[r.IntN(4)],
		Axis:        r.IntN(2),
		Group:       []int{0, -1, 1, 5, 8, 32, 1000}[r.IntN(7)],
		Rounding:    []quant.Rounding{"", quant.RoundAway, quant.RoundStochastic}[r.IntN(3)],
		Seed:        r.Uint64(),
	}
}

// Within the range the error is at most half a step (a whole one where
// rounding is stochastic); beyond the last level it is clipped to it. Codes
// rise with values.
func TestErrorBound(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 600 {
		x, o := random(r)
		f := Formats()[round%len(rows)]
		y, m, _ := quantized(t, f, x, o)
		qmin, qmax := int32(-1)<<(f.Info().Bits-1), int32(1)<<(f.Info().Bits-1)-1
		if o.Narrow {
			qmin = -qmax
		}
		for i, v := range x.Data {
			at := i/m.Cols*m.Groups + int(m.GroupIndex[i%m.Cols])
			s := float64(m.Scales[at])
			bound := s * 0.5001
			if o.Rounding == quant.RoundStochastic {
				bound = s * 1.0001
			}
			// Half a step past the outermost level is within the range; of a
			// symmetric or a shifted grid the end may be half a step further.
			bottom, top := (float64(qmin)-float64(m.Zeros[at]))*s, (float64(qmax)-float64(m.Zeros[at]))*s
			outside := max(bottom-float64(v), float64(v)-top, 0)
			if d := math.Abs(float64(y[i]) - float64(v)); d > max(bound, outside*1.0001) || outside > s*1.0001 {
				t.Fatalf("round %d, %s %+v: %v comes back as %v, step %v", round, f.Info().Name, o, v, y[i], s)
			}
			if q := m.Codes[i]; q < qmin || q > qmax {
				t.Fatalf("round %d: code %d", round, q)
			}
		}
		if o.Rounding == quant.RoundStochastic {
			continue
		}
		for i := range x.Data {
			for j := max(0, i-8); j < i; j++ {
				a := i/m.Cols*m.Groups + int(m.GroupIndex[i%m.Cols])
				b := j/m.Cols*m.Groups + int(m.GroupIndex[j%m.Cols])
				if m.Scales[a] == m.Scales[b] && m.Zeros[a] == m.Zeros[b] && x.Data[i] < x.Data[j] && m.Codes[i] > m.Codes[j] {
					t.Fatalf("round %d: codes fall where values rise", round)
				}
			}
		}
	}
}

// Zero is exact in every grid.
func TestZeroIsExact(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 2))
	for round := range 200 {
		x, o := random(r)
		for i := range x.Data {
			if r.IntN(3) == 0 {
				x.Data[i] = 0
			}
		}
		y, _, _ := quantized(t, Formats()[round%len(rows)], x, o)
		for i, v := range x.Data {
			if v == 0 && y[i] != 0 {
				t.Fatalf("round %d: 0 comes back as %v", round, y[i])
			}
		}
	}
}

// Quantizing a reconstruction gives the same codes.
func TestIdempotent(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	for round := range 300 {
		x, o := random(r)
		o.Rounding, o.Narrow = "", o.Narrow || o.Symmetric
		f := Formats()[round%len(rows)]
		y, m, _ := quantized(t, f, x, o)
		_, again, _ := quantized(t, f, tensor(y, x.Cols()), o)
		if !slices.Equal(m.Codes, again.Codes) {
			for i, q := range m.Codes {
				if q != again.Codes[i] {
					at := i/m.Cols*m.Groups + int(m.GroupIndex[i%m.Cols])
					t.Fatalf("round %d, %s %+v: value %d = %v: code %d, then %d; scale %v zero %v then %v %v", round, f.Info().Name, o, i, x.Data[i], q, again.Codes[i],
						m.Scales[at], m.Zeros[at], again.Scales[at], again.Zeros[at])
				}
			}
		}
	}
}

// Each way to find a range betters what it is for.
func TestRanges(t *testing.T) {
	x := tensor(normal(8, 1<<14), 1<<12)
	for _, f := range Formats() {
		for _, o := range []quant.Options{{}, {Symmetric: true}, {Narrow: true}, {Group: 32}, {Granularity: quant.PerChannel, Axis: 1}, {Group: -1, ScaleType: quant.ScaleF16}} {
			plain, wide, _ := quantized(t, f, x, o)
			for _, way := range []quant.Range{quant.RangeMSE, quant.RangePercentile, quant.RangeEntropy} {
				o.Range = way
				y, m, _ := quantized(t, f, x, o)
				got, before := mse(x.Data, y), mse(x.Data, plain)
				if way == quant.RangeMSE && got > before {
					t.Errorf("%s %+v: mse %v, was %v", f.Info().Name, o, got, before)
				}
				for i, s := range m.Scales {
					if s > wide.Scales[i] {
						t.Fatalf("%s %+v: scale %d is %v, minmax has %v", f.Info().Name, o, i, s, wide.Scales[i])
					}
				}
				// With this few levels and outliers this far out, clipping pays.
				if f.Info().Bits <= 4 && o.Granularity == "" && o.Group == 0 && !(got < before) {
					t.Errorf("%s %+v: mse %v, was %v", f.Info().Name, o, got, before)
				}
			}
		}
	}
}

// The mse search finds the best of its grid.
func TestLeastSquares(t *testing.T) {
	for _, sym := range []bool{false, true} {
		x := normal(21, 500)
		lo, hi := slices.Min(x), slices.Max(x)
		for _, r := range rows {
			f := format{r}
			y, _, _ := quantized(t, f, tensor(x, 500), quant.Options{Range: quant.RangeMSE, Symmetric: sym})
			best := math.Inf(1)
			for i := range 80 {
				p := 1 - float64(i)/100
				scale, zero := oracleParams(float64(lo)*p, float64(hi)*p, r.bits, quant.Options{Symmetric: sym})
				sum := 0.0
				for _, v := range x {
					q := math.RoundToEven(float64(v)/scale) + zero
					q = max(-math.Pow(2, float64(r.bits-1)), min(math.Pow(2, float64(r.bits-1))-1, q))
					sum += math.Pow((q-zero)*scale-float64(v), 2)
				}
				best = min(best, sum/float64(len(x)))
			}
			if got := mse(x, y); math.Abs(got-best) > 1e-4*best {
				t.Errorf("%s, symmetric %v: mse %v, the best of the grid is %v", r.name, sym, got, best)
			}
		}
	}
}

// A range of too few values, or of zeros alone, falls back on minmax.
func TestRangeFallback(t *testing.T) {
	f := named(t, "INT4")
	small := tensor(normal(2, 2047), 2047)
	sparse := make([]float32, 5000)
	sparse[1234], sparse[4000] = 3, -1
	for name, c := range map[string]struct {
		x quant.Tensor
		o quant.Options
	}{
		"entropy of few":      {small, quant.Options{Range: quant.RangeEntropy}},
		"percentile of zeros": {tensor(sparse, 5000), quant.Options{Range: quant.RangePercentile}},
		"the same, symmetric": {tensor(sparse, 5000), quant.Options{Range: quant.RangePercentile, Symmetric: true}},
		"entropy of zeros":    {tensor(make([]float32, 4096), 64), quant.Options{Range: quant.RangeEntropy}},
		"mse of zeros":        {tensor(make([]float32, 4096), 64), quant.Options{Range: quant.RangeMSE}},
	} {
		_, got, _ := quantized(t, f, c.x, c.o)
		c.o.Range = ""
		_, want, _ := quantized(t, f, c.x, c.o)
		if !slices.Equal(got.Scales, want.Scales) || !slices.Equal(got.Zeros, want.Zeros) || !slices.Equal(got.Codes, want.Codes) {
			t.Errorf("%s: not as minmax", name)
		}
	}
}

func TestRounding(t *testing.T) {
	// Narrow INT8 of ±127 has a step of 1.
	x := []float32{127, 0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999997, -0.49999997, 0.75}
	for mode, want := range map[quant.Rounding][]int32{
		quant.RoundEven: {127, 0, 2, 2, 0, -2, -2, 0, 0, 1},
		quant.RoundAway: {127, 1, 2, 3, -1, -2, -3, 0, 0, 1},
	} {
		for _, g := range []quant.Granularity{quant.PerTensor, quant.PerChannel} {
			o := quant.Options{Narrow: true, Rounding: mode, Granularity: g, Axis: 1}
			_, m, _ := quantized(t, named(t, "INT8"), tensor(x, 1), o)
			if !slices.Equal(m.Codes, want) {
				t.Errorf("%s, a scale a %s: %v, want %v", mode, g, m.Codes, want)
			}
		}
	}
}

// Stochastic rounding is right on average, the same for the same seed, and
// for each value the same however the tensor is cut.
func TestStochastic(t *testing.T) {
	const n = 1 << 16
	f := named(t, "INT8")
	x := make([]float32, n)
	for i := range x {
		x[i] = 40.3
	}
	x[0], x[1] = 127, -127
	o := quant.Options{Narrow: true, Rounding: quant.RoundStochastic, Seed: 7}
	_, m, _ := quantized(t, f, tensor(x, n), o)
	sum, s := 0.0, draws(7)
	for i, q := range m.Codes {
		u := float64(s.next()>>32) / (1 << 32)
		if want := int32(math.Floor(float64(x[i]) + u)); i > 1 && q != want {
			t.Fatalf("value %d, 40.3, became %d, want %d", i, q, want)
		} else if i > 1 {
			sum += float64(q)
		}
	}
	// The mean of n draws of variance 0.21 strays by 0.0018; five of those.
	if mean := sum / (n - 2); math.Abs(mean-40.3) > 0.009 {
		t.Errorf("mean %v, want 40.3", mean)
	}
	_, same, _ := quantized(t, f, tensor(x, n), o)
	if !slices.Equal(m.Codes, same.Codes) {
		t.Error("the same seed gives other codes")
	}
	for i := range x { // the same scale in every row and column
		if i%256 < 2 || i < 512 {
			x[i] = 127
		}
	}
	_, a, _ := quantized(t, f, tensor(x, 256), o)
	for name, p := range map[string]quant.Options{"rows": {Granularity: quant.PerChannel}, "columns": {Granularity: quant.PerChannel, Axis: 1}} {
		p.Narrow, p.Rounding, p.Seed = true, quant.RoundStochastic, 7
		_, b, _ := quantized(t, f, tensor(x, 256), p)
		if !slices.Equal(a.Codes, b.Codes) {
			t.Errorf("%s: other codes", name)
		}
	}
	o.Seed = 8
	_, other, _ := quantized(t, f, tensor(x, 256), o)
	if slices.Equal(a.Codes, other.Codes) {
		t.Error("another seed gives the same codes")
	}
}

// The generator is SplitMix64: its first outputs for seed 1234567 as the
// test vectors that come with many implementations give them.
func TestUniform(t *testing.T) {
	for i, want := range []uint64{6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821} {
		if got := uniform(1234567, uint64(i)); got != float64(want>>32)/(1<<32) {
			t.Errorf("output %d: %v", i, got)
		}
	}
}

// No finite tensor makes NaN or infinity, at any size.
func TestExtremes(t *testing.T) {
	const big, tiny = math.MaxFloat32, math.SmallestNonzeroFloat32
	for name, x := range map[string][]float32{
		"zeros":         {0, 0, 0, 0},
		"negative zero": {float32(math.Copysign(0, -1)), 0, 0, 0},
		"constant":      {3, 3, 3, 3},
		"constant < 0":  {-3, -3, -3, -3},
		"1e38":          {1e38, -1e38, 2e38, -3e38},
		"largest":       {big, -big, big, 0},
		"largest > 0":   {big, big, big, big / 2},
		"largest < 0":   {-big, -big, -big / 3, 0},
		"both scales":   {big, tiny, -tiny, 1},
		"tiny":          {tiny, -tiny, 0, 3 * tiny},
		"tiny > 0":      {tiny, tiny, tiny, tiny},
		"300 tiny":      {300 * tiny, -100 * tiny, 20 * tiny, 0},
		"denormal":      {1e-40, -2e-40, 3e-39, 0},
		"smallest":      {0x1p-126, -0x1p-126, 0x1p-127, 0},
	} {
		for key, o := range every() {
			for _, way := range []quant.Range{"", quant.RangePercentile, quant.RangeMSE, quant.RangeEntropy} {
				for _, f := range Formats() {
					o.Range = way
					p, err := f.Quantize(tensor(x, 2), o)
					if err != nil {
						if o.ScaleType != quant.ScaleF16 {
							t.Errorf("%s, %s: %v", name, key, err)
						}
						continue
					}
					y := make([]float32, len(x))
					if err := f.Dequantize(p, y); err != nil {
						t.Fatal(err)
					}
					checkExtreme(t, f, name+", "+key+", "+string(way), x, y, o)
				}
			}
		}
	}
}

func checkExtreme(t *testing.T, f quant.Format, name string, x, y []float32, o quant.Options) {
	t.Helper()
	lo, hi := min(0, slices.Min(x)), max(0, slices.Max(x))
	step := (float64(hi) - float64(lo)) / float64(int(1)<<f.Info().Bits-1)
	if o.Symmetric || o.Narrow { // INT2, narrow, has but one level a side
		step = max(-float64(lo), float64(hi)) / float64(int(1)<<(f.Info().Bits-1)-1)
	}
	for i := range y {
		if v := float64(y[i]); math.IsNaN(v) || math.IsInf(v, 0) {
			t.Errorf("%s %s: %v comes back as %v", f.Info().Name, name, x[i], v)
		} else if x[i] == 0 && v != 0 {
			t.Errorf("%s %s: 0 comes back as %v", f.Info().Name, name, v)
		} else if d := math.Abs(v - float64(x[i])); o.Range == "" && o.ScaleType != quant.ScaleF16 && d > step+math.SmallestNonzeroFloat32 {
			t.Errorf("%s %s: %v comes back as %v, a step is %v", f.Info().Name, name, x[i], v, step)
		}
	}
}

// A half that would be 0 is the smallest half instead, and quotients use the
// scale as stored.
func TestHalfScales(t *testing.T) {
	f := named(t, "INT8")
	_, m, _ := quantized(t, f, tensor([]float32{1e-9, -1e-9}, 2), quant.Options{ScaleType: quant.ScaleF16})
	if m.Scales[0] != 0x1p-24 {
		t.Errorf("scale %v, want 2^-24", m.Scales[0])
	}
	// The second is so small that halves are far apart.
	for _, size := range []float32{1, 3e-5} {
		x := normal(31, 4096)
		for i := range x {
			x[i] *= size
		}
		_, m, _ = quantized(t, f, tensor(x, 4096), quant.Options{ScaleType: quant.ScaleF16})
		if want := math.RoundToEven(-128 - float64(slices.Min(x))/float64(m.Scales[0])); float64(m.Zeros[0]) != want {
			t.Errorf("scale %v: zero %v, want %v", m.Scales[0], m.Zeros[0], want)
		}
		for i, v := range x {
			want := math.RoundToEven(float64(v/m.Scales[0])) + float64(m.Zeros[0])
			if got := float64(m.Codes[i]); got != max(-128, min(127, want)) {
				t.Fatalf("value %d = %v: code %v, want %v", i, v, got, want)
			}
		}
	}
}

// Neither the width of a range nor twice an absmax has to fit into float32.
func TestHugeScales(t *testing.T) {
	for _, c := range []struct {
		o    quant.Options
		want float64
	}{
		{quant.Options{}, 5e38 / 255},
		{quant.Options{Symmetric: true}, 6e38 / 255},
		{quant.Options{Narrow: true}, 3e38 / 127},
	} {
		_, m, _ := quantized(t, named(t, "INT8"), tensor([]float32{2e38, -3e38}, 2), c.o)
		if s := float64(m.Scales[0]); math.Abs(s-c.want) > 1e-7*c.want {
			t.Errorf("%+v: scale %v, want %v", c.o, s, c.want)
		}
	}
}
