package huggingface

import (
	"fmt"
	"math"

	"github.com/x448/float16"
)

// forward computes the logits after each token in the conventions of
// transformers (modeling_{llama,qwen2,qwen3,gemma,gemma2,phi3}.py), in float64:
// weights in their own order, positions turned by halves of a head.
func (k *checkpoint) forward(tokens []int32, longContext bool) [][]float64 {
	h, eps := k.int("hidden_size"), k.float("rms_norm_eps", 1e-6)
	gemma, gemma2 := k.class() == "GemmaForCausalLM", k.class() == "Gemma2ForCausalLM"
	x := make([][]float64, len(tokens))
	for i, t := range tokens {
		x[i] = widen(k.data["model.embed_tokens.weight"][int(t)*h : (int(t)+1)*h])
		if gemma || gemma2 {
			scale(x[i], math.Sqrt(float64(h)))
		}
	}
	norm := func(rows [][]float64, name string) [][]float64 {
		out := make([][]float64, len(rows))
		for i, r := range rows {
			out[i] = k.rms(r, name, eps, gemma || gemma2)
		}
		return out
	}
	for l := range k.int("num_hidden_layers") {
		p := fmt.Sprintf("model.layers.%d.", l)
		window := 0
		if gemma2 && l%2 == 0 {
			window = k.int("sliding_window")
		}
		a := k.attend(norm(x, p+"input_layernorm.weight"), p+"self_attn.", window, longContext)
		if gemma2 {
			add(x, norm(a, p+"post_attention_layernorm.weight"))
			add(x, norm(k.network(norm(x, p+"pre_feedforward_layernorm.weight"), p+"mlp."), p+"post_feedforward_layernorm.weight"))
			continue
		}
		add(x, a)
		add(x, k.network(norm(x, p+"post_attention_layernorm.weight"), p+"mlp."))
	}
	x = norm(x, "model.norm.weight")
	head := "lm_head"
	if k.config["tie_word_embeddings"] == true {
		head = "model.embed_tokens"
	}
	logits := make([][]float64, len(x))
	for i := range x {
		logits[i] = k.linear(x[i], head)
		if c := k.float("final_logit_softcapping", 0); c > 0 && gemma2 {
			for j, v := range logits[i] {
				logits[i][j] = c * math.Tanh(v/c)
			}
		}
	}
	return logits
}

func widen(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}

func scale(x []float64, by float64) {
	for i := range x {
		x[i] *= by
	}
}

func add(x, y [][]float64) {
	for i := range x {
		for j := range x[i] {
			x[i][j] += y[i][j]
		}
	}
}

// rms norms a row; plusOne says that weights are stored less one.
func (k *checkpoint) rms(x []float64, name string, eps float64, plusOne bool) []float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	r := 1 / math.Sqrt(sum/float64(len(x))+eps)
	w := k.data[name]
	out := make([]float64, len(x))
	for i, v := range x {
		g := float64(w[i])
		if plusOne {
			g++
		}
		out[i] = v * r * g
	}
	return out
}

// linear is W·x, plus the bias where there is one.
func (k *checkpoint) linear(x []float64, name string) []float64 {
	w, bias := k.data[name+".weight"], k.data[name+".bias"]
	out := make([]float64, len(w)/len(x))
	for r := range out {
		for c, v := range x {
			out[r] += float64(w[r*len(x)+c]) * v
		}
		if bias != nil {
			out[r] += float64(bias[r])
		}
	}
	return out
}

func (k *checkpoint) network(x [][]float64, p string) [][]float64 {
	out := make([][]float64, len(x))
	for i, r := range x {
		var gate, up []float64
		if k.data[p+"gate_up_proj.weight"] != nil {
			both := k.linear(r, p+"gate_up_proj")
			gate, up = both[:len(both)/2], both[len(both)/2:]
		} else {
			gate, up = k.linear(r, p+"gate_proj"), k.linear(r, p+"up_proj")
		}
		for j, g := range gate {
			if k.config["hidden_act"] == "silu" {
				g /= 1 + math.Exp(-g)
			} else {
				g = k.gelu(g)
			}
			up[j] *= g
		}
		out[i] = k.linear(up, p+"down_proj")
	}
	return out
}

// gelu is gelu_pytorch_tanh. ggml reads it off a table from halves to halves,
// which k.halves imitates.
func (k *checkpoint) gelu(g float64) float64 {
	tabled := k.halves && math.Abs(g) < 10
	half := func(v float64) float64 { return float64(float16.Fromfloat32(float32(v)).Float32()) }
	if tabled {
		g = half(g)
	}
	g = 0.5 * g * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(g+0.044715*g*g*g)))
	if tabled {
		g = half(g)
	}
	return g
}

// project makes queries, keys and values of a row.
func (k *checkpoint) project(x []float64, p string) (q, key, v []float64) {
	nq := k.int("num_attention_heads") * k.headDim()
	nk := k.int("num_key_value_heads") * k.headDim()
	if k.data[p+"qkv_proj.weight"] != nil {
		all := k.linear(x, p+"qkv_proj")
		return all[:nq], all[nq : nq+nk], all[nq+nk:]
	}
	return k.linear(x, p+"q_proj"), k.linear(x, p+"k_proj"), k.linear(x, p+"v_proj")
}

func (k *checkpoint) attend(x [][]float64, p string, window int, longContext bool) [][]float64 {
	heads, kvHeads, hd := k.int("num_attention_heads"), k.int("num_key_value_heads"), k.headDim()
	freqs, magnitude := k.frequencies(longContext)
	eps, headNorms := k.float("rms_norm_eps", 1e-6), k.class() == "Qwen3ForCausalLM"
	qs, ks, vs := make([][]float64, len(x)), make([][]float64, len(x)), make([][]float64, len(x))
	for i := range x {
		qs[i], ks[i], vs[i] = k.project(x[i], p)
		for j := 0; j < len(qs[i]); j += hd {
			if headNorms {
				copy(qs[i][j:], k.rms(qs[i][j:j+hd], p+"q_norm.weight", eps, false))
			}
			rotate(qs[i][j:j+hd], i, freqs, magnitude)
		}
		for j := 0; j < len(ks[i]); j += hd {
			if headNorms {
				copy(ks[i][j:], k.rms(ks[i][j:j+hd], p+"k_norm.weight", eps, false))
			}
			rotate(ks[i][j:j+hd], i, freqs, magnitude)
		}
	}
	by := 1 / math.Sqrt(k.float("query_pre_attn_scalar", float64(hd)))
	soft := 0.0
	if k.class() == "Gemma2ForCausalLM" {
		soft = k.float("attn_logit_softcapping", 0)
	}
	out := make([][]float64, len(x))
	for i := range x {
		mixed := make([]float64, heads*hd)
		for n := range heads {
			kv := n / (heads / kvHeads) * hd
			first := 0
			if window > 0 {
				first = max(0, i-window+1)
			}
			mix(mixed[n*hd:(n+1)*hd], qs[i][n*hd:(n+1)*hd], ks[first:i+1], vs[first:i+1], kv, by, soft)
		}
		out[i] = k.linear(mixed, p+"o_proj")
	}
	return out
}

// mix is softmax(q·K)·V of one head, whose keys and values begin at kv.
func mix(dst, q []float64, ks, vs [][]float64, kv int, by, soft float64) {
	w := make([]float64, len(ks))
	top, sum := math.Inf(-1), 0.0
	for j := range ks {
		for d, v := range q {
			w[j] += v * ks[j][kv+d]
		}
		w[j] *= by
		if soft > 0 {
			w[j] = soft * math.Tanh(w[j]/soft)
		}
		top = max(top, w[j])
	}
	for j := range w {
		w[j] = math.Exp(w[j] - top)
		sum += w[j]
	}
	for j := range w {
		for d := range dst {
			dst[d] += w[j] / sum * vs[j][kv+d]
		}
	}
}

// rotate turns the first 2·len(freqs) values of a head: value i with value
// i + len(freqs) (rotate_half).
func rotate(x []float64, position int, freqs []float64, magnitude float64) {
	n := len(freqs)
	for i, f := range freqs {
		s, c := math.Sincos(float64(position) * f)
		a, b := x[i], x[i+n]
		x[i], x[i+n] = magnitude*(a*c-b*s), magnitude*(b*c+a*s)
	}
}

// frequencies are inv_freq of modeling_rope_utils.py, and attention_factor.
func (k *checkpoint) frequencies(longContext bool) (freqs []float64, magnitude float64) {
	base := k.float("rope_theta", 10000)
	dim := int(float64(k.headDim()) * k.float("partial_rotary_factor", 1))
	for i := 0; i < dim; i += 2 {
		freqs = append(freqs, math.Pow(base, -float64(i)/float64(dim)))
	}
	s, _ := k.config["rope_scaling"].(map[string]any)
	kind, _ := s["rope_type"].(string)
	if kind == "" {
		kind, _ = s["type"].(string)
	}
	get := func(key string, missing float64) float64 {
		if v, ok := s[key].(float64); ok {
			return v
		}
		return missing
	}
	factor, original := get("factor", 1), get("original_max_position_embeddings", k.float("original_max_position_embeddings", k.float("max_position_embeddings", 0)))
	switch kind {
	case "linear":
		scale(freqs, 1/factor)
	case "llama3":
		llama3Frequencies(freqs, factor, get("low_freq_factor", 0), get("high_freq_factor", 0), original)
	case "yarn":
		yarnFrequencies(freqs, base, factor, original, get("beta_fast", 32), get("beta_slow", 1))
		return freqs, get("attention_factor", 0.1*math.Log(factor)+1)
	case "longrope":
		list := s["short_factor"].([]float64)
		if longContext {
			list = s["long_factor"].([]float64)
		}
		for i := range freqs {
			freqs[i] /= list[i]
		}
		return freqs, math.Sqrt(1 + math.Log(k.float("max_position_embeddings", 0)/original)/math.Log(original))
	}
	return freqs, 1
}

func llama3Frequencies(freqs []float64, factor, low, high, original float64) {
	for i, f := range freqs {
		wave := 2 * math.Pi / f
		switch {
		case wave < original/high:
		case wave > original/low:
			freqs[i] = f / factor
		default:
			smooth := (original/wave - low) / (high - low)
			freqs[i] = (1-smooth)*f/factor + smooth*f
		}
	}
}

func yarnFrequencies(freqs []float64, base, factor, original, fast, slow float64) {
	dim := float64(2 * len(freqs))
	at := func(turns float64) float64 {
		return dim * math.Log(original/(turns*2*math.Pi)) / (2 * math.Log(base))
	}
	low, high := max(0, math.Floor(at(fast))), min(dim-1, math.Ceil(at(slow)))
	if low == high {
		high += 0.001
	}
	for i, f := range freqs {
		ramp := min(1, max(0, (float64(i)-low)/(high-low)))
		freqs[i] = f/factor*ramp + f*(1-ramp)
	}
}
