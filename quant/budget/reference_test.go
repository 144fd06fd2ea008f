//go:build linux && amd64

package budget

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/ggml"
	"fewbits/quant/internal/libllama"
	"fewbits/quant/recipe"
)

// TestLinesAreLlamas gives libllama the lines of mixes: it makes the same
// types, and the same bytes.
func TestLinesAreLlamas(t *testing.T) {
	file, importance := model(t)
	dir := t.TempDir()
	in := filepath.Join(dir, "in.gguf")
	if err := os.WriteFile(in, file, 0o600); err != nil {
		t.Fatal(err)
	}
	table := newTable(t, true)
	if err := table.Measure(t.Context(), formats.Lookup, nil); err != nil {
		t.Fatal(err)
	}
	table.Relative()
	f, err := table.Frontier()
	if err != nil {
		t.Fatal(err)
	}
	var jobs []libllama.Job
	var choices [][]int
	for i := range int64(6) {
		s, err := f.Solve(f.Least() + (f.Most()-f.Least())*i/6)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := table.Lines(s.Choice)
		if err != nil {
			t.Fatal(err)
		}
		base, _ := recipe.Lookup(lines.Base)
		j := libllama.Job{
			In: in, Out: filepath.Join(dir, "out"+string(rune('0'+i))), FileType: base.FileType, Pure: true,
			Output: libllama.Unset, Embedding: libllama.Unset, Importance: importance,
		}
		for _, l := range lines.List {
			typ, ok := ggml.TypeByName(l.Type)
			if !ok {
				t.Fatal(l)
			}
			// As llama-quantize does with what it is given.
			j.Types = append(j.Types, libllama.Override{Pattern: strings.ToLower(l.Pattern), Type: typ.ID})
		}
		jobs, choices = append(jobs, j), append(choices, s.Choice)
	}
	mixed := false
	for i, a := range libllama.Run(t, jobs) {
		if a.Err != nil {
			t.Fatal(a.Err)
		}
		plan, err := table.Plan(choices[i])
		if err != nil {
			t.Fatal(err)
		}
		var ours bytes.Buffer
		if err := convert.ToGGUF(t.Context(), &ours, table.src, plan, convert.Options{Formats: formats.Lookup}); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(jobs[i].Out)
		if err != nil {
			t.Fatal(err)
		}
		types := map[string]bool{}
		x, y := open(t, ours.Bytes()), open(t, b)
		for k, info := range x.Tensors() {
			other := y.Tensors()[k]
			types[info.Type] = true
			if info.Name != other.Name || info.Type != other.Type {
				t.Fatalf("mix %d: %s is %s, libllama has %s as %s", i, info.Name, info.Type, other.Name, other.Type)
			}
			p, q := make([]byte, info.Bytes), make([]byte, info.Bytes)
			if x.ReadRaw(k, 0, p) != nil || y.ReadRaw(k, 0, q) != nil || !bytes.Equal(p, q) {
				t.Errorf("mix %d: %s %v has other bytes", i, info.Name, quant.Rows(info.Shape))
			}
		}
		mixed = mixed || len(types) > 4
	}
	if !mixed {
		t.Error("no mix of several types was tried")
	}
}
