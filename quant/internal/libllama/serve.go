//go:build linux && amd64

package libllama

import (
	"encoding/gob"
	"fmt"
	"os"
	"runtime"
	"unsafe"

	"github.com/ebitengine/purego"
)

// Serve carries out jobs and never returns, where this process was started by
// Run. Else it does nothing.
func Serve() {
	lib := os.Getenv(serving)
	if lib == "" {
		return
	}
	if err := serve(lib); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

func serve(lib string) error {
	runtime.LockOSThread()
	var jobs []Job
	if err := gob.NewDecoder(os.Stdin).Decode(&jobs); err != nil {
		return err
	}
	h, err := purego.Dlopen(lib, purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return err
	}
	var start func()
	var defaults func(p unsafe.Pointer) uintptr
	var quantize func(in, out string, p unsafe.Pointer) uint32
	purego.RegisterLibFunc(&start, h, "llama_backend_init")
	purego.RegisterLibFunc(&defaults, h, "llama_model_quantize_default_params")
	purego.RegisterLibFunc(&quantize, h, "llama_model_quantize")
	start()
	for _, j := range jobs {
		var p params
		defaults(unsafe.Pointer(&p))
		keep := p.set(j)
		quantize(j.In, j.Out, unsafe.Pointer(&p))
		runtime.KeepAlive(keep)
		fmt.Fprint(os.Stderr, marker)
	}
	return nil
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
	p.words[0], p.words[1], p.words[2], p.words[3] = 1, j.FileType, j.Output, j.Embedding
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
