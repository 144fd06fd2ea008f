package lesson

import (
	"strings"
	"testing"
)

// TestArchitectures counts the weights as the models' own files have them.
func TestArchitectures(t *testing.T) {
	want := map[string]float64{
		"7b": 7e9, "llama-7b": 6738415616, "llama-2-13b": 13015864320, "llama-3.1-8b": 8030261248, "llama-3.1-70b": 70553706496,
		"mistral-7b": 7241732096, "qwen2.5-7b": 7615616512, "tinyllama": 1100048384,
		"llama-3.2-1b": 1235814400, "llama-3.2-3b": 3212749824, "qwen2.5-0.5b": 494032768, "qwen3-8b": 8190735360, "gemma-2-9b": 9241705984, "phi-3-mini": 3821079552,
	}
	for _, a := range architectures {
		if a.weights() != want[a.id] {
			t.Errorf("%s has %.0f weights, want %.0f", a.id, a.weights(), want[a.id])
		}
	}
}

// TestMemoryTable has the table of LLaMA 7B as it is usually given.
func TestMemoryTable(t *testing.T) {
	want := map[string]string{"FP32": "28", "FP16": "14", "BF16": "14", "INT8": "7", "INT4": "3.5", "2-bit": "1.75"}
	seen := 0
	for _, r := range drawn(t, "memory", nil)[2].Grid.Rows {
		if w, ok := want[r.Head]; ok {
			seen++
			if r.Cells[1].Text != w {
				t.Errorf("%s takes %s GB, want %s", r.Head, r.Cells[1].Text, w)
			}
		}
	}
	if seen != len(want) {
		t.Errorf("%d of %d rows", seen, len(want))
	}
}

// TestCache has the cache of LLaMA 7B at 2,048 tokens, 1 GiB in FP16.
func TestCache(t *testing.T) {
	if kv := architectures[1].needs(4, 16, 2048).kv; kv != 1<<30 {
		t.Errorf("%v bytes", kv)
	}
	for _, c := range []struct {
		v    Values
		want string
	}{
		{Values{"have": "1"}, "None of them fits"},
		{Values{"have": "192", "context": "0"}, "those of FP32"},
		{Values{"have": "8"}, "those of Q6_K"},
	} {
		if say := drawn(t, "memory", c.v)[2].Say; !strings.Contains(say, c.want) {
			t.Errorf("%v: %s", c.v, say)
		}
	}
}

// TestRoom wants the context that is said to fit to fit, and a thousandth more
// not to.
func TestRoom(t *testing.T) {
	for _, a := range architectures {
		for _, kv := range []float64{16, 8.5, 4.5} {
			n := a.room(4.5, kv, 64e9)
			if n < batch {
				continue
			}
			if in, out := a.needs(4.5, kv, n).all(), a.needs(4.5, kv, n+1).all(); in > 64e9 || out <= 64e9 {
				t.Errorf("%s, %v bits: %d tokens take %v, one more %v", a.id, kv, n, in, out)
			}
		}
	}
	for n, want := range map[int]string{-5: "none", 0: "none", 999: "999", 12345: "12,300", 1234567: "1,230,000"} {
		if got := roomSay(n); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

// TestCounted adds up the line of the activations as it stands in the figure.
func TestCounted(t *testing.T) {
	p := drawn(t, "memory", Values{"model": "llama-7b", "context": "2048"})[1]
	var b strings.Builder
	for _, term := range p.Terms {
		b.WriteString(term.Text)
		if term.Break {
			b.WriteByte('\n')
		}
	}
	for _, want := range []string{
		"keys and values = 2 × 32 layers × 4,096 numbers × 2,048 tokens × 16 bits ∕ 8 = 1.07 GB\n",
		"activations = 512 tokens × (4 × 4,096 + 2 × 11,008) numbers × 4 bytes = 0.08 GB\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%q lacks %q", b.String(), want)
		}
	}
	if !strings.Contains(p.Say, "each of 512 tokens read at once") {
		t.Error(p.Say)
	}
	if got := drawn(t, "memory", Values{"context": "0"})[1].Say; strings.Contains(got, "512") {
		t.Error(got)
	}
}
