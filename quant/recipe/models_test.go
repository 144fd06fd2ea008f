package recipe

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"fewbits/quant"
	"fewbits/quant/dtype"
	"fewbits/quant/gguf"
)

// shape is a model that the tests write: the right names and metadata on tiny
// tensors.
type shape struct {
	arch         string
	layers       int
	heads, kv    int
	experts      int
	tied         bool
	embd, hidden int    // lengths of rows: of most tensors, of ffn_down
	typ          string // of its weights; "" is F32
	perLayer     bool   // head_count_kv is an array
}

func (s shape) String() string {
	name := fmt.Sprintf("%s-%d-q%d", s.arch, s.layers, s.heads/max(1, s.kv))
	if s.experts > 0 {
		name += fmt.Sprintf("-e%d", s.experts)
	}
	if s.tied {
		name += "-tied"
	}
	if s.perLayer {
		name += "-array"
	}
	return name + fmt.Sprintf("-%dx%d%s", s.embd, s.hidden, s.typ)
}

// meta is what libllama needs to know the architecture's parameters.
func (s shape) meta() []quant.Meta {
	u := func(key string, v int) quant.Meta { return quant.Meta{Key: s.arch + "." + key, Value: uint32(v)} }
	f := func(key string, v float32) quant.Meta { return quant.Meta{Key: s.arch + "." + key, Value: v} }
	meta := []quant.Meta{
		{Key: "general.architecture", Value: s.arch},
		{Key: "general.name", Value: "test"},
		u("vocab_size", 4), u("context_length", 64), u("block_count", s.layers), u("embedding_length", 64*s.heads),
		u("feed_forward_length", 128*s.heads), u("attention.head_count", s.heads),
		f("attention.layer_norm_rms_epsilon", 1e-5), f("attention.layer_norm_epsilon", 1e-5), u("attention.sliding_window", 32),
	}
	if s.perLayer {
		kv := make([]uint32, s.layers)
		for i := range kv {
			kv[i] = uint32(s.kv)
		}
		meta = append(meta, quant.Meta{Key: s.arch + ".attention.head_count_kv", Value: kv})
	} else {
		meta = append(meta, u("attention.head_count_kv", s.kv))
	}
	if s.experts > 0 {
		meta = append(meta, u("expert_count", s.experts), u("expert_used_count", 2))
	}
	return meta
}

// tensors are the names, rows and columns (of an expert, where there are some).
func (s shape) tensors() (plans []gguf.TensorPlan) {
	typ := s.typ
	if typ == "" {
		typ = "F32"
	}
	add := func(name, typ string, shape ...int) {
		plans = append(plans, gguf.TensorPlan{Name: name, Shape: shape, Type: typ})
	}
	add("token_embd.weight", typ, 4, s.embd)
	add("output_norm.weight", "F32", s.embd)
	if !s.tied {
		add("output.weight", typ, 4, s.embd)
	}
	if s.arch == "phi3" {
		add("rope_factors_long.weight", "F32", 16)
	}
	for l := range s.layers {
		b := func(part string) string { return fmt.Sprintf("blk.%d.%s", l, part) }
		add(b("attn_norm.weight"), "F32", s.embd)
		if s.arch == "phi3" || s.arch == "falcon" {
			add(b("attn_qkv.weight"), typ, 3, s.embd)
		} else {
			add(b("attn_q.weight"), typ, 2, s.embd)
			add(b("attn_k.weight"), typ, 2, s.embd)
			add(b("attn_v.weight"), typ, 2, s.embd)
		}
		if s.arch == "qwen2" {
			add(b("attn_v.bias"), "F32", 2)
		}
		add(b("attn_output.weight"), typ, 2, s.embd)
		add(b("ffn_norm.weight"), "F32", s.embd)
		s.ffn(typ, b, add)
	}
	return plans
}

func (s shape) ffn(typ string, b func(string) string, add func(name, typ string, shape ...int)) {
	if s.experts > 0 {
		add(b("ffn_gate_inp.weight"), "F32", s.experts, s.embd)
		add(b("ffn_gate_exps.weight"), typ, s.experts, 2, s.embd)
		add(b("ffn_up_exps.weight"), typ, s.experts, 2, s.embd)
		add(b("ffn_down_exps.weight"), typ, s.experts, 2, s.hidden)
		add(b("ffn_down_shexp.weight"), typ, 2, s.hidden)
		return
	}
	if s.arch != "phi3" && s.arch != "falcon" {
		add(b("ffn_gate.weight"), typ, 2, s.embd)
	}
	add(b("ffn_up.weight"), typ, 2, s.embd)
	add(b("ffn_down.weight"), typ, 2, s.hidden)
}

// write is the model as a GGUF file.
func (s shape) write(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	plans := s.tensors()
	w, err := gguf.NewWriter(&b, s.meta(), plans)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, uint64(s.layers)))
	for i, p := range plans {
		n, err := quant.Count(p.Shape)
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float32, n)
		for j := range x {
			x[j] = float32(r.NormFloat64() * 0.02)
		}
		typ, ok := dtype.Lookup(p.Type)
		if !ok {
			t.Fatal(p.Type)
		}
		raw := make([]byte, n*typ.Size)
		if err := typ.Encode(raw, x); err != nil {
			t.Fatal(err)
		}
		if err := w.WriteTensor(i, raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// importance has a weight for each column of each matrix of the model.
func (s shape) importance() map[string][]float32 {
	r := rand.New(rand.NewPCG(8, uint64(s.layers)))
	m := map[string][]float32{}
	for _, p := range s.tensors() {
		if len(p.Shape) < 2 {
			continue
		}
		n := quant.Cols(p.Shape)
		if len(p.Shape) == 3 {
			n *= p.Shape[0]
		}
		x := make([]float32, n)
		for i := range x {
			x[i] = float32(math.Exp(r.NormFloat64()))
		}
		m[p.Name] = x
	}
	return m
}

func open(t testing.TB, b []byte) *gguf.File {
	t.Helper()
	f, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// shapes are the models that every recipe is tried on.
func shapes() (list []shape) {
	shared := map[int][]int{2: {8, 2}, 4: {4, 1}, 28: {4, 2}, 32: {8, 4, 2, 1}, 80: {8, 1}}
	for _, layers := range []int{2, 4, 28, 32, 80} {
		for _, kv := range shared[layers] {
			list = append(list, shape{arch: "llama", layers: layers, heads: 8, kv: kv, embd: 256, hidden: 512})
		}
	}
	for _, embd := range []int{80, 288, 800} {
		list = append(list,
			shape{arch: "llama", layers: 4, heads: 8, kv: 2, embd: embd, hidden: 256},
			shape{arch: "llama", layers: 16, heads: 8, kv: 8, embd: 256, hidden: embd, tied: embd == 288})
	}
	return append(list,
		shape{arch: "llama", layers: 32, heads: 8, kv: 2, embd: 256, hidden: 256, tied: true},
		shape{arch: "llama", layers: 9, heads: 8, kv: 2, embd: 256, hidden: 256, perLayer: true, typ: "F16"},
		shape{arch: "llama", layers: 32, heads: 8, kv: 2, embd: 256, hidden: 256, experts: 8, typ: "BF16"},
		shape{arch: "llama", layers: 80, heads: 8, kv: 1, embd: 256, hidden: 256, experts: 8},
		shape{arch: "llama", layers: 13, heads: 8, kv: 8, embd: 256, hidden: 256, experts: 4},
		shape{arch: "llama", layers: 4, heads: 8, kv: 8, embd: 80, hidden: 288, experts: 8},
		shape{arch: "qwen2", layers: 28, heads: 12, kv: 2, embd: 256, hidden: 256, tied: true},
		shape{arch: "qwen2", layers: 80, heads: 8, kv: 8, embd: 256, hidden: 256},
		shape{arch: "qwen3", layers: 28, heads: 16, kv: 8, embd: 256, hidden: 768},
		shape{arch: "qwen3", layers: 80, heads: 16, kv: 4, embd: 256, hidden: 256, tied: true},
		shape{arch: "gemma", layers: 18, heads: 8, kv: 1, embd: 256, hidden: 256, tied: true},
		shape{arch: "gemma", layers: 28, heads: 16, kv: 16, embd: 288, hidden: 288, tied: true},
		shape{arch: "phi3", layers: 32, heads: 32, kv: 32, embd: 256, hidden: 256},
		shape{arch: "phi3", layers: 40, heads: 40, kv: 10, embd: 256, hidden: 800},
		shape{arch: "falcon", layers: 32, heads: 71, kv: 1, embd: 256, hidden: 256},
		shape{arch: "falcon", layers: 60, heads: 128, kv: 8, embd: 256, hidden: 256, tied: true},
	)
}
