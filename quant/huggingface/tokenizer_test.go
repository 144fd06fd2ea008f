package huggingface

import (
	"cmp"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"fewbits/quant"
	"fewbits/quant/gguf"
	"fewbits/quant/internal/testdata"
)

// realVocabulary opens one of the vocabularies that llama.cpp keeps for its
// own tests, made of the original models by its converter.
func realVocabulary(t testing.TB, name string) *gguf.File {
	t.Helper()
	b, err := os.ReadFile(testdata.File(t, "gguf", name))
	if err != nil {
		t.Fatal(err)
	}
	return openGGUF(t, b)
}

func get[T any](t testing.TB, g interface{ Metadata() []quant.Meta }, key string) T {
	t.Helper()
	for _, m := range g.Metadata() {
		if v, ok := m.Value.(T); ok && m.Key == "tokenizer."+key {
			return v
		}
	}
	t.Fatalf("there is no %s", key)
	panic("not reached")
}

// tiny is a model of few weights with room for a vocabulary. files are the
// tokenizer's.
func tiny(t testing.TB, class string, tokens int, files map[string][]byte) *Model {
	t.Helper()
	k := newCheckpoint(class, map[string]any{
		"num_hidden_layers": 1, "hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 2, "head_dim": 4,
		"num_key_value_heads": 2, "vocab_size": tokens, "tie_word_embeddings": true, "bos_token_id": nil, "eos_token_id": nil,
	})
	k.files = files
	return k.open(t)
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// control lists the tokens of types that added_tokens has, as tokenizer.json
// does.
func control(tokens []string, types []int32) []any {
	var list []any
	for id, typ := range types {
		special := typ == typeControl || typ == typeUnknown
		if (special || typ == typeUserDefined) && !strings.HasPrefix(tokens[id], "[PAD") {
			list = append(list, map[string]any{"id": id, "content": tokens[id], "special": special, "normalized": false, "rstrip": strings.HasPrefix(tokens[id], "<|")})
		}
	}
	return list
}

// splits are the ways to make a token of two, by their numbers: what
// transformers writes as merges of a SentencePiece model
// (generate_merges in convert_slow_tokenizer.py).
func splits(token string, ids map[string]int) [][2]string {
	var list [][2]string
	for i := range token {
		if i == 0 {
			continue
		}
		_, left := ids[token[:i]]
		_, right := ids[token[i:]]
		if left && right {
			list = append(list, [2]string{token[:i], token[i:]})
		}
	}
	slices.SortFunc(list, func(a, b [2]string) int {
		return cmp.Or(cmp.Compare(ids[a[0]], ids[b[0]]), cmp.Compare(ids[a[1]], ids[b[1]]))
	})
	return list
}

// sentenceJSON writes a vocabulary of SentencePiece as transformers does.
func sentenceJSON(t testing.TB, g *gguf.File, pairs bool) []byte {
	t.Helper()
	tokens, types := get[[]string](t, g, "ggml.tokens"), get[[]int32](t, g, "ggml.token_type")
	scores := get[[]float32](t, g, "ggml.scores")
	n := len(tokens)
	for n > 0 && strings.HasPrefix(tokens[n-1], "[PAD") { // what fills the embedding
		n--
	}
	base := n
	for base > 0 && types[base-1] != typeNormal { // added tokens follow
		base--
	}
	ids := map[string]int{}
	var order []int
	for id, token := range tokens[:base] {
		ids[token] = id
		if types[id] == typeNormal {
			order = append(order, id)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
	var merges []any
	for _, id := range order {
		for _, m := range splits(tokens[id], ids) {
			if pairs {
				merges = append(merges, m[:])
			} else {
				merges = append(merges, m[0]+" "+m[1])
			}
		}
	}
	return marshal(t, map[string]any{
		"added_tokens":   control(tokens[:n], types[:n]),
		"normalizer":     map[string]any{"type": "Sequence", "normalizers": []any{map[string]any{"type": "Prepend", "prepend": "▁"}}},
		"post_processor": template("<s>"),
		"model":          map[string]any{"type": "BPE", "unk_token": "<unk>", "byte_fallback": true, "vocab": ids, "merges": merges},
	})
}

// template is a post-processor that puts a token before a text.
func template(first string) any {
	return map[string]any{"type": "TemplateProcessing", "single": []any{
		map[string]any{"SpecialToken": map[string]any{"id": first, "type_id": 0}},
		map[string]any{"Sequence": map[string]any{"id": "A", "type_id": 0}},
	}}
}

// same compares lists of metadata but at the places in except.
func same[T comparable](t *testing.T, key string, got, want []T, except func(i int) bool) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s has %d entries, want %d", key, len(got), len(want))
		return
	}
	wrong := 0
	for i := range want {
		if got[i] != want[i] && (except == nil || !except(i)) {
			if wrong++; wrong <= 3 {
				t.Errorf("%s[%d] is %v, want %v", key, i, got[i], want[i])
			}
		}
	}
	if wrong > 3 {
		t.Errorf("%s: %d entries differ", key, wrong)
	}
}

// sameKeys compares keys that the other file has.
func sameKeys(t *testing.T, m *Model, g *gguf.File, keys ...string) {
	t.Helper()
	for _, key := range keys {
		want, ok := g.Get("tokenizer." + key)
		if !ok {
			t.Errorf("the real file has no %s", key)
			continue
		}
		found := false
		for _, e := range m.Metadata() {
			if e.Key == "tokenizer."+key {
				found = true
				if typ, _ := gguf.TypeOf(want); !reflect.DeepEqual(e.Value, want) || e.Type != typ {
					t.Errorf("%s is %v (%s), want %v (%s)", key, e.Value, e.Type, want, typ)
				}
			}
		}
		if !found {
			t.Errorf("%s is missing", key)
		}
	}
}

// sameOrder compares the order that scores give to tokens of several letters,
// which is all that they are for. (Llama's two spaces have −10⁹, not a rank.)
func sameOrder(t *testing.T, tokens []string, types []int32, got, want []float32) {
	t.Helper()
	order := func(scores []float32) []int {
		var list []int
		for id, token := range tokens {
			if types[id] == typeNormal && utf8.RuneCountInString(token) > 1 {
				list = append(list, id)
			}
		}
		slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(scores[b], scores[a]) })
		return list
	}
	same(t, "token by score", order(got), order(want), nil)
	for id, typ := range types {
		if typ != typeNormal && got[id] != want[id] && id > 2 {
			t.Errorf("the score of token %d is %v, want %v", id, got[id], want[id])
		}
	}
}

var llamaSettings = []byte(`{"bos_token": {"__type": "AddedToken", "content": "<s>"}, "eos_token": "</s>", "unk_token": "<unk>",
	"add_bos_token": true, "add_eos_token": false, "model_max_length": 1000000000000000019884624838656}`)

// TestSentencePieceModel holds what becomes of Llama 2's tokenizer.model
// against what the converter made of it.
func TestSentencePieceModel(t *testing.T) {
	g := realVocabulary(t, "ggml-vocab-llama-spm.gguf")
	b, err := os.ReadFile(testdata.File(t, "llama2c", "tokenizer.model"))
	if err != nil {
		t.Fatal(err)
	}
	m := tiny(t, "LlamaForCausalLM", 32000, map[string][]byte{
		sentenceName: b, tokenizerCfg: llamaSettings, tokenizerName: sentenceJSON(t, g, false)})
	if len(m.Notes) > 0 {
		t.Errorf("notes: %q", m.Notes)
	}
	same(t, "tokens", get[[]string](t, m, "ggml.tokens"), get[[]string](t, g, "ggml.tokens"), nil)
	same(t, "scores", get[[]float32](t, m, "ggml.scores"), get[[]float32](t, g, "ggml.scores"), nil)
	same(t, "token_type", get[[]int32](t, m, "ggml.token_type"), get[[]int32](t, g, "ggml.token_type"), nil)
	sameKeys(t, m, g, "ggml.model", "ggml.pre", "ggml.bos_token_id", "ggml.eos_token_id", "ggml.unknown_token_id", "ggml.add_bos_token", "ggml.add_eos_token")
}

// TestSentencePieceJSON has only tokenizer.json, from which scores are
// computed. Added tokens, of which tokenizer.model does not know that they
// are, have the score −1000 and are control tokens, as the converter has it.
func TestSentencePieceJSON(t *testing.T) {
	for _, pairs := range []bool{false, true} {
		g := realVocabulary(t, "ggml-vocab-llama-spm.gguf")
		m := tiny(t, "LlamaForCausalLM", 32000, map[string][]byte{tokenizerCfg: llamaSettings, tokenizerName: sentenceJSON(t, g, pairs)})
		if len(m.Notes) > 0 {
			t.Errorf("notes: %q", m.Notes)
		}
		first := func(i int) bool { return i < 3 }
		same(t, "tokens", get[[]string](t, m, "ggml.tokens"), get[[]string](t, g, "ggml.tokens"), nil)
		sameOrder(t, get[[]string](t, g, "ggml.tokens"), get[[]int32](t, g, "ggml.token_type"), get[[]float32](t, m, "ggml.scores"), get[[]float32](t, g, "ggml.scores"))
		same(t, "token_type", get[[]int32](t, m, "ggml.token_type"), get[[]int32](t, g, "ggml.token_type"), first)
		same(t, "token_type", get[[]int32](t, m, "ggml.token_type")[:3], []int32{typeControl, typeControl, typeControl}, nil)
		same(t, "scores", get[[]float32](t, m, "ggml.scores")[:3], []float32{-1000, -1000, -1000}, nil)
		sameKeys(t, m, g, "ggml.model", "ggml.pre", "ggml.bos_token_id", "ggml.eos_token_id", "ggml.unknown_token_id", "ggml.add_bos_token", "ggml.add_eos_token")
	}
}

// TestPhi3 has added tokens behind the vocabulary and rows that no token
// takes. The real file, of an early converter, calls those unknown (2), which
// are unused (5) since.
func TestPhi3(t *testing.T) {
	g := realVocabulary(t, "ggml-vocab-phi-3.gguf")
	chat := get[string](t, g, "chat_template")
	settings := marshal(t, map[string]any{
		"bos_token": "<s>", "eos_token": "<|endoftext|>", "pad_token": "<|endoftext|>", "unk_token": "<unk>",
		"add_bos_token": true, "add_eos_token": false, "chat_template": chat,
	})
	model, err := os.ReadFile(testdata.File(t, "llama2c", "tokenizer.model"))
	if err != nil {
		t.Fatal(err)
	}
	for _, files := range []map[string][]byte{
		{tokenizerCfg: settings, tokenizerName: sentenceJSON(t, g, false)},
		{tokenizerCfg: settings, tokenizerName: sentenceJSON(t, g, false), sentenceName: model},
	} {
		m := tiny(t, "Phi3ForCausalLM", 32064, files)
		tokens := get[[]string](t, g, "ggml.tokens")
		pad := func(i int) bool { return strings.HasPrefix(tokens[i], "[PAD") }
		same(t, "tokens", get[[]string](t, m, "ggml.tokens"), tokens, nil)
		if scores := get[[]float32](t, m, "ggml.scores"); files[sentenceName] != nil {
			same(t, "scores", scores, get[[]float32](t, g, "ggml.scores"), nil)
		} else {
			sameOrder(t, tokens, get[[]int32](t, g, "ggml.token_type"), scores, get[[]float32](t, g, "ggml.scores"))
			same(t, "scores", scores[:3], get[[]float32](t, g, "ggml.scores")[:3], nil)
		}
		same(t, "token_type", get[[]int32](t, m, "ggml.token_type"), get[[]int32](t, g, "ggml.token_type"), pad)
		for i, typ := range get[[]int32](t, m, "ggml.token_type") {
			if pad(i) && typ != typeUnused {
				t.Errorf("token %d, %s, has type %d", i, tokens[i], typ)
			}
		}
		sameKeys(t, m, g, "ggml.model", "ggml.pre", "ggml.bos_token_id", "ggml.eos_token_id", "ggml.unknown_token_id", "ggml.padding_token_id",
			"ggml.add_bos_token", "ggml.add_eos_token", "chat_template")
	}
}

// byteJSON writes a BPE over bytes.
func byteJSON(t testing.TB, g *gguf.File, pairs, ignoreMerges bool, pre ...any) []byte {
	t.Helper()
	tokens, types := get[[]string](t, g, "ggml.tokens"), get[[]int32](t, g, "ggml.token_type")
	ids := map[string]int{}
	for id, token := range tokens {
		if types[id] == typeNormal {
			ids[token] = id
		}
	}
	var merges any = get[[]string](t, g, "ggml.merges")
	if pairs {
		var list [][]string
		for _, m := range get[[]string](t, g, "ggml.merges") {
			list = append(list, strings.Split(m, " "))
		}
		merges = list
	}
	return marshal(t, map[string]any{
		"added_tokens":  control(tokens, types),
		"pre_tokenizer": map[string]any{"type": "Sequence", "pretokenizers": append(pre, map[string]any{"type": "ByteLevel", "add_prefix_space": false, "use_regex": pre == nil || len(pre) == 1 && pre[0].(map[string]any)["type"] == "Digits"})},
		"decoder":       map[string]any{"type": "ByteLevel"},
		"model":         map[string]any{"type": "BPE", "vocab": ids, "merges": merges, "ignore_merges": ignoreMerges},
	})
}

func split(pattern string) any {
	return map[string]any{"type": "Split", "pattern": map[string]any{"Regex": pattern}, "behavior": "Isolated", "invert": false}
}

// bytePairs are real vocabularies and the pre-tokenizer that the tokenizer.json
// of the model they are of has.
var bytePairs = []struct {
	file         string
	pairs        bool
	ignoreMerges bool
	pre          []any
}{
	{"ggml-vocab-gpt-2.gguf", false, false, nil},
	{"ggml-vocab-gpt-2.gguf", true, false, nil},
	{"gridcore_vocab-bpe-llama3.gguf", false, true, []any{split(`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`)}},
	{"gridcore_vocab-bpe-qwen2.gguf", true, false, []any{split(`(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`)}},
	{"gridcore_vocab-bpe-smollm.gguf", false, false, []any{map[string]any{"type": "Digits", "individual_digits": true}}},
}

// bytePairModel is a model with such a vocabulary.
func bytePairModel(t testing.TB, i int) (*Model, *gguf.File) {
	t.Helper()
	c := bytePairs[i]
	g := realVocabulary(t, c.file)
	bos, eos := get[uint32](t, g, "ggml.bos_token_id"), get[uint32](t, g, "ggml.eos_token_id")
	k := newCheckpoint("Qwen2ForCausalLM", map[string]any{
		"num_hidden_layers": 1, "hidden_size": 8, "intermediate_size": 8, "num_attention_heads": 2, "num_key_value_heads": 2,
		"vocab_size": len(get[[]string](t, g, "ggml.tokens")), "tie_word_embeddings": true, "bos_token_id": int(bos), "eos_token_id": []int{int(eos), 7},
	})
	k.files = map[string][]byte{tokenizerName: byteJSON(t, g, c.pairs, c.ignoreMerges, c.pre...)}
	return k.open(t), g
}

func TestBytePairs(t *testing.T) {
	for i, c := range bytePairs {
		t.Run(c.file, func(t *testing.T) {
			m, g := bytePairModel(t, i)
			if len(m.Notes) > 0 {
				t.Errorf("notes: %q", m.Notes)
			}
			same(t, "tokens", get[[]string](t, m, "ggml.tokens"), get[[]string](t, g, "ggml.tokens"), nil)
			same(t, "token_type", get[[]int32](t, m, "ggml.token_type"), get[[]int32](t, g, "ggml.token_type"), nil)
			same(t, "merges", get[[]string](t, m, "ggml.merges"), get[[]string](t, g, "ggml.merges"), nil)
			sameKeys(t, m, g, "ggml.model", "ggml.pre", "ggml.bos_token_id", "ggml.eos_token_id")
		})
	}
}
