package page

import (
	"fmt"
	"maps"
	"strings"

	"fewbits/quant"
	"fewbits/quant/recipe"
	"fewbits/wasm/wire"
)

// Choice is one way to quantize a whole file.
type Choice struct {
	Name  string // as wire.PlanArgs takes it
	Label string
	Help  string
}

// Recipes are the ways to quantize the open file, those that need an importance
// matrix among them: first the recipes, where it says what its model is, then the types that all
// weights can take, in the order of the formats.
func (s *State) Recipes() []Choice {
	if len(s.Formats) == 0 {
		return nil
	}
	list, taken := []Choice{}, map[string]bool{}
	if b := &s.Model.Budget; b.Mix != nil {
		list = append(list, Choice{MixRecipe, "Mix of at most " + mib(b.Mix.Limit), "The mix of types that loses least at the size below. Rows of the table can be changed."})
	}
	if s.Model.File == nil || s.Model.hasArchitecture() {
		for _, r := range recipe.All() {
			if s.Format(r.Base) == nil {
				continue // a copy, and plain floats, which are types below
			}
			taken[r.Name] = true
			list = append(list, Choice{r.Name, r.Name, fmt.Sprintf("%s %.2f bits a weight in Llama 3 8B.%s", r.Summary, r.BitsPerWeight, s.needs(r.Importance))})
		}
	}
	for _, f := range s.Formats {
		name := weightType(f)
		if name == "" {
			continue
		}
		c := Choice{name, name + wire.Pure, f.Summary + " Pure: every tensor takes it, where its rows fill the blocks." + s.needs(f.Importance)}
		if taken[name] {
			c.Name += wire.Pure
		}
		list = append(list, c)
	}
	return list
}

// choice is the chosen one of Recipes, if it is one.
func (s *State) choice() *Choice {
	for _, c := range s.Recipes() {
		if c.Name == s.Model.Recipe {
			return &c
		}
	}
	return nil
}

// RecipeHelp says what the chosen recipe does.
func (s *State) RecipeHelp() string {
	if c := s.choice(); c != nil {
		return c.Help
	}
	return "Pure: every tensor takes this type, where its rows fill the blocks."
}

// fitRecipe chooses for a person who has not, and where what was chosen is not
// for this file.
func (s *State) fitRecipe() {
	m := &s.Model
	if len(s.Formats) == 0 || m.chosen && s.choice() != nil {
		return
	}
	if m.Recipe = defaultMixture; s.choice() == nil {
		m.Recipe = defaultRecipe
	}
}

// hasArchitecture says whether the file says what its model is.
func (m *Model) hasArchitecture() bool {
	if m.File == nil || !m.Named() {
		return false
	}
	arch := m.Meta("general.architecture")
	return arch != "" && arch != "unknown" && m.Meta(arch+".block_count") != ""
}

// needs says that a matrix is to be added.
func (s *State) needs(n quant.Need) string {
	if n != quant.Required || s.Importance.Info != nil {
		return ""
	}
	return " It needs an importance matrix: add one below."
}

// weightType is the type that a format is of weights in a GGUF file; "" for none.
func weightType(f wire.FormatRow) string {
	switch {
	case f.Family == "ggml":
		return f.Name
	case f.Name == "FP32" || f.Name == "FP16":
		return "F" + f.Name[2:]
	case f.Name == "BF16":
		return f.Name
	}
	return ""
}

// WeightTypes are the types that a person may give to a tensor.
func (s *State) WeightTypes() []string {
	var list []string
	for _, f := range s.Formats {
		if t := weightType(f); t != "" {
			list = append(list, t)
		}
	}
	return list
}

// mixes says whether single tensors may have types other than the recipe's:
// where llama-quantize makes plain floats of all, it makes nothing else.
func (m *Model) mixes() bool {
	switch strings.TrimSuffix(m.Recipe, wire.Pure) {
	case "F32", "F16", "BF16":
		return !m.hasArchitecture()
	}
	return true
}

func (s *State) chooseType(e TypeChosen) []Effect {
	m := &s.Model
	if m.Plan == nil || m.working || !m.mixes() {
		return nil
	}
	for _, step := range m.Plan.Steps {
		if step.Tensor != e.Index || step.Asked == "" || m.Types[step.Name] == e.Type {
			continue
		}
		types := maps.Clone(m.Types)
		if types == nil {
			types = map[string]string{}
		}
		if types[step.Name] = e.Type; e.Type == "" {
			delete(types, step.Name)
		}
		return s.setTypes(types)
	}
	return nil
}

// setTypes plans anew; the plan before stands until the answer is there.
func (s *State) setTypes(types map[string]string) []Effect {
	m := &s.Model
	if m.Plan == nil || m.working || len(types)+len(m.Types) == 0 {
		return nil
	}
	m.Types, m.Fault, m.waiting = types, "", true
	m.outdate()
	m.renewed()
	return s.askPlan()
}
