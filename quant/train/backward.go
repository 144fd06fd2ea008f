package train

import "fewbits/quant/internal/expf"

// backward leaves the gradient of every weight, from that of the logits.
func (m *Model) backward(tokens []int32) {
	s := &m.state
	n := len(tokens)
	clear(s.stream)
	clear(s.normed)
	m.linearBack(s.normed, s.logits, m.across(s.norm, m.Width), m.embd, n)
	rmsNormBack(s.stream, m.norm.of(m.grads), s.normed, s.scale, s.last, m.norm.of(m.used()))
	for i := m.Layers - 1; i >= 0; i-- {
		m.feedForwardBack(&s.layers[i], &m.blocks[i], n)
		m.attentionBack(&s.layers[i], &m.blocks[i], n)
	}
	embd := m.embd.of(m.grads)
	for t, id := range tokens {
		add(embd[int(id)*m.Width:], s.stream[t*m.Width:(t+1)*m.Width])
	}
}

// feedForwardBack takes the stream's gradient back through the feed-forward
// part: with σ the logistic function, SiLU′(g) = σ(g) · (1 + g · (1 − σ(g))).
func (m *Model) feedForwardBack(y *layerState, b *block, n int) {
	s := &m.state
	clear(s.gate)
	m.linearBack(s.gate, s.stream, m.across(y.act, m.Hidden), b.down, n)
	for j, back := range s.gate {
		g := y.gate[j]
		sigma := 1 / (1 + expf.Exp(-g))
		s.up[j] = float32(back*g) * sigma
		s.gate[j] = float32(back*y.up[j]) * float32(sigma*(1+float32(g*(1-sigma))))
	}
	clear(s.normed)
	x := m.across(y.ffnNorm, m.Width)
	m.linearBack(s.normed, s.up, x, b.up, n)
	m.linearBack(s.normed, s.gate, x, b.gate, n)
	rmsNormBack(s.stream, b.ffnNorm.of(m.grads), s.normed, y.ffnScale, y.mid, b.ffnNorm.of(m.used()))
}

// attentionBack takes it back through attention.
func (m *Model) attentionBack(y *layerState, b *block, n int) {
	s := &m.state
	clear(s.heads)
	m.linearBack(s.heads, s.stream, m.across(y.heads, m.Heads*m.Dim), b.out, n)
	dq := y.heads // no longer needed
	m.attendBack(y, dq, s.keys, s.values, s.heads)
	m.turn(dq, m.Heads, -1)
	m.turn(s.keys, m.Shared, -1)
	clear(s.normed)
	x := m.across(y.attnNorm, m.Width)
	m.linearBack(s.normed, dq, x, b.q, n)
	m.linearBack(s.normed, s.keys, x, b.k, n)
	m.linearBack(s.normed, s.values, x, b.v, n)
	rmsNormBack(s.stream, b.attnNorm.of(m.grads), s.normed, y.attnScale, y.in, b.attnNorm.of(m.used()))
}

// across is x, tokens × cols, turned: what linearBack wants of a product's input.
func (m *Model) across(x []float32, cols int) []float32 {
	xT := m.state.across[:len(x)]
	transpose(xT, x, len(x)/cols, cols)
	return xT
}

// linearBack adds dy · w to dx, and writes dyᵀ · x to the gradient of w. Of x it
// takes what across gives.
func (m *Model) linearBack(dx, dy, xT []float32, w matrix, tokens int) {
	s := &m.state
	wT := s.weight[:w.rows*w.cols]
	transpose(wT, w.of(m.used()), w.rows, w.cols)
	part := s.part[:tokens*w.cols]
	product(part, dy, wT, tokens, w.cols, w.rows)
	add(dx, part)
	dyT := s.turned[:tokens*w.rows]
	transpose(dyT, dy, tokens, w.rows)
	product(w.of(m.grads), dyT, xT, w.rows, w.cols, tokens)
}
