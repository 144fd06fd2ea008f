package checkpoint

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/gguf"
	"fewbits/quant/huggingface"
	"fewbits/quant/internal/testdata"
)

// TestBack wants a GGUF file taken back to transformers' form to be, shown as
// llama.cpp's converter shows that form, what it was.
func TestBack(t *testing.T) {
	b, err := os.ReadFile(testdata.File(t, "gguf", "stories260K.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	g, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	in, err := FromGGUF(g, "stories260K.gguf")
	if err != nil || len(in.Notes) > 0 {
		t.Fatalf("%v, notes %v", err, in.Notes)
	}
	m, err := huggingface.Open(in.Files, in.Weights)
	if err != nil {
		t.Fatal(err)
	}
	was := map[string]quant.Meta{}
	for _, kv := range g.Metadata() {
		was[kv.Key] = kv
	}
	for _, kv := range m.Metadata() {
		old, ok := was[kv.Key]
		if !ok || kv.Key == "general.name" {
			continue
		}
		if x, y := asText(kv.Value), asText(old.Value); x != y {
			t.Errorf("%s is %.200s, was %.200s", kv.Key, x, y)
		}
	}
	tensors := map[string]int{}
	for i, info := range g.Tensors() {
		tensors[info.Name] = i
	}
	if len(m.Tensors()) != len(tensors) {
		t.Errorf("%d tensors, were %d", len(m.Tensors()), len(tensors))
	}
	for i, info := range m.Tensors() {
		x, err := quant.ReadTensor(m, i)
		if err != nil {
			t.Fatal(err)
		}
		at, ok := tensors[info.Name]
		if !ok {
			t.Fatalf("there was no tensor %s", info.Name)
		}
		y, err := quant.ReadTensor(g, at)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(x.Data, y.Data) || !slices.Equal(x.Shape, y.Shape) {
			t.Errorf("%s is not what it was", info.Name)
		}
	}
}

// TestByteBPE wants a vocabulary of BPE over bytes to come back as it was.
func TestByteBPE(t *testing.T) {
	for _, name := range []string{"gridcore_vocab-bpe-llama3.gguf", "gridcore_vocab-bpe-qwen2.gguf", "gridcore_vocab-bpe-smollm.gguf", "ggml-vocab-gpt-2.gguf"} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(testdata.File(t, "gguf", name))
			if err != nil {
				t.Fatal(err)
			}
			g, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			m := metadata{}
			for _, kv := range g.Metadata() {
				m[kv.Key] = kv
			}
			tokens, _ := m["tokenizer.ggml.tokens"].Value.([]string)
			in := &Input{}
			err = (&back{meta: m}).tokenizer(func(name string, text []byte) {
				in.Files = append(in.Files, quant.File{Name: name, R: bytes.NewReader(text), Size: int64(len(text))})
			})
			if err != nil {
				t.Skip(err)
			}
			config := object{
				{"architectures", []string{"Qwen2ForCausalLM"}}, {"hidden_size", 2}, {"intermediate_size", 2}, {"num_hidden_layers", 1},
				{"num_attention_heads", 1}, {"max_position_embeddings", 8}, {"vocab_size", len(tokens)}, {"tie_word_embeddings", true},
			}
			text := appendJSON(nil, config, "")
			in.Files = append(in.Files, quant.File{Name: "config.json", R: bytes.NewReader(text), Size: int64(len(text))})
			h, err := huggingface.Open(in.Files, tiny(len(tokens)))
			if err != nil {
				t.Fatal(err)
			}
			for _, kv := range h.Metadata() {
				switch kv.Key {
				case "tokenizer.ggml.tokens", "tokenizer.ggml.merges", "tokenizer.ggml.pre", "tokenizer.ggml.model", "tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id":
					if same := asText(kv.Value) == asText(m[kv.Key].Value); !same && m[kv.Key].Value != nil {
						t.Errorf("%s is %.100v, was %.100v", kv.Key, kv.Value, m[kv.Key].Value)
					}
				}
			}
		})
	}
}

// tiny is a model of one layer for a vocabulary.
func tiny(vocab int) bytesOf {
	part := func(name string, shape ...int) Part { return Part{Suffix: name, Type: "F16", Shape: shape} }
	list := bytesOf{part("model.embed_tokens.weight", vocab, 2), part("model.norm.weight", 2)}
	for _, n := range []string{"input_layernorm", "post_attention_layernorm"} {
		list = append(list, part("model.layers.0."+n+".weight", 2))
	}
	for _, n := range []string{"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"} {
		list = append(list, part("model.layers.0."+n+".weight", 2, 2), part("model.layers.0."+n+".bias", 2))
	}
	for _, n := range []string{"self_attn.o_proj", "mlp.gate_proj", "mlp.up_proj", "mlp.down_proj"} {
		list = append(list, part("model.layers.0."+n+".weight", 2, 2))
	}
	return list
}

func TestBackErrors(t *testing.T) {
	llama := map[string]any{"general.architecture": "llama", "llama.embedding_length": uint32(2), "llama.block_count": uint32(1), "llama.feed_forward_length": uint32(2), "llama.attention.head_count": uint32(1)}
	with := func(key string, v any) map[string]any {
		m := map[string]any{}
		for k, v := range llama {
			m[k] = v
		}
		m[key] = v
		return m
	}
	embedding := Part{Suffix: "token_embd.weight", Type: "F16", Shape: []int{4, 2}}
	for _, tt := range []struct {
		name  string
		meta  map[string]any
		parts bytesOf
		want  string
	}{
		{"architecture", with("general.architecture", "mamba"), bytesOf{embedding}, `"mamba"`},
		{"no size", with("llama.block_count", uint32(0)), bytesOf{embedding}, "lacks a size"},
		{"no embedding", llama, bytesOf{}, "embedding is missing"},
		{"factors", llama, bytesOf{embedding, {Suffix: "rope_freqs.weight", Type: "F32", Shape: []int{1}}}, "scales positions"},
		{"scaling", with("llama.rope.scaling.type", "yarn"), bytesOf{embedding}, "scales positions"},
		{"experts", llama, bytesOf{embedding, {Suffix: "blk.0.ffn_gate_exps.weight", Type: "F32", Shape: []int{2, 2, 2}}}, "has no name"},
		{"heads", llama, bytesOf{embedding, {Suffix: "blk.0.attn_q.weight", Type: "F32", Shape: []int{3, 2}}}, "does not divide into 1 heads"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := FromGGUF(withMeta{tt.parts, tt.meta}, "x.gguf")
			if err == nil || !strings.HasPrefix(err.Error(), "checkpoint: x.gguf") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
}

// withMeta is tensors with metadata.
type withMeta struct {
	bytesOf
	meta map[string]any
}

func (w withMeta) Metadata() []quant.Meta {
	var list []quant.Meta
	for k, v := range w.meta {
		list = append(list, quant.Meta{Key: k, Value: v})
	}
	return list
}

func asText(v any) string { return fmt.Sprint(v) }
