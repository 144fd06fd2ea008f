package llama

import "context"

// attend writes what attention of layer i makes of x, n tokens, to out.
func (s *Session) attend(ctx context.Context, out, x []float32, n, i int, u turns) error {
	heads, err := s.mix(ctx, x, n, i, u)
	if err != nil {
		return err
	}
	return s.linear(ctx, out, heads, n, s.m.layers[i].attnOut)
}

// mix is what the heads of layer i make of x, n tokens: the input of the
// attention's own output layer.
func (s *Session) mix(ctx context.Context, x []float32, n, i int, u turns) ([]float32, error) {
	m := s.m
	y := &m.layers[i]
	q, k, v, err := s.project(ctx, x, n, y)
	if err != nil {
		return nil, err
	}
	if y.qNorm != nil {
		rmsNorm(q, q, y.qNorm, m.epsilon)
		rmsNorm(k, k, y.kNorm, m.epsilon)
	}
	if m.pairs != noPairs {
		u.apply(q, m.pairs, m.rotary.dims, m.KeyDim, m.Heads)
		u.apply(k, m.pairs, m.rotary.dims, m.KeyDim, m.SharedHeads)
	}
	s.store(i, k, v, n)
	heads := floats(&s.buf.heads, n*m.Heads*m.ValueDim)
	// A tile is so many tokens that their scores stay in a cache.
	tile := min(n, max(1, min(32, (1<<16)/(s.length+n))))
	tiles := (n + tile - 1) / tile
	cost := n * (s.length + n) * m.Heads * (m.KeyDim + m.ValueDim)
	return heads, s.each(ctx, m.Heads*tiles, cost, func(w *scratch, j int) error {
		head, from := j/tiles, j%tiles*tile
		s.attendHead(w, heads, q, i, head, from, min(from+tile, n))
		return nil
	})
}

// project computes queries, keys and values.
func (s *Session) project(ctx context.Context, x []float32, n int, y *layer) (q, k, v []float32, err error) {
	m := s.m
	nq, nk, nv := m.Heads*m.KeyDim, m.SharedHeads*m.KeyDim, m.SharedHeads*m.ValueDim
	q, k, v = floats(&s.buf.q, n*nq), floats(&s.buf.k, n*nk), floats(&s.buf.v, n*nv)
	if y.qkv == nil {
		if err = s.linear(ctx, q, x, n, y.q); err == nil {
			if err = s.linear(ctx, k, x, n, y.k); err == nil {
				err = s.linear(ctx, v, x, n, y.v)
			}
		}
		return q, k, v, err
	}
	all := floats(&s.buf.up, n*y.qkv.rows)
	if err = s.linear(ctx, all, x, n, y.qkv); err != nil {
		return nil, nil, nil, err
	}
	for t := range n {
		row := all[t*y.qkv.rows : (t+1)*y.qkv.rows]
		copy(q[t*nq:(t+1)*nq], row)
		copy(k[t*nk:(t+1)*nk], row[nq:])
		copy(v[t*nv:(t+1)*nv], row[nq+nk:])
	}
	return q, k, v, nil
}

// store puts keys and values of n tokens into the cache of layer i: keys by
// token, values by dimension, so that both products run along what is stored.
func (s *Session) store(i int, k, v []float32, n int) {
	m := s.m
	for h := range m.SharedHeads {
		for t := range n {
			at := (h*s.room + s.length + t) * m.KeyDim
			copy(s.keys[i][at:at+m.KeyDim], k[(t*m.SharedHeads+h)*m.KeyDim:])
			from := v[(t*m.SharedHeads+h)*m.ValueDim:][:m.ValueDim]
			for d, x := range from {
				s.values[i][(h*m.ValueDim+d)*s.room+s.length+t] = x
			}
		}
	}
}

// attendHead is attention of one head for tokens [from, to) of the batch:
// softmax(q · kᵀ · scale) · v, over the tokens up to each one.
func (s *Session) attendHead(w *scratch, heads, q []float32, i, head, from, to int) {
	m := s.m
	shared := head / (m.Heads / m.SharedHeads)
	window := m.layers[i].window
	n, end := to-from, s.length+to
	begin := 0
	if window > 0 { // from a multiple of four, so that lanes do not shift
		begin = max(0, s.length+from-window+1) &^ 3
	}
	cols := end - begin
	scores := floats(&w.scores, n*cols)
	nq, nv := m.Heads*m.KeyDim, m.Heads*m.ValueDim
	keys := s.keys[i][(shared*s.room+begin)*m.KeyDim:]
	product(scores, cols, q[from*nq+head*m.KeyDim:], nq, keys, m.KeyDim, n, cols, m.KeyDim)
	for t := range n {
		row := scores[t*cols : (t+1)*cols]
		at := s.length + from + t // of the token
		first := 0
		if window > 0 {
			first = max(0, at-window+1-begin)
		}
		seen := row[first : at+1-begin]
		for j := range seen {
			seen[j] *= m.scale
		}
		if m.capped {
			capAll(seen, m.scoreCap)
		}
		softmax(seen)
		clear(row[:first])
		clear(row[at+1-begin:])
	}
	values := s.values[i][shared*m.ValueDim*s.room+begin:]
	product(heads[from*nv+head*m.ValueDim:], nv, scores, cols, values, s.room, n, m.ValueDim, cols)
}
