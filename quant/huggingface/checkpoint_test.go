package huggingface

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"testing"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/dtype"
	"fewbits/quant/formats"
	"fewbits/quant/gguf"
	"fewbits/quant/safetensors"
)

// checkpoint is a folder to be: a model's weights in transformers' own names
// and order, and the files beside them.
type checkpoint struct {
	config map[string]any
	names  []string
	data   map[string][]float32
	shapes map[string][]int
	types  map[string]string // F32 where it has none
	files  map[string][]byte
	rng    *rand.Rand
	halves bool // see gelu
}

// config is what every model says; over is put over it.
func baseConfig(class string, over map[string]any) map[string]any {
	c := map[string]any{
		"architectures": []string{class}, "num_hidden_layers": 2, "hidden_size": 64, "intermediate_size": 96,
		"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 4096, "vocab_size": 300,
		"rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": false, "hidden_act": "silu",
		"bos_token_id": 1, "eos_token_id": 2,
	}
	maps.Copy(c, over)
	maps.DeleteFunc(c, func(_ string, v any) bool { return v == nil })
	return c
}

func (k *checkpoint) int(key string) int {
	switch v := k.config[key].(type) {
	case int:
		return v
	case float64:
		return int(v)
	}
	return 0
}

func (k *checkpoint) float(key string, missing float64) float64 {
	switch v := k.config[key].(type) {
	case int:
		return float64(v)
	case float64:
		return v
	}
	return missing
}

func (k *checkpoint) class() string { return k.config["architectures"].([]string)[0] }

func (k *checkpoint) headDim() int {
	if k.config["head_dim"] != nil {
		return k.int("head_dim")
	}
	return k.int("hidden_size") / k.int("num_attention_heads")
}

// add makes a tensor of random values around mean.
func (k *checkpoint) add(name string, mean, std float64, shape ...int) {
	n, _ := quant.Count(shape)
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(mean + std*k.rng.NormFloat64())
	}
	k.put(name, x, shape...)
}

func (k *checkpoint) put(name string, x []float32, shape ...int) {
	k.names = append(k.names, name)
	k.data[name], k.shapes[name] = x, shape
}

// newCheckpoint makes a model of random weights as the class of transformers
// has them, with a tokenizer of bytes.
func newCheckpoint(class string, over map[string]any) *checkpoint {
	k := &checkpoint{
		config: baseConfig(class, over), data: map[string][]float32{}, shapes: map[string][]int{},
		types: map[string]string{}, files: map[string][]byte{}, rng: rand.New(rand.NewPCG(7, 11)),
	}
	gemma := class == "GemmaForCausalLM" || class == "Gemma2ForCausalLM"
	h, ff, hd := k.int("hidden_size"), k.int("intermediate_size"), k.headDim()
	q, kv := k.int("num_attention_heads")*hd, k.int("num_key_value_heads")*hd
	norm := func(name string, n int) {
		mean := 1.0
		if gemma {
			mean = 0
		}
		k.add(name+".weight", mean, 0.3, n)
	}
	linear := func(name string, rows, cols int, bias bool) {
		k.add(name+".weight", 0, 1.2/math.Sqrt(float64(cols)), rows, cols)
		if bias {
			k.add(name+".bias", 0, 0.3, rows)
		}
	}
	attention, mlp := k.config["attention_bias"] == true, k.config["mlp_bias"] == true
	k.add("model.embed_tokens.weight", 0, 1, k.int("vocab_size"), h)
	for l := range k.int("num_hidden_layers") {
		p := fmt.Sprintf("model.layers.%d.", l)
		norm(p+"input_layernorm", h)
		norm(p+"post_attention_layernorm", h)
		switch class {
		case "Gemma2ForCausalLM":
			norm(p+"pre_feedforward_layernorm", h)
			norm(p+"post_feedforward_layernorm", h)
		case "Qwen3ForCausalLM":
			norm(p+"self_attn.q_norm", hd)
			norm(p+"self_attn.k_norm", hd)
		}
		if class == "Phi3ForCausalLM" {
			linear(p+"self_attn.qkv_proj", q+2*kv, h, false)
			linear(p+"mlp.gate_up_proj", 2*ff, h, false)
		} else {
			bias := attention || class == "Qwen2ForCausalLM"
			linear(p+"self_attn.q_proj", q, h, bias)
			linear(p+"self_attn.k_proj", kv, h, bias)
			linear(p+"self_attn.v_proj", kv, h, bias)
			linear(p+"mlp.gate_proj", ff, h, mlp)
			linear(p+"mlp.up_proj", ff, h, mlp)
		}
		linear(p+"self_attn.o_proj", h, q, attention)
		linear(p+"mlp.down_proj", h, ff, mlp)
	}
	norm("model.norm", h)
	if k.config["tie_word_embeddings"] != true {
		linear("lm_head", k.int("vocab_size"), h, false)
	}
	k.files[tokenizerName] = byteTokenizer()
	return k
}

// byteTokenizer is a tokenizer.json of SentencePiece's kind with little but
// bytes in it.
func byteTokenizer() []byte {
	vocab := map[string]int{"<unk>": 0, "<s>": 1, "</s>": 2}
	for b := range 256 {
		vocab[fmt.Sprintf("<0x%02X>", b)] = 3 + b
	}
	vocab["▁"], vocab["a"], vocab["b"], vocab["ab"], vocab["▁a"] = 259, 260, 261, 262, 263
	special := func(id int, content string) map[string]any {
		return map[string]any{"id": id, "content": content, "special": true}
	}
	b, _ := json.Marshal(map[string]any{
		"added_tokens": []any{special(0, "<unk>"), special(1, "<s>"), special(2, "</s>")},
		"normalizer": map[string]any{"type": "Sequence", "normalizers": []any{
			map[string]any{"type": "Prepend", "prepend": "▁"},
			map[string]any{"type": "Replace", "pattern": map[string]any{"String": " "}, "content": "▁"},
		}},
		"model": map[string]any{"type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "vocab": vocab, "merges": []string{"▁ a", "a b"}},
	})
	return b
}

// weights writes the tensors as safetensors and opens them.
func (k *checkpoint) weights(t testing.TB) quant.Source {
	t.Helper()
	var plans []safetensors.TensorPlan
	for _, name := range k.names {
		typ := k.types[name]
		if typ == "" {
			typ = "F32"
		}
		plans = append(plans, safetensors.TensorPlan{Name: name, Shape: k.shapes[name], Type: typ})
	}
	var b bytes.Buffer
	w, err := safetensors.NewWriter(&b, nil, plans)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range plans {
		if err := w.WriteTensor(i, encode(t, p.Type, k.data[p.Name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s, err := safetensors.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// encode writes values of a type.
func encode(t testing.TB, typ string, x []float32) []byte {
	t.Helper()
	var b []byte
	for _, v := range x {
		bits := math.Float32bits(v)
		switch typ {
		case "F32":
			b = binary.LittleEndian.AppendUint32(b, bits)
		case "F64":
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(float64(v)))
		case "BF16":
			b = binary.LittleEndian.AppendUint16(b, uint16(bits>>16))
		default:
			d, ok := dtype.Lookup(typ)
			if !ok {
				t.Fatal(typ)
			}
			b = append(b, make([]byte, d.Size)...)
		}
	}
	return b
}

// all are the files of the folder but the weights.
func (k *checkpoint) all(t testing.TB) []quant.File {
	t.Helper()
	config, err := json.Marshal(k.config)
	if err != nil {
		t.Fatal(err)
	}
	files := []quant.File{memoryFile("a/folder/config.json", config), memoryFile("a/folder/original/config.json", []byte("no JSON"))}
	for name, b := range k.files {
		files = append(files, memoryFile("a/folder/"+name, b))
	}
	return files
}

func memoryFile(name string, b []byte) quant.File {
	return quant.File{Name: name, R: bytes.NewReader(b), Size: int64(len(b))}
}

func (k *checkpoint) open(t testing.TB) *Model {
	t.Helper()
	m, err := Open(k.all(t), k.weights(t))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// toGGUF converts a model, types kept.
func toGGUF(t testing.TB, src quant.Source) []byte {
	t.Helper()
	plan, err := convert.PlanCopy(src)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := convert.ToGGUF(t.Context(), &b, src, plan, convert.Options{Formats: formats.Lookup}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// openGGUF opens what toGGUF wrote.
func openGGUF(t testing.TB, b []byte) *gguf.File {
	t.Helper()
	g, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return g
}
