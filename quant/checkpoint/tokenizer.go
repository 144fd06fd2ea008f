package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
)

// The types of tokens. Source: enum llama_token_type in include/llama.h.
const (
	tokenUnknown = 2
	tokenControl = 3
	tokenUser    = 4
)

// tokenizer writes the files of the tokenizer that a GGUF file has: for
// SentencePiece tokenizer.model, for BPE over bytes tokenizer.json; and
// tokenizer_config.json.
func (b *back) tokenizer(add func(name string, text []byte)) error {
	m := b.meta
	tokens, _ := m["tokenizer.ggml.tokens"].Value.([]string)
	types, _ := m["tokenizer.ggml.token_type"].Value.([]int32)
	if len(tokens) == 0 {
		return fmt.Errorf("the file has none")
	}
	if len(types) != len(tokens) {
		types = make([]int32, len(tokens))
	}
	settings := object{}
	switch model := m.text("tokenizer.ggml.model"); model {
	case "llama":
		scores, _ := m["tokenizer.ggml.scores"].Value.([]float32)
		if len(scores) != len(tokens) {
			return fmt.Errorf("%d scores do not belong to %d tokens", len(scores), len(tokens))
		}
		add("tokenizer.model", sentencePiece(tokens, types, scores, m["tokenizer.ggml.add_space_prefix"].Value != false))
		settings = object{{"tokenizer_class", "LlamaTokenizer"}, {"legacy", true}}
	case "gpt2":
		text, err := b.byteBPE(tokens, types)
		if err != nil {
			return err
		}
		add("tokenizer.json", text)
		settings = object{{"tokenizer_class", "PreTrainedTokenizerFast"}, {"clean_up_tokenization_spaces", false}}
	default:
		return fmt.Errorf("it is of the kind %.30q", model)
	}
	for _, s := range []struct{ key, from, add string }{
		{"bos_token", "bos", "add_bos_token"}, {"eos_token", "eos", "add_eos_token"}, {"unk_token", "unknown", ""}, {"pad_token", "padding", ""},
	} {
		if id, ok := m["tokenizer.ggml."+s.from+"_token_id"].Int(); ok && id >= 0 && id < int64(len(tokens)) {
			settings.set(s.key, tokens[id])
		}
		if on, ok := m["tokenizer.ggml."+s.add].Value.(bool); ok && s.add != "" {
			settings.set(s.add, on)
		}
	}
	if t := m.text("tokenizer.chat_template"); t != "" {
		settings.set("chat_template", t)
	}
	add("tokenizer_config.json", append(appendJSON(nil, settings, ""), '\n'))
	return nil
}

// sentencePiece is a tokenizer.model: a protocol buffer. Source:
// src/sentencepiece_model.proto of google/sentencepiece, whose types of pieces
// have llama.cpp's numbers.
func sentencePiece(tokens []string, types []int32, scores []float32, prefix bool) []byte {
	var out []byte
	for i, text := range tokens {
		piece := message(nil, 1, []byte(text))
		piece = append(piece, 2<<3|5)
		score := scores[i]
		if !finite(score) {
			score = 0
		}
		piece = binary.LittleEndian.AppendUint32(piece, math.Float32bits(score))
		if types[i] > 1 {
			piece = number32(piece, 3, uint64(types[i]))
		}
		out = message(out, 1, piece)
	}
	trainer := number32(nil, 3, 2)                      // model_type: BPE
	trainer = number32(trainer, 4, uint64(len(tokens))) // vocab_size
	trainer = number32(trainer, 35, 1)                  // byte_fallback
	normalizer := message(nil, 1, []byte("identity"))   // name
	normalizer = number32(normalizer, 3, bit(prefix))   // add_dummy_prefix
	normalizer = number32(normalizer, 4, 0)             // remove_extra_whitespaces
	normalizer = number32(normalizer, 5, 1)             // escape_whitespaces
	return message(message(out, 2, trainer), 3, normalizer)
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// message adds a field that has a length.
func message(b []byte, field int, inner []byte) []byte {
	b = binary.AppendUvarint(b, uint64(field)<<3|2)
	return append(binary.AppendUvarint(b, uint64(len(inner))), inner...)
}

// number32 adds a field that is a number.
func number32(b []byte, field int, v uint64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(field)<<3), v)
}

const (
	llama3Words = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	qwen2Words  = `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
)

// splitting is how a text is split before BPE, as tokenizer.json says it.
func splitting(pre string) (steps []any, ignoreMerges bool, err error) {
	bytesOnly := object{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}}
	byWords := object{{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", true}}
	by := func(expression string) object {
		return object{{"type", "Split"}, {"pattern", object{{"Regex", expression}}}, {"behavior", "Isolated"}, {"invert", false}}
	}
	switch pre {
	case "gpt-2":
		return []any{byWords}, false, nil
	case "smollm", "starcoder", "refact":
		return []any{object{{"type", "Digits"}, {"individual_digits", true}}, byWords}, false, nil
	case "llama-bpe", "llama3", "llama-v3":
		return []any{by(llama3Words), bytesOnly}, true, nil
	case "dbrx":
		return []any{by(llama3Words), bytesOnly}, false, nil
	case "qwen2":
		return []any{by(qwen2Words), bytesOnly}, false, nil
	}
	return nil, false, fmt.Errorf("it splits words as %.30q, which is not taken back", pre)
}

// byteBPE is a tokenizer.json.
func (b *back) byteBPE(tokens []string, types []int32) ([]byte, error) {
	merges, _ := b.meta["tokenizer.ggml.merges"].Value.([]string)
	steps, ignore, err := splitting(b.meta.text("tokenizer.ggml.pre"))
	if err != nil {
		return nil, err
	}
	vocab, added := object{}, []any{}
	seen := map[string]bool{}
	for i, text := range tokens {
		if seen[text] {
			continue
		}
		seen[text] = true
		if types[i] == tokenControl || types[i] == tokenUser || types[i] == tokenUnknown {
			added = append(added, object{
				{"id", i}, {"content", text}, {"single_word", false}, {"lstrip", false}, {"rstrip", false}, {"normalized", false},
				{"special", types[i] != tokenUser},
			})
			continue
		}
		vocab = append(vocab, field{text, i})
	}
	decoder := object{{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}
	o := object{
		{"version", "1.0"}, {"truncation", nil}, {"padding", nil}, {"added_tokens", added}, {"normalizer", nil},
		{"pre_tokenizer", object{{"type", "Sequence"}, {"pretokenizers", steps}}}, {"post_processor", b.postProcessor(tokens)}, {"decoder", decoder},
		{"model", object{
			{"type", "BPE"}, {"dropout", nil}, {"unk_token", nil}, {"continuing_subword_prefix", nil}, {"end_of_word_suffix", nil},
			{"fuse_unk", false}, {"byte_fallback", false}, {"ignore_merges", ignore}, {"vocab", vocab}, {"merges", merges},
		}},
	}
	return append(appendJSON(nil, o, ""), '\n'), nil
}

// postProcessor puts the first token before a text, where the model wants one.
func (b *back) postProcessor(tokens []string) any {
	id, ok := b.meta["tokenizer.ggml.bos_token_id"].Int()
	if b.meta["tokenizer.ggml.add_bos_token"].Value != true || !ok || id < 0 || id >= int64(len(tokens)) {
		return nil
	}
	first := object{{"SpecialToken", object{{"id", tokens[id]}, {"type_id", 0}}}}
	text := func(name string) object { return object{{"Sequence", object{{"id", name}, {"type_id", 0}}}} }
	return object{
		{"type", "TemplateProcessing"}, {"single", []any{first, text("A")}}, {"pair", []any{first, text("A"), text("B")}},
		{"special_tokens", object{{tokens[id], object{{"id", tokens[id]}, {"ids", []any{raw(strconv.FormatInt(id, 10))}}, {"tokens", []string{tokens[id]}}}}}},
	}
}
