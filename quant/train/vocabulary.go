package train

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"fewbits/quant"
	"fewbits/quant/gguf"
	"fewbits/quant/llama"
)

// lowerBlock (U+2581) stands for a space in SentencePiece.
const lowerBlock = "\u2581"

// fixed are the tokens that are there whatever the text: unknown, begin and end
// of a text, and the 256 bytes.
const fixed = 3 + 256

// types of tokens, as files number them (enum llama_token_type).
const (
	typeNormal  = 1
	typeUnknown = 2
	typeControl = 3
	typeByte    = 6
)

// Vocabulary is a tokenizer of the kind "llama": SentencePiece's BPE.
type Vocabulary struct {
	texts  []string
	scores []float32
	types  []int32
}

// LearnVocabulary makes a vocabulary of size tokens of which a text is made of
// few: of all neighbours within a word those that occur most are joined, over
// and over (Sennrich and others, arXiv 1508.07909). A token's score says when it
// was made, so that encoding joins in the same order.
func LearnVocabulary(text string, size int) (*Vocabulary, error) {
	v := &Vocabulary{}
	add := func(text string, score float32, kind int32) {
		v.texts, v.scores, v.types = append(v.texts, text), append(v.scores, score), append(v.types, kind)
	}
	add("<unk>", 0, typeUnknown)
	add("<s>", 0, typeControl)
	add("</s>", 0, typeControl)
	for b := range 256 {
		add(fmt.Sprintf("<0x%02X>", b), 0, typeByte)
	}
	words := wordsOf(text)
	letters := map[string]int{}
	for _, w := range words {
		for _, p := range w.parts {
			letters[p] += w.count
		}
	}
	if fixed+len(letters) > size {
		return nil, fmt.Errorf("train: the text has %d characters, which with %d bytes are more than the %d tokens of the vocabulary", len(letters), fixed, size)
	}
	merged := 0
	for ; fixed+len(letters)+merged < size; merged++ {
		best, ok := mostFrequent(words)
		if !ok {
			return nil, fmt.Errorf("train: the words of the text make %d tokens, and %d are asked for", fixed+len(letters)+merged, size)
		}
		joinAll(words, best)
		add(best[0]+best[1], -float32(merged), typeNormal)
	}
	for _, l := range sortedKeys(letters) {
		add(l, -float32(merged), typeNormal)
		merged++
	}
	return v, nil
}

// word is a word of a text in parts, and how often it is there.
type word struct {
	parts []string
	count int
}

// wordsOf cuts a text into words, which begin with the space before them, and
// marks between words.
func wordsOf(text string) []word {
	counts := map[string]int{}
	for line := range strings.Lines(text) {
		from := 0
		line = lowerBlock + strings.ReplaceAll(strings.TrimSuffix(line, "\n"), " ", lowerBlock)
		for i, r := range line {
			mark := strings.ContainsRune(`.,!?"`, r)
			if (mark || string(r) == lowerBlock) && i > from {
				counts[line[from:i]]++
				from = i
			}
			if mark {
				counts[line[from:i+1]]++
				from = i + 1
			}
		}
		if from < len(line) {
			counts[line[from:]]++
		}
	}
	var words []word
	for _, text := range sortedKeys(counts) {
		words = append(words, word{strings.Split(text, ""), counts[text]})
	}
	return words
}

func sortedKeys(m map[string]int) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// mostFrequent is the two neighbours that occur most, of equals the first in
// order of their letters.
func mostFrequent(words []word) (best [2]string, ok bool) {
	counts := map[[2]string]int{}
	for _, w := range words {
		for i := 1; i < len(w.parts); i++ {
			counts[[2]string{w.parts[i-1], w.parts[i]}] += w.count
		}
	}
	for p, n := range counts {
		m := counts[best]
		if n > m || n == m && slices.Compare(p[:], best[:]) < 0 {
			best = p
		}
	}
	return best, len(counts) > 0
}

func joinAll(words []word, pair [2]string) {
	for k := range words {
		parts := words[k].parts
		out := parts[:0]
		for i := 0; i < len(parts); i++ {
			if i+1 < len(parts) && parts[i] == pair[0] && parts[i+1] == pair[1] {
				out = append(out, pair[0]+pair[1])
				i++
				continue
			}
			out = append(out, parts[i])
		}
		words[k].parts = out
	}
}

// newline is the token that ends a story: the byte 10.
const newline = 3 + '\n'

// meta is what a file says of the vocabulary.
func (v *Vocabulary) meta() []quant.Meta {
	const k = "tokenizer.ggml."
	return []quant.Meta{
		{Key: k + "model", Value: "llama"},
		{Key: k + "pre", Value: "default"},
		{Key: k + "tokens", Value: v.texts},
		{Key: k + "scores", Value: v.scores},
		{Key: k + "token_type", Value: v.types},
		{Key: k + "bos_token_id", Value: uint32(1)},
		{Key: k + "eos_token_id", Value: uint32(2)},
		{Key: k + "unknown_token_id", Value: uint32(0)},
		{Key: k + "eot_token_id", Value: uint32(newline)},
		{Key: k + "add_bos_token", Value: true},
		{Key: k + "add_eos_token", Value: false},
		{Key: k + "add_space_prefix", Value: true},
	}
}

// encoder is the tokenizer that a file with this vocabulary gives.
func (v *Vocabulary) encoder() (*llama.Vocab, error) {
	var b bytes.Buffer
	w, err := gguf.NewWriter(&b, v.meta(), nil)
	if err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	f, err := gguf.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		return nil, err
	}
	return llama.ReadVocab(f)
}
