package train

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Model is weights, their gradients and what lies between the two.
type Model struct {
	Shape
	*layout
	weights, grads []float32
	coarse         []float32 // what takes the place of the weights in a pass, where something does
	cos, sin       []float32 // of rotary positions: Context × Dim/2
	state          state
}

// NewModel draws weights: normal, so that what goes in is as large as what comes
// out, and embeddings as large as what a layer adds to them. What attention
// writes into the stream is then set to copy: see copying.
func NewModel(s Shape, seed uint64) (*Model, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	m := &Model{Shape: s, layout: s.layout()}
	m.weights, m.grads = make([]float32, m.size), make([]float32, m.size)
	random := rand.New(rand.NewPCG(seed, 0x77656967687473))
	for _, t := range m.all {
		w := t.of(m.weights)
		scale := 1 / math.Sqrt(float64(t.cols))
		for _, b := range m.blocks {
			if t == b.down {
				scale /= math.Sqrt(2 * float64(s.Layers))
			}
		}
		for i := range w {
			w[i] = 1
			if !t.norm {
				w[i] = float32(scale * random.NormFloat64())
			}
		}
	}
	for i := range m.blocks {
		m.copying(&m.blocks[i])
	}
	m.turns()
	return m, nil
}

// copying makes attention's output weights a share of its value weights, turned,
// so that each head adds to a token something of those it looks at. A tale is
// told of what was named before; from here a model finds out in hundreds of
// steps and not in thousands that what was named is likely to come again.
func (m *Model) copying(b *block) {
	const share = 0.2
	v, out := b.v.of(m.weights), b.out.of(m.weights)
	for h := range m.Heads {
		shared := h / (m.Heads / m.Shared)
		for d := range m.Dim {
			for c := range m.Width {
				out[c*m.Heads*m.Dim+h*m.Dim+d] = share * v[(shared*m.Dim+d)*m.Width+c]
			}
		}
	}
}

// turns fills the table of rotary positions: pair j of a head is turned by
// position · base^(−2j/Dim).
func (m *Model) turns() {
	half := m.Dim / 2
	m.cos, m.sin = make([]float32, m.Context*half), make([]float32, m.Context*half)
	for p := range m.Context {
		for j := range half {
			s, c := math.Sincos(float64(p) * math.Pow(base, -2*float64(j)/float64(m.Dim)))
			m.cos[p*half+j], m.sin[p*half+j] = float32(c), float32(s)
		}
	}
}

// used is the weights as a pass takes them.
func (m *Model) used() []float32 {
	if m.coarse != nil {
		return m.coarse
	}
	return m.weights
}

// Batch is sequences of tokens, one after another, and what follows each.
type Batch struct{ Tokens, Targets []int32 }

func (m *Model) check(b Batch) error {
	if len(b.Tokens) == 0 || len(b.Tokens)%m.Context != 0 || len(b.Targets) != len(b.Tokens) {
		return fmt.Errorf("train: a batch of %d tokens and %d targets; sequences have %d of each", len(b.Tokens), len(b.Targets), m.Context)
	}
	for _, list := range [][]int32{b.Tokens, b.Targets} {
		for i, id := range list {
			if id < 0 || int(id) >= m.Vocabulary {
				return fmt.Errorf("train: token %d of a batch is %d, and the vocabulary has 0 to %d", i, id, m.Vocabulary-1)
			}
		}
	}
	return nil
}

// Loss is the mean of −ln p of the targets. Where learn is true, the gradients
// of it are left in the model.
func (m *Model) Loss(b Batch, learn bool) (float64, error) {
	if err := m.check(b); err != nil {
		return 0, err
	}
	m.state.fit(m, len(b.Tokens))
	m.forward(b.Tokens)
	loss := m.crossEntropy(b.Targets, learn)
	if learn {
		clear(m.grads)
		m.backward(b.Tokens)
	}
	return loss, nil
}

// Logits is what the model makes of one or more sequences: tokens × Vocabulary.
func (m *Model) Logits(tokens []int32) ([]float32, error) {
	if err := m.check(Batch{tokens, tokens}); err != nil {
		return nil, err
	}
	m.state.fit(m, len(tokens))
	m.forward(tokens)
	return append([]float32(nil), m.state.logits...), nil
}
