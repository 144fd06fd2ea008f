//go:build linux && amd64

package huggingface

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"fewbits/quant/internal/libllama"
	"fewbits/quant/internal/testdata"
)

// texts are what tokenizers differ over.
var texts = []string{
	"Hello, world!", "", " ", "  two  spaces and\ttabs\n\n\nlines\r\n ", "I've been 'told he's there, 'RE you sure? We'Ve a'lL",
	"3 33 333 3333 33333 3.3 3..3 1,000,000", "🚀 (normal) 😶‍🌫️ ✅ 🦙🦙", "我想在apple工作1314151天～ ------======= нещо на Български",
	"<s>special</s> <|end|> <|endoftext|> <|user|>\nhi<|assistant|>", "tokenization tokenize token", "\x00\x01\u00a0\u3000é é",
	"for (int i = 0; i < 10; i++) { x[i] += \"str\"; } // ````",
}

// TestWords lets libllama split texts with the vocabularies that were made
// here, and with the real ones.
func TestWords(t *testing.T) {
	if testing.Short() {
		t.Skip("many texts")
	}
	lines, err := os.ReadFile(testdata.File(t, "text", "gutenberg_mix_248k.txt"))
	if err != nil {
		t.Fatal(err)
	}
	long := append(slices.Clone(texts), strings.Split(string(lines[:40_000]), ". ")...)
	llama := realVocabulary(t, "ggml-vocab-llama-spm.gguf")
	phi := realVocabulary(t, "ggml-vocab-phi-3.gguf")
	type pair struct {
		name string
		m    *Model
		file string
	}
	pairs := []pair{
		{"llama", tiny(t, "LlamaForCausalLM", 32000, map[string][]byte{tokenizerCfg: llamaSettings, tokenizerName: sentenceJSON(t, llama, false)}), "ggml-vocab-llama-spm.gguf"},
		{"phi3", tiny(t, "Phi3ForCausalLM", 32064, map[string][]byte{tokenizerCfg: llamaSettings, tokenizerName: sentenceJSON(t, phi, true)}), "ggml-vocab-phi-3.gguf"},
	}
	for i, c := range bytePairs {
		m, _ := bytePairModel(t, i)
		pairs = append(pairs, pair{c.file, m, c.file})
	}
	var jobs []libllama.Job
	dir := t.TempDir()
	for i, p := range pairs {
		path := filepath.Join(dir, strconv.Itoa(i))
		if err := os.WriteFile(path+".gguf", toGGUF(t, p.m), 0o600); err != nil {
			t.Fatal(err)
		}
		for j, in := range []string{path + ".gguf", testdata.File(t, "gguf", p.file)} {
			jobs = append(jobs, libllama.Job{In: in, Out: path + "." + strconv.Itoa(j), Texts: long, AddSpecial: true, ParseSpecial: true})
		}
	}
	answers := libllama.Run(t, jobs)
	for i, p := range pairs {
		t.Run(p.name, func(t *testing.T) {
			got, want := answers[2*i], answers[2*i+1]
			if got.Err != nil || want.Err != nil {
				t.Fatal(got.Err, want.Err)
			}
			n := 0
			for j, ids := range want.Words.IDs {
				n += len(ids)
				if !slices.Equal(got.Words.IDs[j], ids) {
					t.Errorf("%.60q is %d, want %d", long[j], got.Words.IDs[j], ids)
				}
			}
			for id, piece := range want.Words.Pieces {
				if string(got.Words.Pieces[id]) != string(piece) && !strings.HasPrefix(string(piece), "[PAD") { // unused tokens have no text
					t.Errorf("token %d is %q, want %q", id, got.Words.Pieces[id], piece)
				}
			}
			t.Logf("%d texts, %d tokens", len(long), n)
		})
	}
}
