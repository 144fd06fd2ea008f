package budget

import (
	"fmt"
	"slices"
	"strings"

	"fewbits/quant"
	"fewbits/quant/ggml"
	"fewbits/quant/recipe"
)

// Lines is a mix as llama-quantize takes it: a recipe to be given with --pure,
// so that its own rules do not matter, and patterns for all tensors.
type Lines struct {
	Base string // name of the recipe
	List []Line
}

// Line gives tensors a type.
type Line struct {
	Pattern string // a regular expression that finds the tensors' names, and no others of the model
	Type    string // "Q4_K"
}

// String is a line as --tensor-type takes it.
func (l Line) String() string { return l.Pattern + "=" + l.Type }

// String is a file as --tensor-type-file takes it: one line each.
func (l Lines) String() string {
	var b strings.Builder
	for _, line := range l.List {
		b.WriteString(line.String() + "\n")
	}
	return b.String()
}

// Arguments are the options of llama-quantize, to stand before the names of
// the files; the recipe stands after them.
func (l Lines) Arguments() []string {
	args := []string{"--pure"}
	for _, line := range l.List {
		args = append(args, "--tensor-type", line.String())
	}
	return args
}

// Lines are the patterns to choices. Layers that have the same type are one
// line. All tensors have one, also those of the base type, so that the lines
// say everything and may be changed one by one.
//
// The base is the type of the most bytes that is the base of a recipe: of a
// recipe in whole floats llama-quantize ignores all patterns.
func (t *Table) Lines(choice []int) (Lines, error) {
	if _, err := t.Plan(choice); err != nil {
		return Lines{}, err
	}
	l := Lines{Base: t.base(choice)}
	type group struct {
		rest, typ string // of the name, after the layer
	}
	layers := map[group][]string{}
	var order []group
	of := map[string]int{} // rest: tensors
	for i, r := range t.Tensors {
		layer, rest := split(r.Name)
		g := group{rest, r.Types[choice[i]].Name}
		of[rest]++
		if layers[g] == nil {
			order = append(order, g)
		}
		layers[g] = append(layers[g], layer)
	}
	first := map[string]int{}
	for i, g := range order {
		if _, ok := first[g.rest]; !ok {
			first[g.rest] = i
		}
	}
	slices.SortStableFunc(order, func(a, b group) int { return first[a.rest] - first[b.rest] })
	for _, g := range order {
		p := "^" + escape(g.rest) + "$"
		switch ns := layers[g]; {
		case ns[0] == "":
		case len(ns) == of[g.rest] && len(ns) > 1:
			p = `^blk\.[0-9]+\.` + p[1:]
		case len(ns) == 1:
			p = `^blk\.` + ns[0] + `\.` + p[1:]
		default:
			p = `^blk\.(` + strings.Join(ns, "|") + `)\.` + p[1:]
		}
		l.List = append(l.List, Line{p, g.typ})
	}
	return l, nil
}

// split takes the n of "blk.n." off a name; "" where there is none.
func split(name string) (layer, rest string) {
	if after, ok := strings.CutPrefix(name, "blk."); ok {
		if n, rest, ok := strings.Cut(after, "."); ok && n != "" && strings.Trim(n, "0123456789") == "" {
			return n, rest
		}
	}
	return "", name
}

// escape is a regular expression that finds a name. llama-quantize makes small
// letters of a pattern, ends it at "=" and, in a file, at white space; so what
// is not a small letter, a digit, "_" or "-" is any character, but for dots.
func escape(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch {
		case r == '.':
			b.WriteString(`\.`)
		case r == '_' || r == '-' || r >= 'a' && r <= 'z' || r >= '0' && r <= '9':
			b.WriteRune(r)
		case r < 0x80:
			b.WriteByte('.')
		default:
			b.WriteString(".+") // a character here is several there
		}
	}
	return b.String()
}

// base is the recipe whose base type takes the most bytes.
func (t *Table) base(choice []int) string {
	bytes := map[string]int64{}
	for i, k := range choice {
		typ := t.Tensors[i].Types[k]
		bytes[typ.Name] += typ.Bytes
	}
	best, most := "Q8_0", int64(0)
	for _, r := range recipe.All() {
		if typ, ok := ggml.TypeByName(r.Base); !ok || typ.Block == 1 || r.Name == "MXFP4_MOE" || r.Importance == quant.Required {
			continue
		}
		if n := bytes[r.Base]; n > most || n == most && n > 0 && strings.HasSuffix(r.Name, "_M") {
			best, most = r.Name, n
		}
	}
	return best
}

// Meta are the keys that say of what type the file mostly is.
func (l Lines) Meta(src quant.Source) []quant.Meta { return recipe.Meta(src, l.Base) }

// Group is tensors of one kind in one type.
type Group struct {
	Kind   string // the name without the layer: "ffn_down.weight"
	Type   string
	Layers []string // numbers of layers; nil for a tensor outside the layers
	Bytes  int64
	Loss   float64
}

// Groups are choices by kind and type, kinds in the order of the output.
func (t *Table) Groups(choice []int) []Group {
	var list []Group
	first := map[string]int{}
	for i, r := range t.Tensors {
		layer, rest := split(r.Name)
		typ := r.Types[choice[i]]
		k := slices.IndexFunc(list, func(g Group) bool { return g.Kind == rest && g.Type == typ.Name })
		if k < 0 {
			k = len(list)
			list = append(list, Group{Kind: rest, Type: typ.Name})
			if _, ok := first[rest]; !ok {
				first[rest] = k
			}
		}
		g := &list[k]
		if layer != "" {
			g.Layers = append(g.Layers, layer)
		}
		g.Bytes += typ.Bytes
		g.Loss += typ.Loss
	}
	slices.SortStableFunc(list, func(a, b Group) int { return first[a.Kind] - first[b.Kind] })
	return list
}

// Text is a group's tensors: "ffn_down.weight of layers 0, 3".
func (g Group) Text() string {
	switch len(g.Layers) {
	case 0:
		return g.Kind
	case 1:
		return fmt.Sprintf("%s of layer %s", g.Kind, g.Layers[0])
	}
	return fmt.Sprintf("%s of layers %s", g.Kind, runs(g.Layers))
}

// runs writes numbers with runs of three or more shortened: "0, 2–7".
func runs(layers []string) string {
	var out []string
	for i := 0; i < len(layers); {
		k := i
		for k+1 < len(layers) && next(layers[k]) == layers[k+1] {
			k++
		}
		if k-i >= 2 {
			out = append(out, layers[i]+"–"+layers[k])
			i = k + 1
			continue
		}
		out = append(out, layers[i])
		i++
	}
	return strings.Join(out, ", ")
}

// next is the decimal number after one.
func next(n string) string {
	b := []byte(n)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i] < '9' {
			b[i]++
			return string(b)
		}
		b[i] = '0'
	}
	return "1" + string(b)
}
