//go:build linux && amd64

package libllama

import (
	"fmt"
	"runtime"
	"strings"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"
)

// quantizer is llama_model_quantize and what it needs.
type quantizer struct {
	defaults func(p unsafe.Pointer) uintptr
	quantize func(in, out string, p unsafe.Pointer) uint32
}

func newQuantizer(handle uintptr) (*quantizer, error) {
	var start func()
	q := &quantizer{}
	for name, f := range map[string]any{
		"llama_backend_init":                  &start,
		"llama_model_quantize_default_params": &q.defaults,
		"llama_model_quantize":                &q.quantize,
	} {
		sym, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("libllama: %w", err)
		}
		purego.RegisterFunc(f, sym)
	}
	start()
	return q, nil
}

// run carries out a job and says whether the library did.
func (q *quantizer) run(j Job) bool {
	var p params
	q.defaults(unsafe.Pointer(&p))
	keep := p.set(j)
	code := q.quantize(j.In, j.Out, unsafe.Pointer(&p))
	runtime.KeepAlive(keep)
	return code == 0
}

// Timer carries out jobs in this process, for benchmarks. What the library
// asserts against ends the process.
type Timer struct {
	q   *quantizer
	why *string // what it said last that was an error
}

// NewTimer loads the library.
func NewTimer() (*Timer, error) {
	lib, err := Library()
	if err != nil {
		return nil, err
	}
	h, err := purego.Dlopen(lib, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("libllama: %w", err)
	}
	q, err := newQuantizer(h)
	if err != nil {
		return nil, err
	}
	sym, err := purego.Dlsym(h, "llama_log_set")
	if err != nil {
		return nil, fmt.Errorf("libllama: %w", err)
	}
	const levelError = 4 // GGML_LOG_LEVEL_ERROR
	t := &Timer{q: q, why: new(string)}
	var set func(log, data uintptr)
	purego.RegisterFunc(&set, sym)
	set(purego.NewCallback(func(level int32, line *byte, _ uintptr) uintptr {
		if level == levelError {
			*t.why = strings.TrimSpace(goText(line))
		}
		return 0
	}), 0)
	return t, nil
}

// Quantize carries out a job and says how long it took.
func (t *Timer) Quantize(j Job) (time.Duration, error) {
	start := time.Now()
	if !t.q.run(j) {
		return 0, fmt.Errorf("libllama: %s is not quantized: %s", j.In, *t.why)
	}
	return time.Since(start), nil
}

// params is struct llama_model_quantize_params: nthread, ftype, two types,
// booleans from byte 16 on, pointers from byte 24 on.
type params struct {
	words [4]uint32
	flags [8]bool
	ptrs  [4]unsafe.Pointer // imatrix, kv_overrides, tt_overrides, prune_layers
	rest  uint64
}

// entry is struct llama_model_imatrix_data.
type entry struct {
	name *byte
	data *float32
	size uint64
}

// override is struct llama_model_tensor_override.
type override struct {
	pattern *byte
	typ     uint32
	_       uint32
}

// set writes a job. What it returns must outlive the call.
func (p *params) set(j Job) (keep []any) {
	p.words[0], p.words[1], p.words[2], p.words[3] = uint32(max(1, j.Threads)), j.FileType, j.Output, j.Embedding
	p.flags[0], p.flags[1], p.flags[2], p.flags[3], p.flags[5] = j.Requantize, !j.LeaveOutput, j.OnlyCopy, j.Pure, j.DryRun
	if len(j.Importance) > 0 {
		var list []entry
		for name, x := range j.Importance {
			list = append(list, entry{text(name), unsafe.SliceData(x), uint64(len(x))})
		}
		list = append(list, entry{})
		p.ptrs[0] = unsafe.Pointer(&list[0])
		keep = append(keep, list)
	}
	if len(j.Types) > 0 {
		var list []override
		for _, o := range j.Types {
			list = append(list, override{pattern: text(o.Pattern), typ: o.Type})
		}
		list = append(list, override{})
		p.ptrs[2] = unsafe.Pointer(&list[0])
		keep = append(keep, list)
	}
	return keep
}

// text is a string of C.
func text(s string) *byte { return unsafe.SliceData(append([]byte(s), 0)) }

// goText is a string of C as one of Go.
func goText(p *byte) string {
	n := 0
	for *(*byte)(unsafe.Add(unsafe.Pointer(p), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(p, n))
}
