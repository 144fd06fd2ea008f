package recipe

import (
	"errors"
	"fmt"
	"strings"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/ggml"
)

// model is what the rules know about a model.
type model struct {
	arch    string
	layers  int
	queries int  // a key-value head serves so many heads: 1 multi-head, 4 or 8 grouped
	experts int  // 0 where it is dense
	large   bool // one of "70B", whose values of attention are few
	tied    bool // the token embedding is the output too
	values  int  // tensors that hold the values of attention
	matrix  bool // there is an importance matrix
}

const keyArchitecture = "general.architecture"

// Applies says, with a nil error, that recipes apply to a file: it is GGUF,
// and its metadata says of what kind and how deep the model is.
func Applies(src quant.Source) error {
	_, err := read(src)
	return err
}

// read takes a model's facts out of its metadata and names.
func read(src quant.Source) (*model, error) {
	if c := src.Container(); !convert.Named(src) {
		return nil, fmt.Errorf("recipe: recipes go by what a GGUF file says about its model, and this is %s; convert it to GGUF first, or choose one type for all tensors", c)
	}
	keys := map[string]quant.Meta{}
	for _, m := range src.Metadata() {
		keys[m.Key] = m
	}
	m := &model{tied: true}
	m.arch, _ = keys[keyArchitecture].Value.(string)
	if m.arch == "" || m.arch == "unknown" {
		return nil, errors.New("recipe: the file does not say of which architecture its model is (general.architecture); choose one type for all tensors")
	}
	layers, ok := first(keys[m.arch+".block_count"])
	if !ok || layers < 1 || layers > 1<<20 {
		return nil, fmt.Errorf("recipe: the file does not say how many layers its model has (%s.block_count); choose one type for all tensors", m.arch)
	}
	m.layers = int(layers)
	experts, _ := first(keys[m.arch+".expert_count"])
	m.experts = int(max(0, min(experts, 1<<20)))
	heads, _ := first(keys[m.arch+".attention.head_count"])
	shared, ok := first(keys[m.arch+".attention.head_count_kv"])
	if !ok {
		shared = heads
	}
	if shared > 0 {
		m.queries = int(min(max(0, heads/shared), 1<<20))
	}
	m.large = isLarge(m.arch, m.layers, m.experts, heads == shared)
	for _, t := range src.Tensors() {
		if t.Name == "output.weight" {
			m.tied = false
		}
		if roleOf(t.Name) == attnV {
			m.values++
		}
	}
	return m, nil
}

// isLarge says whether llama.cpp calls a model 70B (load_arch_hparams in
// src/models: Llama 2 and 3, DeciLM, Qwen 2, Jais 2).
func isLarge(arch string, layers, experts int, multiHead bool) bool {
	switch arch {
	case "llama":
		return layers == 80 && experts != 8 && !multiHead
	case "deci", "qwen2":
		return layers == 80
	case "jais2":
		return layers == 68
	}
	return false
}

// first is a value of metadata as a number; of an array, which has one a
// layer, the first.
func first(m quant.Meta) (int64, bool) {
	switch v := m.Value.(type) {
	case []uint32:
		return firstOf(v)
	case []int32:
		return firstOf(v)
	case []uint64:
		return firstOf(v)
	case []int64:
		return firstOf(v)
	}
	return m.Int()
}

func firstOf[T uint32 | int32 | uint64 | int64](v []T) (int64, bool) {
	if len(v) == 0 {
		return 0, false
	}
	return int64(v[0]), true
}

// role is what a tensor does, as far as rules care.
type role int

const (
	other role = iota
	output
	embedding
	attnV // values; also all three in one, and the key-value projection of latent attention
	attnK
	attnQ
	attnOutput
	ffnDown
	ffnGate
	ffnUp
)

// roles by a part of the tensor's name, the first that fits. Source:
// tensor_get_category in src/llama-quant.cpp.
var roles = []struct {
	part string
	role role
}{
	{"attn_qkv.weight", attnV}, {"attn_kv_b.weight", attnV}, {"attn_v.weight", attnV},
	{"attn_k.weight", attnK}, {"attn_q.weight", attnQ}, {"attn_output.weight", attnOutput},
	{"ffn_up", ffnUp}, {"ffn_gate", ffnGate}, {"ffn_down", ffnDown},
}

func roleOf(name string) role {
	switch name {
	case "output.weight":
		return output
	case "token_embd.weight", "per_layer_token_embd.weight":
		return embedding
	}
	for _, r := range roles {
		if strings.Contains(name, r.part) {
			return r.role
		}
	}
	return other
}

// reasons say why a tensor of a role has a type of its own.
var reasons = map[role]string{
	output:     "the output layer has a type of its own",
	embedding:  "the token embedding has a type of its own",
	attnV:      "the values of attention have a type of their own",
	attnK:      "the keys of attention have a type of their own",
	attnQ:      "the queries of attention have a type of their own",
	attnOutput: "the output of attention has a type of its own",
	ffnDown:    "ffn_down has a type of its own here",
	ffnGate:    "ffn_gate has a type of its own here",
	ffnUp:      "ffn_up has a type of its own here",
	other:      "it has a type of its own",
}

// block is how many values a block of a type holds.
func block(typ string) int {
	t, ok := ggml.TypeByName(typ)
	if !ok || t.Block == 0 {
		return 1
	}
	return t.Block
}
