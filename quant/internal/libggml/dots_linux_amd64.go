package libggml

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"
)

// cpuTraits begins struct ggml_type_traits_cpu (ggml-cpu.h).
type cpuTraits struct {
	fromFloat uintptr // to the type, for what it is the dotType of
	dot       uintptr
	dotType   uint32 // of the activations
}

// Dots is what libggml multiplies rows with: the build for this processor among
// those that it carries, loaded into this process.
type Dots struct {
	base   *Lib
	traits func(id uint32) *cpuTraits
	data   func(tensor uintptr) unsafe.Pointer
	call   calls
	Name   string // of the build: "libggml-cpu-haswell.so"
}

// OpenDots loads the library from a folder, "" for Find's.
func OpenDots(dir string) (*Dots, error) {
	if dir == "" {
		var err error
		if dir, err = Find(); err != nil {
			return nil, err
		}
	}
	base, err := Open(dir)
	if err != nil {
		return nil, err
	}
	builds, err := filepath.Glob(filepath.Join(dir, "libggml-cpu-*.so"))
	if err != nil {
		return nil, fmt.Errorf("libggml: %w", err)
	}
	d, handle, best := &Dots{base: base}, uintptr(0), int32(0)
	for _, path := range builds {
		h, err := purego.Dlopen(path, purego.RTLD_NOW|purego.RTLD_LOCAL)
		if err != nil {
			continue // for what this machine does not have
		}
		var score func() int32
		if sym, err := purego.Dlsym(h, "ggml_backend_score"); err == nil {
			purego.RegisterFunc(&score, sym)
			if s := score(); s > best {
				best, handle, d.Name = s, h, filepath.Base(path)
			}
		}
	}
	if handle == 0 {
		return nil, fmt.Errorf("libggml: no build for this processor is in %s", dir)
	}
	var prepare func()
	for name, f := range map[string]any{"ggml_cpu_init": &prepare, "ggml_get_type_traits_cpu": &d.traits} {
		sym, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("libggml: %w", err)
		}
		purego.RegisterFunc(f, sym)
	}
	prepare()
	if sym, err := purego.Dlsym(base.handle, "ggml_get_data"); err != nil {
		return nil, fmt.Errorf("libggml: %w", err)
	} else {
		purego.RegisterFunc(&d.data, sym)
	}
	for name, f := range map[string]*uintptr{
		"ggml_init": &d.call.start, "ggml_free": &d.call.free, "ggml_new_tensor_2d": &d.call.tensor,
		"ggml_mul_mat": &d.call.multiply, "ggml_new_graph": &d.call.graph, "ggml_build_forward_expand": &d.call.expand,
	} {
		if *f, err = purego.Dlsym(base.handle, name); err != nil {
			return nil, fmt.Errorf("libggml: %w", err)
		}
	}
	if d.call.compute, err = purego.Dlsym(handle, "ggml_graph_compute_with_ctx"); err != nil {
		return nil, fmt.Errorf("libggml: %w", err)
	}
	return d, nil
}

// Dot is a row of a type times activations, as the library's vec_dot computes it on
// activations that its own code has quantized.
func (d *Dots) Dot(id uint32, x []float32, w []byte) (float32, error) {
	size, err := d.base.RowSize(id, len(x))
	if err != nil {
		return 0, err
	}
	if len(w) != size || len(x) == 0 {
		return 0, fmt.Errorf("libggml: %d bytes given where %d values take %d", len(w), len(x), size)
	}
	t := d.traits(id)
	codes, err := d.base.RowSize(t.dotType, len(x))
	if err != nil {
		return 0, err
	}
	from := d.traits(t.dotType).fromFloat
	if t.dot == 0 || from == 0 {
		return 0, fmt.Errorf("libggml: type %d is not multiplied", id)
	}
	a, y := make([]byte, codes), make([]float32, 1)
	purego.SyscallN(from, uintptr(unsafe.Pointer(&x[0])), uintptr(unsafe.Pointer(&a[0])), uintptr(len(x)))
	purego.SyscallN(t.dot, uintptr(len(x)), uintptr(unsafe.Pointer(&y[0])), 0,
		uintptr(unsafe.Pointer(&w[0])), 0, uintptr(unsafe.Pointer(&a[0])), 0, 1)
	for _, v := range []any{x, w, a, y} {
		runtime.KeepAlive(v)
	}
	return y[0], nil
}

// extraMemory is for what ggml keeps of a graph, and for each run's quantized activations.
const extraMemory = 64 << 20

// Rate is how many weights a second ggml_mul_mat multiplies in one thread, tokens rows of x
// with rows rows of w: the best run of those that fit into about span, of one at least.
func (d *Dots) Rate(id uint32, x []float32, w []byte, tokens, rows, cols int, span time.Duration) (float64, error) {
	size, err := d.base.RowSize(id, cols)
	if err != nil {
		return 0, err
	}
	if tokens < 1 || rows < 1 || cols < 1 || len(x) != tokens*cols || len(w) != rows*size {
		return 0, fmt.Errorf("libggml: %d values and %d bytes are given for %d tokens and %d × %d", len(x), len(w), tokens, rows, cols)
	}
	// struct ggml_init_params is passed by value, on the stack: behind six words for registers.
	ctx, _, _ := purego.SyscallN(d.call.start, 0, 0, 0, 0, 0, 0, uintptr(len(w)+4*len(x)+4*tokens*rows+extraMemory), 0, 0)
	if ctx == 0 {
		return 0, errors.New("libggml: no memory for a product")
	}
	defer purego.SyscallN(d.call.free, ctx)
	const f32 = 0
	a, _, _ := purego.SyscallN(d.call.tensor, ctx, uintptr(id), uintptr(cols), uintptr(rows))
	b, _, _ := purego.SyscallN(d.call.tensor, ctx, f32, uintptr(cols), uintptr(tokens))
	copy(unsafe.Slice((*byte)(d.data(a)), len(w)), w)
	copy(unsafe.Slice((*float32)(d.data(b)), len(x)), x)
	y, _, _ := purego.SyscallN(d.call.multiply, ctx, a, b)
	graph, _, _ := purego.SyscallN(d.call.graph, ctx)
	purego.SyscallN(d.call.expand, graph, y)
	// Each run takes some of the extra memory.
	left, failed := extraMemory/2/(4*len(x)+1<<10), uintptr(0)
	if left < 1 {
		return 0, errors.New("libggml: too many activations")
	}
	best := rate(tokens*rows*cols, span, func() {
		if left > 0 {
			status, _, _ := purego.SyscallN(d.call.compute, ctx, graph, 1)
			failed |= status
			left--
		}
	})
	switch {
	case failed != 0:
		return 0, errors.New("libggml: the product failed")
	case left == 0:
		return 0, errors.New("libggml: the time is too long for a product this small")
	}
	return best, nil
}

// calls are functions of the library that a product takes, as addresses.
type calls struct{ start, free, tensor, multiply, graph, expand, compute uintptr }
