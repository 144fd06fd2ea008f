package llama

import (
	"context"
	"fmt"
	"math"
)

// Session is one text that a model reads: the keys and values of the tokens so
// far. Its methods must not be called at the same time.
type Session struct {
	m       *Model
	room    int         // tokens
	length  int         // of them that are there
	keys    [][]float32 // of each layer: heads × room × KeyDim
	values  [][]float32 // of each layer: heads × ValueDim × room
	last    []float32   // what the last layer gave for the tokens of the last Feed
	scratch []scratch
	buf     buffers
}

// buffers hold what lies between the parts of a layer, for all tokens of a
// batch.
type buffers struct{ norm, q, k, v, heads, out, gate, up []float32 }

const (
	maxRoom  = 1 << 20
	maxBatch = 512 // tokens that go through the layers together
)

// NewSession makes room for a text of so many tokens. It takes 4 bytes for each
// key and value: Layers × SharedHeads × (KeyDim + ValueDim) × tokens of them.
func (m *Model) NewSession(tokens int) (*Session, error) { return m.newSession(tokens, len(m.layers)) }

// newSession holds keys and values of so many layers at a time: of all, or of
// one, for texts that are read a layer at a time.
func (m *Model) newSession(tokens, layers int) (*Session, error) {
	switch {
	case tokens < 1 || tokens > maxRoom:
		return nil, fmt.Errorf("llama: a context of %d tokens is asked for, and 1 to %d are possible", tokens, maxRoom)
	case m.positions && tokens > m.TrainedFor:
		return nil, fmt.Errorf("llama: a context of %d tokens is asked for, and the model has positions for %d (key %s.context_length)", tokens, m.TrainedFor, m.Architecture)
	}
	width := m.SharedHeads * (m.KeyDim + m.ValueDim)
	if width > math.MaxInt32/tokens {
		return nil, fmt.Errorf("llama: a context of %d tokens takes %d values in each layer; choose a shorter one", tokens, int64(width)*int64(tokens))
	}
	s := &Session{m: m, room: tokens, scratch: make([]scratch, m.options.Workers)}
	for i := range m.layers {
		if i >= layers {
			s.keys, s.values = append(s.keys, s.keys[i-layers]), append(s.values, s.values[i-layers])
			continue
		}
		s.keys = append(s.keys, make([]float32, m.SharedHeads*tokens*m.KeyDim))
		s.values = append(s.values, make([]float32, m.SharedHeads*m.ValueDim*tokens))
	}
	return s, nil
}

// Len is how many tokens were fed.
func (s *Session) Len() int { return s.length }

// Room is how many tokens the session holds at most.
func (s *Session) Room() int { return s.room }

// Reset begins a new text.
func (s *Session) Reset() { s.length, s.last = 0, s.last[:0] }

// Feed reads more tokens of the text. Where it fails, the text is as long as
// before; a cancelled ctx makes it fail.
func (s *Session) Feed(ctx context.Context, tokens []int32) error {
	if len(tokens) > s.room-s.length {
		return fmt.Errorf("llama: %d tokens are given, and the context of %d has room for %d more", len(tokens), s.room, s.room-s.length)
	}
	if err := s.check(tokens); err != nil {
		return err
	}
	from := s.length
	last := floats(&s.last, len(tokens)*s.m.Width)
	s.last = last
	for len(tokens) > 0 {
		n := min(maxBatch, len(tokens))
		if err := s.forward(ctx, tokens[:n], last[:n*s.m.Width]); err != nil {
			s.length, s.last = from, s.last[:0]
			return err
		}
		s.length += n
		tokens, last = tokens[n:], last[n*s.m.Width:]
	}
	return nil
}

// check fails on tokens that the vocabulary does not have.
func (s *Session) check(tokens []int32) error {
	for i, id := range tokens {
		if id < 0 || int(id) >= s.m.Vocabulary {
			return fmt.Errorf("llama: token %d of those given is %d, and the vocabulary has 0 to %d", i, id, s.m.Vocabulary-1)
		}
	}
	return nil
}

// Logits writes the logits after tokens [from, from+n) of the last Feed to
// dst, n × Vocabulary.
func (s *Session) Logits(ctx context.Context, from, n int, dst []float32) error {
	m := s.m
	have := len(s.last) / m.Width
	if from < 0 || n < 0 || n > have-from {
		return fmt.Errorf("llama: logits of tokens %d to %d are asked for, and the last Feed had %d", from, from+n, have)
	}
	if len(dst) != n*m.Vocabulary {
		return fmt.Errorf("llama: there is room for %d logits, and there are %d", len(dst), n*m.Vocabulary)
	}
	x := floats(&s.buf.norm, n*m.Width)
	m.normalize(x, s.last[from*m.Width:(from+n)*m.Width], m.norm)
	if err := s.linear(ctx, dst, x, n, m.output); err != nil {
		return err
	}
	if m.capped {
		capAll(dst, m.logitCap)
	}
	return nil
}

// capAll draws values into ±limit: limit · tanh(x / limit).
func capAll(x []float32, limit float32) {
	for i, v := range x {
		x[i] = limit * float32(math.Tanh(float64(v*(1/limit))))
	}
}
