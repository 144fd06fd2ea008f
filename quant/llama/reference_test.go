//go:build linux && amd64

package llama

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fewbits/quant/internal/libllama"
	"fewbits/quant/internal/testdata"
)

// nasty are texts that tokenizers stumble over.
var nasty = []string{
	" ", "  ", "   ", "\n", "\n\n", " \n \n ", "\t\t x", "x  ", "a   b    c", "\r\n\r\n  end ", "   \u00a0\u3000x",
	"Hello world", " Hello  world!", "I'm you'll WE'VE they'RE o'clock 'S 's ''", "don't DON'T can'", "'", "'l", "'r",
	"1", "12", "123", "1234567", "3.14159e-10", "١٢٣ ४५६ ⅷ ½ ²³", "x1y22z333", " 7 77 777 7777",
	"😀", "👩‍👩‍👧‍👦 family", "🇫🇷🏳️‍🌈", "日本語のテキスト", "中文，测试。", "한국어 텍스트", "Ελληνικά Кириллица עברית العربية हिन्दी ไทย",
	"é e\u0301 ﬁ ſ K Å", "naïve café", "\u200b\u200d\ufeff", "\u2028\u2029\u0085", "\x00\x01\x02\x7f", "a\x00b",
	"!!!???...---___$$$^^^~~~|||<<<>>>===+++", "foo(bar[baz]{qux}) == \"a\\b\";", "#$%&*@", "a-b_c/d.e,f;g:h", "<|im_end|> </s> <s> <unk> <|endoftext|> <|end|>",
	"<s>", "</s>x", " <|end|>  y", "<|user|>\nhi<|end|>\n<|assistant|>", "<0x0A>", "▁▁ ▁a",
	"\xff", "\xc3", "a\xc3(", "\xe2\x82", "\xf0\x9f\x98", "\xed\xa0\x80", "\xc0\x80", "x\x80\x81y", "\xf8\x88\x80\x80\x80", "\xe2\x96\x81",
	strings.Repeat("a", 300), strings.Repeat(" ", 100), strings.Repeat("ab ", 50), strings.Repeat("!", 70), strings.Repeat("9", 50), "",
}

// texts are the nasty ones and parts of real ones.
func texts(t *testing.T) []string {
	t.Helper()
	list := append([]string(nil), nasty...)
	paths, err := filepath.Glob(testdata.File(t, "text", "*.txt"))
	if err != nil || len(paths) < 3 {
		t.Fatal(paths, err)
	}
	for _, p := range paths {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, string(b[:min(len(b), 5_000)]))
	}
	return list
}

// TestTokenizers holds ids, pieces and special tokens against libllama's.
func TestTokenizers(t *testing.T) {
	type file struct{ name, path string }
	var files []file
	for _, name := range []string{
		"ggml-vocab-llama-spm", "ggml-vocab-gpt-2", "ggml-vocab-phi-3", "stories260K", "gridcore_vocab-spm",
		"gridcore_vocab-bpe-llama3", "gridcore_vocab-bpe-qwen2", "gridcore_vocab-bpe-smollm",
	} {
		files = append(files, file{name, testdata.File(t, "gguf", name+".gguf")})
	}
	// The large vocabulary under every scheme: its merges tell words apart.
	for _, pre := range []string{"default", "llama-bpe", "dbrx", "qwen2", "smollm"} {
		files = append(files, file{"gpt-2 as " + pre, withPre(t, files[1].path, pre)})
	}
	all := texts(t)
	var jobs []libllama.Job
	var names []string
	for i, f := range files {
		for _, flags := range [][2]bool{{true, false}, {false, true}} {
			if i >= 8 && !flags[0] {
				continue // what is special in the large vocabulary was seen
			}
			names = append(names, fmt.Sprintf("%s around %v parse %v", f.name, flags[0], flags[1]))
			jobs = append(jobs, libllama.Job{In: f.path, Out: filepath.Join(t.TempDir(), "words"), Texts: all, AddSpecial: flags[0], ParseSpecial: flags[1]})
		}
	}
	jobs[0].Classes = true
	answers := libllama.Run(t, jobs)
	for i, j := range jobs {
		t.Run(names[i], func(t *testing.T) {
			if answers[i].Err != nil {
				t.Fatal(answers[i].Err)
			}
			v, err := ReadVocab(openFile(t, j.In))
			if err != nil {
				t.Fatal(err)
			}
			compareWords(t, v, j, answers[i].Words)
		})
	}
	t.Run("classes", func(t *testing.T) { compareClasses(t, answers[0].Words.Classes) })
}

func compareWords(t *testing.T, v *Vocab, j libllama.Job, want *libllama.Words) {
	for i, text := range j.Texts {
		got := v.Encode(text, j.AddSpecial, j.ParseSpecial)
		if !slices.Equal(got, want.IDs[i]) {
			at := 0
			for at < len(got) && at < len(want.IDs[i]) && got[at] == want.IDs[i][at] {
				at++
			}
			t.Errorf("%.60q: from token %d on %v, libllama %v", text, at, got[at:min(at+8, len(got))], want.IDs[i][at:min(at+8, len(want.IDs[i]))])
		}
	}
	if len(want.Pieces) != v.Len() || want.BOS != v.BOS || want.EOS != v.EOS || want.AddBOS != v.AddBOS {
		t.Errorf("%d tokens, bos %d, eos %d, add %v; libllama %d, %d, %d, %v", v.Len(), v.BOS, v.EOS, v.AddBOS, len(want.Pieces), want.BOS, want.EOS, want.AddBOS)
	}
	for id, p := range want.Pieces {
		if got := v.Piece(int32(id)); got != string(p) {
			t.Errorf("token %d is %q, libllama %q", id, got, p)
		}
	}
}

// compareClasses holds what the cutters ask of every code point against
// unicode_cpt_flags: undefined 1, number 2, letter 4, punctuation 32, white
// space 256. Only characters that its edition of Unicode (15) lacks may differ.
func compareClasses(t *testing.T, flags []uint16) {
	if len(flags) != 0x110000 {
		t.Fatal(len(flags))
	}
	for r, f := range flags {
		want := other
		switch {
		case f&0x100 != 0:
			want = space
		case f&4 != 0:
			want = letter
		case f&2 != 0:
			want = number
		case f&0x20 != 0:
			want = punctuation
		}
		if got := classOf(rune(r)); got != want && f&1 == 0 {
			t.Errorf("U+%04X is %d, libllama %d (%#x)", r, got, want, f)
		}
	}
}
