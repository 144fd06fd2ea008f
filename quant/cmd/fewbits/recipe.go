package main

import (
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/recipe"
)

func recipesCommand(c *call) error {
	if len(c.files)+len(c.options) > 0 {
		return usagef("recipes takes neither files nor options")
	}
	rows := recipe.All()
	if c.json {
		return c.printJSON(rows)
	}
	t := table{right: columns(2, 3)}
	t.row("name", "base", "bits a weight", "file type", "importance matrix", "")
	for _, r := range rows {
		bits := "-"
		if r.BitsPerWeight > 0 {
			bits = bitsText(r.BitsPerWeight)
		}
		t.row(r.Name, or(r.Base, "-"), bits, number(int(r.FileType), "0"), or(string(r.Importance), "-"), r.Summary)
	}
	t.print(c.out)
	_, err := fmt.Fprintln(c.out, "\nbits a weight: of Llama 3 8B")
	return err
}

// printRecipeHelp lists the flags that change a recipe.
func printRecipeHelp(w io.Writer) {
	fmt.Fprintln(w, "\nfor whole models (fewbits recipes lists the recipes):")
	t := table{}
	t.row("  -pure", "every weight gets the recipe's base type")
	t.row("  -output-tensor-type TYPE", "type of output.weight")
	t.row("  -token-embedding-type TYPE", "type of the token embedding")
	t.row("  -leave-output-tensor", "output.weight stays as it is")
	t.row("  -tensor-type PATTERN=TYPE", "type of the tensors whose names match a regular expression; may be repeated, the first that fits decides")
	t.row("  -tensor-type-file FILE", "a file of PATTERN=TYPE, as fewbits budget writes it")
	t.print(w)
}

// mixture is a recipe for a model, with what a person changes about it.
type mixture struct {
	name    string // as it was asked for
	recipe  recipe.Recipe
	options recipe.Options
	known   bool // there is such a recipe
	only    bool // there is no format of the same name
	changed bool // there are flags that go with recipes alone
}

// mixedForms are the recipes whose base types have other names, for -to TYPE.
var mixedForms = map[string]string{"Q3_K": "Q3_K_M", "Q4_K": "Q4_K_M", "Q5_K": "Q5_K_M"}

// mixture is what the name and the flags ask for.
func (c *call) mixture(to, container string) (*mixture, error) {
	m := &mixture{options: recipe.Options{
		Pure: c.bools["pure"], LeaveOutput: c.bools["leave-output-tensor"],
		Output: c.flags["output-tensor-type"], Embedding: c.flags["token-embedding-type"],
	}}
	types, err := c.types()
	if err != nil {
		return nil, err
	}
	m.changed = m.options.Pure || m.options.LeaveOutput || m.options.Output != "" || m.options.Embedding != "" || len(types) > 0
	m.recipe, m.known = recipe.Lookup(to)
	f, isFormat := formats.Lookup(to)
	m.only = m.known && !isFormat
	m.name = m.recipe.Name
	if isFormat {
		m.name = f.Info().Name
	}
	if base := mixedForms[m.name]; base != "" {
		m.recipe, m.known = recipe.Lookup(base)
		m.options.Pure = true
	}
	switch {
	case m.only && container != "gguf":
		return nil, usagef("%s is a recipe for whole models: OUT must end in .gguf", m.name)
	case m.only && len(c.options) > 0:
		return nil, usagef("%s is a recipe, and takes no option %q", m.name, c.options[0][0])
	case m.changed && (container != "gguf" || !m.known):
		return nil, usagef("-pure, -leave-output-tensor, -output-tensor-type, -token-embedding-type, -tensor-type and -tensor-type-file go with a recipe and a .gguf file (fewbits recipes lists them)")
	}
	for _, typ := range []string{m.options.Output, m.options.Embedding} {
		if err := weightType(typ); err != nil {
			return nil, err
		}
	}
	for _, s := range types {
		o, err := override(s)
		if err != nil {
			return nil, err
		}
		m.options.Types = append(m.options.Types, o)
	}
	return m, nil
}

// types are all that is given as PATTERN=TYPE, also in a file.
func (c *call) types() ([]string, error) {
	list := slices.Clone(c.lists["tensor-type"])
	path := c.flags["tensor-type-file"]
	if path == "" {
		return list, nil
	}
	text, err := readText(path)
	return append(list, strings.Fields(text)...), err
}

// override reads PATTERN=TYPE. As with llama-quantize, case does not matter.
func override(s string) (recipe.Override, error) {
	i := strings.LastIndex(s, "=")
	if i < 1 || i == len(s)-1 {
		return recipe.Override{}, usagef("-tensor-type wants PATTERN=TYPE, as in ffn_down=Q6_K, and %q is not so", s)
	}
	pattern, err := regexp.Compile("(?i)" + s[:i])
	if err != nil {
		return recipe.Override{}, usagef("-tensor-type %s: %s", s, strings.TrimPrefix(err.Error(), "error parsing regexp: "))
	}
	return recipe.Override{Match: pattern.MatchString, Type: s[i+1:]}, weightType(s[i+1:])
}

// weightType is wrong usage where weights cannot be of a type. "" is none.
func weightType(typ string) error {
	if typ == "" {
		return nil
	}
	if _, err := (convert.Step{Shape: []int{256}}).As(typ); err != nil {
		return usagef("%s", strings.TrimPrefix(err.Error(), "convert: "))
	}
	return nil
}

// uses says whether the recipe decides about src. One that is a type as well
// needs not apply.
func (m *mixture) uses(src quant.Source) bool {
	return m.known && (m.only || m.changed || recipe.Applies(src) == nil)
}

// importance is what use there is of an importance matrix.
func (m *mixture) importance(p *packer, src quant.Source) quant.Need {
	if m.uses(src) && (m.only || !m.options.Pure) {
		return m.recipe.Importance
	}
	return p.format.Info().Importance
}

func (m *mixture) plan(src quant.Source, weights *importance) ([]convert.Step, error) {
	o := m.options
	o.Importance = !weights.none()
	return recipe.Plan(src, m.recipe.Name, o)
}

func (m *mixture) meta(src quant.Source) []quant.Meta { return recipe.Meta(src, m.recipe.Name) }

func (m *mixture) check(plan []convert.Step) error { return recipe.Check(plan, m.recipe.Name) }
