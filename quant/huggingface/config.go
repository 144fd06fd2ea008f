package huggingface

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// The most that a config.json may say, so that products stay small.
const (
	maxLayers = 4096
	maxSize   = 1 << 28 // of a dimension
	maxTokens = 1 << 22 // of a vocabulary, some sixteen times the largest; each takes memory
)

// config is what a config.json says about a model's shape.
type config struct {
	*architecture
	source  object
	layers  int
	hidden  int
	ff      int
	heads   int
	kvHeads int
	headDim int
	vocab   int // 0 where it does not say
	context int // positions

	explicitHeadDim bool // head_dim is in the file
	epsilon         float64
	outputTied      bool // the embedding is the output too
	attentionBias   bool
	mlpBias         bool
	attentionCap    float64 // soft caps, of Gemma 2
	outputCap       float64
	window          int // attention reaches so far back; 0 is everywhere
	rope            rope

	notes []string
}

func (c *config) note(format string, args ...any) {
	c.notes = append(c.notes, fmt.Sprintf(format, args...))
}

// readConfig takes what is needed out of a config.json.
func readConfig(o object) (*config, error) {
	a, err := recognize(o)
	if err != nil {
		return nil, err
	}
	c := &config{architecture: a, source: o}
	for _, read := range []func() error{c.sizes, c.grouping, c.switches, c.attention, c.rotary} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *config) sizes() (err error) {
	for _, f := range []struct {
		key  string
		most int
		to   *int
	}{
		{"num_hidden_layers", maxLayers, &c.layers}, {"hidden_size", maxSize, &c.hidden},
		{"intermediate_size", maxSize, &c.ff}, {"max_position_embeddings", math.MaxInt32, &c.context},
	} {
		if *f.to, err = c.source.must(f.key, f.most); err != nil {
			return err
		}
	}
	if c.vocab, err = c.source.integer("vocab_size", 0, 1, maxSize); err != nil {
		return err
	}
	c.epsilon, err = c.source.float("rms_norm_eps", c.architecture.epsilon)
	return err
}

// grouping reads how attention is divided.
func (c *config) grouping() (err error) {
	o := c.source
	if c.heads, err = o.must("num_attention_heads", maxSize); err != nil {
		return err
	}
	if c.kvHeads, err = o.integer("num_key_value_heads", c.heads, 1, c.heads); err != nil {
		return err
	}
	if c.heads%c.kvHeads != 0 {
		return o.fail("num_key_value_heads", "%d heads do not share %d key-value heads evenly", c.heads, c.kvHeads)
	}
	missing := c.architecture.headDim
	if missing == 0 {
		missing = c.hidden / c.heads
	}
	if c.headDim, err = o.integer("head_dim", missing, 1, 1<<16); err != nil {
		return err
	}
	c.explicitHeadDim = o.has("head_dim") || c.architecture.headDim > 0
	if c.headDim < 2 || c.headDim%2 != 0 {
		return o.fail("head_dim", "a head has %d values, and rotary positions take them in pairs", c.headDim)
	}
	if c.heads > maxSize/c.headDim {
		return o.fail("num_attention_heads", "%d heads of %d values are more than any model has", c.heads, c.headDim)
	}
	if c.fused && c.heads*c.headDim != c.hidden {
		return o.fail("head_dim", "%d heads of %d values are not the hidden size %d, which llama.cpp wants of %s", c.heads, c.headDim, c.hidden, c.name)
	}
	return nil
}

// switches reads what is either so or not.
func (c *config) switches() (err error) {
	o := c.source
	// Classes that tie always say so by default.
	if c.outputTied, err = o.flag("tie_word_embeddings", c.tied); err != nil {
		return err
	}
	if c.tied && !c.outputTied {
		return o.fail("tie_word_embeddings", "llama.cpp has no output of its own for %s, only the embedding", c.name)
	}
	if c.attentionBias, err = o.flag("attention_bias", false); err != nil {
		return err
	}
	if c.mlpBias, err = o.flag("mlp_bias", false); err != nil {
		return err
	}
	if (c.attentionBias || c.mlpBias) && !c.biases {
		return o.fail("attention_bias", "llama.cpp has no biases for %s", c.name)
	}
	return c.activation()
}

// activation checks the network's activation. Where Gemma has no
// hidden_activation its "gelu" means the approximation with tanh.
func (c *config) activation() error {
	key, known := "hidden_activation", c.activations[:1]
	if !c.source.has(key) {
		key, known = "hidden_act", c.activations
	}
	act, err := c.source.text(key, known[0])
	if err != nil {
		return err
	}
	if !slices.Contains(known, act) {
		return c.source.fail(key, "llama.cpp computes %s with %s, not with %s", c.name, known[0], clip(act))
	}
	return nil
}

// attention reads what limits attention.
func (c *config) attention() (err error) {
	o := c.source
	missing := 0
	if c.name == "gemma2" {
		missing = 4096
	}
	if c.window, err = o.integer("sliding_window", missing, 0, math.MaxInt32); err != nil {
		return err
	}
	used, err := o.flag("use_sliding_window", !strings.HasPrefix(c.name, "qwen"))
	if err != nil {
		return err
	}
	if !used || !c.windows {
		c.window = 0
	}
	if c.name != "gemma2" {
		if c.window > 0 && c.window < c.context {
			c.note("attention reaches %d tokens back in this model; llama.cpp lets it reach everywhere, so that longer texts come out a little different", c.window)
		}
		return nil
	}
	return c.caps()
}

// caps reads what only Gemma 2 has. llama.cpp always caps, and scales queries
// by the size of a head, but in the model of 46 layers by hidden size / heads.
func (c *config) caps() (err error) {
	o := c.source
	for _, f := range []struct {
		key     string
		missing float64
		to      *float64
	}{{"attn_logit_softcapping", 50, &c.attentionCap}, {"final_logit_softcapping", 30, &c.outputCap}} {
		if v, there := o.m[f.key]; there && v == nil {
			return o.fail(f.key, "the model has no soft cap here, and llama.cpp cannot do without")
		}
		if *f.to, err = o.float(f.key, f.missing); err != nil {
			return err
		}
	}
	scale, err := o.float("query_pre_attn_scalar", 256)
	if err != nil {
		return err
	}
	want := c.headDim
	if c.layers == 46 {
		want = c.hidden / c.heads
	}
	if scale != float64(want) {
		return o.fail("query_pre_attn_scalar", "queries are scaled by 1/√%v, and llama.cpp scales them by 1/√%d", scale, want)
	}
	return nil
}
