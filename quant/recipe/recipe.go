package recipe

import (
	"fmt"
	"slices"
	"strings"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/ggml"
)

// Recipe is one row of the table of recipes.
type Recipe struct {
	Name          string     `json:"name"`          // as llama-quantize writes it: "Q4_K_M"
	FileType      uint32     `json:"fileType"`      // general.file_type
	Base          string     `json:"base"`          // type of the tensors that get none of their own; "" for COPY
	BitsPerWeight float64    `json:"bitsPerWeight"` // of Llama 3 8B; 0 for COPY
	Importance    quant.Need `json:"importance"`    // whether an importance matrix is used
	Summary       string     `json:"summary"`       // one sentence

	low        string // of the recipes below three bits: what attn_v and the first ffn_down get
	output     string // "" for Q6_K
	embedding  string // where it is not the output too
	values     rule
	keys       rule // and queries
	keys8      string
	attention  rule
	attention8 string // with eight experts
	down       rule
	gate       rule // and up
}

// All is every recipe, in the order that a person reads them: by the bits of
// their base types, the most first.
func All() []Recipe { return slices.Clone(recipes) }

// Names are the names of all recipes, in the same order.
func Names() []string {
	var names []string
	for _, r := range recipes {
		names = append(names, r.Name)
	}
	return names
}

// Lookup finds a recipe by name, in any case. llama-quantize also takes Q3_K,
// Q4_K and Q5_K for their M forms; here those are types and no recipes.
func Lookup(name string) (Recipe, bool) {
	for _, r := range recipes {
		if strings.EqualFold(r.Name, strings.TrimSpace(name)) {
			return r, true
		}
	}
	return Recipe{}, false
}

// Options are what llama-quantize lets a person change about a recipe. The
// zero value changes nothing.
type Options struct {
	Pure        bool       // --pure: every weight gets the base type
	Output      string     // --output-tensor-type: type of the output layer
	Embedding   string     // --token-embedding-type: type of the token embedding
	LeaveOutput bool       // --leave-output-tensor: output.weight stays as it is
	Types       []Override // --tensor-type: the first that fits a tensor decides; not for F32, F16 and BF16
	Importance  bool       // there is an importance matrix, which some recipes go by and some need
}

// Override gives tensors a type.
type Override struct {
	Match func(name string) bool // whether a tensor is meant
	Type  string
}

// NeedsImportanceError says that a recipe gives a tensor a type so small that
// without an importance matrix it would be of no use.
type NeedsImportanceError struct {
	Recipe, Tensor, Type string
}

func (e *NeedsImportanceError) Error() string {
	return fmt.Sprintf("recipe: %s needs an importance matrix, to quantize tensor %q to %s: give one that covers it, or choose a recipe of more bits",
		e.Recipe, e.Tensor, e.Type)
}

// planner is a plan in the making.
type planner struct {
	recipe Recipe
	model  *model
	o      Options
	values int          // tensors of that role so far
	count  map[role]int // tensors of a role so far
}

// Plan plans the GGUF file that llama-quantize makes of src by a recipe: the
// same types, in the same order. Set Meta in the output too.
//
// It fails where the metadata does not say what the model is (see Applies),
// and with a *NeedsImportanceError where llama-quantize refuses to go on
// without an importance matrix. Rows that do not fill the blocks of a type get
// a fallback, as convert.Fit has it.
func Plan(src quant.Source, name string, o Options) ([]convert.Step, error) {
	r, ok := Lookup(name)
	if !ok {
		return nil, fmt.Errorf("recipe: there is no recipe %q; there are %s", name, strings.Join(Names(), ", "))
	}
	for _, typ := range append([]*string{&o.Output, &o.Embedding}, typesOf(&o)...) {
		if err := known(typ); err != nil {
			return nil, err
		}
	}
	m, err := read(src)
	if err != nil {
		return nil, err
	}
	m.matrix = o.Importance
	if r.Base == "" {
		return convert.PlanCopy(src)
	}
	plan, err := convert.PlanPure(src, r.Base)
	if err != nil {
		return nil, err
	}
	p := &planner{recipe: r, model: m, o: o, count: map[role]int{}}
	for i := range plan {
		if err := p.step(&plan[i]); err != nil {
			return nil, err
		}
	}
	if !o.Importance {
		return plan, Check(plan, r.Name)
	}
	return plan, nil
}

// typesOf lists where the overrides' types are, in a copy of the overrides.
func typesOf(o *Options) (list []*string) {
	o.Types = slices.Clone(o.Types)
	for i := range o.Types {
		list = append(list, &o.Types[i].Type)
	}
	return list
}

// known writes a type's name as ggml does.
func known(typ *string) error {
	if *typ == "" {
		return nil
	}
	s, err := (convert.Step{Shape: []int{256}}).As(*typ)
	if err != nil {
		return fmt.Errorf("recipe: %w", err)
	}
	*typ = s.Asked
	return nil
}

// step decides about one tensor that would get the base type.
func (p *planner) step(s *convert.Step) error {
	if s.Asked == "" {
		return nil
	}
	if s.Name == "output.weight" && p.o.LeaveOutput {
		kept, err := s.Keep("the output layer is left as it is")
		*s = kept
		return err
	}
	typ, why, err := p.decide(s)
	if err != nil || typ == p.recipe.Base {
		return err
	}
	was := s.From
	if *s, err = s.As(typ); err != nil {
		return fmt.Errorf("recipe: tensor %q: %w", s.Name, err)
	}
	if s.Why == "" {
		s.Why = why
	}
	if t, ok := ggml.TypeByName(was); ok && t.Block > 1 && !s.Copied() {
		s.Why += "; it was " + was + ": what that lost stays lost"
	}
	return nil
}

// decide is the type for a tensor, before its rows are looked at, and why.
// Source: llama_tensor_get_type in src/llama-quant.cpp.
func (p *planner) decide(s *convert.Step) (typ, why string, err error) {
	kind := roleOf(s.Name)
	switch {
	case kind == embedding && p.o.Embedding != "":
		return p.o.Embedding, "its type was asked for", nil
	case kind == output && p.o.Output != "":
		return p.o.Output, "its type was asked for", nil
	case block(p.recipe.Base) == 1:
		return p.recipe.Base, "", nil
	}
	for _, t := range p.o.Types {
		if t.Type != "" && t.Match != nil && t.Match(s.Name) {
			return t.Type, "its type was asked for", nil
		}
	}
	if p.o.Pure {
		return p.recipe.Base, "", nil
	}
	typ, err = p.choose(s.Name, s.Shape)
	why = reasons[kind]
	if kind == embedding && p.model.tied {
		why = "the token embedding is the output layer too"
	}
	return typ, why, err
}

// Check fails with a *NeedsImportanceError where a step of a recipe's plan has
// no importance and needs it.
func Check(plan []convert.Step, name string) error {
	for _, s := range plan {
		if s.Asked != "" && len(s.Options.Importance) == 0 && needs(s.Name, s.To, name) {
			return &NeedsImportanceError{name, s.Name, s.To}
		}
	}
	return nil
}

// needs says whether a type is of no use without importance. Source:
// tensor_requires_imatrix in src/llama-quant.cpp.
func needs(tensor, typ, recipe string) bool {
	if r := roleOf(tensor); r == embedding || r == output {
		return false
	}
	switch typ {
	case "IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "IQ3_XXS":
		return true
	}
	return typ == "Q2_K" && strings.EqualFold(recipe, "Q2_K_S")
}

// Meta are the keys that a recipe sets in the output: general.file_type. COPY
// keeps what src has; where that is none, it is guessed, and marked so, from
// the type of most tensors.
func Meta(src quant.Source, name string) []quant.Meta {
	const guessed = 1 << 10 // LLAMA_FTYPE_GUESSED
	r, _ := Lookup(name)
	typ := r.FileType
	if r.Base == "" {
		typ = guessed | convert.FileType(nil)
		if plan, err := convert.PlanCopy(src); err == nil {
			typ = guessed | mostOf(plan)
		}
		for _, m := range src.Metadata() {
			if n, ok := m.Int(); ok && m.Key == "general.file_type" {
				typ = uint32(n)
			}
		}
	}
	return []quant.Meta{{Key: "general.file_type", Type: "u32", Value: typ}}
}

// mostOf is the file type to the type of most tensors, the first of equals.
func mostOf(plan []convert.Step) uint32 {
	count, best := map[string]int{}, "F32"
	for _, s := range plan {
		if count[s.From]++; count[s.From] > count[best] {
			best = s.From
		}
	}
	return convert.FileType([]convert.Step{{To: best, Shape: []int{1}}})
}
