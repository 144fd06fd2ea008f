package gguf

import (
	"errors"
	"fmt"
	"io"
	"sync"

	"fewbits/quant"
	"fewbits/quant/ggml"
)

// File is an open GGUF file. It is a quant.Source; what it returns belongs to
// it and must not be changed. Its methods may be called from several
// goroutines where its io.ReaderAt may.
type File struct {
	Version    uint32 // 2 or 3
	Alignment  int64  // of tensors, in bytes
	DataOffset int64  // byte where the tensors' data starts

	r     io.ReaderAt
	size  int64
	meta  []quant.Meta
	keys  map[string]int // index in meta
	infos []quant.TensorInfo
	types []ggml.Type
	spare sync.Pool // *[]byte that ReadRows is done with
}

var _ quant.Source = (*File)(nil)

// Container is "gguf".
func (f *File) Container() string { return "gguf" }

// Metadata is every key and its value, in file order. The Go types of the
// values are those that TypeOf lists, so that NewWriter writes them back as
// they were.
func (f *File) Metadata() []quant.Meta { return f.meta }

// Tensors describes every tensor, in file order.
func (f *File) Tensors() []quant.TensorInfo { return f.infos }

// Get is the value of a key.
func (f *File) Get(key string) (any, bool) {
	i, ok := f.keys[key]
	if !ok {
		return nil, false
	}
	return f.meta[i].Value, true
}

// Text is the value of a key that holds a string.
func (f *File) Text(key string) (string, bool) {
	v, _ := f.Get(key)
	s, ok := v.(string)
	return s, ok
}

// Int is the value of a key that holds an integer of any width.
func (f *File) Int(key string) (int64, bool) {
	v, _ := f.Get(key)
	return quant.Meta{Value: v}.Int()
}

// Float is the value of a key that holds a float of either width.
func (f *File) Float(key string) (float64, bool) {
	v, _ := f.Get(key)
	switch v := v.(type) {
	case float32:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}

// ReadRaw reads len(dst) bytes from offset off of tensor i's own bytes.
func (f *File) ReadRaw(i int, off int64, dst []byte) error {
	if i < 0 || i >= len(f.infos) {
		return fmt.Errorf("gguf: there is no tensor %d; the file has %d", i, len(f.infos))
	}
	info := &f.infos[i]
	if off < 0 || int64(len(dst)) > info.Bytes-off {
		return fmt.Errorf("gguf: %s: bytes %d to %d are asked for, and it has %d", f.name(i), off, off+int64(len(dst)), info.Bytes)
	}
	if len(dst) == 0 {
		return nil
	}
	n, err := f.r.ReadAt(dst, info.Offset+off)
	if n == len(dst) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return &Error{Truncated, info.Offset + off + int64(n), f.name(i), "the file ends here, though it was longer when it was opened"}
	}
	return fmt.Errorf("gguf: %s: reading byte %d of the file: %w", f.name(i), info.Offset+off, err)
}

// rawChunk bounds the memory that ReadRows takes beside dst.
const rawChunk = 1 << 20

// ReadRows reads rows [row, row+n) of tensor i as float32 into dst, which
// holds n × Cols values.
func (f *File) ReadRows(i, row, n int, dst []float32) error {
	if i < 0 || i >= len(f.infos) {
		return fmt.Errorf("gguf: there is no tensor %d; the file has %d", i, len(f.infos))
	}
	info, t := &f.infos[i], f.types[i]
	if !info.Readable {
		return fmt.Errorf("gguf: %s cannot be read: %s", f.name(i), info.Why)
	}
	rows, cols := quant.Rows(info.Shape), quant.Cols(info.Shape)
	if row < 0 || n < 0 || n > rows-row {
		return fmt.Errorf("gguf: %s: rows %d to %d are asked for, and it has %d", f.name(i), row, row+n, rows)
	}
	if len(dst) != n*cols {
		return &quant.SizeError{What: "values", Format: t.Name, Got: len(dst), Want: n * cols}
	}
	blocks := n * cols / t.Block
	first := int64(row) * int64(cols/t.Block) * int64(t.Bytes)
	step := max(1, rawChunk/t.Bytes)
	need := min(blocks, step) * t.Bytes
	spare, _ := f.spare.Get().(*[]byte)
	if spare == nil || cap(*spare) < need {
		b := make([]byte, need)
		spare = &b
	}
	defer f.spare.Put(spare)
	raw := (*spare)[:need]
	for b := 0; b < blocks; b += step {
		m := min(step, blocks-b)
		p := raw[:m*t.Bytes]
		if err := f.ReadRaw(i, first+int64(b)*int64(t.Bytes), p); err != nil {
			return err
		}
		if err := ggml.Dequantize(t, p, dst[b*t.Block:(b+m)*t.Block]); err != nil {
			return fmt.Errorf("gguf: %s: %w", f.name(i), err)
		}
	}
	return nil
}
