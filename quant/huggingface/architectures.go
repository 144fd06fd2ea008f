package huggingface

import (
	"fmt"
	"slices"
	"strings"
)

// architecture is a kind of model that llama.cpp runs, and what is special
// about it.
type architecture struct {
	name        string   // general.architecture
	classes     []string // in config.json under architectures
	types       []string // and under model_type
	activations []string // that llama.cpp computes for it, as config.json calls them

	permuted  bool // queries and keys change their order of rows
	normsLess bool // norms are stored less one
	fused     bool // queries, keys and values are one matrix, gate and up another
	headNorms bool // queries and keys of each head are normed
	fourNorms bool // a layer has norms after attention and network, too
	qkvBias   bool // queries, keys and values have biases, always
	biases    bool // where attention_bias and mlp_bias say so, more have
	tied      bool // the embedding is the output, always
	factors   bool // llama.cpp reads rope_freqs
	windows   bool // attention may reach back only so far

	headDim int     // where config.json has none; 0 is hidden size / heads
	epsilon float64 // of the norms where config.json has none
}

var silu = []string{"silu", "swish"}

// architectures are those that are known, in the order that a message lists.
var architectures = []*architecture{
	{name: "llama", classes: []string{"LlamaForCausalLM", "LLaMAForCausalLM"}, types: []string{"llama"},
		activations: silu, permuted: true, biases: true, factors: true, epsilon: 1e-6},
	{name: "llama", classes: []string{"MistralForCausalLM"}, types: []string{"mistral"},
		activations: silu, permuted: true, factors: true, windows: true, epsilon: 1e-6},
	{name: "qwen2", classes: []string{"Qwen2ForCausalLM"}, types: []string{"qwen2"},
		activations: silu, qkvBias: true, windows: true, epsilon: 1e-6},
	{name: "qwen3", classes: []string{"Qwen3ForCausalLM"}, types: []string{"qwen3"},
		activations: silu, headNorms: true, windows: true, headDim: 128, epsilon: 1e-6},
	{name: "gemma", classes: []string{"GemmaForCausalLM"}, types: []string{"gemma"},
		activations: []string{"gelu_pytorch_tanh", "gelu"}, normsLess: true, tied: true, headDim: 256, epsilon: 1e-6},
	{name: "gemma2", classes: []string{"Gemma2ForCausalLM"}, types: []string{"gemma2"},
		activations: []string{"gelu_pytorch_tanh"}, normsLess: true, fourNorms: true, tied: true, windows: true, headDim: 256, epsilon: 1e-6},
	{name: "phi3", classes: []string{"Phi3ForCausalLM"}, types: []string{"phi3"},
		activations: silu, fused: true, windows: true, epsilon: 1e-5},
}

// Supported names the kinds of model that Open maps, for a message.
const Supported = "Llama, Mistral, Qwen2, Qwen3, Gemma, Gemma 2 and Phi-3"

// find is the architecture that a config.json is about.
func find(c object) (*architecture, error) {
	class, err := c.firstText("architectures")
	if err != nil {
		return nil, err
	}
	kind, err := c.text("model_type", "")
	if err != nil {
		return nil, err
	}
	for _, a := range architectures {
		if slices.Contains(a.classes, class) || class == "" && slices.Contains(a.types, kind) {
			return a, nil
		}
	}
	name := class
	if name == "" {
		name = kind
	}
	const todo = "its tensors can still be opened as they are, as safetensors"
	switch {
	case name == "":
		return nil, c.fail("architectures", "it is not said what kind of model this is; "+todo)
	case strings.Contains(strings.ToLower(name), "moe") || strings.HasPrefix(name, "Mixtral"):
		return nil, c.fail("architectures", "%q is a mixture of experts, which is not mapped to llama.cpp's form; there are %s; %s", clip(name), Supported, todo)
	}
	return nil, c.fail("architectures", "%q is not mapped to llama.cpp's form; there are %s; %s", clip(name), Supported, todo)
}

// Known says which of llama.cpp's architectures a config.json is about:
// "llama", "qwen2", "gemma2". It fails, saying what is known, where Open would
// not map the model: another kind, one that is quantized already, a mixture of
// experts.
func Known(config []byte) (architecture string, err error) {
	c, err := parseObject(configName, config)
	if err != nil {
		return "", fmt.Errorf("huggingface: %w", err)
	}
	a, err := recognize(c)
	if err != nil {
		return "", fmt.Errorf("huggingface: %w", err)
	}
	return a.name, nil
}

// recognize finds the architecture and refuses what cannot be mapped whatever
// its numbers are.
func recognize(c object) (*architecture, error) {
	a, err := find(c)
	if err != nil {
		return nil, err
	}
	if q, err := c.object("quantization_config"); err != nil {
		return nil, err
	} else if q.m != nil {
		method, err := q.text("quant_method", "some method")
		if err != nil {
			return nil, err
		}
		return nil, c.fail("quantization_config", "the model is quantized already, by %s; take the original, in BF16, F16 or F32", clip(method))
	}
	for _, key := range []string{"num_local_experts", "num_experts", "n_routed_experts"} {
		n, err := c.integer(key, 0, 0, 1<<20)
		if err != nil {
			return nil, err
		}
		if n > 0 {
			return nil, c.fail(key, "the model is a mixture of %d experts, which is not mapped to llama.cpp's form", n)
		}
	}
	return a, nil
}
