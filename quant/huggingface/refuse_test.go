package huggingface

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
)

// refusals are folders that Open does not map, and what it should say. change
// makes one out of a good one.
var refusals = []struct {
	name   string
	change func(k *checkpoint)
	says   []string
}{
	{"another kind", func(k *checkpoint) { k.config["architectures"] = []string{"FalconForCausalLM"} }, []string{"config.json", "FalconForCausalLM", "Qwen2"}},
	{"no kind", func(k *checkpoint) { delete(k.config, "architectures") }, []string{"architectures", "opened as they are"}},
	{"experts", func(k *checkpoint) { k.config["architectures"] = []string{"MixtralForCausalLM"} }, []string{"mixture of experts"}},
	{"experts in a known kind", func(k *checkpoint) { k.config["num_local_experts"] = 8 }, []string{"num_local_experts", "8 experts"}},
	{"quantized", func(k *checkpoint) { k.config["quantization_config"] = map[string]any{"quant_method": "gptq"} }, []string{"quantization_config", "gptq", "original"}},
	{"no layers", func(k *checkpoint) { delete(k.config, "num_hidden_layers") }, []string{"num_hidden_layers", "missing"}},
	{"layers of a text", func(k *checkpoint) { k.config["num_hidden_layers"] = "2" }, []string{"num_hidden_layers", "whole number"}},
	{"many layers", func(k *checkpoint) { k.config["num_hidden_layers"] = 1000000000 }, []string{"num_hidden_layers", "4096"}},
	{"more layers than there are", func(k *checkpoint) { k.config["num_hidden_layers"] = 3 }, []string{"model.layers.2.", "3 layers"}},
	{"fewer layers", func(k *checkpoint) { k.config["num_hidden_layers"] = 1 }, []string{"model.layers.1.", "no place"}},
	{"another hidden size", func(k *checkpoint) { k.config["hidden_size"] = 128 }, []string{"embed_tokens", "[300 64]", "128"}},
	{"another vocabulary", func(k *checkpoint) { k.config["vocab_size"] = 301 }, []string{"vocab_size", "301", "300"}},
	{"another network", func(k *checkpoint) { k.config["intermediate_size"] = 95 }, []string{"mlp.", "[96 64]", "[95 64]"}},
	{"heads", func(k *checkpoint) { k.config["num_key_value_heads"] = 3 }, []string{"num_key_value_heads", "evenly"}},
	{"heads of one value", func(k *checkpoint) { k.config["head_dim"] = 1 }, []string{"head_dim", "pairs"}},
	{"activation", func(k *checkpoint) { k.config["hidden_act"] = "relu" }, []string{"hidden_act", "silu", "relu"}},
	{"part of a head", func(k *checkpoint) { k.config["partial_rotary_factor"] = 0.5 }, []string{"partial_rotary_factor"}},
	{"positions", func(k *checkpoint) { k.config["rope_scaling"] = map[string]any{"rope_type": "mrope"} }, []string{"rope_scaling.rope_type", "mrope", "yarn"}},
	{"positions of a factor 0", func(k *checkpoint) { k.config["rope_scaling"] = map[string]any{"rope_type": "linear", "factor": 0} }, []string{"rope_scaling.factor", "above 0"}},
	{"positions of another kind", func(k *checkpoint) {
		k.config["rope_scaling"] = map[string]any{"rope_type": "longrope", "short_factor": []int{1}, "long_factor": []int{1}}
	}, []string{"rope_scaling.rope_type", "LongRoPE"}},
	{"positions by layer", func(k *checkpoint) {
		k.config["rope_parameters"] = map[string]any{"full_attention": map[string]any{}}
	}, []string{"full_attention"}},
	{"no output", func(k *checkpoint) { k.drop("lm_head.weight") }, []string{"lm_head.weight", "tie_word_embeddings"}},
	{"no norm", func(k *checkpoint) { k.drop("model.norm.weight") }, []string{"model.norm.weight", "several files"}},
	{"no embedding", func(k *checkpoint) { k.drop("model.embed_tokens.weight") }, []string{"model.embed_tokens.weight"}},
	{"a tensor too many", func(k *checkpoint) { k.add("model.layers.0.self_attn.q_norm.weight", 0, 1, 16) }, []string{"q_norm", "no place"}},
	{"a bias that is not spoken of", func(k *checkpoint) { k.add("model.layers.0.self_attn.q_proj.bias", 0, 1, 64) }, []string{"q_proj.bias", "no place"}},
	{"whole numbers", func(k *checkpoint) { k.types["model.layers.0.self_attn.q_proj.weight"] = "I8" }, []string{"q_proj", "I8", "original"}},
	{"no tokenizer", func(k *checkpoint) { delete(k.files, tokenizerName) }, []string{"tokenizer.json", "tokenizer.model", "folder"}},
	{"a tokenizer of words", func(k *checkpoint) {
		k.files[tokenizerName] = []byte(`{"model": {"type": "WordPiece", "vocab": {}}}`)
	}, []string{"WordPiece", "BPE"}},
	{"a tokenizer of another model", func(k *checkpoint) {
		k.files[tokenizerName] = []byte(`{"model": {"type": "BPE", "vocab": {"a": 300}, "merges": []}}`)
	}, []string{"tokenizer.json", "model.vocab.a", "byte", "300 rows"}},
	{"two tokens of a number", func(k *checkpoint) {
		k.files[tokenizerName] = []byte(`{"model": {"type": "BPE", "vocab": {"a": 0, "b": 0}, "merges": []}}`)
	}, []string{`"a" and "b"`, "number, 0"}},
	{"a merge of nothing", func(k *checkpoint) {
		k.files[tokenizerName] = []byte(`{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}}`)
	}, []string{"model.merges[0]", "makes no token"}},
	{"a merge of one", func(k *checkpoint) {
		k.files[tokenizerName] = []byte(`{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["ab"]}}`)
	}, []string{"model.merges[0]", "two tokens"}},
	{"a tokenizer cut short", func(k *checkpoint) { k.files[tokenizerName] = k.files[tokenizerName][:999] }, []string{"tokenizer.json", "byte 999", "cut short"}},
	{"a broken tokenizer.model", func(k *checkpoint) { k.files = map[string][]byte{sentenceName: {0x0a, 0x7f, 0}} }, []string{"tokenizer.model", "byte 0", "longer"}},
	{"settings of another kind", func(k *checkpoint) { k.files[tokenizerCfg] = []byte("[]") }, []string{"tokenizer_config.json", "object"}},
}

// drop removes a tensor.
func (k *checkpoint) drop(name string) {
	i := slices.Index(k.names, name)
	k.names = slices.Delete(k.names, i, i+1)
}

func TestRefusals(t *testing.T) {
	for _, r := range refusals {
		t.Run(r.name, func(t *testing.T) {
			k := newCheckpoint("LlamaForCausalLM", nil)
			r.change(k)
			refused(t, k, r.says)
		})
	}
}

// refused checks that a folder is not mapped, and that what is said helps.
func refused(t *testing.T, k *checkpoint, says []string) {
	t.Helper()
	m, err := Open(k.all(t), k.weights(t))
	if err == nil {
		t.Fatalf("it is mapped, with notes %q", m.Notes)
	}
	if !strings.HasPrefix(err.Error(), "huggingface: ") || m != nil {
		t.Errorf("%v, %v", m, err)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%q does not say %q", err, s)
		}
	}
}

// TestGemmaRefusals are about what only Gemma 2 says.
func TestGemmaRefusals(t *testing.T) {
	good := map[string]any{"tie_word_embeddings": true, "head_dim": 16, "hidden_act": nil, "query_pre_attn_scalar": 16}
	if _, err := Open(newCheckpoint("Gemma2ForCausalLM", good).all(t), newCheckpoint("Gemma2ForCausalLM", good).weights(t)); err != nil {
		t.Fatal(err)
	}
	for key, v := range map[string]any{"query_pre_attn_scalar": 24, "tie_word_embeddings": false, "attn_logit_softcapping": nil, "hidden_activation": "gelu", "attention_bias": true} {
		t.Run(key, func(t *testing.T) {
			k := newCheckpoint("Gemma2ForCausalLM", good)
			k.config[key] = v
			refused(t, k, []string{key})
		})
	}
}

// TestNotes are about models that come out a little different.
func TestNotes(t *testing.T) {
	for _, c := range []struct {
		class string
		over  map[string]any
		says  string
	}{
		{"MistralForCausalLM", map[string]any{"sliding_window": 1024}, "1024 tokens back"},
		{"Qwen2ForCausalLM", map[string]any{"sliding_window": 1024}, ""},
		{"Qwen2ForCausalLM", map[string]any{"sliding_window": 1024, "use_sliding_window": true}, "1024 tokens back"},
		{"LlamaForCausalLM", map[string]any{"rope_scaling": map[string]any{"type": "dynamic", "factor": 2.0}}, "dynamic"},
	} {
		m := newCheckpoint(c.class, c.over).open(t)
		if got := strings.Join(m.Notes, "\n"); !strings.Contains(got, c.says) || c.says == "" && got != "" {
			t.Errorf("%s %v: notes %q, want %q", c.class, c.over, got, c.says)
		}
	}
}

// wide is an embedding of many rows, which are never read.
type wide struct{ quant.Source }

func (wide) Tensors() []quant.TensorInfo {
	return []quant.TensorInfo{{Name: embedding, Shape: []int{maxTokens + 1, 64}, Type: "F16"}}
}

// TestManyTokens: no memory is taken for as many tokens as a file says.
func TestManyTokens(t *testing.T) {
	k := newCheckpoint("LlamaForCausalLM", map[string]any{"vocab_size": nil})
	_, err := Open(k.all(t), wide{})
	if err == nil || !strings.Contains(err.Error(), "more than the 4194304 that are read") {
		t.Error(err)
	}
}

// TestUnused leaves out what is computed anew, and the output of a model whose
// embedding it is.
func TestUnused(t *testing.T) {
	k := newCheckpoint("LlamaForCausalLM", map[string]any{"tie_word_embeddings": true})
	want := len(k.names)
	k.add("lm_head.weight", 0, 1, 300, 64)
	k.add("model.layers.0.self_attn.rotary_emb.inv_freq", 0, 1, 8)
	if got := len(k.open(t).Tensors()); got != want {
		t.Errorf("%d tensors, want %d", got, want)
	}
}

func TestKnown(t *testing.T) {
	for _, c := range []struct{ config, want, says string }{
		{`{"architectures": ["MistralForCausalLM"]}`, "llama", ""},
		{`{"model_type": "gemma2"}`, "gemma2", ""},
		{`{"architectures": ["Qwen3MoeForCausalLM"]}`, "", "mixture of experts"},
		{`{"architectures": ["BertModel"]}`, "", "Gemma 2"},
		{`{"architectures": []}`, "", "architectures"},
		{`{"architectures": ["LlamaForCausalLM"], "quantization_config": {"quant_method": "awq"}}`, "", "awq"},
		{`{"architectures": ["LlamaForCausalLM"]`, "", "byte 38"},
		{`{"a": 1, "a": 2}`, "", "twice"},
		{``, "", "ends"},
	} {
		got, err := Known([]byte(c.config))
		if got != c.want || (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %q, %v", c.config, got, err)
		}
	}
}

// TestFolder finds the files beside the config.json that lies highest.
func TestFolder(t *testing.T) {
	for _, c := range []struct {
		name  string
		names []string
		dir   string
		found []string
	}{
		{"loose files", []string{"tokenizer.json", "./config.json"}, "", []string{"config.json", "tokenizer.json"}},
		{"a folder", []string{"m/config.json", "m/tokenizer.json", "m/onnx/config.json", "tokenizer.json"}, "m/", []string{"config.json", "tokenizer.json"}},
		{"backslashes", []string{`m\sub\config.json`, `m\sub\x`}, "m/sub/", []string{"config.json", "x"}},
	} {
		var files []quant.File
		for _, n := range c.names {
			files = append(files, memoryFile(n, nil))
		}
		f, err := newFolder(files)
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(maps.Keys(f.files)); f.dir != c.dir || !slices.Equal(got, c.found) {
			t.Errorf("%s: folder %q with %q", c.name, f.dir, got)
		}
	}
	if _, err := Open(nil, nil); err == nil || !strings.Contains(err.Error(), configName) {
		t.Errorf("no files: %v", err)
	}
}

// TestTemplates are the places where a chat template may stand.
func TestTemplates(t *testing.T) {
	list, _ := json.Marshal(map[string]any{"chat_template": []any{map[string]any{"name": "tool", "template": "T"}, map[string]any{"name": "default", "template": "D"}}})
	for _, c := range []struct {
		files map[string]string
		want  string
	}{
		{map[string]string{tokenizerCfg: `{"chat_template": "A"}`, "chat_template.jinja": "B"}, "A"},
		{map[string]string{tokenizerCfg: string(list)}, "D"},
		{map[string]string{"chat_template.jinja": "B"}, "B"},
		{map[string]string{"chat_template.json": `{"chat_template": "C"}`}, "C"},
		{nil, ""},
	} {
		k := newCheckpoint("LlamaForCausalLM", nil)
		for name, text := range c.files {
			k.files[name] = []byte(text)
		}
		got := ""
		for _, m := range k.open(t).Metadata() {
			if m.Key == "tokenizer.chat_template" {
				got = m.Value.(string)
			}
		}
		if got != c.want {
			t.Errorf("%v: %q, want %q", c.files, got, c.want)
		}
	}
}
