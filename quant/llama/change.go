package llama

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"fewbits/quant"
	"fewbits/quant/ggml"
)

// Options are those that the model runs with.
func (m *Model) Options() Options { return m.options }

// With is m with other options, such as Options with a hook more: the same
// weights, until Set changes those of one of the two. Options.Resident is that
// of m.
func (m *Model) With(o Options) *Model {
	n := *m
	n.options = o
	n.options.Resident = m.options.Resident
	if o.Workers <= 0 {
		n.options.Workers = runtime.GOMAXPROCS(0)
	}
	n.layers = slices.Clone(m.layers)
	return &n
}

// slot is where the model keeps a tensor: a matrix, or a vector.
type slot struct {
	matrix **weight
	bias   bool // of matrix
	vector *[]float32
}

// find is the slot of a tensor of the layers, of the output layer or of its
// norm.
func (m *Model) find(name string) (slot, error) {
	none := fmt.Errorf("llama: the layers of the model have no tensor %q", name)
	switch name {
	case "output_norm.weight":
		return slot{vector: &m.norm.weight}, nil
	case "output_norm.bias":
		return slot{vector: &m.norm.bias}, nil
	case m.output.name:
		return slot{matrix: &m.output}, nil
	}
	rest, ok := strings.CutPrefix(name, "blk.")
	number, rest, dotted := strings.Cut(rest, ".")
	i, err := strconv.Atoi(number)
	if !ok || !dotted || err != nil || i < 0 || i >= len(m.layers) {
		return slot{}, none
	}
	base, kind, _ := strings.Cut(rest, ".")
	s := m.layers[i].slot(base, kind)
	if s.vector == nil && s.matrix == nil || s.matrix != nil && *s.matrix == nil {
		return slot{}, none
	}
	return s, nil
}

// slot is that of a tensor base.weight or base.bias of the layer.
func (y *layer) slot(base, kind string) slot {
	if kind != "weight" && kind != "bias" {
		return slot{}
	}
	bias := kind == "bias"
	norms := map[string]*scaling{
		"attn_norm": &y.attnNorm, "ffn_norm": &y.ffnNorm, "post_attention_norm": &y.attnAfter, "post_ffw_norm": &y.ffnAfter,
	}
	if n := norms[base]; n != nil {
		if bias {
			return slot{vector: &n.bias}
		}
		return slot{vector: &n.weight}
	}
	matrices := map[string]**weight{
		"attn_qkv": &y.qkv, "attn_q": &y.q, "attn_k": &y.k, "attn_v": &y.v, "attn_output": &y.attnOut,
		"ffn_gate": &y.gate, "ffn_up": &y.up, "ffn_down": &y.down,
	}
	if w := matrices[base]; w != nil {
		return slot{matrix: w, bias: bias}
	}
	return slot{}
}

// Tensor reads a tensor of the layers as float32: a matrix
// ("blk.0.attn_q.weight"), its bias, or the weights of a norm
// ("blk.0.attn_norm.weight"); or one of the output layer. It fails where the
// model has none of that name.
func (m *Model) Tensor(name string) (quant.Tensor, error) {
	s, err := m.find(name)
	if err != nil {
		return quant.Tensor{}, err
	}
	t := quant.Tensor{Name: name}
	switch {
	case s.vector != nil:
		t.Data = slices.Clone(*s.vector)
	case s.bias:
		t.Data = slices.Clone((*s.matrix).bias)
	default:
		w := *s.matrix
		t.Shape, t.Data = []int{w.rows, w.cols}, make([]float32, w.rows*w.cols)
		var raw []byte
		return t, w.read(0, w.rows, t.Data, &raw)
	}
	if t.Data == nil {
		return t, fmt.Errorf("llama: the layers of the model have no tensor %q", name)
	}
	t.Shape = []int{len(t.Data)}
	return t, nil
}

// Set gives a tensor other values, as many as it has; name is as Tensor takes
// it. The model keeps data. Models that share the tensor by With keep the old
// values. No session of the model may be at work meanwhile.
func (m *Model) Set(name string, data []float32) error {
	old, err := m.Tensor(name)
	if err != nil {
		return err
	}
	if len(data) != old.Len() {
		return fmt.Errorf("llama: tensor %q holds %d values, and %d are given", name, old.Len(), len(data))
	}
	s, _ := m.find(name)
	if s.vector != nil {
		*s.vector = data
		return nil
	}
	w := **s.matrix
	if s.bias {
		w.bias = data
	} else {
		w.typ, _ = ggml.TypeByName("F32")
		w.rowBytes, w.data, w.floats, w.src = 4*w.cols, nil, data, nil
	}
	*s.matrix = &w
	return nil
}

// Len is how many values a tensor has; name is as Tensor takes it.
func (m *Model) Len(name string) (int, error) {
	s, err := m.find(name)
	switch {
	case err != nil:
		return 0, err
	case s.vector != nil:
		return len(*s.vector), nil
	case s.bias:
		return len((*s.matrix).bias), nil
	}
	return (*s.matrix).rows * (*s.matrix).cols, nil
}
