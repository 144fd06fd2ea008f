package llama

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fewbits/quant"
)

// None stands for a token that a vocabulary does not have.
const None int32 = -1

// Vocab turns text into tokens and back. Its methods may be called from
// several goroutines.
type Vocab struct {
	BOS, EOS       int32 // begin and end of a text; None where there is none
	AddBOS, AddEOS bool  // whether Encode puts them around a text

	tokens  []token
	ids     map[string]int32 // by text; of two tokens with one text the later
	special []int32          // what is found in text before anything else, the longest first
	unknown int32

	bytes [256]int32 // SentencePiece: the token of a byte that nothing else stands for

	scheme      *scheme // how bytes are cut into words first; nil for SentencePiece
	ranks       map[pair]int32
	spacePrefix bool
}

// token is one entry of a vocabulary.
type token struct {
	text  string
	score float32
	attr  attr
}

// attr is what a token is for. Numbers of the file: enum llama_token_type.
type attr uint8

const (
	normal attr = 1 << iota
	unknown
	control
	userDefined
	unused
	byteValue
	stripRight // spaces after it are taken with it
)

var attrOfType = map[int32]attr{1: normal, 2: unknown, 3: control, 4: userDefined, 5: unused, 6: byteValue}

// pair is what a merge of BPE joins.
type pair struct{ left, right string }

// maxTokens bounds a vocabulary; the largest have a quarter of a million.
const maxTokens = 1 << 22

const (
	keyTokenizer = "tokenizer.ggml.model"
	keyPre       = "tokenizer.ggml.pre"
	keyTokens    = "tokenizer.ggml.tokens"
)

// ReadVocab reads the tokenizer in a file's metadata. It fails where there is
// none, and on a kind that is not known here, and names the key at fault.
func ReadVocab(src quant.Source) (*Vocab, error) {
	k := keysOf(src)
	kind, err := k.text(keyTokenizer, "")
	if err != nil {
		return nil, err
	}
	v := &Vocab{unknown: None}
	switch kind {
	case "llama":
		v.BOS, v.EOS, v.unknown, v.AddBOS, v.spacePrefix = 1, 2, 0, true, true
	case "gpt2":
		v.BOS, v.EOS = 11, 11
		if err := v.readMerges(k); err != nil {
			return nil, err
		}
	case "", "none", "no_vocab":
		return nil, fmt.Errorf("llama: the file has no tokenizer (key %s is %q)", keyTokenizer, kind)
	default:
		return nil, fmt.Errorf("llama: the tokenizer %q (key %s) is not known here; llama and gpt2 are", kind, keyTokenizer)
	}
	if err := v.readTokens(k); err != nil {
		return nil, err
	}
	if err := v.readSpecial(k); err != nil {
		return nil, err
	}
	v.override(k)
	v.index()
	return v, nil
}

// readTokens reads texts, scores and types.
func (v *Vocab) readTokens(k keys) error {
	texts, ok := k[keyTokens].Value.([]string)
	if !ok || len(texts) == 0 || len(texts) > maxTokens {
		return fmt.Errorf("llama: key %s must be an array of 1 to %d strings", keyTokens, maxTokens)
	}
	scores, err := perToken[float32](k, "tokenizer.ggml.scores", len(texts))
	if err != nil {
		return err
	}
	types, err := perToken[int32](k, "tokenizer.ggml.token_type", len(texts))
	if err != nil {
		return err
	}
	v.tokens = make([]token, len(texts))
	v.ids = make(map[string]int32, len(texts))
	for i, text := range texts {
		if text == "" {
			text = "[EMPTY_" + strconv.Itoa(i) + "]"
		}
		t := token{text: text, attr: normal}
		if scores != nil {
			t.score = scores[i]
		}
		if types != nil {
			t.attr = attrOfType[types[i]]
		}
		v.tokens[i] = t
		v.ids[text] = int32(i)
	}
	return nil
}

func perToken[T float32 | int32](k keys, key string, n int) ([]T, error) {
	m, ok := k[key]
	if !ok {
		return nil, nil
	}
	list, ok := m.Value.([]T)
	if !ok || len(list) < n {
		return nil, fmt.Errorf("llama: key %s must be an array with a number for each of the %d tokens", key, n)
	}
	return list, nil
}

// readMerges reads what BPE joins, the first first.
func (v *Vocab) readMerges(k keys) error {
	const key = "tokenizer.ggml.merges"
	list, ok := k[key].Value.([]string)
	if !ok || len(list) > maxTokens {
		return fmt.Errorf("llama: key %s must be an array of strings", key)
	}
	v.ranks = make(map[pair]int32, len(list))
	for i, s := range list {
		var p pair
		if s != "" { // a space may begin the left part
			if at := strings.IndexByte(s[1:], ' '); at >= 0 {
				p = pair{s[:at+1], s[at+2:]}
			}
		}
		if _, twice := v.ranks[p]; !twice {
			v.ranks[p] = int32(i)
		}
	}
	name, err := k.text(keyPre, "default")
	if err != nil {
		return err
	}
	if v.scheme = schemes[name]; v.scheme == nil {
		return fmt.Errorf("llama: the pre-tokenizer %q (key %s) is not known here", name, keyPre)
	}
	v.AddBOS = v.scheme.addBOS
	return nil
}

// readSpecial reads which tokens begin and end a text, and whether to add them.
func (v *Vocab) readSpecial(k keys) error {
	for _, s := range []struct {
		key string
		id  *int32
	}{
		{"tokenizer.ggml.bos_token_id", &v.BOS},
		{"tokenizer.ggml.eos_token_id", &v.EOS},
		{"tokenizer.ggml.unknown_token_id", &v.unknown},
	} {
		if id, ok := k[s.key].Int(); ok && id >= 0 && id < int64(len(v.tokens)) {
			*s.id = int32(id) // an id out of range is ignored, as llama.cpp does
		}
		if int(*s.id) >= len(v.tokens) {
			*s.id = None
		}
	}
	for _, f := range []struct {
		key string
		at  *bool
	}{
		{"tokenizer.ggml.add_bos_token", &v.AddBOS},
		{"tokenizer.ggml.add_eos_token", &v.AddEOS},
		{"tokenizer.ggml.add_space_prefix", &v.spacePrefix},
	} {
		var err error
		if *f.at, err = k.flag(f.key, *f.at); err != nil {
			return err
		}
	}
	v.AddBOS = v.AddBOS && v.BOS != None
	v.AddEOS = v.AddEOS && v.EOS != None
	return nil
}

// controls are texts that only control tokens have, whatever the file says of
// their type. Source: the lists of llama_vocab::impl::load.
var controls = []string{
	"<|eot_id|>", "<|im_end|>", "<|end|>", "<end_of_turn>", "<|endoftext|>", "<|end_of_text|>", "<EOT>", "_<EOT>",
	"[EOT]", "[EOS]", "<end_of_utterance>", "<|eom_id|>", "<|return|>", "<|call|>", "<|flush|>", "<|calls|>", "</s>", "<eos>",
}

// drawn are texts that are always found and always shown.
var drawn = []string{"<|channel|>", "<|message|>", "<|start|>", "<|constrain|>"}

// override sets what llama.cpp knows about tokens without the file's saying so.
func (v *Vocab) override(k keys) {
	for _, text := range controls {
		if id, ok := v.ids[text]; ok {
			v.tokens[id].attr |= control
		}
	}
	for _, text := range drawn {
		if id, ok := v.ids[text]; ok {
			v.tokens[id].attr = userDefined
		}
	}
	name, _ := k["general.name"].Value.(string)
	if name = strings.ToLower(name); !strings.Contains(name, "phi-3") && !strings.Contains(name, "phi3") {
		return
	}
	for i := range v.tokens {
		switch t := &v.tokens[i]; {
		case t.text == "<unk>" || t.text == "<s>" || t.text == "<|endoftext|>":
		case t.attr&(control|userDefined|unknown) != 0 || t.text == "</s>":
			t.attr |= stripRight
		}
	}
}

// index lists the special tokens, and the tokens of single bytes.
func (v *Vocab) index() {
	for i, t := range v.tokens {
		if t.attr&(control|userDefined|unknown) != 0 {
			v.special = append(v.special, int32(i))
		}
	}
	slices.SortStableFunc(v.special, func(a, b int32) int { return len(v.tokens[b].text) - len(v.tokens[a].text) })
	for b := range v.bytes {
		id, ok := v.ids[fmt.Sprintf("<0x%02X>", b)]
		if !ok {
			if id, ok = v.ids[string([]byte{byte(b)})]; !ok {
				id = v.unknown
			}
		}
		v.bytes[b] = id
	}
}

// Len is the number of tokens.
func (v *Vocab) Len() int { return len(v.tokens) }

// Equal says whether two vocabularies have the same tokens.
func (v *Vocab) Equal(w *Vocab) bool {
	return slices.EqualFunc(v.tokens, w.tokens, func(a, b token) bool { return a.text == b.text })
}
