package session

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fewbits/quant"
	"fewbits/quant/container"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/recipe"
	"fewbits/wasm/wire"
)

// plan says what the open file would become, without writing it.
func (s *Session) plan(a wire.PlanArgs) (Reply, error) {
	m, err := s.maker(a, 0)
	if err != nil {
		return Reply{}, err
	}
	return Reply{JSON: m.plan}, nil
}

// steps are what becomes of each tensor, and the keys that the output gets
// beside those that convert gives it.
func (s *Session) steps(a wire.PlanArgs) (steps []convert.Step, meta []quant.Meta, err error) {
	if s.file == nil {
		return nil, nil, fmt.Errorf("no file is open")
	}
	if len(s.file.Tensors()) == 0 {
		return nil, nil, fmt.Errorf("%s holds no tensors: there is nothing to quantize", s.fileName)
	}
	if s.plain == nil {
		s.plain = convert.Plain(s.file)
	}
	if name, ok := s.recipe(a); ok {
		o := recipe.Options{Output: a.Output, Embedding: a.Embedding, Importance: a.Importance, Pure: a.Mix != ""}
		for name, typ := range a.Types {
			o.Types = append(o.Types, recipe.Override{Match: func(s string) bool { return s == name }, Type: typ})
		}
		steps, err = recipe.Plan(s.plain, name, o)
		meta = recipe.Meta(s.file, name)
		for i := range steps {
			if a.Mix != "" && steps[i].To == steps[i].Asked {
				steps[i].Why = "" // all types of a mix are asked for
			}
		}
	} else {
		steps, err = convert.PlanPure(s.plain, strings.TrimSuffix(a.Recipe, wire.Pure))
		if err == nil && len(a.Types)+len(a.Output)+len(a.Embedding) > 0 {
			meta = []quant.Meta{{Key: "general.file_type", Type: "u32", Value: convert.FileType(steps)}} // the others' type
			err = change(steps, a)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	if err := heeded(steps, a); err != nil {
		return nil, nil, err
	}
	if err := s.weigh(a, steps); err != nil {
		return nil, nil, err
	}
	return steps, append(meta, s.provenance(steps)...), nil
}

// recipe is the recipe that is asked for. Where the file does not say what its
// model is, a name that is also a type's means the type.
func (s *Session) recipe(a wire.PlanArgs) (name string, ok bool) {
	r, ok := recipe.Lookup(a.Recipe)
	_, typ := formats.Lookup(a.Recipe)
	return r.Name, ok && (!typ || recipe.Applies(s.file) == nil)
}

// wanted is the type that a person wants for a tensor, "" for none of its own.
func wanted(name string, a wire.PlanArgs) string {
	switch name {
	case "output.weight":
		return cmp.Or(a.Output, a.Types[name])
	case "token_embd.weight":
		return cmp.Or(a.Embedding, a.Types[name])
	}
	return a.Types[name]
}

// change gives single tensors of a pure plan other types.
func change(steps []convert.Step, a wire.PlanArgs) error {
	for i := range steps {
		typ := wanted(steps[i].Name, a)
		if typ == "" || steps[i].Asked == "" {
			continue
		}
		var err error
		if steps[i], err = steps[i].As(typ); err != nil {
			return fmt.Errorf("tensor %q: %w", steps[i].Name, err)
		}
		if steps[i].Why == "" {
			steps[i].Why = "its type was asked for"
		}
	}
	return nil
}

// heeded says, with an error, which of the types of single tensors the plan
// does not go by, and why.
func heeded(steps []convert.Step, a wire.PlanArgs) error {
	for _, name := range slices.Sorted(maps.Keys(a.Types)) {
		i := slices.IndexFunc(steps, func(s convert.Step) bool { return s.Name == name })
		if i < 0 {
			return fmt.Errorf("there is no tensor %q that could become %s", name, a.Types[name])
		}
		switch s := steps[i]; {
		case s.Asked == "" && s.Why != "":
			return fmt.Errorf("tensor %q stays %s (%s) and cannot become %s", name, s.To, s.Why, a.Types[name])
		case s.Asked == "":
			return fmt.Errorf("%s keeps all types: tensor %q stays %s", a.Recipe, name, s.To)
		case !sameType(s.Asked, wanted(name, a)):
			return fmt.Errorf("%s has one type for all weights, as in llama-quantize: tensor %q cannot become %s; choose another recipe", a.Recipe, name, a.Types[name])
		}
	}
	return nil
}

// sameType says whether both are names of one type: FP16 is F16.
func sameType(a, b string) bool {
	probe := convert.Step{Shape: []int{256}}
	x, errA := probe.As(a)
	y, errB := probe.As(b)
	return errA == nil && errB == nil && x.Asked == y.Asked
}

// alignment is that of the tensors in the file to be: a GGUF file keeps its own.
func alignment(src quant.Source) int64 {
	if src.Container() == "gguf" {
		for _, m := range src.Metadata() {
			if n, ok := m.Value.(uint32); ok && m.Key == "general.alignment" && n > 0 {
				return int64(n)
			}
		}
	}
	return 32
}

// outName is "model-q4_k.gguf" for model.safetensors and Q4_K.
func outName(file, recipe string) string {
	if typ, pure := strings.CutSuffix(recipe, wire.Pure); pure {
		recipe = typ + "-pure"
	}
	stem := container.Stem(file)
	if stem == "" {
		stem = "model"
	}
	return stem + "-" + strings.ToLower(recipe) + ".gguf"
}
