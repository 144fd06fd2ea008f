package train

import (
	"math"

	"fewbits/quant/internal/expf"
)

// headState is one head of one sequence, gathered: Context × Dim, or for those
// whose names end in T turned, and Context × Context.
type headState struct {
	q, k, v, back, out      []float32
	kT, vT, qT, backT       []float32
	scores, sharesT, slopes []float32
}

func newHeadState(context, dim int) headState {
	n := func() []float32 { return make([]float32, context*dim) }
	w := func() []float32 { return make([]float32, context*context) }
	return headState{n(), n(), n(), n(), n(), n(), n(), n(), n(), w(), w(), w()}
}

// gather copies head h out of x, tokens × heads × Dim, for one sequence.
func (m *Model) gather(dst, x []float32, sequence, h, heads int) {
	for t := range m.Context {
		copy(dst[t*m.Dim:(t+1)*m.Dim], x[((sequence*m.Context+t)*heads+h)*m.Dim:])
	}
}

// scatter adds head h to x.
func (m *Model) scatter(x, src []float32, sequence, h, heads int) {
	for t := range m.Context {
		add(x[((sequence*m.Context+t)*heads+h)*m.Dim:], src[t*m.Dim:(t+1)*m.Dim])
	}
}

// attend writes softmax(q · kᵀ / √Dim) · v for each head, over the tokens up to
// each one.
func (m *Model) attend(y *layerState) {
	s := &m.state.head
	t, d := m.Context, m.Dim
	clear(y.heads)
	scale := 1 / float32(math.Sqrt(float64(d)))
	for i := range m.state.tokens / t * m.Heads {
		sequence, h := i/m.Heads, i%m.Heads
		shared := h / (m.Heads / m.Shared)
		shares := y.shares[i*t*t : (i+1)*t*t]
		m.gather(s.q, y.q, sequence, h, m.Heads)
		m.gather(s.k, y.k, sequence, shared, m.Shared)
		m.gather(s.v, y.v, sequence, shared, m.Shared)
		product(shares, s.q, s.k, t, t, d)
		for r := range t {
			softmax(shares[r*t:(r+1)*t], r+1, scale)
		}
		transpose(s.vT, s.v, t, d)
		product(s.out, shares, s.vT, t, d, t)
		m.scatter(y.heads, s.out, sequence, h, m.Heads)
	}
}

// softmax makes shares of the first n scores × scale, and zeros of the rest.
func softmax(x []float32, n int, scale float32) {
	clear(x[n:])
	x = x[:n]
	top := x[0]
	for _, v := range x {
		top = max(top, v)
	}
	sum := 0.0
	for i, v := range x {
		x[i] = expf.Exp(float32(v-top) * scale)
		sum += float64(x[i])
	}
	c := float32(1 / sum)
	for i := range x {
		x[i] *= c
	}
}

// attendBack writes the gradients of queries, keys and values from that of the
// heads. With P the shares: dV = Pᵀ·dO, dP = dO·Vᵀ, dS = P·(dP − Σ P·dP)·scale,
// dQ = dS·K, dK = dSᵀ·Q.
func (m *Model) attendBack(y *layerState, dq, dk, dv, dheads []float32) {
	s := &m.state.head
	t, d := m.Context, m.Dim
	clear(dq)
	clear(dk)
	clear(dv)
	scale := 1 / float32(math.Sqrt(float64(d)))
	for i := range m.state.tokens / t * m.Heads {
		sequence, h := i/m.Heads, i%m.Heads
		shared := h / (m.Heads / m.Shared)
		shares := y.shares[i*t*t : (i+1)*t*t]
		m.gather(s.q, y.q, sequence, h, m.Heads)
		m.gather(s.k, y.k, sequence, shared, m.Shared)
		m.gather(s.v, y.v, sequence, shared, m.Shared)
		m.gather(s.back, dheads, sequence, h, m.Heads)

		transpose(s.sharesT, shares, t, t)
		transpose(s.backT, s.back, t, d)
		product(s.out, s.sharesT, s.backT, t, d, t)
		m.scatter(dv, s.out, sequence, shared, m.Shared)

		product(s.slopes, s.back, s.v, t, t, d)
		for r := range t {
			softmaxBack(s.slopes[r*t:(r+1)*t], shares[r*t:(r+1)*t], r+1, scale)
		}
		transpose(s.kT, s.k, t, d)
		product(s.out, s.slopes, s.kT, t, d, t)
		m.scatter(dq, s.out, sequence, h, m.Heads)

		transpose(s.sharesT, s.slopes, t, t)
		transpose(s.qT, s.q, t, d)
		product(s.out, s.sharesT, s.qT, t, d, t)
		m.scatter(dk, s.out, sequence, shared, m.Shared)
	}
}

// softmaxBack makes slopes of scores of slopes of shares.
func softmaxBack(slopes, shares []float32, n int, scale float32) {
	clear(slopes[n:])
	sum := 0.0
	for i, p := range shares[:n] {
		sum += float64(p * slopes[i])
	}
	for i, p := range shares[:n] {
		slopes[i] = float32(p*(slopes[i]-float32(sum))) * scale
	}
}
