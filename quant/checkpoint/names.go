package checkpoint

import (
	"strings"

	"fewbits/quant"
)

// Names tells where what was decided on a model with the names and the order of
// rows of GGUF belongs in transformers' form of it.
type Names struct {
	arch           string
	heads, kvHeads int
	to             map[string]string // transformers' names to GGUF's, without layer and ending
}

// NamesOf are those of a GGUF model, or of a folder that is shown as one.
func NamesOf(src quant.Source) Names {
	m := metadata{}
	for _, kv := range src.Metadata() {
		m[kv.Key] = kv
	}
	n := Names{arch: m.text("general.architecture"), to: map[string]string{
		"self_attn.qkv_proj": "attn_qkv", "mlp.gate_up_proj": "ffn_up",
	}}
	n.heads = m.whole(n.arch+".attention.head_count", 1)
	n.kvHeads = m.whole(n.arch+".attention.head_count_kv", n.heads)
	for gguf, name := range backNames {
		n.to[name] = gguf
	}
	if n.arch == "gemma2" {
		n.to["post_attention_layernorm"], n.to["pre_feedforward_layernorm"] = "post_attention_norm", "ffn_norm"
		n.to["post_feedforward_layernorm"] = "post_ffw_norm"
	}
	return n
}

// Of is GGUF's name of a tensor; "" where it has none.
func (n Names) Of(name string) string {
	stem, kind, ok := cutLast(name)
	if !ok {
		return ""
	}
	before := ""
	if rest, ok := strings.CutPrefix(stem, "model.layers."); ok {
		layer, inner, _ := strings.Cut(rest, ".")
		before, stem = "blk."+layer+".", inner
	}
	if n.to[stem] == "" {
		return ""
	}
	return before + n.to[stem] + "." + kind
}

// row is where row r of a tensor of so many rows lies in GGUF's order.
func (n Names) row(name string, r, rows int) int {
	heads := 0
	switch {
	case n.arch != "llama":
	case strings.Contains(name, ".q_proj."):
		heads = n.heads
	case strings.Contains(name, ".k_proj."):
		heads = n.kvHeads
	}
	if heads == 0 || rows%(2*heads) != 0 {
		return r
	}
	return turnedRow(r, rows/heads)
}

// Matrix is a matrix in GGUF's order of rows in that of the tensor of a name.
// Groups keep to rows.
func (n Names) Matrix(name string, m *Matrix) *Matrix {
	out := *m
	out.Codes, out.Scales, out.Zeros = make([]uint8, len(m.Codes)), make([]float32, len(m.Scales)), make([]float32, len(m.Zeros))
	for r := range m.Rows {
		at := n.row(name, r, m.Rows)
		copy(out.Codes[r*m.Cols:(r+1)*m.Cols], m.Codes[at*m.Cols:])
		copy(out.Scales[r*m.Groups:(r+1)*m.Groups], m.Scales[at*m.Groups:])
		copy(out.Zeros[r*m.Groups:(r+1)*m.Groups], m.Zeros[at*m.Groups:])
	}
	return &out
}

// Vector is a norm or a bias of GGUF as the tensor of a name. Gemma's norms
// are stored less one.
func (n Names) Vector(name string, v []float32) []float32 {
	out := make([]float32, len(v))
	for r := range v {
		out[r] = v[n.row(name, r, len(v))]
		if strings.HasPrefix(n.arch, "gemma") && strings.Contains(name, "norm") {
			out[r]--
		}
	}
	return out
}
