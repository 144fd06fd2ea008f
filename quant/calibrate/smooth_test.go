package calibrate

import (
	"math"
	"testing"

	"fewbits/quant"
	"fewbits/quant/activation"
	"fewbits/quant/llama"
)

// withOutliers is m with some channels of what goes into queries, keys, values,
// gate and up made a hundred times as large, and the columns that meet them as
// much smaller: the same function, with activations that are hard to round.
func withOutliers(t *testing.T, m *llama.Model) *llama.Model {
	t.Helper()
	hard := m.With(llama.Options{})
	const factor = 100
	for layer := range m.Config().Layers {
		for _, s := range []llama.Stage{llama.StageAttention, llama.StageFeedForward} {
			from, _ := m.Origin(layer, s)
			for _, name := range append(m.Matrices(layer, s), from.Vectors...) {
				w, err := hard.Tensor(name)
				if err != nil {
					t.Fatal(err)
				}
				by := float32(factor)
				if len(w.Shape) == 2 {
					by = 1. / factor
				}
				for i := range w.Data {
					if c := i % m.Config().Width; c%23 == 5 {
						w.Data[i] *= by
					}
				}
				if err := hard.Set(name, w.Data); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return hard
}

// rounded is m with its activations rounded to INT8.
func rounded(t *testing.T, m *llama.Model, s activation.Scheme) *llama.Model {
	t.Helper()
	q, err := activation.Dynamic(s)
	if err != nil {
		t.Fatal(err)
	}
	return m.With(llama.Options{Input: q.Input})
}

// TestSmooth runs models with planted outliers in W8A8: SmoothQuant brings the
// loss down to about that of the model without outliers, rounding alone does
// not, and LLM.int8() finds the outliers.
func TestSmooth(t *testing.T) {
	_, m, text := stories(t)
	seen, unseen := halves(text)
	chunks := chunksOf(t, m, seen, Text{Context: 128, Chunks: 4})
	hard := withOutliers(t, m)
	if ppl, kl := measure(t, hard, m, unseen, 2); kl > 1e-6 {
		t.Fatalf("outliers change the model: perplexity %v, KL %v", ppl, kl)
	}
	int8 := activation.Scheme{Granularity: quant.PerTensor}
	kls := map[string]float64{}
	for _, c := range []struct {
		name  string
		m     *llama.Model
		plain bool
	}{{"easy", m, true}, {"hard", hard, true}, {"smoothed", hard, false}} {
		r, err := Quantize(t.Context(), c.m, chunks, Options{Method: "smoothquant", Plain: c.plain})
		if err != nil {
			t.Fatal(err)
		}
		var ppl float64
		ppl, kls[c.name] = measure(t, rounded(t, r.Model, int8), m, unseen, 2)
		t.Logf("%s: perplexity %.4f, KL %.6f", c.name, ppl, kls[c.name])
		lost, rounding := 0.0, 0.0
		for _, x := range r.Tensors {
			lost += math.Sqrt(x.Error.Relative)
			rounding += math.Sqrt(x.Error.Rounding)
		}
		t.Logf("mean error of an output %.4f%%, by rounding %.4f%%", 100*lost/35, 100*rounding/35)
	}
	if !(kls["smoothed"] < kls["hard"]/5 && kls["smoothed"] < 2*kls["easy"]) {
		t.Errorf("KL %v", kls)
	}
	r, err := Quantize(t.Context(), hard, chunks, Options{Method: "LLM.int8()", Quant: quant.Options{Threshold: quant.Some(20.0)}})
	if err != nil {
		t.Fatal(err)
	}
	ppl, kl := measure(t, r.Model, m, unseen, 2)
	t.Logf("LLM.int8(): perplexity %.4f, KL %.6f; %v of the first matrix", ppl, kl, r.Tensors[0].Error)
	if first := r.Tensors[0]; !(kl < 1e-3) || !(first.Error.Relative < first.Error.Rounding/4) {
		t.Errorf("LLM.int8(): KL %v, first matrix %+v", kl, first.Error)
	}
}
