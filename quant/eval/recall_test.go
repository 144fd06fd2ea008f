package eval

import (
	"strings"
	"testing"
)

// TestRecall counts the same bits as Run, of one model after another.
func TestRecall(t *testing.T) {
	text := string(read(t, "text", "tinystories_sample_197k.txt")[:3000])
	ref := stories(t, "")
	k, err := Remember(t.Context(), ref, text, Options{Context: 128, Chunks: 2})
	if err != nil {
		t.Fatal(err)
	}
	alone, err := Run(t.Context(), ref, nil, text, Options{Context: 128, Chunks: 2})
	if err != nil || k.Alone.Perplexity() != alone.Perplexity || k.Chunks != 2 || len(k.Parts) != 2 {
		t.Errorf("alone %v, %v, want %v", k.Alone.Perplexity(), err, alone.Perplexity)
	}
	for _, typ := range []string{"Q4_0", "Q8_0"} {
		m := stories(t, typ)
		sums, err := k.Compare(t.Context(), m)
		if err != nil {
			t.Fatal(err)
		}
		want, err := Run(t.Context(), m, ref, text, Options{Context: 128, Chunks: 2})
		if err != nil {
			t.Fatal(err)
		}
		if got := k.Report(sums); got.Scored != want.Scored || got.Perplexity != want.Perplexity || sums.Strayed() != *want.Reference {
			t.Errorf("%s: %+v, want %+v", typ, got, want)
		}
	}
	if _, err := Remember(t.Context(), ref, "short", Options{}); err == nil || !strings.Contains(err.Error(), "two chunks") {
		t.Errorf("a short text: %v", err)
	}
}
