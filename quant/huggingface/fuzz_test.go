package huggingface

import (
	"encoding/json"
	"testing"

	"fewbits/quant"
	"fewbits/quant/gguf"
)

// FuzzOpen opens folders whose files say anything. What is mapped must read,
// and must fit GGUF.
func FuzzOpen(f *testing.F) {
	for _, m := range models {
		k := newCheckpoint(m.class, m.over)
		config, _ := json.Marshal(k.config)
		f.Add(config, k.files[tokenizerName], []byte(llamaSettings), []byte(nil))
	}
	config, _ := json.Marshal(newCheckpoint("LlamaForCausalLM", nil).config)
	f.Add(config, []byte(nil), []byte(`{"chat_template": [{"name": "default"}], "added_tokens_decoder": {"7": {"content": "x"}}}`), []byte("\x0a\x0e\x0a\x05<unk>\x15\x00\x00\x00\x00\x18\x02\x0a\x08\x0a\x01a\x15\x00\x00\x80\xbf"))
	f.Add(config, []byte(`{"pre_tokenizer":{"type":"ByteLevel"},"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"a"}},{}]},"model":{"type":"BPE","merges":[["a","b"]],"vocab":{"a":0,"b":1,"ab":2}}}`), []byte(`{}`), []byte(nil))
	f.Add(config, []byte(`{"model":{"type":"Unigram","unk_id":0,"vocab":[["a",-1],["b",-2.5e3]]}}`), []byte(`{"bos_token":"a"}`), []byte(nil))
	weights := newCheckpoint("LlamaForCausalLM", nil).weights(f)
	f.Fuzz(func(t *testing.T, config, tokenizer, settings, pieces []byte) {
		files := []quant.File{memoryFile(configName, config), memoryFile(tokenizerCfg, settings)}
		if len(tokenizer) > 0 {
			files = append(files, memoryFile(tokenizerName, tokenizer))
		}
		if len(pieces) > 0 {
			files = append(files, memoryFile(sentenceName, pieces))
		}
		m, err := Open(files, weights)
		if err != nil {
			return
		}
		for _, e := range m.Metadata() {
			if typ, err := gguf.TypeOf(e.Value); err != nil || typ != e.Type {
				t.Errorf("%s: %q, %v", e.Key, e.Type, err)
			}
		}
		openGGUF(t, toGGUF(t, m))
		seen := map[string]bool{}
		for _, token := range get[[]string](t, m, "ggml.tokens") {
			if seen[token] {
				t.Errorf("token %q is there twice", token)
			}
			seen[token] = true
		}
	})
}
