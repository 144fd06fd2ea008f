package llama

import "context"

// forward takes tokens through all layers and writes what comes out, tokens ×
// Width, to x.
func (s *Session) forward(ctx context.Context, tokens []int32, x []float32) error {
	m := s.m
	if err := s.embed(tokens, x); err != nil {
		return err
	}
	n := len(tokens)
	p := s.places(n)
	for i := range m.layers {
		if err := s.attention(ctx, x, n, i, p); err != nil {
			return err
		}
		if err := s.feed(ctx, x, n, i); err != nil {
			return err
		}
	}
	return nil
}

// places are the turns of n tokens to come, in layers that see all and in
// those that see a window.
type places struct{ near, windowed turns }

func (s *Session) places(n int) places {
	r := &s.m.rotary
	p := places{near: r.table(r.base, s.room, s.length, n)}
	p.windowed = p.near
	if r.baseWindow != r.base {
		p.windowed = r.table(r.baseWindow, s.room, s.length, n)
	}
	return p
}

// of are those of a layer.
func (p places) of(y *layer) turns {
	if y.window > 0 {
		return p.windowed
	}
	return p.near
}

// attention adds to x, n tokens, what attention of layer i makes of it.
func (s *Session) attention(ctx context.Context, x []float32, n, i int, p places) error {
	m, y := s.m, &s.m.layers[i]
	norm, out := floats(&s.buf.norm, n*m.Width), floats(&s.buf.out, n*m.Width)
	m.normalize(norm, x, y.attnNorm)
	if err := s.attend(ctx, out, norm, n, i, p.of(y)); err != nil {
		return err
	}
	m.add(x, out, y.attnAfter)
	return nil
}

// feed adds to x, n tokens, what the feed-forward part of layer i makes of it.
func (s *Session) feed(ctx context.Context, x []float32, n, i int) error {
	m, y := s.m, &s.m.layers[i]
	norm, out := floats(&s.buf.norm, n*m.Width), floats(&s.buf.out, n*m.Width)
	m.normalize(norm, x, y.ffnNorm)
	if err := s.feedForward(ctx, out, norm, n, y); err != nil {
		return err
	}
	m.add(x, out, y.ffnAfter)
	return nil
}

// embed writes the embedding of each token to x.
func (s *Session) embed(tokens []int32, x []float32) error {
	m := s.m
	k := &s.scratch[0]
	for i, id := range tokens {
		row := x[i*m.Width : (i+1)*m.Width]
		if err := m.embd.read(int(id), 1, row, &k.raw); err != nil {
			return err
		}
		if m.embdScale != 1 {
			for j := range row {
				row[j] *= m.embdScale
			}
		}
		if m.place == nil {
			continue
		}
		place := floats(&k.block, m.Width)
		if err := m.place.read(s.length+i, 1, place, &k.raw); err != nil {
			return err
		}
		for j, v := range place {
			row[j] += v
		}
	}
	return nil
}

func (m *Model) normalize(dst, x []float32, w scaling) {
	if m.layerNorm {
		layerNorm(dst, x, w.weight, w.bias, m.epsilon)
		return
	}
	rmsNorm(dst, x, w.weight, m.epsilon)
}

// add adds what a part gave to the stream, normalized where the design does so.
func (m *Model) add(x, out []float32, after scaling) {
	if after.weight != nil {
		m.normalize(out, out, after)
	}
	for i, v := range out {
		x[i] += v
	}
}

// feedForward writes down · (activation(gate · x) × (up · x)) to out, or
// without a gate down · activation(up · x).
func (s *Session) feedForward(ctx context.Context, out, x []float32, n int, y *layer) error {
	hidden, err := s.hidden(ctx, x, n, y)
	if err != nil {
		return err
	}
	return s.linear(ctx, out, hidden, n, y.down)
}

// hidden is the input of down.
func (s *Session) hidden(ctx context.Context, x []float32, n int, y *layer) ([]float32, error) {
	m := s.m
	up := floats(&s.buf.up, n*y.up.rows)
	if err := s.linear(ctx, up, x, n, y.up); err != nil {
		return nil, err
	}
	gate := floats(&s.buf.gate, n*m.Hidden)
	switch m.design.gate {
	case gateApart:
		if err := s.linear(ctx, gate, x, n, y.gate); err != nil {
			return nil, err
		}
		for i, v := range gate {
			gate[i] = m.activation(v) * up[i]
		}
	case gateInUp:
		for t := range n {
			a, b := up[2*t*m.Hidden:][:m.Hidden], up[(2*t+1)*m.Hidden:][:m.Hidden]
			for i, v := range a {
				gate[t*m.Hidden+i] = m.activation(v) * b[i]
			}
		}
	case noGate:
		for i, v := range up {
			gate[i] = m.activation(v)
		}
	}
	return gate, nil
}
