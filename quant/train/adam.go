package train

import "math"

// optimizer is AdamW, bias of the means corrected as in Adam (arXiv 1412.6980).
type optimizer struct {
	first, second []float32 // running means of gradients and of their squares
	steps         int
}

const (
	keepFirst  = 0.9
	keepSecond = 0.98
	decay      = 0.1 // of weights, norms' excepted
	largest    = 1.0 // norm of all gradients together
)

func newOptimizer(m *Model) *optimizer {
	return &optimizer{first: make([]float32, m.size), second: make([]float32, m.size)}
}

// step moves the weights against their gradients, and returns the norm that
// these had before they were cut to the largest.
func (o *optimizer) step(m *Model, rate float64) float64 {
	sum := 0.0
	for _, g := range m.grads {
		sum += float64(g) * float64(g)
	}
	norm := math.Sqrt(sum)
	cut := float32(1)
	if norm > largest {
		cut = float32(largest / norm)
	}
	o.steps++
	n := float64(o.steps)
	a := float32(rate / (1 - math.Pow(keepFirst, n)))
	b := float32(1 / (1 - math.Pow(keepSecond, n)))
	for _, t := range m.all {
		shrink := float32(1 - rate*decay)
		if t.norm {
			shrink = 1
		}
		w, g, first, second := t.of(m.weights), t.of(m.grads), t.of(o.first), t.of(o.second)
		for i, v := range g {
			v *= cut
			f := float32(keepFirst*first[i]) + float32((1-keepFirst)*v)
			s := float32(keepSecond*second[i]) + float32((1-keepSecond)*float32(v*v))
			first[i], second[i] = f, s
			w[i] = float32(w[i]*shrink) - float32(a*f)/(float32(math.Sqrt(float64(s*b)))+1e-8)
		}
	}
	return norm
}
