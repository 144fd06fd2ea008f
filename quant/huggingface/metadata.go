package huggingface

import "fewbits/quant"

// pairs collects metadata in the types of GGUF.
type pairs []quant.Meta

func (p *pairs) put(key, typ string, v any) {
	*p = append(*p, quant.Meta{Key: key, Type: typ, Value: v})
}

func (p *pairs) text(key, s string)      { p.put(key, "string", s) }
func (p *pairs) flag(key string, b bool) { p.put(key, "bool", b) }

// counts and floats put numbers, but for those that are below 0.
func (p *pairs) counts(before string, list []count) {
	for _, c := range list {
		if c.n >= 0 {
			p.put(before+c.key, "u32", uint32(c.n))
		}
	}
}

func (p *pairs) floats(before string, list []float) {
	for _, f := range list {
		if f.v >= 0 {
			p.put(before+f.key, "f32", float32(f.v))
		}
	}
}

type count struct {
	key string
	n   int
}

type float struct {
	key string
	v   float64
}

// metadata are the keys of the GGUF file.
func metadata(c *config, v *vocabulary, name string) []quant.Meta {
	var p pairs
	p.text("general.architecture", c.name)
	p.text("general.type", "model")
	if name != "" {
		p.text("general.name", name)
	}
	// What a kind of model does not have is -1.
	headDim, window, original, vocab := -1, -1, -1, -1
	attentionCap, outputCap := -1.0, -1.0
	if c.explicitHeadDim {
		headDim = c.headDim
	}
	if c.fourNorms {
		attentionCap, outputCap = c.attentionCap, c.outputCap
	}
	if c.fourNorms || c.fused {
		window = c.window
	}
	if c.rope.kind == "yarn" || c.fused {
		original = c.rope.original
	}
	if c.permuted {
		vocab = len(v.tokens)
	}
	before := c.name + "."
	p.counts(before, []count{
		{"block_count", c.layers}, {"context_length", c.context}, {"embedding_length", c.hidden},
		{"feed_forward_length", c.ff}, {"attention.head_count", c.heads}, {"attention.head_count_kv", c.kvHeads},
		{"attention.key_length", headDim}, {"attention.value_length", headDim}, {"attention.sliding_window", window},
		{"vocab_size", vocab}, {"rope.dimension_count", c.rope.dims}, {"rope.scaling.original_context_length", original},
	})
	if c.rope.kind != "" {
		p.text(before+"rope.scaling.type", c.rope.kind)
	}
	set := func(v float64) float64 {
		if v == 0 {
			return -1
		}
		return v
	}
	// yarn_attn_factor, which the converter writes too, is read by nothing.
	p.floats(before, []float{
		{"attention.layer_norm_rms_epsilon", c.epsilon}, {"attn_logit_softcapping", attentionCap}, {"final_logit_softcapping", outputCap},
		{"rope.freq_base", c.rope.theta}, {"rope.scaling.factor", set(c.rope.factor)}, {"rope.scaling.attn_factor", set(c.rope.attention)},
		{"rope.scaling.yarn_beta_fast", set(c.rope.fast)}, {"rope.scaling.yarn_beta_slow", set(c.rope.slow)},
	})
	v.metadata(&p)
	return p
}
