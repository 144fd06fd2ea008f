package checkpoint

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"fewbits/quant"
)

// metadata is that of a GGUF file, by key.
type metadata map[string]quant.Meta

func (m metadata) text(key string) string {
	s, _ := m[key].Value.(string)
	return s
}

// whole is a number from 1 to 2^28, or missing.
func (m metadata) whole(key string, missing int) int {
	if n, ok := m[key].Int(); ok && n > 0 && n < 1<<28 {
		return int(n)
	}
	return missing
}

func (m metadata) float(key string, missing float64) float64 {
	switch v := m[key].Value.(type) {
	case float32: // as it is written, not as float64 has it
		if out, err := strconv.ParseFloat(strconv.FormatFloat(float64(v), 'g', -1, 32), 64); err == nil {
			return out
		}
	case float64:
		return v
	}
	return missing
}

// ggufClass is an architecture whose models can be taken back.
type ggufClass struct {
	class, kind string
	permuted    bool // queries and keys change their order of rows
	headNorms   bool
	biases      bool
}

var ggufClasses = map[string]ggufClass{
	"llama": {class: "LlamaForCausalLM", kind: "llama", permuted: true},
	"qwen2": {class: "Qwen2ForCausalLM", kind: "qwen2", biases: true},
	"qwen3": {class: "Qwen3ForCausalLM", kind: "qwen3", headNorms: true},
}

// backNames are transformers' names of the tensors of a GGUF file; those of a
// layer without its prefix.
var backNames = map[string]string{
	"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head",
	"attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm",
	"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
	"attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
	"ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}

// backName is transformers' name for a tensor of a GGUF file; "" where it has
// none.
func backName(name string) string {
	stem, kind, ok := cutLast(name)
	if !ok || kind != "weight" && kind != "bias" {
		return ""
	}
	before := ""
	if rest, ok := strings.CutPrefix(stem, "blk."); ok {
		layer, inner, _ := strings.Cut(rest, ".")
		before, stem = "model.layers."+layer+".", inner
	}
	if backNames[stem] == "" {
		return ""
	}
	return before + backNames[stem] + "." + kind
}

func cutLast(name string) (stem, last string, ok bool) {
	i := strings.LastIndexByte(name, '.')
	if i < 0 {
		return "", "", false
	}
	return name[:i], name[i+1:], true
}

// FromGGUF takes a model in a GGUF file back to the form that transformers
// has: names, the order of rows of queries and keys, config.json, the
// tokenizer. file is the model's name, for messages. It fails on architectures
// other than Llama, Qwen2 and Qwen3, on mixtures of experts, and where
// positions are scaled by factors that config.json has no key for.
func FromGGUF(src quant.Source, file string) (*Input, error) {
	m := metadata{}
	for _, kv := range src.Metadata() {
		m[kv.Key] = kv
	}
	arch := m.text("general.architecture")
	class, ok := ggufClasses[arch]
	if !ok {
		return nil, fmt.Errorf("checkpoint: %s is of the architecture %.40q, and models of llama, qwen2 and qwen3 can be taken back from GGUF; use the original's Hugging Face folder", file, arch)
	}
	b := &back{src: src, meta: m, class: class, arch: arch, heads: m.whole(arch+".attention.head_count", 1)}
	b.kvHeads = m.whole(arch+".attention.head_count_kv", b.heads)
	if err := b.names(); err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", file, err)
	}
	in := &Input{Weights: b}
	config, err := b.config()
	if err != nil {
		return nil, fmt.Errorf("checkpoint: %s: %w", file, err)
	}
	add := func(name string, text []byte) {
		in.Files = append(in.Files, quant.File{Name: name, R: bytes.NewReader(text), Size: int64(len(text))})
	}
	add(configName, append(appendJSON(nil, config, ""), '\n'))
	if err := b.tokenizer(add); err != nil {
		in.Notes = append(in.Notes, "The tokenizer is not written ("+err.Error()+"): copy tokenizer.json and tokenizer_config.json from the folder of the original.")
	}
	return in, nil
}

// back is the tensors of a GGUF file as transformers has them.
type back struct {
	src     quant.Source
	meta    metadata
	class   ggufClass
	arch    string
	heads   int
	kvHeads int
	infos   []quant.TensorInfo
	turned  []int // heads whose rows change their order, of each tensor; 0 for none
	at      []int // in the file
	tied    bool
	bias    bool
}

// names gives the tensors their names.
func (b *back) names() error {
	b.tied = true
	for i, info := range b.src.Tensors() {
		name := backName(info.Name)
		if name == "" {
			if strings.Contains(info.Name, "rope_freqs") {
				return fmt.Errorf("tensor %q scales positions, and config.json would need the numbers that it was made of; use the original's Hugging Face folder", info.Name)
			}
			return fmt.Errorf("tensor %q has no name in a model of transformers' %s; use the original's Hugging Face folder", info.Name, b.class.class)
		}
		turned := 0
		if b.class.permuted {
			switch {
			case strings.Contains(name, ".q_proj."):
				turned = b.heads
			case strings.Contains(name, ".k_proj."):
				turned = b.kvHeads
			}
		}
		if n := len(info.Shape); turned > 0 && (n == 0 || info.Shape[0]%(2*turned) != 0) {
			return fmt.Errorf("tensor %q has the shape %v, which does not divide into %d heads", info.Name, info.Shape, turned)
		}
		b.tied = b.tied && name != "lm_head.weight"
		b.bias = b.bias || strings.HasSuffix(name, "_proj.bias")
		info.Name = name
		b.infos, b.turned, b.at = append(b.infos, info), append(b.turned, turned), append(b.at, i)
	}
	return nil
}

// config is config.json.
func (b *back) config() (object, error) {
	m, a := b.meta, b.arch+"."
	hidden := m.whole(a+"embedding_length", 0)
	layers, ff := m.whole(a+"block_count", 0), m.whole(a+"feed_forward_length", 0)
	vocab := 0
	for _, info := range b.infos {
		if info.Name == "model.embed_tokens.weight" && len(info.Shape) == 2 {
			vocab = info.Shape[0]
		}
	}
	if hidden == 0 || layers == 0 || ff == 0 || vocab == 0 {
		return nil, fmt.Errorf("its metadata lacks a size of the model (%sembedding_length, block_count, feed_forward_length) or the embedding is missing", a)
	}
	if m.text(a+"rope.scaling.type") != "" && m.text(a+"rope.scaling.type") != "none" {
		return nil, fmt.Errorf("it scales positions (%srope.scaling), which is not taken back; use the original's Hugging Face folder", a)
	}
	o := object{
		{"architectures", []string{b.class.class}}, {"model_type", b.class.kind}, {"hidden_size", hidden},
		{"intermediate_size", ff}, {"num_hidden_layers", layers}, {"num_attention_heads", b.heads}, {"num_key_value_heads", b.kvHeads},
		{"head_dim", m.whole(a+"attention.key_length", hidden/b.heads)}, {"vocab_size", vocab}, {"hidden_act", "silu"},
		{"max_position_embeddings", m.whole(a+"context_length", 2048)},
		{"rms_norm_eps", m.float(a+"attention.layer_norm_rms_epsilon", 1e-6)}, {"rope_theta", m.float(a+"rope.freq_base", 10000)},
		{"tie_word_embeddings", b.tied}, {"attention_bias", b.bias && b.class.permuted}, {"torch_dtype", "float16"},
	}
	if b.bias && b.class.permuted {
		o.set("mlp_bias", false)
	}
	for _, f := range []struct{ key, from string }{{"bos_token_id", "bos"}, {"eos_token_id", "eos"}, {"pad_token_id", "padding"}} {
		if n, ok := m["tokenizer.ggml."+f.from+"_token_id"].Int(); ok && n >= 0 {
			o.set(f.key, n)
		}
	}
	return o, nil
}

// Container is "safetensors": names are those that such a file has.
func (b *back) Container() string { return "safetensors" }

// Metadata is that of the GGUF file.
func (b *back) Metadata() []quant.Meta { return b.src.Metadata() }

// Tensors describes every tensor, in the order of the file.
func (b *back) Tensors() []quant.TensorInfo { return b.infos }

// ReadRows reads rows as quant.Source has it.
func (b *back) ReadRows(i, row, n int, dst []float32) error {
	heads := b.turned[i]
	if heads == 0 {
		return b.src.ReadRows(b.at[i], row, n, dst)
	}
	rows, cols := quant.Rows(b.infos[i].Shape), quant.Cols(b.infos[i].Shape)
	if len(b.infos[i].Shape) == 1 { // a bias: its values are what rows are to a matrix
		whole := make([]float32, cols)
		if err := b.src.ReadRows(b.at[i], 0, 1, whole); err != nil {
			return err
		}
		for r := range dst {
			dst[r] = whole[turnedRow(r, cols/heads)]
		}
		return nil
	}
	for k := range n {
		if err := b.src.ReadRows(b.at[i], turnedRow(row+k, rows/heads), 1, dst[k*cols:(k+1)*cols]); err != nil {
			return err
		}
	}
	return nil
}

// turnedRow is where the row of a head lies in a GGUF file: transformers turns
// row j together with row j + d/2, llama.cpp rows 2j and 2j + 1 (LlamaModel.permute
// in conversion/llama.py).
func turnedRow(row, d int) int {
	head, r := row/d, row%d
	return head*d + 2*(r%(d/2)) + r/(d/2)
}

// ReadRaw fails: there are other bytes than those of the file.
func (b *back) ReadRaw(i int, off int64, dst []byte) error {
	if b.turned[i] == 0 {
		return b.src.ReadRaw(b.at[i], off, dst)
	}
	return fmt.Errorf("checkpoint: tensor %q is read by rows", b.infos[i].Name)
}

// finite says whether a score can be stored.
func finite(x float32) bool { return !math.IsNaN(float64(x)) && !math.IsInf(float64(x), 0) }
