package eval

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/ggml"
	"fewbits/quant/gguf"
	"fewbits/quant/internal/testdata"
	"fewbits/quant/llama"
	"fewbits/quant/metric"
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

// TestSteps reads chunks in pieces, in any order, and counts the same bits.
func TestSteps(t *testing.T) {
	m, ref := stories(t, "Q4_0"), stories(t, "")
	text := string(read(t, "text", "tinystories_sample_197k.txt"))[:6000]
	o := Options{Context: 128, Chunks: 3}
	want, err := Run(t.Context(), m, ref, text, o)
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(m, ref, text, o)
	if err != nil {
		t.Fatal(err)
	}
	of := make([]metric.Tokens, r.Chunks)
	for _, chunk := range []int{2, 0, 1} {
		for from := 0; from < r.Context; from += 48 {
			s, err := r.Step(t.Context(), chunk, from, 48)
			if err != nil {
				t.Fatal(err)
			}
			if last := from+48 >= r.Context; last != (s != nil) {
				t.Fatalf("token %d: %v", from, s)
			} else if last {
				of[chunk] = *s
			}
		}
	}
	var sums metric.Tokens
	for _, s := range of {
		sums.Merge(s)
	}
	if got := r.Report(sums); !reflect.DeepEqual(&got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	for _, wrong := range [][2]int{{3, 0}, {-1, 0}, {0, 64}, {0, 128}, {0, -1}} {
		if _, err := r.Step(t.Context(), wrong[0], wrong[1], 48); err == nil {
			t.Errorf("chunk %d from %d is read", wrong[0], wrong[1])
		}
	}
}

// TestShorter chooses a context for what there is.
func TestShorter(t *testing.T) {
	m := stories(t, "")
	text := string(read(t, "text", "tinystories_sample_197k.txt"))
	for _, c := range []struct{ bytes, context int }{{20000, 512}, {1200, 256}, {600, 128}} {
		r, err := New(m, nil, text[:c.bytes], Options{Shorter: true})
		if err != nil || r.Context != c.context {
			t.Errorf("%d bytes: %+v, %v", c.bytes, r, err)
		}
	}
	if _, err := New(m, nil, text[:100], Options{Shorter: true}); err == nil || !strings.Contains(err.Error(), "two chunks of 64 are the least") {
		t.Error(err)
	}
}
