package huggingface

import (
	"fmt"
	"strings"
)

// Expressions that tokenizer.json files split a text by, before BPE. Sources:
// src/llama-vocab.cpp, which keeps them beside its own forms of them, and the
// files of the models named.
const (
	splitContractions = `(?i:'s|'t|'re|'ve|'m|'ll|'d)`
	splitRest         = `| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	splitLlama3       = splitContractions + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}` + splitRest
	splitQwen2        = splitContractions + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}` + splitRest
	splitSeedCoder    = splitContractions + `|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1}| ?[^\s\p{L}\p{N}\r\n]+|\s*[\r\n]+|\s+(?!\S)|\s+`
	splitDeepSeek3    = "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]" + `[A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

	splitUpper  = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`
	splitLower  = `|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`
	splitSlash  = `| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	splitTekken = splitUpper + splitLower + `|\p{N}` + splitSlash
	splitGPT4o  = splitUpper + splitContractions + "?" + splitLower + splitContractions + `?|\p{N}{1,3}` + splitSlash
)

// preTokenizers are the names that llama.cpp has for ways to split, by the
// steps of tokenizer.json: an expression, "digits" one by one, and "words" as
// GPT-2 has them. The last step, bytes for letters, is in all of them.
var preTokenizers = map[string]string{
	"words":          "gpt-2",
	"digits + words": "smollm", // and StarCoder, Refact, Granite
	splitLlama3:      "dbrx",
	splitQwen2:       "qwen2",
	splitTekken:      "tekken",
	splitGPT4o:       "gpt-4o",
	splitSeedCoder:   "seed-coder",

	`[\r\n] + \s?\p{L}+ + \s?\p{P}+ + [一-龥ࠀ-一가-퟿]+ + digits`: "deepseek-coder",
	`\p{N}{1,3} + [一-龥぀-ゟ゠-ヿ]+ + ` + splitDeepSeek3:          "deepseek-v3",
}

// preTokenizer finds the name for how a text is split. llama.cpp's converter
// goes by what tokens a certain text becomes; this goes by the steps that are
// written in the file, which say the same, of a changed vocabulary too.
func (t *tokenizerFile) preTokenizer(v *vocabulary) {
	key := t.splitting()
	name, known := preTokenizers[key]
	if !known && strings.HasPrefix(key, `[\r\n] + \s?[A-Za-zµÀ-ÖØ-öø`) {
		name, known = "deepseek-llm", true // its second expression lists all letters
	}
	if !known {
		name = closest(key)
		v.note("llama.cpp has no name for the way this tokenizer splits a text before it joins bytes; %q is written, the closest, so that numbers and punctuation may be split otherwise", name)
	}
	// Under the name llama-bpe a word that is a token is not split, whatever
	// the merges say.
	switch {
	case name == "dbrx" && t.ignoreMerges:
		name = "llama-bpe"
	case t.ignoreMerges != (name == "tekken"):
		v.note("words that are tokens are%s taken whole before merges, and llama.cpp does otherwise under %q", map[bool]string{false: " not"}[t.ignoreMerges], name)
	}
	v.pre = name
	for _, s := range steps(t.pre, "pretokenizers") {
		if s["type"] == "ByteLevel" && s["add_prefix_space"] == true {
			v.note("the tokenizer puts a space before a text, and llama.cpp does not")
		}
	}
	for _, s := range steps(t.normalizer, "normalizers") {
		if typ, _ := s["type"].(string); typ != "NFC" {
			v.note("the tokenizer changes a text before it is split (%s), and llama.cpp does not", clip(typ))
		}
	}
}

// splitting writes the steps as a key of preTokenizers.
func (t *tokenizerFile) splitting() string {
	var list []string
	for _, s := range steps(t.pre, "pretokenizers") {
		switch typ, _ := s["type"].(string); typ {
		case "ByteLevel":
			if s["use_regex"] != false {
				list = append(list, "words")
			}
		case "Digits":
			if s["individual_digits"] == true {
				list = append(list, "digits")
			} else {
				list = append(list, "numbers")
			}
		case "Split":
			pattern, _ := s["pattern"].(map[string]any)
			text, ok := pattern["Regex"].(string)
			if !ok {
				text = fmt.Sprintf("%q", pattern["String"])
			}
			if b := s["behavior"]; b != "Isolated" && !(b == "Removed" && s["invert"] == true) {
				text += fmt.Sprintf(" (%v)", b)
			}
			list = append(list, text)
		default:
			list = append(list, typ)
		}
	}
	// Line ends may stand in an expression as they are or escaped.
	return strings.ReplaceAll(strings.ReplaceAll(strings.Join(list, " + "), "\r", `\r`), "\n", `\n`)
}

// closest is the name whose splitting is most like steps that have none.
func closest(key string) string {
	three := strings.Contains(key, `\p{N}{1,3}`)
	switch {
	case strings.Contains(key, `\p{Lu}`) && three:
		return "gpt-4o"
	case strings.Contains(key, `\p{Lu}`):
		return "tekken"
	case strings.Contains(key, `[^\r\n\p{L}\p{N}]?`) && three:
		return "dbrx"
	case strings.Contains(key, `[^\r\n\p{L}\p{N}]?`):
		return "qwen2"
	case strings.Contains(key, "digits"):
		return "smollm"
	case strings.Contains(key, "words"):
		return "gpt-2"
	}
	return "default"
}
