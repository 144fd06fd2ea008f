package eval

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/ggml"
	"fewbits/quant/gguf"
	"fewbits/quant/internal/testdata"
	"fewbits/quant/llama"
)

func read(t testing.TB, name ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(testdata.File(t, name...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func open(t testing.TB, b []byte) *llama.Model {
	t.Helper()
	f, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	m, err := llama.Open(f, llama.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// stories is the trained model, with its matrices of 32-value rows in a type.
func stories(t testing.TB, typ string) *llama.Model {
	t.Helper()
	b := read(t, "gguf", "stories260K.gguf")
	if typ == "" {
		return open(t, b)
	}
	f, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	var format quant.Format
	for _, g := range ggml.Formats() {
		if g.Info().Name == typ {
			format = g
		}
	}
	var plans []gguf.TensorPlan
	var data [][]byte
	for i, info := range f.Tensors() {
		p := gguf.TensorPlan{Name: info.Name, Shape: info.Shape, Type: info.Type}
		raw := make([]byte, info.Bytes)
		if err := f.ReadRaw(i, 0, raw); err != nil {
			t.Fatal(err)
		}
		if len(info.Shape) == 2 && quant.Cols(info.Shape)%32 == 0 {
			w, err := quant.ReadTensor(f, i)
			if err != nil {
				t.Fatal(err)
			}
			packed, err := format.Quantize(w, quant.Options{})
			if err != nil {
				t.Fatal(err)
			}
			p.Type, raw = typ, packed.Bytes
		}
		plans, data = append(plans, p), append(data, raw)
	}
	var out bytes.Buffer
	w, err := gguf.NewWriter(&out, f.Metadata(), plans)
	if err != nil {
		t.Fatal(err)
	}
	for i, d := range data {
		if err := w.WriteTensor(i, d); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, out.Bytes())
}

// TestItself compares a model with itself: nothing is lost.
func TestItself(t *testing.T) {
	m := stories(t, "")
	r, err := Run(t.Context(), m, m, string(read(t, "text", "tinystories_sample_197k.txt"))[:8000], Options{Context: 256, Chunks: 4})
	if err != nil {
		t.Fatal(err)
	}
	c := r.Reference
	if c.KL.Value != 0 || c.MaxKL != 0 || c.SameTop.Value != 1 || c.SameTop.Error != 0 || c.Perplexity != r.Perplexity || c.Ratio.Value != 1 || c.Ratio.Error > 1e-9 {
		t.Errorf("%+v", c)
	}
	if r.Scored != 4*127 || r.Chunks != 4 || r.Context != 256 {
		t.Errorf("%+v", r)
	}
}

// TestFewerBits holds that fewer bits lose more, and that the numbers agree
// with each other.
func TestFewerBits(t *testing.T) {
	ref := stories(t, "")
	text := string(read(t, "text", "tinystories_sample_197k.txt"))[:12000]
	last, same := 0.0, 1.0
	for _, typ := range []string{"Q8_0", "Q5_0", "Q4_0"} {
		var seen []int
		r, err := Run(t.Context(), stories(t, typ), ref, text, Options{Context: 256, Chunks: 4, Progress: func(done, total int) {
			if total != 4*256 {
				t.Errorf("%d of %d", done, total)
			}
			seen = append(seen, done)
		}})
		if err != nil {
			t.Fatal(err)
		}
		c := r.Reference
		t.Logf("%s: perplexity %.3f ± %.3f, reference %.3f, KL %.5f ± %.5f, same top %.1f%%", typ, r.Perplexity.Value, r.Perplexity.Error, c.Perplexity.Value, c.KL.Value, c.KL.Error, 100*c.SameTop.Value)
		if !(c.KL.Value > last) || !(c.SameTop.Value < same) || c.MaxKL < c.KL.Value || c.KL.Error <= 0 || c.KL.Error > c.KL.Value {
			t.Errorf("%s: %+v", typ, c)
		}
		if got := c.Perplexity.Value * c.Ratio.Value; math.Abs(got-r.Perplexity.Value) > 1e-9 {
			t.Errorf("%s: ratio %v", typ, c.Ratio)
		}
		if len(seen) != 5 || seen[0] != 0 || seen[4] != 4*256 {
			t.Errorf("progress %v", seen)
		}
		last, same = c.KL.Value, c.SameTop.Value
	}
}

func TestRefuses(t *testing.T) {
	m := stories(t, "")
	long := strings.Repeat("Once upon a time. ", 400)
	for _, c := range []struct {
		name, text string
		o          Options
		want       string
	}{
		{"short text", "Once upon a time", Options{}, "the text has"},
		{"empty text", "", Options{}, "the text has"},
		{"short context", long, Options{Context: 7}, "context of 7"},
		{"no context", long, Options{Context: -1}, "context of -1"},
		{"fewer than no chunks", long, Options{Chunks: -1}, "-1 chunks"},
	} {
		if _, err := Run(t.Context(), m, nil, c.text, c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err := Run(ctx, m, nil, long, Options{Context: 64, Progress: func(done, _ int) {
		if done > 0 {
			cancel()
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestCompare works out one position by hand: the reference finds the tokens
// 1/2, 1/4, 1/4 likely, the model 1/4, 1/2, 1/4; the first comes.
func TestCompare(t *testing.T) {
	log := func(p ...float64) (x []float32) {
		for _, v := range p {
			x = append(x, float32(math.Log(v)+3)) // logits have no fixed zero
		}
		return x
	}
	r := &run{}
	own, ref := log(1./4, 1./2, 1./4), log(1./2, 1./4, 1./4)
	for range 2 {
		r.score(own, 0)
		r.compare(own, ref, 0)
	}
	r.score(ref, 0)
	r.compare(ref, ref, 0)
	r.finish()
	c := r.report.Reference
	if c != nil {
		t.Fatal("there is a reference, and none was given")
	}
	r.ref = &reader{}
	r.finish()
	c = r.report.Reference
	kl := math.Ln2 / 4 * 2 / 3 // (1/2 − 1/4)·ln 2 at two of three positions
	near := func(what string, got, want float64) {
		if math.Abs(got-want) > 1e-6 {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	near("perplexity", r.report.Perplexity.Value, math.Exp(5./3*math.Ln2))
	near("its error", r.report.Perplexity.Error, r.report.Perplexity.Value*math.Ln2*math.Sqrt(2./9/2))
	near("that of the reference", c.Perplexity.Value, 2)
	near("its error", c.Perplexity.Error, 0)
	near("ratio", c.Ratio.Value, r.report.Perplexity.Value/2)
	near("KL", c.KL.Value, kl)
	near("its error", c.KL.Error, math.Ln2/4*math.Sqrt(2./9/2))
	near("largest KL", c.MaxKL, math.Ln2/4)
	near("same top", c.SameTop.Value, 1./3)
	near("its error", c.SameTop.Error, math.Sqrt(2./9/2))
}
