package train

import (
	"fmt"

	"fewbits/quant"
	"fewbits/quant/llama"
)

// Read takes the model out of a GGUF file that WriteGGUF wrote, with its
// tokenizer. context is how many tokens its sequences will have: 0 is as many as
// it was trained with. A model of another design is refused.
func Read(src quant.Source, context int) (*Model, *llama.Vocab, error) {
	if c := src.Container(); c != "gguf" {
		return nil, nil, fmt.Errorf("train: models are read from GGUF files, and this is %s", c)
	}
	s, err := readShape(src)
	if err != nil {
		return nil, nil, err
	}
	if context > s.Context {
		return nil, nil, fmt.Errorf("train: sequences of %d tokens are asked for, and the model was trained with %d", context, s.Context)
	}
	if context > 0 {
		s.Context = context
	}
	if err := s.check(); err != nil {
		return nil, nil, err
	}
	v, err := llama.ReadVocab(src)
	if err != nil {
		return nil, nil, err
	}
	if v.Len() != s.Vocabulary {
		return nil, nil, fmt.Errorf("train: the file has %d tokens, and its metadata says %d", v.Len(), s.Vocabulary)
	}
	m := &Model{Shape: s, layout: s.layout()}
	if err := m.find(src); err != nil {
		return nil, nil, err
	}
	m.weights, m.grads = make([]float32, m.size), make([]float32, m.size)
	m.turns()
	for i, t := range m.all {
		if err := src.ReadRows(i, 0, t.rows, t.of(m.weights)); err != nil {
			return nil, nil, err
		}
	}
	return m, v, nil
}

// find holds that the file's tensors are the shape's, in their order, before
// anything is allocated for them.
func (m *Model) find(src quant.Source) error {
	infos := src.Tensors()
	if len(infos) != len(m.all) {
		return fmt.Errorf("train: the file has %d tensors, and a model of its shape has %d", len(infos), len(m.all))
	}
	for i, t := range m.all {
		info := infos[i]
		if info.Name != t.name || quant.Rows(info.Shape) != t.rows || quant.Cols(info.Shape) != t.cols || info.Len() != t.rows*t.cols {
			return fmt.Errorf("train: tensor %d is %q %v, and %q of %d × %d is wanted", i, info.Name, info.Shape, t.name, t.rows, t.cols)
		}
	}
	return nil
}

// readShape is what the metadata says of the shape.
func readShape(src quant.Source) (s Shape, err error) {
	const k = "llama."
	at := map[string]*int{
		k + "vocab_size": &s.Vocabulary, k + "context_length": &s.Context, k + "embedding_length": &s.Width,
		k + "block_count": &s.Layers, k + "feed_forward_length": &s.Hidden, k + "attention.head_count": &s.Heads,
		k + "attention.head_count_kv": &s.Shared, k + "rope.dimension_count": &s.Dim,
	}
	for _, m := range src.Metadata() {
		n, ok := m.Int()
		if to := at[m.Key]; to != nil && ok && n > 0 && n <= maxDim {
			*to = int(n)
			delete(at, m.Key)
		}
	}
	for key := range at {
		return s, fmt.Errorf("train: the file does not say %s, or nothing that can be trained", key)
	}
	return s, nil
}
