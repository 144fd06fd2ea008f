package budget

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"fewbits/quant"
	"fewbits/quant/gguf"
	"fewbits/quant/internal/libllama"
)

func TestMain(m *testing.M) {
	libllama.Serve()
	os.Exit(m.Run())
}

// shape is a tensor of the model that tests use.
type shape struct {
	name string
	dims []int
}

// shapes are rows of 256, of 64 and of 40 values, experts, and what is kept.
func shapes() []shape {
	list := []shape{{"token_embd.weight", []int{32, 256}}, {"output_norm.weight", []int{256}}, {"output.weight", []int{32, 256}}}
	for i := range 4 {
		b := fmt.Sprintf("blk.%d.", i)
		list = append(list,
			shape{b + "attn_norm.weight", []int{256}}, shape{b + "attn_q.weight", []int{16, 256}}, shape{b + "attn_k.weight", []int{8, 256}},
			shape{b + "attn_v.weight", []int{8, 256}}, shape{b + "attn_output.weight", []int{16, 256}}, shape{b + "ffn_gate_inp.weight", []int{2, 256}},
			shape{b + "ffn_up_exps.weight", []int{2, 16, 256}}, shape{b + "ffn_gate_exps.weight", []int{2, 16, 64}}, shape{b + "ffn_down_exps.weight", []int{2, 16, 40}})
	}
	return list
}

// model is a file of random weights, of which column c is the larger the
// larger c is, and importance for its matrices.
func model(t testing.TB) (file []byte, importance map[string][]float32) {
	t.Helper()
	u := func(key string, v int) quant.Meta { return quant.Meta{Key: "llama." + key, Value: uint32(v)} }
	meta := []quant.Meta{
		{Key: "general.architecture", Value: "llama"},
		u("vocab_size", 32), u("context_length", 64), u("block_count", 4), u("embedding_length", 256), u("feed_forward_length", 64),
		u("attention.head_count", 2), u("attention.head_count_kv", 1), u("expert_count", 2), u("expert_used_count", 2),
		{Key: "llama.attention.layer_norm_rms_epsilon", Value: float32(1e-5)},
		{Key: "tokenizer.ggml.model", Value: "no_vocab"},
	}
	var plans []gguf.TensorPlan
	for _, s := range shapes() {
		plans = append(plans, gguf.TensorPlan{Name: s.name, Shape: s.dims, Type: "F32"})
	}
	var b bytes.Buffer
	w, err := gguf.NewWriter(&b, meta, plans)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 8))
	importance = map[string][]float32{}
	for i, s := range shapes() {
		cols := quant.Cols(s.dims)
		var raw []byte
		for k := range cols * quant.Rows(s.dims) {
			v := r.NormFloat64() * (0.5 + float64(k%cols)/float64(cols))
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(v)))
		}
		if err := w.WriteTensor(i, raw); err != nil {
			t.Fatal(err)
		}
		if len(s.dims) > 1 {
			n := cols
			if len(s.dims) > 2 {
				n *= s.dims[0]
			}
			for range n {
				importance[s.name] = append(importance[s.name], 0.2+r.Float32())
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), importance
}

func open(t testing.TB, b []byte) *gguf.File {
	t.Helper()
	f, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// of are weights by name, as a table takes them.
func of(importance map[string][]float32) func(string, []int) ([]float32, error) {
	return func(name string, _ []int) ([]float32, error) { return importance[name], nil }
}
