package huggingface

import (
	"math"
	"strings"

	"fewbits/quant"
)

// rope is how rotary positions are scaled.
type rope struct {
	theta       float64
	dims        int       // of a head that are turned
	kind        string    // "", "linear" or "yarn"; factors alone say what else there is
	factor      float64   // of linear and yarn, else 0
	original    int       // positions that the model was first trained on; 0 where it does not matter
	fast, slow  float64   // of yarn; 0 where the defaults serve
	attention   float64   // what llama.cpp multiplies its own factor with; 0 for nothing
	freqs       []float32 // factors that frequencies are divided by; of Llama 3
	long, short []float32 // such factors of longrope, beyond the original positions and within
}

// rotary reads rope_parameters, or rope_scaling as it was called.
func (c *config) rotary() (err error) {
	o := c.source
	key := "rope_scaling"
	if o.has("rope_parameters") {
		key = "rope_parameters"
	}
	p, err := o.object(key)
	if err != nil {
		return err
	}
	for _, nested := range []string{"full_attention", "sliding_attention"} {
		if p.has(nested) {
			return p.fail(nested, "positions differ from layer to layer, which llama.cpp does not do for %s", c.name)
		}
	}
	theta, err := o.float("rope_theta", 10000)
	if err != nil {
		return err
	}
	if c.rope.theta, err = p.float("rope_theta", theta); err != nil {
		return err
	}
	if err := c.rotaryDims(p); err != nil {
		return err
	}
	legacy, err := p.text("type", "default")
	if err != nil {
		return err
	}
	kind, err := p.text("rope_type", legacy)
	if err != nil {
		return err
	}
	return c.scaling(p, strings.ToLower(kind))
}

// rotaryDims reads how much of a head is turned.
func (c *config) rotaryDims(p object) error {
	part, err := c.source.float("partial_rotary_factor", 1)
	if err != nil {
		return err
	}
	if part, err = p.float("partial_rotary_factor", part); err != nil {
		return err
	}
	if part > 1 || part != 1 && !c.fused {
		return c.source.fail("partial_rotary_factor", "llama.cpp turns whole heads of %s, not %v of each", c.name, part)
	}
	c.rope.dims = c.headDim
	if part != 1 {
		c.rope.dims = int(part*float64(c.hidden)) / c.heads
	}
	if c.rope.dims < 2 || c.rope.dims%2 != 0 {
		return c.source.fail("partial_rotary_factor", "%d values of a head would be turned, and they are turned in pairs", c.rope.dims)
	}
	return nil
}

// scaling reads one kind of scaling.
func (c *config) scaling(p object, kind string) (err error) {
	if err := c.trained(p); err != nil {
		return err
	}
	switch kind {
	case "default":
		return nil
	case "linear":
		c.rope.kind = kind
		c.rope.factor, err = p.float("factor", 1)
		return err
	case "yarn":
		return c.yarn(p)
	case "llama3":
		return c.llama3(p)
	case "longrope", "su":
		return c.longrope(p)
	case "dynamic":
		c.note("positions of texts longer than %d tokens are scaled by their length (dynamic) in transformers, which llama.cpp does not do", c.context)
		return nil
	}
	return p.fail("rope_type", "positions scaled by %q are not mapped to llama.cpp's form; there are linear, yarn, llama3 and longrope", clip(kind))
}

// trained reads how many positions the model was first trained on.
func (c *config) trained(p object) (err error) {
	const key = "original_max_position_embeddings"
	if c.rope.original, err = c.source.integer(key, 0, 1, math.MaxInt32); err != nil {
		return err
	}
	if c.rope.original, err = p.integer(key, c.rope.original, 1, math.MaxInt32); err != nil {
		return err
	}
	if c.fused && c.rope.original == 0 {
		c.rope.original = c.context
	}
	return nil
}

// yarn reads the scaling of YaRN. transformers multiplies sine and cosine by
// attention_factor, 0.1·ln(factor) + 1 where there is none; llama.cpp always by
// the latter, and by rope.scaling.attn_factor besides.
func (c *config) yarn(p object) (err error) {
	r := &c.rope
	r.kind = "yarn"
	if r.factor, err = p.float("factor", 1); err != nil {
		return err
	}
	if r.original == 0 {
		r.original = c.context
	}
	if r.fast, err = p.float("beta_fast", 0); err != nil {
		return err
	}
	if r.slow, err = p.float("beta_slow", 0); err != nil {
		return err
	}
	truncate, err := p.flag("truncate", true)
	if err != nil {
		return err
	}
	if !truncate {
		return p.fail("truncate", "llama.cpp rounds the range that YaRN blends over to whole dimensions")
	}
	magnitude := func(scale, by float64) float64 { return 1 + 0.1*by*math.Log(max(1, scale)) }
	want := magnitude(r.factor, 1)
	mscale, err := p.float("mscale", 0)
	if err != nil {
		return err
	}
	all, err := p.float("mscale_all_dim", 0)
	if err != nil {
		return err
	}
	if mscale > 0 && all > 0 {
		want = magnitude(r.factor, mscale) / magnitude(r.factor, all)
	}
	if want, err = p.float("attention_factor", want); err != nil {
		return err
	}
	if ratio := want / magnitude(r.factor, 1); math.Abs(ratio-1) > 1e-6 {
		r.attention = ratio
	}
	return nil
}

// llama3 computes what each frequency is divided by: 1 for short waves, factor
// for waves longer than the original positions, a blend between.
// Source: _compute_llama3_parameters in modeling_rope_utils.py.
func (c *config) llama3(p object) error {
	if !c.factors {
		return p.fail("rope_type", "llama.cpp does not scale positions of %s as Llama 3 does", c.name)
	}
	var v [3]float64
	for i, f := range []struct {
		key     string
		missing float64
	}{{"factor", 8}, {"low_freq_factor", 1}, {"high_freq_factor", 4}} {
		var err error
		if v[i], err = p.float(f.key, f.missing); err != nil {
			return err
		}
	}
	factor, low, high := v[0], v[1], v[2]
	if high <= low {
		return p.fail("high_freq_factor", "it is %v and must be above low_freq_factor, %v", high, low)
	}
	original := float64(c.rope.original)
	if original == 0 {
		original = 8192
	}
	c.rope.original = 0 // llama.cpp takes the factors alone
	for i := 0; i < c.rope.dims; i += 2 {
		wave := 2 * math.Pi * math.Pow(c.rope.theta, float64(i)/float64(c.rope.dims))
		by := 1.0
		switch {
		case wave > original/low:
			by = factor
		case wave >= original/high:
			smooth := (original/wave - low) / (high - low)
			by = 1 / ((1-smooth)/factor + smooth)
		}
		c.rope.freqs = append(c.rope.freqs, float32(by))
	}
	return nil
}

// longrope reads the factors of LongRoPE. Sine and cosine are multiplied by
// √(1 + ln(scale) / ln(original positions)), scale the ratio of positions.
func (c *config) longrope(p object) (err error) {
	if !c.fused {
		return p.fail("rope_type", "llama.cpp does not scale positions of %s by LongRoPE", c.name)
	}
	r := &c.rope
	if r.long, err = p.floats("long_factor"); err != nil {
		return err
	}
	if r.short, err = p.floats("short_factor"); err != nil {
		return err
	}
	if len(r.long) != r.dims/2 || len(r.short) != r.dims/2 {
		return p.fail("long_factor", "there are %d long and %d short factors, and %d of each belong to %d dimensions", len(r.long), len(r.short), r.dims/2, r.dims)
	}
	scale := float64(c.context) / float64(r.original)
	r.attention = 1
	if scale > 1 && r.original > 1 {
		r.attention = math.Sqrt(1 + math.Log(scale)/math.Log(float64(r.original)))
	}
	r.attention, err = p.float("attention_factor", r.attention)
	return err
}

// generated are the tensors that come of positions, not of the weights.
func (r rope) generated() []tensor {
	var list []tensor
	for _, g := range []struct {
		name string
		data []float32
	}{
		{"rope_freqs.weight", r.freqs}, {"rope_factors_long.weight", r.long}, {"rope_factors_short.weight", r.short},
	} {
		if g.data != nil {
			list = append(list, tensor{from: -1, data: g.data, info: quant.TensorInfo{
				Name: g.name, Shape: []int{len(g.data)}, Type: "F32", Bytes: int64(4 * len(g.data)), Readable: true,
			}})
		}
	}
	return list
}
