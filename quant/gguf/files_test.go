package gguf

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/testdata"
)

// outcome is what Open makes of a file: the number of keys and of tensors, or
// a fault.
type outcome struct {
	keys, tensors int
	fault         Fault
}

// TestFiles opens files that others wrote, for use and for attack.
func TestFiles(t *testing.T) {
	vocab := func(keys int) outcome { return outcome{keys: keys} }
	faulty := func(f Fault) outcome { return outcome{fault: f} }
	want := map[string]outcome{
		"gguf/stories260K.gguf":                   {keys: 19, tensors: 48},
		"gguf/ggml-vocab-bert-bge.gguf":           vocab(20),
		"gguf/ggml-vocab-gpt-2.gguf":              vocab(16),
		"gguf/ggml-vocab-llama-spm.gguf":          vocab(22),
		"gguf/ggml-vocab-phi-3.gguf":              vocab(26),
		"gguf/gridcore_vocab-bpe-llama3.gguf":     vocab(9),
		"gguf/gridcore_vocab-bpe-qwen2.gguf":      vocab(9),
		"gguf/gridcore_vocab-bpe-smollm.gguf":     vocab(9),
		"gguf/gridcore_vocab-bpe-spm-gemma4.gguf": vocab(9),
		"gguf/gridcore_vocab-spm.gguf":            vocab(9),
		"gguf/weightinspect_empty.gguf":           vocab(1),
		"gguf/weightinspect_tiny.gguf":            faulty(Truncated), // its data is missing

		"malformed/gguf_gridcore/bad-version.bin":            faulty(BadVersion),
		"malformed/gguf_gridcore/hdr-suppress-eos.gguf":      faulty(Truncated),
		"malformed/gguf_gridcore/hdr-wrap-first-offset.gguf": faulty(Truncated),
		"malformed/gguf_gridcore/hdr-zero-first-dim.gguf":    faulty(Damaged),
		"malformed/gguf_gridcore/huge-counts.bin":            faulty(Truncated),
		"malformed/gguf_gridcore/kv-arr-huge-n.bin":          faulty(Truncated),
		"malformed/gguf_gridcore/kv-huge-strlen.bin":         faulty(Truncated),
		"malformed/gguf_gridcore/magic-only.bin":             faulty(Truncated),
		"malformed/gguf_gridcore/tensor-huge-dims.bin":       faulty(Damaged),
		"malformed/gguf_gridcore/trunc-magic.bin":            faulty(NotGGUF),
		"malformed/gguf_gridcore/v3-empty.bin":               vocab(0),
		"malformed/gguf_gridcore/valid-small.gguf":           vocab(9),

		"malformed/gguf_emel/34c031b7d1b155c289a6df2286a5016d95445c96": faulty(NotGGUF),
		"malformed/gguf_emel/c000a51366616d33f9df61c9260fba450f9e2e7c": faulty(NotGGUF),
		"malformed/gguf_emel/e2870157c0dea5d935aa3d2f77b305b162b9b416": faulty(Truncated),
		"malformed/gguf_emel/e9f5b8a75e7e6dc1b9381992f6a930cffebcf2ba": faulty(BadVersion),
		"malformed/gguf_emel/f9b80c8fd01a486f32cafb15694dba121463dfca": faulty(BadVersion),
		"malformed/gguf_emel/seed_00":                                  faulty(Truncated),

		"malformed/gguf_bitnetrs_crashes/crash-69e8aa7487115a5484cc9c94c0decd84c1361bcb": faulty(Truncated),
		"malformed/gguf_bitnetrs_crashes/crash-8052f5de4a2a64de976c40f34a950131912e678d": faulty(Truncated),

		// Stubs of a tokenizer's tests: sound, but with nothing in them.
		"malformed/gguf_bitnetrs_tokfixtures/bert-base-uncased.gguf":            vocab(2),
		"malformed/gguf_bitnetrs_tokfixtures/corrupted-embedded-tokenizer.gguf": vocab(2),
		"malformed/gguf_bitnetrs_tokfixtures/gpt2-50k.gguf":                     vocab(4),
		"malformed/gguf_bitnetrs_tokfixtures/llama3-with-hf-tokenizer.gguf":     vocab(5),

		"malformed/gguf_mungert_test.gguf": faulty(NotGGUF), // a text file
	}
	root := testdata.Dir(t)
	seen := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		if ok, _ := filepath.Match("gguf*", filepath.Base(filepath.Dir(rel))); err != nil || d.IsDir() || !ok && filepath.Ext(rel) != ".gguf" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		var f *File
		used := allocated(func() { f, err = open(b) })
		if used > uint64(1<<20+10*len(b)) {
			t.Errorf("%s: %d bytes allocated for a file of %d", rel, used, len(b))
		}
		var e *Error
		if err != nil && !errors.As(err, &e) {
			t.Errorf("%s: error of another type: %v", rel, err)
		}
		w, known := want[rel]
		if !known {
			return nil
		}
		seen++
		got := outcome{}
		if err != nil {
			got.fault = e.Fault
		} else {
			got.keys, got.tensors = len(f.Metadata()), len(f.Tensors())
		}
		if got != w {
			t.Errorf("%s: %+v, want %+v (%v)", rel, got, w, err)
		}
		return nil
	})
	if err != nil || seen != len(want) {
		t.Errorf("%d of %d files, %v", seen, len(want), err)
	}
}

// TestStories holds facts about stories260K that were found by other means:
// the header's length and the statistics of three tensors (data/README.md).
func TestStories(t *testing.T) {
	b, err := os.ReadFile(testdata.File(t, "gguf", "stories260K.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	if f.DataOffset != 14176 || f.Alignment != 32 || f.Version != 3 {
		t.Errorf("data at %d, alignment %d, version %d", f.DataOffset, f.Alignment, f.Version)
	}
	for key, want := range map[string]int64{"llama.embedding_length": 64, "llama.feed_forward_length": 172, "llama.attention.head_count_kv": 4} {
		if v, ok := f.Int(key); v != want || !ok {
			t.Errorf("%s is %d, want %d", key, v, want)
		}
	}
	stats := map[string]struct {
		shape              [2]int
		mean, std, largest float64
	}{
		"token_embd.weight":     {[2]int{512, 64}, -0.02296, 0.3079, 1.327},
		"blk.0.attn_q.weight":   {[2]int{64, 64}, -0.005817, 0.236, 1.594},
		"blk.0.ffn_down.weight": {[2]int{64, 172}, 0.0002191, 0.1242, 0.7088},
	}
	for i, info := range f.Tensors() {
		want, ok := stats[info.Name]
		if !ok {
			continue
		}
		delete(stats, info.Name)
		x, err := quant.ReadTensor(f, i)
		if err != nil {
			t.Fatal(err)
		}
		var sum, squares, largest float64
		for _, v := range x.Data {
			sum += float64(v)
			squares += float64(v) * float64(v)
			largest = max(largest, math.Abs(float64(v)))
		}
		n := float64(len(x.Data))
		mean := sum / n
		std := math.Sqrt(squares/n - mean*mean)
		near := func(a, b float64) bool { return math.Abs(a-b) <= math.Abs(b)*1e-3 }
		if !near(mean, want.mean) || !near(std, want.std) || !near(largest, want.largest) || info.Shape[0] != want.shape[0] || info.Shape[1] != want.shape[1] {
			t.Errorf("%s %v: mean %v, std %v, largest %v, want %+v", info.Name, info.Shape, mean, std, largest, want)
		}
	}
	if len(stats) > 0 {
		t.Errorf("tensors missing: %v", stats)
	}
}
