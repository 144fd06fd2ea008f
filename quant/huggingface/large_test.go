package huggingface

import (
	"bytes"
	"fmt"
	"runtime"
	"testing"
)

// largeTokenizer writes a tokenizer.json of n tokens as Gemma's is: every
// token from 256 on is made of an earlier one and a letter.
func largeTokenizer(n int) []byte {
	tokens := make([]string, n)
	var b bytes.Buffer
	b.WriteString(`{"added_tokens": [], "model": {"type": "BPE", "byte_fallback": true, "vocab": {`)
	for i := range n {
		tokens[i] = string(rune(0x4e00 + i))
		if i >= 256 {
			tokens[i] = tokens[(i-256)/256] + tokens[i%256]
		}
		if i > 0 {
			b.WriteString(",\n      ")
		}
		fmt.Fprintf(&b, "%q: %d", tokens[i], i)
	}
	b.WriteString(`}, "merges": [`)
	for i := 256; i < n; i++ {
		if i > 256 {
			b.WriteString(",\n      ")
		}
		fmt.Fprintf(&b, "[\n        %q,\n        %q\n      ]", tokens[(i-256)/256], tokens[i%256])
	}
	b.WriteString("]}}")
	return b.Bytes()
}

// TestLarge opens a tokenizer of 2^18 tokens in little more memory than its
// tokens take.
func TestLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("a large file")
	}
	file := largeTokenizer(1 << 18)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f, err := readTokenizer(memoryFile(tokenizerName, file))
	if err != nil {
		t.Fatal(err)
	}
	v, err := f.vocabulary(1 << 18)
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if v.scores[1<<18-1] != 257-1<<18 {
		t.Errorf("the last score is %v", v.scores[1<<18-1])
	}
	taken := (after.TotalAlloc - before.TotalAlloc) >> 20
	t.Logf("%d MiB of file, %d MiB allocated in all", len(file)>>20, taken)
	if taken > 64 {
		t.Errorf("%d MiB were allocated", taken)
	}
}

func BenchmarkTokenizer(b *testing.B) {
	file := largeTokenizer(1 << 18)
	b.SetBytes(int64(len(file)))
	for b.Loop() {
		f, err := readTokenizer(memoryFile(tokenizerName, file))
		if err != nil {
			b.Fatal(err)
		}
		if _, err := f.vocabulary(1 << 18); err != nil {
			b.Fatal(err)
		}
	}
}
