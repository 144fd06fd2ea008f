package train

import "fewbits/quant/internal/expf"

// state is what a forward pass leaves for the backward pass: arrays of tokens ×
// what each name says.
type state struct {
	tokens int
	layers []layerState
	last   []float32 // stream after the last layer
	norm   []float32
	scale  []float32 // of that norm, by token
	logits []float32

	// Of the backward pass, and shared by all layers.
	stream, normed, heads, keys, values, gate, up []float32
	across, turned, part, weight                  []float32
	head                                          headState
}

// layerState is the same for one layer.
type layerState struct {
	in, attnNorm, q, k, v, heads, mid, ffnNorm, gate, up, act []float32
	attnScale, ffnScale                                       []float32
	shares                                                    []float32 // attention: sequences × heads × Context × Context
}

// fit makes room for a batch of tokens.
func (s *state) fit(m *Model, tokens int) {
	if s.tokens == tokens {
		return
	}
	*s = state{tokens: tokens, layers: make([]layerState, m.Layers)}
	n := func(width int) []float32 { return make([]float32, tokens*width) }
	queries, keys := m.Heads*m.Dim, m.Shared*m.Dim
	for i := range s.layers {
		s.layers[i] = layerState{
			in: n(m.Width), attnNorm: n(m.Width), q: n(queries), k: n(keys), v: n(keys), heads: n(queries),
			mid: n(m.Width), ffnNorm: n(m.Width), gate: n(m.Hidden), up: n(m.Hidden), act: n(m.Hidden),
			attnScale: n(1), ffnScale: n(1), shares: n(m.Heads * m.Context),
		}
	}
	s.last, s.norm, s.scale, s.logits = n(m.Width), n(m.Width), n(1), n(m.Vocabulary)
	s.stream, s.normed, s.heads = n(m.Width), n(m.Width), n(queries)
	s.keys, s.values, s.gate, s.up = n(keys), n(keys), n(m.Hidden), n(m.Hidden)
	widest := max(m.Width, m.Hidden, queries, m.Vocabulary)
	s.across, s.turned, s.part = n(widest), n(widest), n(widest)
	s.weight = make([]float32, widest*widest)
	s.head = newHeadState(m.Context, m.Dim)
}

// forward takes tokens through the model.
func (m *Model) forward(tokens []int32) {
	s := &m.state
	n := len(tokens)
	x := s.layers[0].in
	embd := m.embd.of(m.used())
	for t, id := range tokens {
		copy(x[t*m.Width:(t+1)*m.Width], embd[int(id)*m.Width:])
	}
	for i := range s.layers {
		y, b := &s.layers[i], &m.blocks[i]
		next := s.last
		if i+1 < len(s.layers) {
			next = s.layers[i+1].in
		}
		rmsNorm(y.attnNorm, y.attnScale, y.in, b.attnNorm.of(m.used()))
		m.linear(y.q, y.attnNorm, b.q, n)
		m.linear(y.k, y.attnNorm, b.k, n)
		m.linear(y.v, y.attnNorm, b.v, n)
		m.turn(y.q, m.Heads, 1)
		m.turn(y.k, m.Shared, 1)
		m.attend(y)
		m.linear(y.mid, y.heads, b.out, n)
		add(y.mid, y.in)
		rmsNorm(y.ffnNorm, y.ffnScale, y.mid, b.ffnNorm.of(m.used()))
		m.linear(y.gate, y.ffnNorm, b.gate, n)
		m.linear(y.up, y.ffnNorm, b.up, n)
		for j, g := range y.gate {
			y.act[j] = float32(g/(1+expf.Exp(-g))) * y.up[j]
		}
		m.linear(next, y.act, b.down, n)
		add(next, y.mid)
	}
	rmsNorm(s.norm, s.scale, s.last, m.norm.of(m.used()))
	m.linear(s.logits, s.norm, m.embd, n)
}

// linear writes y = x · wᵀ.
func (m *Model) linear(y, x []float32, w matrix, tokens int) {
	product(y, x, w.of(m.used()), tokens, w.rows, w.cols)
}

func add(dst, src []float32) {
	for i, v := range src {
		dst[i] += v
	}
}

// turn turns queries or keys by their positions, or with sign −1 back.
func (m *Model) turn(x []float32, heads int, sign float32) {
	half := m.Dim / 2
	for t := range m.state.tokens {
		p := t % m.Context
		cos, sin := m.cos[p*half:(p+1)*half], m.sin[p*half:(p+1)*half]
		for h := range heads {
			v := x[(t*heads+h)*m.Dim:][:m.Dim]
			for j, c := range cos {
				a, b, s := v[2*j], v[2*j+1], sign*sin[j]
				v[2*j] = float32(a*c) - float32(b*s)
				v[2*j+1] = float32(a*s) + float32(b*c)
			}
		}
	}
}
