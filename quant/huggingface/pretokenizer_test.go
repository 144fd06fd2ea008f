package huggingface

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestUnigram reads pieces and their scores as they are.
func TestUnigram(t *testing.T) {
	g := realVocabulary(t, "ggml-vocab-llama-spm.gguf")
	tokens, scores, types := get[[]string](t, g, "ggml.tokens"), get[[]float32](t, g, "ggml.scores"), get[[]int32](t, g, "ggml.token_type")
	var vocab []any
	for i, token := range tokens {
		vocab = append(vocab, []any{token, scores[i]})
	}
	m := tiny(t, "LlamaForCausalLM", 32001, map[string][]byte{tokenizerName: marshal(t, map[string]any{
		"pre_tokenizer": map[string]any{"type": "Metaspace", "prepend_scheme": "never"},
		"model":         map[string]any{"type": "Unigram", "unk_id": 0, "byte_fallback": true, "vocab": vocab},
	})})
	other := func(i int) bool { return i == 1 || i == 2 } // nothing says here that they are control tokens
	same(t, "tokens", get[[]string](t, m, "ggml.tokens"), append(slices.Clone(tokens), "[PAD32000]"), nil)
	same(t, "scores", get[[]float32](t, m, "ggml.scores"), append(slices.Clone(scores), -10000), nil)
	same(t, "token_type", get[[]int32](t, m, "ggml.token_type"), append(slices.Clone(types), typeUnused), other)
	if get[bool](t, m, "ggml.add_space_prefix") || len(m.Notes) != 1 {
		t.Errorf("a space before a text, or notes %q", m.Notes)
	}
}

// Each tokenizer.json is of the model that is named; the text is its
// pre_tokenizer.
func TestPreTokenizers(t *testing.T) {
	const bytesOnly = `{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":false}`
	regex := func(list ...string) string {
		s := `{"type":"Sequence","pretokenizers":[`
		for _, e := range list {
			b, _ := json.Marshal(e)
			s += `{"type":"Split","pattern":{"Regex":` + string(b) + `},"behavior":"Isolated","invert":false},`
		}
		return s + bytesOnly + `]}`
	}
	const (
		three = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
		nemo  = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
		o200k = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	)
	for _, c := range []struct {
		name   string
		json   string
		ignore bool
		want   string
		notes  int
	}{
		{"Llama 3", regex(three), true, "llama-bpe", 0},
		{"Phi-4", regex(three), false, "dbrx", 0},
		{"Mistral Nemo", regex(nemo), true, "tekken", 0},
		{"Phi-4 mini", regex(o200k), false, "gpt-4o", 0},
		{"GPT-2", `{"type":"ByteLevel","add_prefix_space":false}`, false, "gpt-2", 0},
		{"DeepSeek Coder", `{"type":"Sequence","pretokenizers":[` +
			`{"type":"Split","pattern":{"Regex":"[\r\n]"},"behavior":"Isolated","invert":false},` +
			`{"type":"Split","pattern":{"Regex":"\\s?\\p{L}+"},"behavior":"Isolated","invert":false},` +
			`{"type":"Split","pattern":{"Regex":"\\s?\\p{P}+"},"behavior":"Isolated","invert":false},` +
			`{"type":"Split","pattern":{"Regex":"[一-龥ࠀ-一가-퟿]+"},"behavior":"Isolated","invert":false},` +
			`{"type":"Digits","individual_digits":true},` + bytesOnly + `]}`, false, "deepseek-coder", 0},
		{"unknown, like Llama 3", regex(`'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+|\s`), true, "llama-bpe", 1},
		{"unknown", `{"type":"Sequence","pretokenizers":[{"type":"Whitespace"},` + bytesOnly + `]}`, false, "default", 1},
		{"a space before", `{"type":"ByteLevel","add_prefix_space":true}`, false, "gpt-2", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			b, err := parseObject("x", bytes.ReplaceAll([]byte(c.json), []byte("\r\n"), []byte(`\r\n`)))
			if err != nil {
				t.Fatal(err)
			}
			f, v := &tokenizerFile{pre: b.m, ignoreMerges: c.ignore}, newVocabulary(1)
			f.preTokenizer(v)
			if v.pre != c.want || len(v.notes) != c.notes {
				t.Errorf("%q with notes %q, want %q", v.pre, v.notes, c.want)
			}
		})
	}
}

// TestAddedTokens puts tokens over others, behind them, and where there is no
// room.
func TestAddedTokens(t *testing.T) {
	file := string(byteTokenizer())
	file = strings.Replace(file, `"added_tokens":[`, `"added_tokens":[{"id":264,"content":"<|im_end|>"},{"id":265,"content":"▁▁"},{"id":270,"content":"ab"},{"id":300,"content":"late"},`, 1)
	m := tiny(t, "LlamaForCausalLM", 280, map[string][]byte{tokenizerName: []byte(file),
		tokenizerCfg: []byte(`{"added_tokens_decoder": {"266": {"content": "<tool>", "special": true}}, "eos_token": "</s>", "eot_token": null, "add_prefix_space": false, "add_sep_token": true}`)})
	tokens, types := get[[]string](t, m, "ggml.tokens"), get[[]int32](t, m, "ggml.token_type")
	for id, want := range map[int]struct {
		text string
		typ  int32
	}{
		1: {"<s>", typeControl}, 3: {"<0x00>", typeByte}, 262: {"[PAD262]", typeUnused}, 263: {"▁a", typeNormal}, 264: {"<|im_end|>", typeControl},
		265: {"  ", typeUserDefined}, 266: {"<tool>", typeControl}, 267: {"[PAD267]", typeUnused}, 270: {"ab", typeUserDefined},
	} {
		if tokens[id] != want.text || types[id] != want.typ {
			t.Errorf("token %d is %q of type %d, want %q of %d", id, tokens[id], types[id], want.text, want.typ)
		}
	}
	if len(m.Notes) != 3 || get[bool](t, m, "ggml.add_space_prefix") || get[bool](t, m, "ggml.add_sep_token") {
		t.Errorf("notes %q, or a space before a text, or a separator that is none", m.Notes)
	}
	if id := get[uint32](t, m, "ggml.eos_token_id"); id != 2 {
		t.Errorf("the end of text is %d", id)
	}
}
