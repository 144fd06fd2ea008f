package probe

import (
	"bytes"
	"errors"
	"os"
	"testing"

	"fewbits/quant"
	"fewbits/quant/budget"
	"fewbits/quant/convert"
	"fewbits/quant/eval"
	"fewbits/quant/formats"
	"fewbits/quant/gguf"
	"fewbits/quant/internal/testdata"
	"fewbits/quant/llama"
	"fewbits/quant/recipe"
)

var making = convert.Options{Formats: formats.Lookup}

func read(t testing.TB, name ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(testdata.File(t, name...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(t testing.TB, b []byte) *gguf.File {
	t.Helper()
	f, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// stories is the trained model, a text to calibrate with and another to judge by.
func stories(t testing.TB) (src *gguf.File, calibration, held string) {
	text := string(read(t, "text", "tinystories_sample_197k.txt"))
	return open(t, read(t, "gguf", "stories260K.gguf")), text[:40000], text[100000:140000]
}

func plan(t testing.TB, src quant.Source, name string) []convert.Step {
	t.Helper()
	p, err := recipe.Plan(src, name, recipe.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestAsEval holds a plan that is applied while it is read, and the reference
// that is kept, against the file that the plan makes and package eval.
func TestAsEval(t *testing.T) {
	src, text, _ := stories(t)
	p := plan(t, src, "Q4_K_M")
	var b bytes.Buffer
	if err := convert.ToGGUF(t.Context(), &b, src, p, making); err != nil {
		t.Fatal(err)
	}
	models := []*llama.Model{}
	for _, f := range []quant.Source{open(t, b.Bytes()), src} {
		m, err := llama.Open(f, llama.Options{})
		if err != nil {
			t.Fatal(err)
		}
		models = append(models, m)
	}
	o := eval.Options{Context: 128, Chunks: 2}
	want, err := eval.Run(t.Context(), models[0], models[1], text, o)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(t.Context(), src, text, o)
	if err != nil {
		t.Fatal(err)
	}
	made, err := Applied(t.Context(), src, p, making)
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Against(t.Context(), made)
	if err != nil {
		t.Fatal(err)
	}
	if got.Scored != want.Scored || got.Strayed() != *want.Reference || got.Perplexity() != want.Perplexity || r.Own.Perplexity() != want.Reference.Perplexity {
		t.Errorf("%+v\nwant %+v", got.Strayed(), *want.Reference)
	}
	out := open(t, b.Bytes())
	for i, info := range made.Tensors() {
		for k, other := range out.Tensors() {
			if other.Name != info.Name {
				continue
			}
			x, y := make([]byte, info.Bytes), make([]byte, other.Bytes)
			if err := errors.Join(made.ReadRaw(i, 0, x), out.ReadRaw(k, 0, y)); err != nil || !bytes.Equal(x, y) || info.Type != other.Type {
				t.Errorf("%s: other bytes, %v", info.Name, err)
			}
			part := make([]byte, len(x)/3)
			if err := made.ReadRaw(i, int64(len(x)/7), part); err != nil || !bytes.Equal(part, x[len(x)/7:][:len(part)]) {
				t.Errorf("%s: other bytes of a part, %v", info.Name, err)
			}
		}
	}
}

// calibrated is the table of the trained model.
func calibrated(t testing.TB, src quant.Source, text string, chunks int) *budget.Table {
	t.Helper()
	table, err := budget.NewTable(src, budget.Options{Formats: formats.Lookup})
	if err != nil {
		t.Fatal(err)
	}
	if err := table.Measure(t.Context(), formats.Lookup, nil); err != nil {
		t.Fatal(err)
	}
	r, err := New(t.Context(), src, text, eval.Options{Context: 256, Chunks: chunks})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.Calibrate(t.Context(), r.Divergence(making), nil); err != nil {
		t.Fatal(err)
	}
	return table
}

// TestBeats holds mixes against recipes of the same size, on a text that losses
// do not come from.
func TestBeats(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the model some 70 times")
	}
	src, text, held := stories(t)
	judge, err := New(t.Context(), src, held, eval.Options{Context: 256, Chunks: 8})
	if err != nil {
		t.Fatal(err)
	}
	kl := judge.Divergence(making)
	table := calibrated(t, src, text, 1)
	f, err := table.Frontier()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		most float64 // of the recipe's divergence; measured: 0.46, 0.81, 0.78, 0.93
	}{{"Q4_0", 0.6}, {"Q4_K_M", 0.9}, {"Q5_0", 0.9}, {"Q5_K_M", 1}} {
		p := plan(t, src, c.name)
		was, err := kl(t.Context(), p)
		if err != nil {
			t.Fatal(err)
		}
		bytes := table.Bytes(p)
		s, err := f.Solve(bytes)
		if err != nil {
			t.Fatal(err)
		}
		mix, err := table.Plan(s.Choice)
		if err != nil {
			t.Fatal(err)
		}
		now, err := kl(t.Context(), mix)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s, %d bytes: KL %.6f; a mix of %d bytes: %.6f, %.2f of it", c.name, bytes, was, s.Bytes, now, now/was)
		if s.Bytes > bytes || now >= c.most*was {
			t.Errorf("%s: KL %.6f in %d bytes, the mix %.6f in %d", c.name, was, bytes, now, s.Bytes)
		}
	}
}
