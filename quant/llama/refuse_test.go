package llama

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/gguf"
	"fewbits/quant/internal/testdata"
)

func TestSessionRefuses(t *testing.T) {
	s := small2("gpt2")
	s.fused, s.biases, s.shared = true, true, s.heads
	m := openModel(t, s.write(t), Options{})
	for _, n := range []int{-1, 0, 257, maxRoom + 1, math.MaxInt} {
		if _, err := m.NewSession(n); err == nil {
			t.Errorf("there is a session of %d tokens", n)
		}
	}
	session, err := m.NewSession(4)
	if err != nil {
		t.Fatal(err)
	}
	for _, ids := range [][]int32{{-1}, {160}, {0, 1, 2, 3, 4}} {
		if err := session.Feed(t.Context(), ids); err == nil || session.Len() != 0 {
			t.Errorf("%v: %v", ids, err)
		}
	}
	if err := session.Feed(t.Context(), []int32{3, 4}); err != nil {
		t.Fatal(err)
	}
	for _, c := range [][3]int{{0, 3, 3 * 160}, {-1, 1, 160}, {2, 1, 160}, {0, 2, 160}, {0, math.MaxInt, 160}} {
		if err := session.Logits(t.Context(), c[0], c[1], make([]float32, c[2])); err == nil {
			t.Errorf("%v: no error", c)
		}
	}
}

// TestOpenRefuses breaks files in many ways: the error names the place.
func TestOpenRefuses(t *testing.T) {
	base := small2("llama")
	u := func(key string, v uint32) quant.Meta { return quant.Meta{Key: key, Value: v} }
	for _, c := range []struct {
		name  string
		meta  []quant.Meta // takes the place of what the file has
		drop  string       // a key or a tensor that is left out
		shape map[string][]int
		want  string
	}{
		{name: "no architecture", drop: "general.architecture", want: "general.architecture"},
		{name: "other architecture", meta: []quant.Meta{{Key: "general.architecture", Value: "mamba"}}, want: "mamba"},
		{name: "no layers", drop: "llama.block_count", want: "llama.block_count"},
		{name: "many layers", meta: []quant.Meta{u("llama.block_count", 4000)}, want: "llama.block_count"},
		{name: "more layers than any", meta: []quant.Meta{u("llama.block_count", math.MaxUint32)}, want: "llama.block_count"},
		{name: "a layer too many", meta: []quant.Meta{u("llama.block_count", 4)}, want: "blk.3.attn_norm.weight"},
		{name: "no heads", meta: []quant.Meta{u("llama.attention.head_count", 0)}, want: "llama.attention.head_count"},
		{name: "heads that share unevenly", meta: []quant.Meta{u("llama.attention.head_count_kv", 3)}, want: "head_count_kv"},
		{name: "heads of nothing", meta: []quant.Meta{u("llama.attention.head_count", 1<<16)}, want: "embedding_length"},
		{name: "huge heads", meta: []quant.Meta{u("llama.attention.key_length", 1<<24)}, want: "key_length"},
		{name: "other width", meta: []quant.Meta{u("llama.embedding_length", 128)}, want: "token_embd.weight"},
		{name: "other hidden", meta: []quant.Meta{u("llama.feed_forward_length", 97)}, want: "blk.0.ffn_gate.weight"},
		{name: "no epsilon", drop: "llama.attention.layer_norm_rms_epsilon", want: "llama.attention.layer_norm_rms_epsilon"},
		{name: "epsilon of NaN", meta: []quant.Meta{{Key: "llama.attention.layer_norm_rms_epsilon", Value: float32(math.NaN())}}, want: "layer_norm_rms_epsilon"},
		{name: "text for a number", meta: []quant.Meta{{Key: "llama.block_count", Value: "three"}}, want: "llama.block_count"},
		{name: "layers that differ", meta: []quant.Meta{{Key: "llama.attention.head_count_kv", Value: []uint32{2, 2, 1}}}, want: "differs"},
		{name: "experts", meta: []quant.Meta{u("llama.expert_count", 8)}, want: "expert_count"},
		{name: "odd rotary", meta: []quant.Meta{u("llama.rope.dimension_count", 15)}, want: "rope.dimension_count"},
		{name: "part rotary", meta: []quant.Meta{u("llama.rope.dimension_count", 8)}, want: "rope.dimension_count"},
		{name: "no base", meta: []quant.Meta{{Key: "llama.rope.freq_base", Value: float32(0)}}, want: "freq_base"},
		{name: "other scaling", meta: []quant.Meta{{Key: "llama.rope.scaling.type", Value: "dynamic"}}, want: "dynamic"},
		{name: "other tokenizer", meta: []quant.Meta{{Key: keyTokenizer, Value: "bert"}}, want: "bert"},
		{name: "tokenizer without tokens", meta: []quant.Meta{{Key: keyTokenizer, Value: "llama"}}, want: keyTokens},
		{name: "fewer tokens", meta: []quant.Meta{{Key: keyTokenizer, Value: "llama"}, {Key: keyTokens, Value: []string{"a", "b"}}}, want: "token_embd.weight"},
		{name: "no merges", meta: []quant.Meta{{Key: keyTokenizer, Value: "gpt2"}}, want: "tokenizer.ggml.merges"},
		{name: "other pre-tokenizer", meta: []quant.Meta{{Key: keyTokenizer, Value: "gpt2"}, {Key: "tokenizer.ggml.merges", Value: []string{}}, {Key: keyPre, Value: "x"}}, want: `"x"`},
		{name: "no embedding", drop: "token_embd.weight", want: "token_embd.weight"},
		{name: "no norm", drop: "blk.1.ffn_norm.weight", want: "blk.1.ffn_norm.weight"},
		{name: "no keys", drop: "blk.2.attn_k.weight", want: "blk.2.attn_k.weight"},
		{name: "turned around", shape: map[string][]int{"blk.1.ffn_down.weight": {96, 64}}, want: "blk.1.ffn_down.weight"},
		{name: "flat", shape: map[string][]int{"output.weight": {160 * 64}}, want: "output.weight"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(broken(t, base, c.meta, c.drop, c.shape), Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "llama: ") {
				t.Errorf("%v; want a word of %q", err, c.want)
			}
		})
	}
}

// broken is a file with other metadata, less of it, or other shapes.
func broken(t *testing.T, s shape, meta []quant.Meta, drop string, shapes map[string][]int) *gguf.File {
	t.Helper()
	f := openFile(t, s.write(t))
	var kept []quant.Meta
	for _, m := range append(slices.Clone(f.Metadata()), meta...) {
		at := slices.IndexFunc(kept, func(k quant.Meta) bool { return k.Key == m.Key })
		switch {
		case m.Key == drop:
		case at >= 0:
			kept[at] = m
		default:
			kept = append(kept, m)
		}
	}
	var plans []gguf.TensorPlan
	var data [][]byte
	for i, info := range f.Tensors() {
		if info.Name == drop {
			continue
		}
		b := make([]byte, info.Bytes)
		if err := f.ReadRaw(i, 0, b); err != nil {
			t.Fatal(err)
		}
		shape := info.Shape
		if other := shapes[info.Name]; other != nil {
			shape = other
		}
		plans, data = append(plans, gguf.TensorPlan{Name: info.Name, Shape: shape, Type: info.Type}), append(data, b)
	}
	return openFile(t, writeFile(t, kept, plans, data))
}

// TestDamaged opens and runs files with bytes of their metadata changed: none
// ends the program.
func TestDamaged(t *testing.T) {
	b, err := os.ReadFile(testdata.File(t, "gguf", "stories260K.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(5, 6))
	opened, ran := 0, 0
	for range 600 {
		c := slices.Clone(b)
		for range 1 + r.IntN(3) {
			c[24+r.IntN(14176-24)] = byte(r.Uint32())
		}
		f, err := gguf.Open(bytes.NewReader(c), int64(len(c)))
		if err != nil {
			continue
		}
		opened++
		m, err := Open(f, Options{Workers: 1})
		if err != nil {
			continue
		}
		s, err := m.NewSession(8)
		if err != nil {
			t.Fatal(err)
		}
		ids := []int32{1, 2, 3}
		if v := m.Vocab(); v != nil {
			ids = v.Encode("Once upon a time", true, true)
		}
		if err := s.Feed(t.Context(), ids[:min(len(ids), 8)]); err != nil {
			t.Fatal(err)
		}
		ran++
	}
	if opened < 50 || ran < 50 {
		t.Errorf("%d opened, %d ran", opened, ran)
	}
}
