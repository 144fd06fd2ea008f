package huggingface

import (
	"fmt"
	"strings"
)

// The types of tokens. Source: enum llama_token_type in include/llama.h.
const (
	typeNormal      = 1
	typeUnknown     = 2
	typeControl     = 3
	typeUserDefined = 4
	typeUnused      = 5
	typeByte        = 6
)

// Scores that stand for none: of tokens that were added, and of places in the
// embedding that no token has.
const (
	scoreAdded = -1000
	scorePad   = -10000
)

// vocabulary is a tokenizer as llama.cpp has it.
type vocabulary struct {
	model  string // "llama" for SentencePiece, "gpt2" for BPE over bytes
	pre    string // how a text is split into words before
	tokens []string
	types  []int32
	scores []float32        // of SentencePiece
	merges []string         // of BPE
	ids    map[string]int32 // of tokens

	strips   bool // special tokens take the spaces behind them
	noPrefix bool // a text gets no space before it
	prefix   bool // it is said that it gets one
	special  specials
	template string
	notes    []string
}

// newVocabulary has a place for each row of the embedding.
func newVocabulary(rows int) *vocabulary {
	return &vocabulary{tokens: make([]string, rows), types: make([]int32, rows), ids: make(map[string]int32, rows)}
}

func (v *vocabulary) note(format string, args ...any) {
	v.notes = append(v.notes, fmt.Sprintf(format, args...))
}

// set puts a token of the base vocabulary in its place.
func (v *vocabulary) set(token string, id int64, typ int32, score float32) error {
	if id < 0 || id >= int64(len(v.tokens)) {
		return fmt.Errorf("token %q has the number %d, and the embedding has %d rows; tokenizer and weights are not of one model", clip(token), id, len(v.tokens))
	}
	if v.types[id] != 0 {
		return fmt.Errorf("tokens %q and %q have the same number, %d; the file is damaged", clip(v.tokens[id]), clip(token), id)
	}
	if other, ok := v.ids[token]; ok {
		return fmt.Errorf("token %q is there twice, with the numbers %d and %d; the file is damaged", clip(token), other, id)
	}
	v.tokens[id], v.types[id], v.ids[token] = token, typ, int32(id)
	if v.scores != nil {
		v.scores[id] = score
	}
	return nil
}

// isByte says whether a token stands for one byte, as <0x0A>.
func isByte(token string) bool {
	if len(token) != 6 || token[:3] != "<0x" || token[5] != '>' {
		return false
	}
	for _, c := range []byte(token[3:5]) {
		if !(c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F') {
			return false
		}
	}
	return true
}

// added is a token that was put into a vocabulary after it was made.
type added struct {
	id      int64
	content string
	special bool
}

// looksSpecial says whether a token that is not called special should be.
// Source: does_token_look_special in conversion/base.py.
func looksSpecial(token string) bool {
	switch token {
	case "<pad>", "<mask>", "<2mass>", "[@BOS@]":
		return true
	}
	between := func(begin, end string) bool {
		return strings.HasPrefix(token, begin) && strings.HasSuffix(token, end)
	}
	return between("<|", "|>") || between("<｜", "｜>") || between("<unused", ">")
}

// add puts added tokens in their places, over what is there. Spaces of a
// user's token are spaces, since llama.cpp looks for it in the text as it is.
func (v *vocabulary) add(list []added) {
	outside := 0
	for _, a := range list {
		if a.id < 0 || a.id >= int64(len(v.tokens)) {
			outside++
			continue
		}
		text, typ := a.content, int32(typeControl)
		if !a.special && !looksSpecial(text) {
			text, typ = strings.ReplaceAll(text, "▁", " "), typeUserDefined
		}
		if text == "" {
			continue
		}
		if old := v.tokens[a.id]; v.types[a.id] != 0 && v.ids[old] == int32(a.id) {
			delete(v.ids, old)
		}
		if other, ok := v.ids[text]; ok && other != int32(a.id) {
			v.note("token %q has the numbers %d and %d; llama.cpp takes one, and gets %d", clip(text), other, a.id, a.id)
			v.tokens[other], v.types[other] = "", 0
		}
		v.tokens[a.id], v.types[a.id], v.ids[text] = text, typ, int32(a.id)
		if v.scores != nil {
			v.scores[a.id] = scoreAdded
		}
	}
	if outside > 0 {
		v.note("%d added tokens are left out, since the embedding has no rows for them", outside)
	}
}

// pad fills the places that have no token.
func (v *vocabulary) pad() {
	for id, typ := range v.types {
		if typ != 0 {
			continue
		}
		name := fmt.Sprintf("[PAD%d]", id)
		for {
			if _, ok := v.ids[name]; !ok {
				break
			}
			name += "_"
		}
		v.tokens[id], v.types[id], v.ids[name] = name, typeUnused, int32(id)
		if v.scores != nil {
			v.scores[id] = scorePad
		}
	}
}

// bytesMissing counts the bytes that have no token, which llama.cpp needs for
// letters that it does not know.
func (v *vocabulary) bytesMissing() int {
	n := 0
	for b := range 256 {
		if _, ok := v.ids[fmt.Sprintf("<0x%02X>", b)]; !ok {
			n++
		}
	}
	return n
}

// metadata are the keys about the tokenizer.
func (v *vocabulary) metadata(p *pairs) {
	const k = "tokenizer.ggml."
	p.text(k+"model", v.model)
	p.text(k+"pre", v.pre)
	p.put(k+"tokens", "[string]", v.tokens)
	if v.scores != nil {
		p.put(k+"scores", "[f32]", v.scores)
	}
	p.put(k+"token_type", "[i32]", v.types)
	if v.merges != nil {
		p.put(k+"merges", "[string]", v.merges)
	}
	v.special.metadata(p)
	if v.prefix || v.noPrefix {
		p.flag(k+"add_space_prefix", v.prefix)
	}
	if v.template != "" {
		p.text("tokenizer.chat_template", v.template)
	}
}
