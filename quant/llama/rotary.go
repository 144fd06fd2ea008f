package llama

import (
	"fmt"
	"math"
)

// rotary is how positions turn queries and keys: values i of a head are turned
// in pairs by position · base^(−2i/dims), stretched for contexts longer than
// the model was trained for. Sources: RoFormer (arXiv 2104.09864), YaRN (arXiv
// 2309.00071), LongRoPE (arXiv 2402.13753); ggml_rope_ext in ggml/src/ggml-cpu/
// ops.cpp, whose float32 arithmetic is followed.
type rotary struct {
	dims       int // values of a head that are turned; 0 is none
	base       float32
	baseWindow float32 // of windowed layers
	scale      float32 // of positions: 1 / factor
	trained    int     // context that the model was trained for
	yarn       bool    // positions are left unscaled where they turn fast
	magnitude  float32 // of what is turned

	// Factors by pair that angles are divided by; nil is none.
	factors, long, short []float32
}

// Turns within the trained context where YaRN begins and ends to scale.
const yarnFast, yarnSlow = 32, 1

func (h *hyper) readRotary(r *reader) {
	if h.pairs == noPairs {
		return
	}
	t := &h.rotary
	t.dims = r.number("rope.dimension_count", 1, maxDim, h.KeyDim)
	t.base = r.float("rope.freq_base", 10000)
	t.baseWindow = r.float("rope.freq_base_swa", t.base)
	factor := r.float("rope.scaling.factor", 0)
	if factor == 0 {
		factor = r.float("rope.scale_linear", 0)
	}
	t.trained = r.number("rope.scaling.original_context_length", 0, math.MaxInt32, h.TrainedFor)
	t.scale = 1
	switch kind := r.text("rope.scaling.type", "linear"); kind {
	case "none":
		factor = 0
	case "linear", "longrope":
	case "yarn":
		t.yarn = true
	default:
		r.keep(fmt.Errorf("llama: key %srope.scaling.type is %q; none, linear, yarn and longrope are known", r.prefix, kind))
	}
	if factor != 0 {
		t.scale = 1 / factor
	}
	t.magnitude = r.float("rope.scaling.attn_factor", 1)
	if t.yarn && factor > 1 {
		t.magnitude *= 1 + 0.1*float32(math.Log(float64(factor)))
	}
}

func (t *rotary) check(h *hyper) error {
	name := h.Architecture + ".rope."
	switch {
	case h.pairs == noPairs:
		return nil
	case t.dims%2 != 0 || t.dims > h.KeyDim:
		return fmt.Errorf("llama: %d values (key %sdimension_count) of a head of %d cannot be turned in pairs", t.dims, name, h.KeyDim)
	case t.dims != h.KeyDim && !h.partRotary:
		return fmt.Errorf("llama: key %sdimension_count is %d, and a head has %d values; %s models turn all of them", name, t.dims, h.KeyDim, h.Architecture)
	case !(t.base > 0) || !(t.baseWindow > 0) || !(t.scale > 0):
		return fmt.Errorf("llama: base %v and scale %v of positions (keys %sfreq_base, scaling.factor) must be positive", t.base, t.scale, name)
	case t.yarn && t.trained == 0:
		return fmt.Errorf("llama: key %sscaling.original_context_length is missing, which YaRN needs", name)
	}
	return nil
}

// turns are the cosines and sines for tokens at positions from, from+1, …:
// tokens × dims/2 each.
type turns struct{ cos, sin []float32 }

// table computes turns. context is the room of the session, by which LongRoPE
// chooses its factors.
func (t *rotary) table(base float32, context, from, tokens int) turns {
	half := t.dims / 2
	u := turns{make([]float32, tokens*half), make([]float32, tokens*half)}
	factors := t.factors
	if factors == nil {
		if factors = t.short; context > t.trained {
			factors = t.long
		}
	}
	step := float32(math.Pow(float64(base), float64(-2/float32(t.dims))))
	low, high := t.ramp(base)
	for i := range tokens {
		angle := float32(from + i)
		for j := range half {
			plain := angle
			if factors != nil {
				plain = angle / factors[j]
			}
			c, s := t.turn(plain, j, low, high)
			u.cos[i*half+j], u.sin[i*half+j] = c, s
			angle *= step
		}
	}
	return u
}

// turn is the cosine and sine of an angle of pair j, scaled as rope_yarn does.
func (t *rotary) turn(plain float32, j int, low, high float32) (cos, sin float32) {
	angle := t.scale * plain
	if t.yarn {
		y := (float32(j) - low) / max(0.001, high-low)
		mix := 1 - min(1, max(0, y))
		angle = float32(angle*(1-mix)) + float32(plain*mix)
	}
	s, c := math.Sincos(float64(angle))
	return float32(c) * t.magnitude, float32(s) * t.magnitude
}

// ramp is between which pairs YaRN goes over from plain to scaled angles
// (ggml_rope_yarn_corr_dims).
func (t *rotary) ramp(base float32) (low, high float32) {
	if !t.yarn {
		return 0, 0
	}
	at := func(rotations float32) float64 {
		return float64(t.dims) * math.Log(float64(t.trained)/(float64(rotations)*2*math.Pi)) / (2 * math.Log(float64(base)))
	}
	return float32(max(0, math.Floor(at(yarnFast)))), float32(min(float64(t.dims-1), math.Ceil(at(yarnSlow))))
}

// apply turns each head of x, tokens × heads × width, in place.
func (u turns) apply(x []float32, p pairing, dims, width, heads int) {
	half := dims / 2
	apart := half
	step := 1
	if p == adjacent {
		apart, step = 1, 2
	}
	for i := 0; (i+1)*half <= len(u.cos); i++ {
		cos, sin := u.cos[i*half:(i+1)*half], u.sin[i*half:(i+1)*half]
		for h := range heads {
			v := x[(i*heads+h)*width:][:dims]
			for j, c := range cos {
				a, b := v[j*step], v[j*step+apart]
				v[j*step] = float32(a*c) - float32(b*sin[j])
				v[j*step+apart] = float32(a*sin[j]) + float32(b*c)
			}
		}
	}
}
