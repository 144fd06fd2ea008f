package llama

import (
	"fmt"
	"runtime"

	"fewbits/quant"
)

// Options says how to hold and run a model. The zero value is fine.
type Options struct {
	// Workers is how many goroutines compute; 0 is one for each processor.
	// Results do not depend on it.
	Workers int
	// Resident bounds the bytes of weights held in memory; those that do not
	// fit are read from the source each time that they are used. 0 is no bound.
	Resident int64
	// Observe, where set, is called with the input of each linear layer before
	// its product: x is rows × cols, one row a token, name is the weight's
	// tensor. It must not keep or change x. Calls come one at a time, from the
	// goroutine that called Feed or Logits; a program with one thread may let
	// others have their turn there.
	Observe func(name string, x []float32, rows, cols int)
	// Input, where set, gives what a linear layer multiplies in place of its
	// input x, such as x rounded to 8 bits: rows × cols as well, and left alone
	// until the next call. It must not change x, which may be what it returns.
	// Calls come as those of Observe, each after it.
	Input func(name string, x []float32, rows, cols int) []float32
}

// Model is a model ready to run. Its methods may be called from several
// goroutines, and several sessions may run at once.
type Model struct {
	hyper
	options Options
	vocab   *Vocab
	embd    *weight
	place   *weight // of learnt positions
	layers  []layer
	norm    scaling
	output  *weight

	activation func(float32) float32
	input      func(w *weight, x []float32) []float32 // for tests: what other programs make of a product's input
}

// scaling is the weights of a norm.
type scaling struct{ weight, bias []float32 }

// layer is the weights of one layer; what its design lacks is nil.
type layer struct {
	attnNorm, attnAfter scaling
	qkv                 *weight // all three in one, or
	q, k, v             *weight
	qNorm, kNorm        []float32
	attnOut             *weight
	ffnNorm, ffnAfter   scaling
	gate, up, down      *weight
	window              int
}

// Open loads a model from a GGUF file, or from a folder that package huggingface
// shows as one. Errors name the key or the tensor at fault. What it allocates is
// bounded by the tensors that the source holds.
func Open(src quant.Source, o Options) (*Model, error) {
	if c := src.Container(); c != "gguf" && c != "huggingface" {
		return nil, fmt.Errorf("llama: models are run from GGUF files and Hugging Face folders, and this is %s; convert it first", c)
	}
	k := keysOf(src)
	h, err := readHyper(k)
	if err != nil {
		return nil, err
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	m := &Model{hyper: *h, options: o, activation: silu}
	if h.gelu {
		m.activation = gelu
	}
	l := newLoader(src, o.Resident)
	if h.Layers > len(l.infos) {
		return nil, fmt.Errorf("llama: key %s.block_count is %d, and the file holds %d tensors", h.Architecture, h.Layers, len(l.infos))
	}
	if err := m.loadVocabulary(src, k, l); err != nil {
		return nil, err
	}
	for i := range h.Layers {
		var y layer
		if err := m.loadLayer(l, &y, fmt.Sprintf("blk.%d.", i)); err != nil {
			return nil, err
		}
		y.window = h.windowOf(i)
		m.layers = append(m.layers, y)
	}
	return m, m.loadOutput(l)
}

// loadVocabulary loads the tokenizer, where there is one, and the embedding.
func (m *Model) loadVocabulary(src quant.Source, k keys, l *loader) error {
	const name = "token_embd"
	i, ok := l.at[name+".weight"]
	if !ok {
		return fmt.Errorf("llama: tensor %q is missing; the file does not hold the whole model", name+".weight")
	}
	m.Vocabulary = quant.Rows(l.infos[i].Shape)
	kind, err := k.text(keyTokenizer, "")
	if err != nil {
		return err
	}
	if kind != "" && kind != "none" && kind != "no_vocab" {
		if m.vocab, err = ReadVocab(src); err != nil {
			return err
		}
		m.Vocabulary = m.vocab.Len()
	}
	if m.embd, err = l.matrix(name, m.Vocabulary, m.Width); err != nil {
		return err
	}
	if m.positions {
		m.TrainedFor = max(1, m.TrainedFor)
		if m.place, err = l.matrix("position_embd", m.TrainedFor, m.Width); err != nil {
			return err
		}
	}
	return m.loadFactors(l)
}

// loadFactors loads what the angles of rotary positions are divided by.
func (m *Model) loadFactors(l *loader) error {
	if m.pairs == noPairs {
		return nil
	}
	half := m.rotary.dims / 2
	for _, f := range []struct {
		names []string
		at    *[]float32
	}{
		{[]string{"rope_freqs.weight", "blk.0.rope_freqs.weight"}, &m.rotary.factors},
		{[]string{"rope_factors_long.weight", "blk.0.rope_factors_long.weight"}, &m.rotary.long},
		{[]string{"rope_factors_short.weight", "blk.0.rope_factors_short.weight"}, &m.rotary.short},
	} {
		for _, name := range f.names {
			v, err := l.perhaps(name, half)
			if err != nil {
				return err
			}
			if v != nil {
				*f.at = v
			}
		}
		for j, v := range *f.at {
			if v == 0 {
				return fmt.Errorf("llama: tensor %q: factor %d of the angles is 0", f.names[0], j)
			}
		}
	}
	return nil
}

func (m *Model) loadOutput(l *loader) error {
	var err error
	if m.norm, err = m.loadNorm(l, "output_norm"); err != nil {
		return err
	}
	if m.output = m.embd; !m.alwaysTied && l.has("output.weight") {
		m.output, err = l.matrix("output", m.Vocabulary, m.Width)
	}
	return err
}

func (m *Model) loadNorm(l *loader, base string) (s scaling, err error) {
	if s.weight, err = l.vector(base+".weight", m.Width); err == nil && m.layerNorm {
		s.bias, err = l.vector(base+".bias", m.Width)
	}
	return s, err
}

func (m *Model) loadLayer(l *loader, y *layer, b string) (err error) {
	matrix := func(at **weight, name string, rows, cols int) {
		if err == nil {
			*at, err = l.matrix(b+name, rows, cols)
		}
	}
	norm := func(at *scaling, name string) {
		if err == nil {
			*at, err = m.loadNorm(l, b+name)
		}
	}
	queries, keys, values := m.Heads*m.KeyDim, m.SharedHeads*m.KeyDim, m.SharedHeads*m.ValueDim
	norm(&y.attnNorm, "attn_norm")
	if l.has(b + "attn_qkv.weight") {
		matrix(&y.qkv, "attn_qkv", queries+keys+values, m.Width)
	} else {
		matrix(&y.q, "attn_q", queries, m.Width)
		matrix(&y.k, "attn_k", keys, m.Width)
		matrix(&y.v, "attn_v", values, m.Width)
	}
	if m.normHeads && err == nil {
		if y.qNorm, err = l.vector(b+"attn_q_norm.weight", m.KeyDim); err == nil {
			y.kNorm, err = l.vector(b+"attn_k_norm.weight", m.KeyDim)
		}
	}
	matrix(&y.attnOut, "attn_output", m.Width, m.Heads*m.ValueDim)
	norm(&y.ffnNorm, "ffn_norm")
	up := m.Hidden
	switch m.design.gate {
	case gateApart:
		matrix(&y.gate, "ffn_gate", m.Hidden, m.Width)
	case gateInUp:
		up *= 2
	}
	matrix(&y.up, "ffn_up", up, m.Width)
	matrix(&y.down, "ffn_down", m.Width, m.Hidden)
	if m.normAfter {
		norm(&y.attnAfter, "post_attention_norm")
		norm(&y.ffnAfter, "post_ffw_norm")
	}
	return err
}

// Config is the shape of the model.
func (m *Model) Config() Config { return m.hyper.Config }

// Vocab is the model's tokenizer, nil where the file has none.
func (m *Model) Vocab() *Vocab { return m.vocab }
