package libggml

import (
	"fmt"
	"path/filepath"
	"runtime"
	"time"
	"unsafe"

	"github.com/ebitengine/purego"
)

// typeCount is the number of type ids that the library knows. It indexes its
// table without a check.
const typeCount = 43

// toFloat is where a type's row function stands in struct ggml_type_traits.
const toFloat = 40

// Lib is libggml loaded into this process. Input that it asserts against ends
// the process.
type Lib struct {
	handle        uintptr
	quantizeInit  func(id uint32)
	quantizeChunk func(id uint32, src, dst unsafe.Pointer, start, rows, cols int64, importance unsafe.Pointer) uintptr
	needsImatrix  func(id uint32) bool
	rowSize       func(id uint32, cols int64) uintptr
	blockSize     func(id uint32) int64
	typeName      func(id uint32) string
	typeTraits    func(id uint32) unsafe.Pointer
}

// Open loads the library from a folder, "" for Find's.
func Open(dir string) (*Lib, error) {
	if dir == "" {
		var err error
		if dir, err = Find(); err != nil {
			return nil, err
		}
	}
	handle, err := purego.Dlopen(filepath.Join(dir, library), purego.RTLD_NOW|purego.RTLD_GLOBAL)
	if err != nil {
		return nil, fmt.Errorf("libggml: %w", err)
	}
	l := &Lib{handle: handle}
	for name, f := range map[string]any{
		"ggml_quantize_init":             &l.quantizeInit,
		"ggml_quantize_chunk":            &l.quantizeChunk,
		"ggml_quantize_requires_imatrix": &l.needsImatrix,
		"ggml_row_size":                  &l.rowSize,
		"ggml_blck_size":                 &l.blockSize,
		"ggml_type_name":                 &l.typeName,
		"ggml_get_type_traits":           &l.typeTraits,
	} {
		sym, err := purego.Dlsym(handle, name)
		if err != nil {
			return nil, fmt.Errorf("libggml: %w", err)
		}
		purego.RegisterFunc(f, sym)
	}
	return l, nil
}

// TypeName is what the library calls a type: "q4_K".
func (l *Lib) TypeName(id uint32) (string, error) {
	if id >= typeCount {
		return "", fmt.Errorf("libggml: there is no type %d", id)
	}
	return l.typeName(id), nil
}

// BlockSize is the number of values in a block of a type, 0 where it was removed.
func (l *Lib) BlockSize(id uint32) (int, error) {
	if id >= typeCount {
		return 0, fmt.Errorf("libggml: there is no type %d", id)
	}
	return int(l.blockSize(id)), nil
}

// RowSize is the number of bytes that a row of cols values takes.
func (l *Lib) RowSize(id uint32, cols int) (int, error) {
	block, err := l.BlockSize(id)
	switch {
	case err != nil:
		return 0, err
	case block == 0:
		return 0, fmt.Errorf("libggml: type %d was removed", id)
	case cols < 0 || cols%block != 0:
		return 0, fmt.Errorf("libggml: rows of %d values are not a multiple of %d", cols, block)
	}
	return int(l.rowSize(id, int64(cols))), nil
}

// Quantize is what ggml_quantize_chunk writes for rows × cols values.
// importance has one weight a column, or is nil.
func (l *Lib) Quantize(id uint32, x []float32, rows, cols int, importance []float32) ([]byte, error) {
	size, err := l.RowSize(id, cols)
	if err != nil {
		return nil, err
	}
	if len(x) != rows*cols || len(x) == 0 || importance != nil && len(importance) != cols {
		return nil, fmt.Errorf("libggml: %d values and %d weights given for %d × %d", len(x), len(importance), rows, cols)
	}
	dst := make([]byte, rows*size)
	l.quantize(id, x, dst, rows, cols, importance)
	return dst, nil
}

func (l *Lib) quantize(id uint32, x []float32, dst []byte, rows, cols int, importance []float32) {
	l.quantizeInit(id)
	l.quantizeChunk(id, unsafe.Pointer(&x[0]), unsafe.Pointer(&dst[0]), 0, int64(rows), int64(cols), unsafe.Pointer(unsafe.SliceData(importance)))
	runtime.KeepAlive(x)
	runtime.KeepAlive(dst)
	runtime.KeepAlive(importance)
}

// Dequantize turns src into the n values that it holds.
func (l *Lib) Dequantize(id uint32, src []byte, n int) ([]float32, error) {
	size, err := l.RowSize(id, n)
	if err != nil {
		return nil, err
	}
	if len(src) != size || n == 0 {
		return nil, fmt.Errorf("libggml: %d bytes given where %d values take %d", len(src), n, size)
	}
	f := *(*uintptr)(unsafe.Add(l.typeTraits(id), toFloat))
	if f == 0 {
		return nil, fmt.Errorf("libggml: type %d cannot be read back", id)
	}
	dst := make([]float32, n)
	dequantize(f, src, dst)
	return dst, nil
}

func dequantize(f uintptr, src []byte, dst []float32) {
	purego.SyscallN(f, uintptr(unsafe.Pointer(&src[0])), uintptr(unsafe.Pointer(&dst[0])), uintptr(len(dst)))
	runtime.KeepAlive(src)
	runtime.KeepAlive(dst)
}

// QuantizeRate is how many values a second one thread of the library
// quantizes: the best run of those that fit into about d.
func (l *Lib) QuantizeRate(id uint32, x []float32, rows, cols int, importance []float32, d time.Duration) (float64, error) {
	dst, err := l.Quantize(id, x, rows, cols, importance)
	if err != nil {
		return 0, err
	}
	return rate(len(x), d, func() { l.quantize(id, x, dst, rows, cols, importance) }), nil
}

// DequantizeRate is how many values a second one thread of the library reads
// back: the best run of those that fit into about d.
func (l *Lib) DequantizeRate(id uint32, src []byte, n int, d time.Duration) (float64, error) {
	dst, err := l.Dequantize(id, src, n)
	if err != nil {
		return 0, err
	}
	f := *(*uintptr)(unsafe.Add(l.typeTraits(id), toFloat))
	return rate(n, d, func() { dequantize(f, src, dst) }), nil
}

// rate runs f until d has passed and is n over its shortest run, a second.
func rate(n int, d time.Duration, f func()) float64 {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	best := time.Duration(1<<63 - 1)
	for start := time.Now(); ; {
		t := time.Now()
		f()
		best = min(best, max(time.Since(t), 1))
		if time.Since(start) >= d {
			return float64(n) / best.Seconds()
		}
	}
}
