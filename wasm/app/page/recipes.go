package page

import (
	"fmt"

	"fewbits/quant/recipe"
	"fewbits/wasm/wire"
)

// Choice is one way to quantize a whole file.
type Choice struct {
	Name  string // as wire.PlanArgs takes it
	Label string
	Help  string
}

// Recipes are the ways to quantize the open file without an importance matrix:
// first the recipes, where it says what its model is, then the types that all
// weights can take, in the order of the formats.
func (s *State) Recipes() []Choice {
	if len(s.Formats) == 0 {
		return nil
	}
	list, taken := []Choice{}, map[string]bool{}
	if s.Model.File == nil || s.Model.hasArchitecture() {
		for _, r := range recipe.All() {
			if s.Format(r.Base) == nil || r.Importance == "required" {
				continue // a copy, and plain floats, which are types below
			}
			taken[r.Name] = true
			list = append(list, Choice{r.Name, r.Name, fmt.Sprintf("%s %.2f bits a weight in Llama 3 8B.", r.Summary, r.BitsPerWeight)})
		}
	}
	for _, f := range s.Formats {
		name := f.Name
		switch {
		case f.Family == "ggml" && f.Importance != "required":
		case name == "FP32" || name == "FP16":
			name = "F" + name[2:]
		case name != "BF16":
			continue
		}
		c := Choice{name, name + wire.Pure, f.Summary + " Pure: every tensor takes it, where its rows fill the blocks."}
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

// fitRecipe chooses another way where the chosen one is not for this file.
func (s *State) fitRecipe() {
	if s.choice() == nil && len(s.Formats) > 0 {
		s.Model.Recipe = defaultRecipe
	}
}

// hasArchitecture says whether the file says what its model is.
func (m *Model) hasArchitecture() bool {
	if m.File == nil || m.File.Container != "gguf" {
		return false
	}
	arch := m.Meta("general.architecture")
	return arch != "" && arch != "unknown" && m.Meta(arch+".block_count") != ""
}
