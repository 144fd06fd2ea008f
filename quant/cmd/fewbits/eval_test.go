package main

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"fewbits/quant/internal/testdata"
)

// TestEval measures a trained model and a quantized one: the numbers of the
// table are those for machines, and fewer bits lose something.
func TestEval(t *testing.T) {
	model := testdata.File(t, "gguf", "stories260K.gguf")
	text := testdata.File(t, "text", "tinystories_sample_197k.txt")
	small := filepath.Join(t.TempDir(), "small.gguf")
	works(t, "quantize", model, "-to", "Q4_0", "-o", small)
	args := []string{small, "-text", text, "-against", model, "-ctx", "128", "-chunks", "6"}
	e := decode[evaluated](t, works(t, append([]string{"eval", "-json"}, args...)...))
	if e.Context != 128 || e.Chunks != 6 || e.Scored != 6*63 || e.Tokens < 50_000 || e.File != small || e.Text != text || !(e.TokensPerSecond > 0) {
		t.Errorf("%+v", e)
	}
	a := e.Against
	if !(e.Perplexity > 2 && e.Perplexity < 10) || !(e.PerplexityError > 0) || a == nil || a.File != model ||
		!(a.Perplexity < e.Perplexity) || !(a.KL > 0.01 && a.KL < 1) || !(a.KLError > 0 && a.KLError < a.KL) || !(a.SameTop > 0.5 && a.SameTop < 1) ||
		math.Abs(float64(a.Ratio*a.Perplexity-e.Perplexity)) > 1e-9 {
		t.Errorf("%+v against %+v", e, a)
	}
	alone := decode[evaluated](t, works(t, "eval", "-json", model, "-text", text, "-ctx", "128", "-chunks", "6"))
	if alone.Against != nil || alone.Perplexity != a.Perplexity || alone.PerplexityError != a.PerplexityError {
		t.Errorf("alone %+v, as the reference %+v", alone, a)
	}
	out := works(t, append([]string{"eval"}, args...)...)
	for _, want := range []string{"perplexity of the reference", "mean KL divergence", "same most likely token, %", "±", "378 of", "6 chunks of 128"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
}

func TestEvalRefuses(t *testing.T) {
	model := testdata.File(t, "gguf", "stories260K.gguf")
	text := testdata.File(t, "text", "tinyshakespeare.txt")
	vocabulary := testdata.File(t, "gguf", "ggml-vocab-gpt-2.gguf")
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{model}, 2, "-text is missing"},
		{[]string{"-text", text}, 2, "a file is missing"},
		{[]string{model, "-text", text, "-ctx", "0"}, 2, "-ctx"},
		{[]string{model, "-text", text, "-chunks", "many"}, 2, "-chunks"},
		{[]string{model, "-text", save(t, "short.txt", []byte("Once upon a time"))}, 1, "the text has"},
		{[]string{model, "-text", "/no/such/text"}, 1, "/no/such/text: there is no such file"},
		{[]string{vocabulary, "-text", text}, 1, "block_count"},
		{[]string{npyFile(t, "w.npy", []int{2, 2}, 1, 2, 3, 4), "-text", text}, 1, "GGUF"},
		{[]string{model, "-text", text, "-against", vocabulary}, 1, vocabulary},
	} {
		r := fewbits(t, append([]string{"eval"}, c.args...)...)
		if r.code != c.code || !strings.Contains(r.err, c.want) || r.out != "" {
			t.Errorf("%v: exit %d, %q; want %d, %q", c.args, r.code, r.err, c.code, c.want)
		}
	}
}
