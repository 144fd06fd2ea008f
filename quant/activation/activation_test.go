package activation

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/testdata"
	"fewbits/quant/smooth"
)

const layer = "blk.0.attn_q.weight"

func dynamic(t *testing.T, s Scheme) *Quantizer {
	t.Helper()
	q, err := Dynamic(s)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// static lets a calibrator see batches.
func static(t *testing.T, s Scheme, batches ...[]float32) *Quantizer {
	t.Helper()
	c, err := NewCalibrator(s)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range batches {
		c.Observe(layer, x, len(x)/4, 4)
	}
	q, err := c.Quantizer()
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// TestTokens holds INT8 by token against SmoothQuant's, bit for bit.
func TestTokens(t *testing.T) {
	x := testdata.Activations()
	got := dynamic(t, Scheme{}).Input(layer, x.Data, x.Rows(), x.Cols())
	if !slices.Equal(got, smooth.Tokens(x, nil)) {
		t.Error("tokens differ from those of package smooth")
	}
}

// TestSchemes rounds two tokens of four inputs; the scales are easily told.
func TestSchemes(t *testing.T) {
	x := []float32{0, 1, -2, 3.5, 0.5, 14, 7, -14}
	for _, c := range []struct {
		name string
		s    Scheme
		want []float32
	}{
		{"INT4 by token", Scheme{Bits: 4}, []float32{0, 1, -2, 3.5, 0, 14, 8, -14}},
		{"INT4 by tensor", Scheme{Bits: 4, Granularity: quant.PerTensor}, []float32{0, 0, -2, 4, 0, 14, 8, -14}},
		{"INT4 by input", Scheme{Bits: 4, Granularity: quant.PerChannel}, []float32{0, 0, -2, 4, 0.5, 14, 7, -14}}, // 1/2 rounds to the even 0
		{"INT2 by token", Scheme{Bits: 2}, []float32{0, 0, -3.5, 3.5, 0, 14, 0, -14}},                              // −2/3.5 rounds to −1
		{"INT4 by token, asymmetric", Scheme{Bits: 4, Asymmetric: true},
			[]float32{0, 1.1, -1.8333334, 3.6666667, 0, 13.066667, 7.4666667, -14.933333}},
	} {
		t.Run(c.name, func(t *testing.T) {
			keep := slices.Clone(x)
			got := dynamic(t, c.s).Input(layer, x, 2, 4)
			if !slices.Equal(x, keep) {
				t.Error("the input was changed")
			}
			for i, v := range got {
				if math.Abs(float64(v-c.want[i])) > 1e-5 {
					t.Errorf("value %d is %v, want %v", i, v, c.want[i])
				}
			}
			if same := dynamic(t, c.s).Input("output.weight", x, 2, 4); &same[0] != &x[0] {
				t.Error("the input of the output layer was rounded")
			}
		})
	}
}

// TestStatic finds ranges on batches, and clips what comes later.
func TestStatic(t *testing.T) {
	a, b := []float32{1, -4, 2, 0, 1, 2, -6, 0}, []float32{3, 8, -8, 0}
	tensor := quant.PerTensor
	for _, c := range []struct {
		name   string
		s      Scheme
		lo, hi []float32
	}{
		{"minmax", Scheme{Granularity: tensor}, []float32{-8}, []float32{8}},
		{"minmax, asymmetric", Scheme{Granularity: tensor, Asymmetric: true}, []float32{-8}, []float32{8}},
		{"average", Scheme{Granularity: tensor, Range: RangeAverage}, []float32{-6.2}, []float32{6.2}},
		{"average, asymmetric", Scheme{Granularity: tensor, Range: RangeAverage, Asymmetric: true}, []float32{-6.2}, []float32{2.6}},
		{"by input", Scheme{Granularity: quant.PerChannel}, []float32{-3, -8, -8, -1e-5}, []float32{3, 8, 8, 1e-5}},
		{"percentile", Scheme{Granularity: tensor, Range: quant.RangePercentile, Percentile: 75}, []float32{-4}, []float32{4}},
	} {
		t.Run(c.name, func(t *testing.T) {
			q := static(t, c.s, a, b)
			lo, hi := q.Range(layer)
			if len(lo) != len(c.lo) {
				t.Fatalf("%v to %v", lo, hi)
			}
			for i := range lo {
				if near := 0.02*math.Abs(float64(c.lo[i])) + 0.02; math.Abs(float64(lo[i]-c.lo[i])) > near || math.Abs(float64(hi[i]-c.hi[i])) > near {
					t.Errorf("%v to %v, want %v to %v", lo, hi, c.lo, c.hi)
				}
			}
			got := q.Input(layer, []float32{100, -100, 0, 0}, 1, 4)
			if got[0] != hi[0] || len(lo) == 1 && got[1] != lo[0] || got[2] != 0 {
				t.Errorf("%v; the range is %v to %v", got, lo, hi)
			}
			if other := []float32{9}; &q.Input("blk.7.ffn_up.weight", other, 1, 1)[0] != &other[0] {
				t.Error("a layer was rounded that was never seen")
			}
		})
	}
}

// TestRanges wants ranges that clip to lose less than the whole range, on
// values of which a few are far out, in 4 bits; and entropy to clip in 8.
func TestRanges(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	x := make([]float32, 40000)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	x[77], x[3999] = 30, -28
	lost := func(s Scheme) float64 {
		s.Granularity = quant.PerTensor
		sum := 0.0
		for i, v := range static(t, s, x).Input(layer, x, len(x)/4, 4) {
			sum += float64(v-x[i]) * float64(v-x[i])
		}
		return sum
	}
	whole := lost(Scheme{Bits: 4})
	for _, how := range []quant.Range{quant.RangeMSE, quant.RangePercentile, quant.RangeEntropy} {
		if l := lost(Scheme{Bits: 4, Range: how}); !(l < whole/4) {
			t.Errorf("%s loses %v, the whole range %v", how, l, whole)
		}
	}
	if _, hi := static(t, Scheme{Granularity: quant.PerTensor, Range: quant.RangeEntropy}, x).Range(layer); !(hi[0] > 2.5 && hi[0] < 15) {
		t.Errorf("entropy keeps %v of 30", hi)
	}
	asym := slices.Clone(x)
	for i := range asym {
		asym[i] = max(0, asym[i])
	}
	_, hi := static(t, Scheme{Granularity: quant.PerTensor, Range: quant.RangeMSE, Asymmetric: true, Bits: 4}, asym).Range(layer)
	if lo, _ := static(t, Scheme{Granularity: quant.PerTensor, Asymmetric: true}, asym).Range(layer); lo[0] != 0 || hi[0] > 15 {
		t.Errorf("of positive values: from %v, clipped at %v", lo, hi)
	}
}

func TestRefuses(t *testing.T) {
	for name, s := range map[string]Scheme{
		"bits": {Bits: 9}, "granularity": {Granularity: quant.PerGroup}, "range": {Range: "guess"}, "percentile": {Percentile: 20},
	} {
		if _, err := Dynamic(s); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	for name, s := range map[string]Scheme{"tokens": {}, "histograms of inputs": {Granularity: quant.PerChannel, Range: quant.RangeEntropy}} {
		if _, err := NewCalibrator(s); err == nil {
			t.Errorf("static %s were taken", name)
		}
	}
	c, err := NewCalibrator(Scheme{Granularity: quant.PerTensor})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Quantizer(); err == nil {
		t.Error("there are ranges of nothing")
	}
	c.Observe(layer, []float32{1, float32(math.NaN())}, 1, 2)
	if _, err := c.Quantizer(); err == nil {
		t.Error("NaN was taken")
	}
}
