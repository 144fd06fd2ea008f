package calib

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"fewbits/quant"
	"fewbits/quant/affine"
	"fewbits/quant/internal/testdata"
)

// TestInputs gathers in pieces what is known of the whole.
func TestInputs(t *testing.T) {
	x := testdata.Activations()
	n := x.Cols()
	in, err := NewInputs(n, Wants{Tokens: true, Histogram: true, Gram: true, Sample: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for at := 0; at < x.Rows(); at += 30 {
		if err := in.Add(t.Context(), x.Slice(at, min(at+30, x.Rows())).Data); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(in.AbsMax(), AbsMax(x)) || !slices.Equal(in.AbsMean(), AbsMean(x)) || in.Tokens != 256 {
		t.Error("channels differ")
	}
	lo, hi := in.Range()
	if lo != slices.Min(x.Data) || hi != slices.Max(x.Data) || in.Histogram.Min != lo || in.Histogram.Max != hi {
		t.Errorf("range %v to %v", lo, hi)
	}
	if !slices.Equal(in.Sample.Data, x.Data) {
		t.Error("a sample with room for all is not all")
	}
	whole, err := NewGram(n)
	if err == nil {
		err = whole.Add(t.Context(), x)
	}
	if err != nil {
		t.Fatal(err)
	}
	worst := 0.0
	for i, v := range whole.Data {
		scale := math.Sqrt(whole.Data[i/n*n+i/n] * whole.Data[i%n*n+i%n])
		worst = max(worst, math.Abs(in.Gram.Data[i]-v)/scale)
	}
	if worst > 1e-6 || worst == 0 || in.Gram.Samples != 9 {
		t.Errorf("XᵀX differs by %v, %d samples", worst, in.Gram.Samples)
	}
	squares := in.MeanSquares()
	for i, v := range squares {
		if want := whole.Data[i*n+i] / 256; math.Abs(float64(v)-want) > 1e-6*want {
			t.Errorf("input %d: mean square %v, want %v", i, v, want)
		}
	}
	checkTokens(t, in.PerToken, x)
	checkEnergies(t, in.Gram, x)
}

// checkTokens holds ranges of tokens against those of x.
func checkTokens(t *testing.T, p *TokenRanges, x *quant.Tensor) {
	t.Helper()
	least, most, sum := math.Inf(1), 0.0, 0.0
	for row := range x.Rows() {
		top := 0.0
		for _, v := range x.Slice(row, row+1).Data {
			top = max(top, math.Abs(float64(v)))
		}
		least, most, sum = min(least, top), max(most, top), sum+top
	}
	if float64(p.Least) != least || float64(p.Most) != most || math.Abs(p.Sum-sum) > 1e-9*sum || p.Tokens != 256 || p.Histogram.Count != 256 {
		t.Errorf("tokens reach %v to %v, sum %v; want %v to %v, %v", p.Least, p.Most, p.Sum, least, most, sum)
	}
}

// checkEnergies holds all ways to the energy of a layer against one another.
func checkEnergies(t *testing.T, g *Gram, x *quant.Tensor) {
	t.Helper()
	w := testdata.Weights()
	layer, err := Layer(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	back := make([]float32, len(w.Data))
	for i, v := range w.Data {
		back[i] = float32(math.Round(float64(v)*16)) / 16
	}
	want, err := layer.Sum(t.Context(), w.Data, back)
	if err != nil {
		t.Fatal(err)
	}
	tokens := &Energy{n: x.Cols(), m: x.Rows(), b: doubles(x.Data)}
	for name, e := range map[string]*Energy{"summed": g.Energy(), "summed, single": g.Energy().Single(), "single": layer.Single(), "tokens, single": tokens.Single()} {
		if got, err := e.Sum(t.Context(), w.Data, back); err != nil || math.Abs(got-want) > 1e-5*want {
			t.Errorf("energy %s: %v, want %v; %v", name, got, want, err)
		}
	}
}

func TestInputsRefuse(t *testing.T) {
	if _, err := NewInputs(0, Wants{}); err == nil {
		t.Error("a layer without inputs")
	}
	if _, err := NewInputs(1<<20, Wants{Gram: true}); err == nil {
		t.Error("a square of 2^40")
	}
	for name, x := range map[string][]float32{"half a token": {1, 2, 3}, "NaN": {1, float32(math.NaN())}, "infinity": {float32(math.Inf(-1)), 0}} {
		in, err := NewInputs(2, Wants{Histogram: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := in.Add(t.Context(), x); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

// TestSampleIsFair lets 400 tokens by for 20 places, many times over: early and
// late tokens stay as often.
func TestSampleIsFair(t *testing.T) {
	const tokens, places, times = 400, 20, 300
	quarters := [4]int{}
	s := Sample{Most: places, Cols: 1}
	for range times {
		s.Seen, s.Data = 0, s.Data[:0]
		for i := range tokens {
			s.Add([]float32{float32(i)})
		}
		if len(s.Data) != places || s.Seen != tokens {
			t.Fatal(len(s.Data), s.Seen)
		}
		for _, v := range s.Data {
			quarters[int(v)*4/tokens]++
		}
	}
	for q, n := range quarters {
		if want := places * times / 4; math.Abs(float64(n-want)) > 0.1*float64(want) { // three standard deviations
			t.Errorf("quarter %d: %d, want about %d", q, n, want)
		}
	}
	a, b := Sample{Most: 3, Cols: 2}, Sample{Most: 3, Cols: 2}
	for i := range 50 {
		a.Add([]float32{float32(i), -float32(i)})
		b.Add([]float32{float32(i), -float32(i)})
	}
	if x := a.Tensor("x"); !slices.Equal(x.Data, b.Data) || x.Shape[0] != 3 || x.Shape[1] != 2 || x.Data[0] != -x.Data[1] {
		t.Errorf("%v, %v", a.Data, b.Data)
	}
}

// skewed are values with a tail, most of them positive.
func skewed(n int) []float32 {
	r := rand.New(rand.NewPCG(5, 6))
	x := make([]float32, n)
	for i := range x {
		v := r.NormFloat64()
		x[i] = float32(v*v*v*0.2 + 0.3)
		if i%17 == 0 {
			x[i] = 0
		}
	}
	return x
}

// TestHistogramGrows adds values of which later ones are larger: the counts are
// those of a histogram that had the room from the start.
func TestHistogramGrows(t *testing.T) {
	x := skewed(5000)
	slices.SortFunc(x, func(a, b float32) int { return int(math.Copysign(1, math.Abs(float64(a))-math.Abs(float64(b)))) })
	var grown Histogram
	for at := 0; at < len(x); at += 250 {
		grown.Add(x[at : at+250])
	}
	whole := Histogram{Limit: grown.Limit}
	whole.Add(x)
	// The largest of the first batch lies on an edge, and was put below it.
	total, moved := grown.Zeros, 0
	for i := range Bins {
		total += grown.Above[i] + grown.Below[i]
		for _, d := range []int{grown.Above[i] - whole.Above[i], grown.Below[i] - whole.Below[i]} {
			moved += max(d, -d)
		}
	}
	if moved > 2 {
		t.Errorf("%d values are in other bins", moved)
	}
	if total != len(x) || grown.Count != len(x) || grown.Zeros != whole.Zeros || grown.Limit < slices.Max(x) || grown.Limit >= 2*max(slices.Max(x), -slices.Min(x)) {
		t.Errorf("%d counted, limit %v of %v", total, grown.Limit, slices.Max(x))
	}
	var none Histogram
	none.Add(make([]float32, 9))
	for _, symmetric := range []bool{false, true} {
		if lo, hi := none.Percentile(99, symmetric); lo != 0 || hi != 0 {
			t.Errorf("percentile of zeros: %v to %v", lo, hi)
		}
		if lo, hi := none.LeastSquares(255, symmetric); lo != 0 || hi != 0 {
			t.Errorf("least squares of zeros: %v to %v", lo, hi)
		}
	}
	if lo, hi := none.Entropy(128); lo != 0 || hi != 0 {
		t.Errorf("entropy of zeros: %v to %v", lo, hi)
	}
}

// TestPercentile wants the shares of values beyond the edges to be those asked
// for, within a bin.
func TestPercentile(t *testing.T) {
	x := skewed(20000)
	var h Histogram
	h.Add(x)
	share := func(f func(v float32) bool) float64 {
		n := 0
		for _, v := range x {
			if f(v) {
				n++
			}
		}
		return 100 * float64(n) / float64(len(x))
	}
	for _, p := range []float64{99.99, 99, 90} {
		lo, hi := h.Percentile(p, false)
		if above, below := share(func(v float32) bool { return v > hi }), share(func(v float32) bool { return v < lo }); math.Abs(above-(100-p)) > 1.5 || above > 100-p || below > 100-p {
			t.Errorf("%v: %v to %v leaves out %v%% and %v%%", p, lo, hi, below, above)
		}
		lo, hi = h.Percentile(p, true)
		if out := share(func(v float32) bool { return v > hi || v < lo }); lo != -hi || out > 100-p || math.Abs(out-(100-p)) > 1.5 {
			t.Errorf("%v: ±%v leaves out %v%%", p, hi, out)
		}
	}
	if lo, hi := h.Percentile(100, false); lo != h.Min || hi != h.Max {
		t.Errorf("all: %v to %v", lo, hi)
	}
}

// TestEntropy holds the threshold against that of package affine, which has the
// values themselves.
func TestEntropy(t *testing.T) {
	x := skewed(1 << 15)
	var h Histogram
	h.Add(x)
	_, hi := h.Entropy(128)
	for _, f := range affine.Formats() {
		if f.Info().Name != "INT8" {
			continue
		}
		o := quant.Options{Symmetric: true, Narrow: true, Range: quant.RangeEntropy, Granularity: quant.PerTensor}
		p, err := f.Quantize(quant.Tensor{Name: "x", Shape: []int{1, len(x)}, Data: x}, o)
		if err != nil {
			t.Fatal(err)
		}
		m, err := f.Params(p, false)
		if err != nil {
			t.Fatal(err)
		}
		if want := m.Scales[0] * 127; math.Abs(float64(hi-want)) > 1e-5*float64(want) || hi > 0.9*h.Max {
			t.Errorf("threshold %v, package affine %v; the largest value is %v", hi, want, h.Max)
		}
		return
	}
	t.Fatal("there is no INT8")
}

// TestLeastSquares wants no range of those tried to be much better on the
// values themselves.
func TestLeastSquares(t *testing.T) {
	x := skewed(8000)
	var h Histogram
	h.Add(x)
	loss := func(lo, hi float64, levels int) (sum float64) {
		step := (hi - lo) / float64(levels)
		least := math.RoundToEven(lo / step)
		for _, v := range x {
			q := min(max(math.RoundToEven(float64(v)/step), least), least+float64(levels))
			sum += (float64(v) - q*step) * (float64(v) - q*step)
		}
		return sum
	}
	for _, levels := range []int{255, 15} {
		lo, hi := h.LeastSquares(levels, false)
		got := loss(float64(lo), float64(hi), levels)
		whole := loss(float64(h.Min), float64(h.Max), levels)
		best := math.Inf(1)
		for i := 1; i <= 100; i++ {
			p := float64(i) / 100
			best = min(best, loss(p*float64(h.Min), p*float64(h.Max), levels))
		}
		if got > 1.01*best || levels == 15 && got > 0.7*whole {
			t.Errorf("%d levels: %v to %v loses %v; the best %v, the whole range %v", levels, lo, hi, got, best, whole)
		}
	}
}
