//go:build linux && amd64

package recipe

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fewbits/quant/internal/libllama"
)

// ask is a dry run of libllama by a recipe.
func ask(in string, r Recipe, importance map[string][]float32) libllama.Job {
	return libllama.Job{
		In: in, Out: filepath.Join(filepath.Dir(in), "out.gguf"), FileType: r.FileType,
		Output: libllama.Unset, Embedding: libllama.Unset, Requantize: true, OnlyCopy: r.Base == "", DryRun: true,
		Importance: importance,
	}
}

// TestTypesAreLlamas compares the type of every tensor of every model by every
// recipe, with and without an importance matrix, and which are refused.
func TestTypesAreLlamas(t *testing.T) {
	dir := t.TempDir()
	type question struct {
		s shape
		b []byte
		r Recipe
		o Options
	}
	var questions []question
	var jobs []libllama.Job
	for i, s := range shapes() {
		if testing.Short() && i%5 != 3 {
			continue
		}
		b := s.write(t)
		in := filepath.Join(dir, s.String()+".gguf")
		if err := os.WriteFile(in, b, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, r := range All() {
			questions = append(questions, question{s, b, r, Options{}}, question{s, b, r, Options{Importance: true}})
			jobs = append(jobs, ask(in, r, nil), ask(in, r, map[string][]float32{"x": {1}}))
		}
	}
	answers := libllama.Run(t, jobs)
	wrong := 0
	for i, q := range questions {
		a := answers[i]
		if a.Err != nil && q.r.Base == "Q1_0" && strings.Contains(a.Err.Error(), "no tensor type fallback is defined") {
			continue // convert.Fit defines one
		}
		if a.Err != nil {
			t.Errorf("%s, %s: %v", q.s, q.r.Name, a.Err)
			continue
		}
		plan, err := Plan(open(t, q.b), q.r.Name, q.o)
		var need *NeedsImportanceError
		if refused := errors.As(err, &need); err != nil && !refused || refused != a.NeedsMatrix && !q.o.Importance {
			t.Errorf("%s, %s: %v; libllama needs a matrix: %v", q.s, q.r.Name, err, a.NeedsMatrix)
		}
		if len(plan) != len(a.Types) {
			t.Fatalf("%s, %s: %d steps for %d tensors", q.s, q.r.Name, len(plan), len(a.Types))
		}
		for _, s := range plan {
			if a.Types[s.Name] != s.To {
				if wrong++; wrong < 40 {
					t.Errorf("%s, %s, importance %v: %s is %s, libllama has %s", q.s, q.r.Name, q.o.Importance, s.Name, s.To, a.Types[s.Name])
				}
			}
		}
	}
	t.Logf("%d models by recipe, %d types wrong", len(questions), wrong)
}
