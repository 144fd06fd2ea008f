package llama

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"fewbits/quant"
	"fewbits/quant/dtype"
	"fewbits/quant/formats"
	"fewbits/quant/gguf"
)

// shape is a model to be made of random weights.
type shape struct {
	arch                         string
	width, hidden, heads, shared int
	dim                          int // of a head; 0 is width / heads
	layers, vocabulary           int
	typ                          string // of matrices; "" is F32
	only                         string // the one matrix that is of typ; "" is all
	fused, biases, tied          bool
	meta                         []quant.Meta // more of it, keys without the architecture
	vectors                      map[string][]float32
}

func small2(arch string) shape {
	return shape{arch: arch, width: 64, hidden: 96, heads: 4, shared: 2, layers: 3, vocabulary: 160}
}

// write makes the file. Weights are such that no layer is without a say in the
// logits, and logits are a few units apart.
func (s shape) write(t testing.TB) string {
	t.Helper()
	if s.dim == 0 {
		s.dim = s.width / s.heads
	}
	p := s.arch + "."
	u := func(key string, v int) quant.Meta { return quant.Meta{Key: p + key, Value: uint32(v)} }
	meta := []quant.Meta{
		{Key: "general.architecture", Value: s.arch}, {Key: "tokenizer.ggml.model", Value: "no_vocab"},
		u("vocab_size", s.vocabulary), u("context_length", 256), u("block_count", s.layers), u("embedding_length", s.width),
		u("feed_forward_length", s.hidden), u("attention.head_count", s.heads), u("attention.head_count_kv", s.shared),
	}
	if designs[s.arch].layerNorm {
		meta = append(meta, quant.Meta{Key: p + "attention.layer_norm_epsilon", Value: float32(1e-5)})
	} else {
		meta = append(meta, quant.Meta{Key: p + "attention.layer_norm_rms_epsilon", Value: float32(1e-6)})
	}
	if s.dim != s.width/s.heads {
		meta = append(meta, u("attention.key_length", s.dim), u("attention.value_length", s.dim))
	}
	for _, m := range s.meta {
		meta = append(meta, quant.Meta{Key: p + m.Key, Value: m.Value})
	}
	w := &maker{t: t, r: rand.New(rand.NewPCG(7, 11)), typ: s.typ, only: s.only}
	s.tensors(w)
	for name, v := range s.vectors {
		w.put(name, "F32", []int{len(v)}, v)
	}
	return writeFile(t, meta, w.plans, w.data)
}

func (s shape) tensors(w *maker) {
	d := designs[s.arch]
	norm := func(name string) {
		w.vector(name+".weight", s.width, 1, 0.2)
		if d.layerNorm {
			w.vector(name+".bias", s.width, 0, 0.2)
		}
	}
	w.matrix("token_embd", s.vocabulary, s.width, 1)
	if d.positions {
		w.matrix("position_embd", 256, s.width, 0.5)
	}
	if !s.tied && !d.alwaysTied {
		w.matrix("output", s.vocabulary, s.width, 2/math.Sqrt(float64(s.width)))
	}
	norm("output_norm")
	queries, keys := s.heads*s.dim, s.shared*s.dim
	linear := func(name string, rows, cols int, bias bool) {
		w.matrix(name, rows, cols, 1/math.Sqrt(float64(cols)))
		if bias {
			w.vector(name+".bias", rows, 0, 0.3)
		}
	}
	for l := range s.layers {
		b := fmt.Sprintf("blk.%d.", l)
		norm(b + "attn_norm")
		if s.fused {
			linear(b+"attn_qkv", queries+2*keys, s.width, s.biases)
		} else {
			linear(b+"attn_q", queries, s.width, s.biases)
			linear(b+"attn_k", keys, s.width, s.biases)
			linear(b+"attn_v", keys, s.width, s.biases)
		}
		if d.normHeads {
			w.vector(b+"attn_q_norm.weight", s.dim, 1, 0.2)
			w.vector(b+"attn_k_norm.weight", s.dim, 1, 0.2)
		}
		linear(b+"attn_output", s.width, queries, s.biases && s.arch != "qwen2")
		if d.normAfter {
			norm(b + "post_attention_norm")
			norm(b + "post_ffw_norm")
		}
		norm(b + "ffn_norm")
		up := s.hidden
		switch d.gate {
		case gateApart:
			linear(b+"ffn_gate", s.hidden, s.width, s.biases && s.arch == "llama")
		case gateInUp:
			up *= 2
		}
		linear(b+"ffn_up", up, s.width, s.biases && s.arch != "qwen2")
		linear(b+"ffn_down", s.width, s.hidden, s.biases && s.arch != "qwen2")
	}
}

// maker collects tensors of a file.
type maker struct {
	t     testing.TB
	r     *rand.Rand
	typ   string
	only  string
	plans []gguf.TensorPlan
	data  [][]byte
}

func (w *maker) put(name, typ string, shape []int, x []float32) {
	w.t.Helper()
	w.plans = append(w.plans, gguf.TensorPlan{Name: name, Shape: shape, Type: typ})
	w.data = append(w.data, packed(w.t, typ, shape, x))
}

func (w *maker) vector(name string, n int, mean, spread float64) {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(mean + spread*w.r.NormFloat64())
	}
	w.put(name, "F32", []int{n}, x)
}

func (w *maker) matrix(name string, rows, cols int, spread float64) {
	x := make([]float32, rows*cols)
	for i := range x {
		x[i] = float32(spread * w.r.NormFloat64())
	}
	typ := w.typ
	if typ == "" || name == "position_embd" || w.only != "" && w.only != name {
		typ = "F32"
	}
	w.put(name+".weight", typ, []int{rows, cols}, x)
}

// packed is x in one of ggml's types.
func packed(t testing.TB, typ string, shape []int, x []float32) []byte {
	t.Helper()
	switch typ {
	case "F32":
		var b []byte
		for _, v := range x {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		return b
	case "F16", "BF16":
		b := make([]byte, 2*len(x))
		d := dtype.F16
		if typ == "BF16" {
			d = dtype.BF16
		}
		if err := d.Encode(b, x); err != nil {
			t.Fatal(err)
		}
		return b
	}
	f, ok := formats.Lookup(typ)
	if !ok {
		t.Fatal(typ)
	}
	o := quant.Options{}
	if f.Info().Importance == quant.Required {
		o.Importance = make([]float32, quant.Cols(shape))
		for i := range o.Importance {
			o.Importance[i] = 1
		}
	}
	p, err := f.Quantize(quant.Tensor{Name: "w", Shape: shape, Data: x}, o)
	if err != nil {
		t.Fatal(err)
	}
	return p.Bytes
}

// writeFile writes a GGUF file and returns its path.
func writeFile(t testing.TB, meta []quant.Meta, plans []gguf.TensorPlan, data [][]byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file.gguf")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := gguf.NewWriter(f, meta, plans)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range data {
		if err := w.WriteTensor(i, d); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// withPre copies a file without tensors, but for its pre-tokenizer.
func withPre(t *testing.T, path, pre string) string {
	t.Helper()
	meta := slices.Clone(openFile(t, path).Metadata())
	for i, m := range meta {
		if m.Key == keyPre {
			meta[i].Value = pre
		}
	}
	return writeFile(t, meta, nil, nil)
}
