package recipe

import (
	"fmt"
	"strings"

	"fewbits/quant"
)

// spot is one tensor, as a rule sees it.
type spot struct {
	*model
	layer int // of layers, counted from 0
	of    int // layers
}

// rule is the type of a tensor, "" for the recipe's base.
type rule func(spot) string

// always is the same type everywhere.
func always(typ string) rule { return func(spot) string { return typ } }

// grouped is typ where four queries or more share a key, so that the tensor
// is small; else is the other one.
func grouped(typ, other string) rule {
	return func(s spot) string {
		if s.queries >= 4 {
			return typ
		}
		return other
	}
}

// early is typ in the first nth of the layers, then the other one.
func early(n int, typ, other string) rule {
	return func(s spot) string {
		if s.layer < s.of/n {
			return typ
		}
		return other
	}
}

// below is typ in so many first layers, then the other one.
func below(layers int, typ, other string) rule {
	return func(s spot) string {
		if s.layer < layers {
			return typ
		}
		return other
	}
}

// sensitive says whether a layer is one of the first or the last eighth, or of
// those between them every third (use_more_bits).
func (s spot) sensitive() bool {
	e := s.of / 8
	return s.layer < e || s.layer >= 7*s.of/8 || (s.layer-e)%3 == 2
}

// more is typ in the sensitive layers.
func more(typ string) rule {
	return func(s spot) string {
		if s.sensitive() {
			return typ
		}
		return ""
	}
}

// middle is typ but in the first and the last eighth.
func middle(typ string) rule {
	return func(s spot) string {
		if s.layer >= s.of/8 && s.layer < 7*s.of/8 {
			return typ
		}
		return ""
	}
}

// guarded is a rule for models quantized with an importance matrix, and
// unguided one for those without.
func guarded(r rule) rule {
	return func(s spot) string {
		if !s.matrix {
			return ""
		}
		return r(s)
	}
}

func unguided(r rule) rule {
	return func(s spot) string {
		if s.matrix {
			return ""
		}
		return r(s)
	}
}

// falcon is a rule for Falcon, whose attention has a single key-value head,
// and one for all others.
func falcon(own, others rule) rule {
	return func(s spot) string {
		if s.arch == "falcon" {
			return own(s)
		}
		return others(s)
	}
}

// either is what the first rule says, or else the second.
func either(a, b rule) rule {
	return func(s spot) string {
		if typ := a(s); typ != "" {
			return typ
		}
		return b(s)
	}
}

// withExperts is a rule for models of eight experts.
func withExperts(r rule) rule {
	return func(s spot) string {
		if s.experts != 8 {
			return ""
		}
		return r(s)
	}
}

// choose is the type of a tensor that the recipe decides about.
func (p *planner) choose(name string, shape []int) (string, error) {
	r, m, kind := p.recipe, p.model, roleOf(name)
	if kind == output || kind == embedding && m.tied {
		return p.output(quant.Cols(shape)), nil
	}
	if r.Name == "MXFP4_MOE" {
		return expertsOnly(m, kind, shape), nil
	}
	s := spot{m, 0, m.layers}
	var rules rule
	switch kind {
	case embedding:
		return or(r.embedding, r.Base), nil
	case attnV:
		s.layer, s.of = p.values, m.values
		p.values++
		return p.valuesOf(s), nil
	case attnK:
		if m.experts == 8 {
			return or(r.keys8, "Q8_0"), nil
		}
		rules = r.keys
	case attnQ:
		rules = r.keys
	case attnOutput:
		return p.attention(s), nil
	case ffnDown, ffnGate, ffnUp:
		layer, err := p.layer(kind, name)
		if err != nil {
			return "", err
		}
		s.layer = layer
		rules = r.gate
		if kind == ffnDown {
			rules = r.down
		}
	}
	return apply(rules, s, r.Base), nil
}

// output is the type of the layer that makes the logits.
func (p *planner) output(cols int) string {
	switch r := p.recipe; {
	case p.o.Output != "":
		return p.o.Output
	case r.Name == "MXFP4_MOE" || r.Base == "Q8_0" || p.model.arch == "falcon" || cols%block(r.Base) != 0:
		return "Q8_0"
	case r.output != "":
		return r.output
	}
	return "Q6_K"
}

// expertsOnly is MXFP4 for experts, which lie in three dimensions, and Q8_0
// for all else. Ling 3 has other tensors of three dimensions.
func expertsOnly(m *model, kind role, shape []int) string {
	expert := len(shape) > 2 && shape[len(shape)-3] > 1
	if m.arch == "bailingmoe3" {
		expert = expert && (kind == ffnUp || kind == ffnGate || kind == ffnDown)
	}
	if expert {
		return "MXFP4"
	}
	return "Q8_0"
}

// valuesOf is the type of a tensor with the values of attention.
func (p *planner) valuesOf(s spot) string {
	r := p.recipe
	if r.low != "" {
		if s.queries >= 4 || s.experts >= 4 {
			return "Q4_K"
		}
		return r.low
	}
	typ := apply(r.values, s, r.Base)
	if s.large && (typ == "Q3_K" || typ == "Q4_K") {
		typ = "Q5_K"
	}
	if s.experts == 8 {
		typ = "Q8_0"
	}
	return typ
}

// attention is the type of the output of attention.
func (p *planner) attention(s spot) string {
	r := p.recipe
	if s.experts == 8 && s.arch != "falcon" || s.experts == 8 && r.low != "" {
		return or(r.attention8, r.Base)
	}
	return apply(r.attention, s, r.Base)
}

// layer is the layer of a tensor of the feed-forward network: tensors come in
// the order of layers, but experts may be several a layer.
func (p *planner) layer(kind role, name string) (int, error) {
	n := p.count[kind]
	p.count[kind]++
	if p.model.experts < 2 || p.recipe.low != "" {
		return n, nil
	}
	rest, ok := strings.CutPrefix(name, "blk.")
	digits, _, dot := strings.Cut(rest, ".")
	n = 0
	for _, c := range []byte(digits) {
		ok = ok && c >= '0' && c <= '9' && n < 1<<20
		n = 10*n + int(c-'0')
	}
	if !ok || !dot || digits == "" || n >= p.model.layers {
		return 0, fmt.Errorf("recipe: tensor %q: it is none of the %d layers that %s.block_count tells of; the recipe goes by layer", name, p.model.layers, p.model.arch)
	}
	return n, nil
}

func apply(r rule, s spot, base string) string {
	if r == nil {
		return base
	}
	return or(r(s), base)
}

func or(typ, base string) string {
	if typ == "" {
		return base
	}
	return typ
}
