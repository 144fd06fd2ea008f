package huggingface

import (
	"fmt"
	"maps"
	"slices"

	"fewbits/quant"
	"fewbits/quant/internal/json"
)

const (
	tokenizerName  = "tokenizer.json"
	sentenceName   = "tokenizer.model"
	tokenizerCfg   = "tokenizer_config.json"
	addedName      = "added_tokens.json"
	generationName = "generation_config.json"
)

// tokenizer makes the vocabulary for an embedding of so many rows: from
// tokenizer.model, as the converter does, or else from tokenizer.json.
func (f folder) tokenizer(c *config, rows int) (*vocabulary, error) {
	settings, err := f.object(tokenizerCfg)
	if err != nil {
		return nil, err
	}
	var t *tokenizerFile
	if file, ok := f.files[tokenizerName]; ok {
		if t, err = readTokenizer(file); err != nil {
			return nil, err
		}
	}
	v, err := f.pieces(c, settings, t, rows)
	if err != nil {
		return nil, err
	}
	if v == nil && t == nil {
		return nil, fmt.Errorf("there is neither %s nor %s; without one llama.cpp cannot read a text: open the whole folder of the model", tokenizerName, sentenceName)
	}
	if v == nil {
		if v, err = t.vocabulary(rows); err != nil {
			return nil, err
		}
		listed, err := f.listed(settings, v)
		if err != nil {
			return nil, err
		}
		v.add(append(listed, t.added...))
	}
	v.pad()
	v.strips = t != nil && t.strips
	if v.model == "llama" {
		if err := f.spaces(c, settings, t, v); err != nil {
			return nil, err
		}
	}
	if err := f.specials(c, settings, t, v); err != nil {
		return nil, err
	}
	v.template, err = f.template(settings)
	return v, err
}

// pieces makes a vocabulary from tokenizer.model; nil where there is none, or
// where the model has a tokenizer of another kind, whatever lies beside it.
func (f folder) pieces(c *config, settings object, t *tokenizerFile, rows int) (*vocabulary, error) {
	b, err := f.read(sentenceName)
	if err != nil || b == nil || c.fused && settings.m["tokenizer_class"] == "GPT2Tokenizer" {
		return nil, err
	}
	v, err := sentencePieces(b, rows)
	if err != nil && t != nil {
		return nil, nil // Llama 3 has such a file, of another kind
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", sentenceName, err)
	}
	listed, err := f.listed(settings, v)
	if err != nil {
		return nil, err
	}
	if t != nil { // of which the converter takes those of Phi-3
		for _, a := range t.added {
			if c.fused || a.id >= 0 && a.id < int64(rows) && v.types[a.id] == 0 {
				listed = append(listed, a)
			}
		}
	}
	v.add(listed)
	return v, nil
}

// listed are the added tokens that stand elsewhere than in tokenizer.json.
func (f folder) listed(settings object, v *vocabulary) ([]added, error) {
	var list []added
	extra, err := f.object(addedName)
	if err != nil {
		return nil, err
	}
	for _, content := range slices.Sorted(maps.Keys(extra.m)) {
		id, err := extra.integer(content, -1, 0, 1<<31-1)
		if err != nil {
			return nil, err
		}
		list = append(list, added{id: int64(id), content: content})
	}
	decoder, err := settings.object("added_tokens_decoder")
	if err != nil {
		return nil, err
	}
	for _, number := range slices.Sorted(maps.Keys(decoder.m)) {
		id, ok := json.Number(number).Int()
		if !ok || id < 0 {
			return nil, decoder.fail(number, "the key should be a token's number")
		}
		token, err := decoder.object(number)
		if err != nil {
			return nil, err
		}
		a := added{id: id}
		if a.content, err = token.text("content", ""); err != nil {
			return nil, err
		}
		if a.special, err = token.flag("special", false); err != nil {
			return nil, err
		}
		list = append(list, a)
	}
	return list, nil
}

// spaces finds out whether a text gets a space before it. Where nothing is
// said llama.cpp puts one.
func (f folder) spaces(c *config, settings object, t *tokenizerFile, v *vocabulary) error {
	if n := v.bytesMissing(); n > 0 {
		v.note("%d of the 256 byte tokens are missing, without which llama.cpp stops at a letter that the vocabulary does not have", n)
	}
	if c.normsLess { // Gemma
		v.noPrefix = true
		return nil
	}
	said, err := settings.flag("add_prefix_space", false)
	if err != nil {
		return err
	}
	switch {
	case settings.has("add_prefix_space") && c.permuted:
		v.prefix, v.noPrefix = said, !said
	case t != nil && !t.spaceBefore():
		v.noPrefix = true
	}
	return nil
}

// openJSON reads a file from an offset on.
func openJSON(f quant.File, name string, offset int64) *json.Reader {
	return json.New(name, f.R, offset, f.Size)
}
