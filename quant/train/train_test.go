package train

import (
	"math"
	"math/rand/v2"
	"testing"
)

var tiny = Shape{Vocabulary: 19, Width: 16, Hidden: 24, Layers: 2, Heads: 4, Shared: 2, Dim: 4, Context: 8}

func randomBatch(s Shape, sequences int) Batch {
	random := rand.New(rand.NewPCG(5, 6))
	var b Batch
	for range sequences * s.Context {
		b.Tokens = append(b.Tokens, int32(random.IntN(s.Vocabulary)))
		b.Targets = append(b.Targets, int32(random.IntN(s.Vocabulary)))
	}
	return b
}

// TestGradients holds gradients against differences of the loss.
func TestGradients(t *testing.T) {
	m, err := NewModel(tiny, 3)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range m.all {
		if w.norm {
			for i := range w.of(m.weights) {
				w.of(m.weights)[i] = 1 + 0.1*float32(i%5)
			}
		}
	}
	b := randomBatch(tiny, 2)
	if _, err := m.Loss(b, true); err != nil {
		t.Fatal(err)
	}
	grads := append([]float32(nil), m.grads...)
	random := rand.New(rand.NewPCG(1, 1))
	for _, w := range m.all {
		t.Run(w.name, func(t *testing.T) {
			// Along a random direction, so that all of the tensor has its say.
			direction := make([]float32, w.rows*w.cols)
			want, norm := 0.0, 0.0
			for i := range direction {
				direction[i] = float32(random.NormFloat64())
				want += float64(direction[i]) * float64(w.of(grads)[i])
				norm += float64(w.of(grads)[i]) * float64(w.of(grads)[i])
			}
			const step = 3e-3
			at := func(by float32) float64 {
				for i, d := range direction {
					w.of(m.weights)[i] += by * d
				}
				loss, err := m.Loss(b, false)
				if err != nil {
					t.Fatal(err)
				}
				for i, d := range direction {
					w.of(m.weights)[i] -= by * d
				}
				return loss
			}
			// Fourth order: (8(f(h) − f(−h)) − (f(2h) − f(−2h))) / 12h.
			got := (8*(at(step)-at(-step)) - (at(2*step) - at(-2*step))) / (12 * step)
			if math.Abs(got-want) > 0.01*math.Sqrt(norm)+2e-5 {
				t.Errorf("slope %g, gradient %g (norm %g)", got, want, math.Sqrt(norm))
			}
		})
	}
}

func BenchmarkStep(b *testing.B) {
	m, err := NewModel(Large, 1)
	if err != nil {
		b.Fatal(err)
	}
	batch := randomBatch(Large, 4)
	for b.Loop() {
		if _, err := m.Loss(batch, true); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(batch.Tokens)*b.N)/b.Elapsed().Seconds(), "tokens/s")
}

func BenchmarkProduct(b *testing.B) {
	x, w, y := make([]float32, 1024*256), make([]float32, 512*256), make([]float32, 1024*512)
	for b.Loop() {
		product(y, x, w, 1024, 512, 256)
	}
	b.ReportMetric(2*1024*512*256*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
