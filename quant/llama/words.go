package llama

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// scheme is how a text is cut into words before BPE works on each of them.
type scheme struct {
	cuts       []cutter // each works on the pieces that the one before it left
	wholeWords bool     // a word that is a token is that token, whatever the merges
	addBOS     bool     // where the file does not say
}

// cutter appends where the pieces of text[from:to] end.
type cutter func(t *runes, from, to int, ends []int) []int

var (
	schemeGPT2    = &scheme{cuts: []cutter{cutGPT2}}
	schemeDigits  = &scheme{cuts: []cutter{cutNumbers, cutGPT2}}
	schemeDefault = &scheme{cuts: []cutter{cutPunctuation, cutGPT2, cutNumberRuns, cutTriplets}}
	schemeLlama3  = &scheme{cuts: []cutter{cutLlama3}, wholeWords: true, addBOS: true}
	schemeDBRX    = &scheme{cuts: []cutter{cutLlama3}}
	schemeQwen2   = &scheme{cuts: []cutter{cutQwen2}}
)

// schemes by the name that a file gives (tokenizer.ggml.pre). Source:
// llama_vocab::impl::load and llm_tokenizer_bpe in src/llama-vocab.cpp.
var schemes = map[string]*scheme{
	"default": schemeDefault, "": schemeDefault,
	"llama3": schemeLlama3, "llama-v3": schemeLlama3, "llama-bpe": schemeLlama3, "falcon3": schemeLlama3, "pixtral": schemeLlama3,
	"dbrx": schemeDBRX, "smaug-bpe": schemeDBRX,
	"qwen2": schemeQwen2, "deepseek-r1-qwen": schemeQwen2, "stablelm2": schemeQwen2, "megrez": schemeQwen2,
	"gpt-2": schemeGPT2, "phi-2": schemeGPT2, "mpt": schemeGPT2, "olmo": schemeGPT2, "jais": schemeGPT2, "gigachat": schemeGPT2, "roberta-bpe": schemeGPT2,
	"smollm": schemeDigits, "starcoder": schemeDigits, "refact": schemeDigits, "command-r": schemeDigits, "codeshell": schemeDigits, "exaone": schemeDigits, "minerva-7b": schemeDigits,
}

// runes is a text by characters, and what each of them is.
type runes struct {
	list  []rune
	class []class
}

// class is what the cutters ask about a character.
type class uint8

const (
	letter      class = 1 << iota // \p{L}
	number                        // \p{N}
	space                         // White_Space
	punctuation                   // \p{P}, and not White_Space
	other
)

// classOf goes by Go's edition of Unicode. llama.cpp's is an older one, to which
// characters added since are neither letters nor anything else.
func classOf(r rune) class {
	switch {
	case unicode.Is(unicode.White_Space, r):
		return space
	case unicode.Is(unicode.L, r):
		return letter
	case unicode.Is(unicode.N, r):
		return number
	case unicode.Is(unicode.P, r):
		return punctuation
	}
	return other
}

// runesOf reads UTF-8 as llama.cpp does: overlong forms and surrogates pass,
// and every other byte that makes no sense is U+FFFD.
func runesOf(text string) *runes {
	t := &runes{list: make([]rune, 0, len(text)), class: make([]class, 0, len(text))}
	for len(text) > 0 {
		r, n := decode(text)
		text = text[n:]
		t.list = append(t.list, r)
		t.class = append(t.class, classOf(r))
	}
	return t
}

func decode(s string) (rune, int) {
	b := s[0]
	if b < utf8.RuneSelf {
		return rune(b), 1
	}
	n := characterLen(b)
	if n == 1 || b >= 0xf8 || len(s) < n {
		return utf8.RuneError, 1
	}
	r := rune(b) & (0x7f >> n)
	for _, c := range []byte(s[1:n]) {
		if c&0xc0 != 0x80 {
			return utf8.RuneError, 1
		}
		r = r<<6 | rune(c&0x3f)
	}
	if r > unicode.MaxRune {
		return utf8.RuneError, 1
	}
	return r, n
}

// appendRune writes UTF-8, surrogates too, which package utf8 would replace.
func appendRune(b []byte, r rune) []byte {
	if r >= 0xd800 && r < 0xe000 {
		return append(b, 0xe0|byte(r>>12), 0x80|byte(r>>6)&0xbf, 0x80|byte(r)&0xbf)
	}
	return utf8.AppendRune(b, r)
}

// at is the class of a character, 0 outside [0, to).
func (t *runes) at(i, to int) class {
	if i >= to {
		return 0
	}
	return t.class[i]
}

// words cuts a text, piece by piece.
func (s *scheme) words(text string) []string {
	t := runesOf(text)
	ends := []int{len(t.list)}
	for _, c := range s.cuts {
		var next []int
		from := 0
		for _, to := range ends {
			next = c(t, from, to, next)
			from = to
		}
		ends = next
	}
	list := make([]string, 0, len(ends))
	var b []byte
	from := 0
	for _, to := range ends {
		b = b[:0]
		for _, r := range t.list[from:to] {
			b = appendRune(b, r)
		}
		if len(b) > 0 {
			list = append(list, string(b))
		}
		from = to
	}
	return list
}

// charsOf writes each byte of a word as the character that BPE over bytes has
// for it: printable ones of Latin-1 stand for themselves, the other 68 are
// U+0100 on. Source: bytes_to_unicode of openai/gpt-2, src/encoder.py.
func charsOf(word string) string {
	var b strings.Builder
	for _, c := range []byte(word) {
		b.WriteRune(byteChars[c])
	}
	return b.String()
}

var byteChars = func() (list [256]rune) {
	next := rune(256)
	for c := range rune(256) {
		list[c] = c
		if c < '!' || c > '~' && c < 0xa1 || c == 0xad {
			list[c] = next
			next++
		}
	}
	return list
}()

var charBytes = func() map[rune]byte {
	m := make(map[rune]byte, 256)
	for b, r := range byteChars {
		m[r] = byte(b)
	}
	return m
}()

// bytesOf is charsOf undone. A character that stands for no byte is written
// as llama.cpp writes it.
func bytesOf(text string) string {
	var b strings.Builder
	for _, r := range text {
		if c, ok := charBytes[r]; ok {
			b.WriteByte(c)
			continue
		}
		const hex = "0123456789abcdef"
		b.WriteString("[UNK_BYTE_0x")
		for _, c := range []byte(string(r)) {
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
		b.WriteString(text + "]")
	}
	return b.String()
}
