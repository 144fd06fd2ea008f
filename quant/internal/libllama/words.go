//go:build linux && amd64

package libllama

import (
	"encoding/gob"
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Words is what came of a job with texts.
type Words struct {
	IDs     [][]int32 // of each text
	Pieces  [][]byte  // text of each token, special ones included
	Classes []uint16  // of each code point, where asked for: unicode_cpt_flags
	BOS     int32
	EOS     int32
	AddBOS  bool
}

// words is what it takes to ask for a vocabulary. Source of the signatures:
// include/llama.h and src/unicode.h.
type words struct {
	size, bos, eos func(vocabulary uintptr) int32
	addBOS         func(vocabulary uintptr) bool
	tokenize       func(vocabulary uintptr, text unsafe.Pointer, length int32, ids unsafe.Pointer, most int32, special, parse bool) int32
	piece          func(vocabulary uintptr, id int32, buf unsafe.Pointer, length, strip int32, special bool) int32
	class          func(r uint32) uint16
}

func newWords(handle uintptr) (*words, error) {
	w := &words{}
	for name, f := range map[string]any{
		"llama_vocab_n_tokens": &w.size, "llama_vocab_bos": &w.bos, "llama_vocab_eos": &w.eos,
		"llama_vocab_get_add_bos": &w.addBOS, "llama_tokenize": &w.tokenize, "llama_token_to_piece": &w.piece,
		"_Z26unicode_cpt_flags_from_cptj": &w.class,
	} {
		sym, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("libllama: %w", err)
		}
		purego.RegisterFunc(f, sym)
	}
	return w, nil
}

// read asks for everything that a Job about texts wants, and writes it to a file.
func (r *runner) read(w *words, j Job) error {
	var mp modelParams
	r.modelDefaults(unsafe.Pointer(&mp))
	mp[9] |= 1 // vocab_only
	path := text(j.In)
	model := byValue(r.load, uintptr(unsafe.Pointer(path)), mp[:])
	runtime.KeepAlive(path)
	if model == 0 {
		return errors.New("the vocabulary is not loaded")
	}
	defer r.freeModel(model)
	v := r.vocabulary(model)
	a := Words{BOS: w.bos(v), EOS: w.eos(v), AddBOS: w.addBOS(v)}
	for _, t := range j.Texts {
		ids := make([]int32, 3*len(t)+8) // a byte may become U+FFFD, and that three tokens
		n := w.tokenize(v, unsafe.Pointer(unsafe.StringData(t)), int32(len(t)), unsafe.Pointer(&ids[0]), int32(len(ids)), j.AddSpecial, j.ParseSpecial)
		if n < 0 {
			return fmt.Errorf("%d tokens for %d bytes", -n, len(t))
		}
		a.IDs = append(a.IDs, ids[:n])
	}
	buf := make([]byte, 1024)
	for id := range w.size(v) {
		n := w.piece(v, id, unsafe.Pointer(&buf[0]), int32(len(buf)), 0, true)
		if n < 0 {
			return fmt.Errorf("the piece of token %d has %d bytes", id, -n)
		}
		a.Pieces = append(a.Pieces, append([]byte(nil), buf[:n]...))
	}
	if j.Classes {
		for c := range uint32(0x110000) {
			a.Classes = append(a.Classes, w.class(c))
		}
	}
	f, err := os.Create(j.Out)
	if err != nil {
		return err
	}
	defer f.Close()
	return gob.NewEncoder(f).Encode(a)
}

func readWords(path string) (*Words, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	w := &Words{}
	return w, gob.NewDecoder(f).Decode(w)
}
