package llama

import (
	"context"
	"errors"
	"fmt"
)

// Stage is a place in a layer where linear layers take an input: those of one
// stage share it.
type Stage int

// The stages of a layer, in the order that they are reached.
const (
	StageAttention       Stage = iota // queries, keys and values
	StageAttentionOutput              // what the heads gave
	StageFeedForward                  // up, and gate
	StageDown                         // what is between up and down
	Stages
)

// Matrices are the names of the linear layers of a stage of a layer.
func (m *Model) Matrices(layer int, s Stage) []string {
	y := &m.layers[layer]
	var names []string
	for _, w := range [Stages][]*weight{{y.qkv, y.q, y.k, y.v}, {y.attnOut}, {y.gate, y.up}, {y.down}}[s] {
		if w != nil {
			names = append(names, w.name)
		}
	}
	return names
}

// Origin is what gives a stage its input. Where value c of each vector, and row
// Row + c of Matrix, is divided by a number, input c of the stage is.
type Origin struct {
	Vectors []string // weights of a norm and its bias, of a value an input; empty for none
	Matrix  string   // "" for none
	Row     int      // the first of its rows
	Bias    string   // of the matrix, Row as there; "" for none
}

// Origin is that of a stage of a layer. It is false where the input is made in
// a way that no such division passes through: by heads that share their values
// (the output of attention), by an activation (down without a gate).
func (m *Model) Origin(layer int, s Stage) (Origin, bool) {
	y := &m.layers[layer]
	prefix := fmt.Sprintf("blk.%d.", layer)
	norm := func(base string) Origin {
		o := Origin{Vectors: []string{prefix + base + ".weight"}}
		if m.layerNorm {
			o.Vectors = append(o.Vectors, prefix+base+".bias")
		}
		return o
	}
	rows := func(w *weight, base string, row int) Origin {
		o := Origin{Matrix: w.name, Row: row}
		if w.bias != nil {
			o.Bias = prefix + base + ".bias"
		}
		return o
	}
	switch {
	case s == StageAttention:
		return norm("attn_norm"), true
	case s == StageFeedForward:
		return norm("ffn_norm"), true
	case s == StageAttentionOutput && m.Heads == m.SharedHeads && y.qkv != nil:
		return rows(y.qkv, "attn_qkv", m.Heads*m.KeyDim+m.SharedHeads*m.KeyDim), true
	case s == StageAttentionOutput && m.Heads == m.SharedHeads:
		return rows(y.v, "attn_v", 0), true
	case s == StageDown && m.design.gate == gateApart:
		return rows(y.up, "ffn_up", 0), true
	case s == StageDown && m.design.gate == gateInUp:
		return rows(y.up, "ffn_up", m.Hidden), true
	}
	return Origin{}, false
}

// Walk takes texts through a model a layer at a time, each from an empty
// context, so that a layer can be changed for what the layers before it, as
// changed, make of the texts. It holds two times Width values a token.
type Walk struct {
	m     *Model
	s     *Session
	texts [][]int32
	x     [][]float32 // of each text, what goes into the layer
	mid   [][]float32 // what comes after its attention; of no meaning unless half
	half  bool
	layer int
}

// NewWalk begins before the first layer. It fails on tokens that the
// vocabulary does not have, and on texts that are empty or too long.
func (m *Model) NewWalk(texts [][]int32) (*Walk, error) {
	longest := 0
	for _, t := range texts {
		if len(t) == 0 {
			return nil, errors.New("llama: an empty text is to be read")
		}
		longest = max(longest, len(t))
	}
	if longest == 0 {
		return nil, errors.New("llama: there is no text to be read")
	}
	s, err := m.newSession(longest, 1)
	if err != nil {
		return nil, err
	}
	w := &Walk{m: m, s: s, texts: texts}
	for _, t := range texts {
		if err := s.check(t); err != nil {
			return nil, err
		}
		x := make([]float32, len(t)*m.Width)
		if err := s.embed(t, x); err != nil {
			return nil, err
		}
		w.x = append(w.x, x)
		w.mid = append(w.mid, make([]float32, len(x)))
	}
	return w, nil
}

// Layer is the layer that the texts have come to; past the last one it is the
// number of layers.
func (w *Walk) Layer() int { return w.layer }

// Inputs calls f with the input of a stage of the layer, text by text: x is
// tokens × cols, and f must not keep or change it. The weights of a stage must
// not change any more once a later one was asked for. It stops at f's error.
func (w *Walk) Inputs(ctx context.Context, stage Stage, f func(x []float32, tokens, cols int) error) error {
	if w.layer >= len(w.m.layers) || stage < 0 || stage >= Stages {
		return fmt.Errorf("llama: stage %d of layer %d is asked for, and there are %d layers of %d stages", stage, w.layer, len(w.m.layers), Stages)
	}
	if stage >= StageFeedForward {
		if err := w.middle(ctx); err != nil {
			return err
		}
	}
	for i := range w.texts {
		x, err := w.input(ctx, stage, i)
		if err != nil {
			return err
		}
		n := len(w.texts[i])
		if err := f(x, n, len(x)/n); err != nil {
			return err
		}
	}
	return nil
}

// input is the input of a stage for text i.
func (w *Walk) input(ctx context.Context, stage Stage, i int) ([]float32, error) {
	m, s, y, n := w.m, w.s, &w.m.layers[w.layer], len(w.texts[i])
	norm := floats(&s.buf.norm, n*m.Width)
	if stage <= StageAttentionOutput {
		m.normalize(norm, w.x[i], y.attnNorm)
	} else {
		m.normalize(norm, w.mid[i], y.ffnNorm)
	}
	switch stage {
	case StageAttentionOutput:
		return s.mix(ctx, norm, n, w.layer, s.places(n).of(y))
	case StageDown:
		return s.hidden(ctx, norm, n, y)
	}
	return norm, ctx.Err()
}

// middle takes the texts past the attention of the layer.
func (w *Walk) middle(ctx context.Context) error {
	if w.half {
		return nil
	}
	for i, t := range w.texts {
		copy(w.mid[i], w.x[i])
		if err := w.s.attention(ctx, w.mid[i], len(t), w.layer, w.s.places(len(t))); err != nil {
			return err
		}
	}
	w.half = true
	return nil
}

// AllInputs is Inputs for all stages in one go, text by text, with the weights
// of the layer as they are; they may change afterwards.
func (w *Walk) AllInputs(ctx context.Context, f func(s Stage, x []float32, tokens, cols int) error) error {
	if w.layer >= len(w.m.layers) {
		return fmt.Errorf("llama: the texts are past the last of %d layers", len(w.m.layers))
	}
	w.half = false
	for i := range w.texts {
		if err := w.through(ctx, i, f); err != nil {
			return err
		}
	}
	return nil
}

// through takes text i through all stages of the layer but the last product.
func (w *Walk) through(ctx context.Context, i int, f func(s Stage, x []float32, tokens, cols int) error) error {
	m, s, y, n := w.m, w.s, &w.m.layers[w.layer], len(w.texts[i])
	norm, out, mid := floats(&s.buf.norm, n*m.Width), floats(&s.buf.out, n*m.Width), w.mid[i]
	m.normalize(norm, w.x[i], y.attnNorm)
	if err := f(StageAttention, norm, n, m.Width); err != nil {
		return err
	}
	heads, err := s.mix(ctx, norm, n, w.layer, s.places(n).of(y))
	if err == nil {
		err = f(StageAttentionOutput, heads, n, len(heads)/n)
	}
	if err == nil {
		err = s.linear(ctx, out, heads, n, y.attnOut)
	}
	if err != nil {
		return err
	}
	copy(mid, w.x[i])
	m.add(mid, out, y.attnAfter)
	m.normalize(norm, mid, y.ffnNorm)
	if err := f(StageFeedForward, norm, n, m.Width); err != nil {
		return err
	}
	hidden, err := s.hidden(ctx, norm, n, y)
	if err != nil {
		return err
	}
	return f(StageDown, hidden, n, len(hidden)/n)
}

// Next takes the texts through the layer to the next one.
func (w *Walk) Next(ctx context.Context) error {
	if w.layer >= len(w.m.layers) {
		return fmt.Errorf("llama: the texts are past the last of %d layers", len(w.m.layers))
	}
	if err := w.middle(ctx); err != nil {
		return err
	}
	for i, t := range w.texts {
		if err := w.s.feed(ctx, w.mid[i], len(t), w.layer); err != nil {
			return err
		}
	}
	w.x, w.mid, w.half = w.mid, w.x, false
	w.layer++
	return nil
}

// Outputs calls f with what the last layer gave, normalized: the input of the
// output layer, text by text.
func (w *Walk) Outputs(ctx context.Context, f func(x []float32, tokens, cols int) error) error {
	if w.layer < len(w.m.layers) {
		return fmt.Errorf("llama: the texts have come to layer %d of %d", w.layer, len(w.m.layers))
	}
	for i, t := range w.texts {
		norm := floats(&w.s.buf.norm, len(w.x[i]))
		w.m.normalize(norm, w.x[i], w.m.norm)
		if err := f(norm, len(t), w.m.Width); err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	return nil
}
