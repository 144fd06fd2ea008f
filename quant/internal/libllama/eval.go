//go:build linux && amd64

package libllama

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// runner is what it takes to evaluate a model. Source of the signatures:
// include/llama.h.
type runner struct {
	backends        string // their folder; "" once they are loaded
	loadBackends    func(dir string)
	modelDefaults   func(p unsafe.Pointer) uintptr
	contextDefaults func(p unsafe.Pointer) uintptr
	load, create    uintptr // take a struct by value: see byValue
	decode          uintptr
	freeModel, free func(p uintptr)
	vocabulary      func(model uintptr) uintptr
	tokens          func(vocabulary uintptr) int32
	logits          func(context uintptr) unsafe.Pointer
}

// modelParams is struct llama_model_params in words. Its defaults do.
type modelParams [10]uint64

// contextParams is struct llama_context_params in half words: the context's
// length, the sizes of two batches; threads at 28 and 32 bytes, flash attention
// at 52, cb_eval at 88, the types of keys and values at 104 and 108.
type contextParams [40]uint32

// batch is struct llama_batch. Pointers that are nil take defaults.
type batch struct {
	n                                   int64
	token                               *int32
	embd, pos, sequences, sequenceOfOne unsafe.Pointer
	logits                              *int8
}

func newRunner(handle uintptr, lib string) (*runner, error) {
	r := &runner{backends: filepath.Dir(lib)}
	for name, f := range map[string]any{
		"ggml_backend_load_all_from_path": &r.loadBackends,
		"llama_model_default_params":      &r.modelDefaults, "llama_context_default_params": &r.contextDefaults,
		"llama_model_free": &r.freeModel, "llama_free": &r.free,
		"llama_model_get_vocab": &r.vocabulary, "llama_vocab_n_tokens": &r.tokens, "llama_get_logits": &r.logits,
	} {
		sym, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("libllama: %w", err)
		}
		purego.RegisterFunc(f, sym)
	}
	for name, at := range map[string]*uintptr{
		"llama_model_load_from_file": &r.load, "llama_init_from_model": &r.create, "llama_decode": &r.decode,
	} {
		sym, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("libllama: %w", err)
		}
		*at = sym
	}
	return r, nil
}

// byValue calls f with a pointer and a struct larger than 16 bytes: the System
// V ABI puts the one into the first of six registers and the other on the stack.
func byValue(f, first uintptr, words []uint64) uintptr {
	args := []uintptr{first, 0, 0, 0, 0, 0}
	for _, w := range words {
		args = append(args, uintptr(w))
	}
	ret, _, _ := purego.SyscallN(f, args...)
	return ret
}

// eval writes the logits after each token to a file.
func (r *runner) eval(j Job) error {
	if r.backends != "" { // nothing is evaluated without one
		r.loadBackends(r.backends)
		r.backends = ""
	}
	var mp modelParams
	r.modelDefaults(unsafe.Pointer(&mp))
	mp[9] &^= 0xff0000 // use_extra_bufts: weights stay as they are stored
	path := text(j.In)
	model := byValue(r.load, uintptr(unsafe.Pointer(path)), mp[:])
	runtime.KeepAlive(path)
	if model == 0 {
		return errors.New("the model is not loaded")
	}
	defer r.freeModel(model)

	var cp contextParams
	r.contextDefaults(unsafe.Pointer(&cp))
	n := len(j.Tokens)
	cp[0], cp[1], cp[2] = uint32(max(n, j.Context)), uint32(n), uint32(n)
	cp[7], cp[8] = 1, 1   // threads
	cp[13] = 0            // no flash attention: the products one by one
	cp[26], cp[27] = 0, 0 // keys and values in F32
	var sums collected
	if j.Collect {
		sums = collected{}
		call := purego.NewCallback(sums.observe)
		cp[22], cp[23] = uint32(call), uint32(call>>32)
	}
	context := byValue(r.create, model, unsafe.Slice((*uint64)(unsafe.Pointer(&cp)), len(cp)/2))
	if context == 0 {
		return errors.New("there is no context")
	}
	defer r.free(context)

	wanted := make([]int8, n)
	for i := range wanted {
		wanted[i] = 1
	}
	b := &batch{n: int64(n), token: &j.Tokens[0], logits: &wanted[0]}
	var pin runtime.Pinner
	defer pin.Unpin()
	pin.Pin(b.token)
	pin.Pin(b.logits)
	if code := int32(byValue(r.decode, context, (*[7]uint64)(unsafe.Pointer(b))[:])); code != 0 {
		return fmt.Errorf("llama_decode answers %d", code)
	}
	if j.Collect {
		return sums.write(j.Out)
	}
	size := n * int(r.tokens(r.vocabulary(model)))
	return os.WriteFile(j.Out, unsafe.Slice((*byte)(r.logits(context)), 4*size), 0o600)
}
