package huggingface

import (
	"fmt"

	"fewbits/quant/internal/json"
)

// roles are the tokens with a part to play: what Hugging Face's files call
// them, and GGUF.
var roles = []struct{ name, key string }{
	{"bos", "bos"}, {"eos", "eos"}, {"unk", "unknown"}, {"sep", "seperator"},
	{"pad", "padding"}, {"cls", "cls"}, {"mask", "mask"}, {"eot", "eot"},
}

// specials are the numbers of such tokens, and which of them a text gets.
type specials struct {
	ids map[string]int32
	put map[string]bool // by name: bos, eos, sep
}

func (s specials) metadata(p *pairs) {
	for _, r := range roles {
		if id, ok := s.ids[r.name]; ok {
			p.counts("tokenizer.ggml.", []count{{r.key + "_token_id", int(id)}})
		}
	}
	for _, name := range putNames {
		if put, ok := s.put[name]; ok {
			p.flag("tokenizer.ggml.add_"+name+"_token", put)
		}
	}
}

// putNames are the tokens that a text may get.
var putNames = []string{"bos", "eos", "sep"}

// specials finds them: by their texts in tokenizer_config.json (or, without it,
// in special_tokens_map.json), else by their numbers in config.json, else in generation_config.json. Which of them a text
// gets is read off the template of tokenizer.json, and what
// tokenizer_config.json says counts more. Source: SpecialVocab in
// gguf-py/gguf/vocab.py.
func (f folder) specials(c *config, settings object, t *tokenizerFile, v *vocabulary) error {
	v.special = specials{map[string]int32{}, map[string]bool{}}
	mapped, err := f.object("special_tokens_map.json")
	if err != nil {
		return err
	}
	texts := map[string]string{}
	for _, r := range roles {
		if texts[r.name] = specialText(settings, r.name); settings.m == nil {
			texts[r.name] = specialText(mapped, r.name)
		}
	}
	if t != nil {
		v.putByTemplate(t, texts, settings.m != nil || mapped.m != nil)
	}
	for _, r := range roles {
		if id, ok := v.ids[texts[r.name]]; ok && texts[r.name] != "" {
			v.special.ids[r.name] = id
		}
	}
	generation, err := f.object(generationName)
	if err != nil {
		return err
	}
	for _, o := range []object{c.source, generation} {
		for _, r := range roles[:7] {
			v.numbered(o, r.name)
		}
	}
	for _, name := range putNames {
		key := "add_" + name + "_token"
		put, err := settings.flag(key, false)
		if err != nil {
			return err
		}
		if settings.has(key) {
			v.special.put[name] = put
		}
	}
	v.settle(c)
	return nil
}

// specialText is the text of a special token: a string, or the content of an
// object.
func specialText(settings object, name string) string {
	switch e := settings.m[name+"_token"].(type) {
	case string:
		return e
	case map[string]any:
		s, _ := e["content"].(string)
		return s
	}
	return ""
}

// numbered takes the number of a special token, the first where there are
// several. One that the vocabulary does not have is left out.
func (v *vocabulary) numbered(o object, name string) {
	value := o.m[name+"_token_id"]
	if list, ok := value.([]any); ok && len(list) > 0 {
		value = list[0]
	}
	n, _ := value.(json.Number)
	id, ok := n.Int()
	if _, there := v.special.ids[name]; ok && !there && id >= 0 && id < int64(len(v.tokens)) {
		v.special.ids[name] = int32(id)
	}
}

// putByTemplate reads which tokens begin and end a text off the template of a
// single one. A last token that is not the end of text by
// tokenizer_config.json takes its place, and that becomes the end of turn.
func (v *vocabulary) putByTemplate(t *tokenizerFile, texts map[string]string, settled bool) {
	for _, p := range steps(t.post, "processors") {
		single, _ := p["single"].([]any)
		if p["type"] != "TemplateProcessing" || len(single) < 2 {
			continue
		}
		if first := templateToken(single[0]); first != "" {
			if !settled {
				texts["bos"] = first
			}
			v.special.put["bos"] = first == texts["bos"] || first == texts["cls"]
		}
		if last := templateToken(single[len(single)-1]); last != "" {
			if settled && texts["eos"] != "" && last != texts["eos"] && texts["eot"] == "" {
				texts["eot"] = texts["eos"]
			}
			texts["eos"] = last
			v.special.put["eos"] = true
		}
	}
}

// templateToken is the special token that a piece of a template is, or "".
func templateToken(piece any) string {
	m, _ := piece.(map[string]any)
	token, _ := m["SpecialToken"].(map[string]any)
	id, _ := token["id"].(string)
	return id
}

// settle makes the rest agree with what llama.cpp takes for granted.
func (v *vocabulary) settle(c *config) {
	s := v.special
	if _, ok := s.put["bos"]; !ok && (v.pre == "llama-bpe" || v.pre == "tekken") {
		s.put["bos"] = false // these names put one where nothing is said
	}
	if v.model == "gpt2" && c.permuted && len(v.tokens) == 49152 {
		s.put["bos"] = false // as the converter has it for SmolLM and Granite
	}
	for _, name := range putNames {
		if _, ok := s.ids[name]; s.put[name] && !ok {
			if v.model == "llama" && name != "sep" {
				continue // llama.cpp knows the numbers 1 and 2
			}
			v.note("a text would get a token %s, and none is named; it gets none", name)
			s.put[name] = false
		}
	}
}

// template is the chat template, of the files that may hold it in this order.
func (f folder) template(settings object) (string, error) {
	switch t := settings.m["chat_template"].(type) {
	case string:
		return t, nil
	case []any:
		return defaultTemplate(t), nil
	}
	b, err := f.read("chat_template.jinja")
	if err != nil || b != nil {
		return string(b), err
	}
	o, err := f.object("chat_template.json")
	if err != nil || o.m == nil {
		return "", err
	}
	text, err := o.text("chat_template", "")
	if err != nil {
		return "", fmt.Errorf("%w; leave the file out to go without", err)
	}
	return text, nil
}

// defaultTemplate is the one of several templates that is called "default".
func defaultTemplate(list []any) string {
	for _, e := range list {
		m, _ := e.(map[string]any)
		text, _ := m["template"].(string)
		if m["name"] == "default" {
			return text
		}
	}
	return ""
}
