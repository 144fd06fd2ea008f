package safetensors

import (
	"errors"
	"fmt"
	"io"

	"fewbits/quant"
	"fewbits/quant/dtype"
)

// File is an open safetensors file. It is a quant.Source; what it returns
// belongs to it and must not be changed. Its methods may be called from
// several goroutines where its io.ReaderAt may.
type File struct {
	r     io.ReaderAt
	size  int64
	data  int64 // byte where the data starts
	meta  []quant.Meta
	infos []quant.TensorInfo
}

var _ quant.Source = (*File)(nil)

// Container is "safetensors".
func (f *File) Container() string { return "safetensors" }

// Metadata is the strings under __metadata__, in file order; nil where the
// file has no such object.
func (f *File) Metadata() []quant.Meta { return f.meta }

// Tensors describes every tensor, in the order of their bytes in the file.
func (f *File) Tensors() []quant.TensorInfo { return f.infos }

// ReadRaw reads len(dst) bytes from offset off of tensor i's own bytes.
func (f *File) ReadRaw(i int, off int64, dst []byte) error {
	if i < 0 || i >= len(f.infos) {
		return fmt.Errorf("safetensors: there is no tensor %d; the file has %d", i, len(f.infos))
	}
	info := &f.infos[i]
	if off < 0 || int64(len(dst)) > info.Bytes-off {
		return fmt.Errorf("safetensors: %s: %d bytes from byte %d are asked for, and it has %d", f.name(i), len(dst), off, info.Bytes)
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
	return fmt.Errorf("safetensors: %s: reading byte %d of the file: %w", f.name(i), info.Offset+off, err)
}

// rawChunk bounds the memory that ReadRows takes beside dst.
const rawChunk = 1 << 20

// ReadRows reads rows [row, row+n) of tensor i as float32 into dst, which
// holds n × Cols values.
func (f *File) ReadRows(i, row, n int, dst []float32) error {
	if i < 0 || i >= len(f.infos) {
		return fmt.Errorf("safetensors: there is no tensor %d; the file has %d", i, len(f.infos))
	}
	info := &f.infos[i]
	t, ok := dtype.Lookup(info.Type)
	if !ok {
		return fmt.Errorf("safetensors: %s cannot be read: %s", f.name(i), info.Why)
	}
	rows, cols := quant.Rows(info.Shape), quant.Cols(info.Shape)
	if row < 0 || n < 0 || n > rows-row {
		return fmt.Errorf("safetensors: %s: %d rows from row %d are asked for, and it has %d", f.name(i), n, row, rows)
	}
	if len(dst) != n*cols {
		return &quant.SizeError{What: "values", Format: t.Name, Got: len(dst), Want: n * cols}
	}
	first := int64(row) * int64(cols) * int64(t.Size)
	step := rawChunk / t.Size
	raw := make([]byte, min(len(dst), step)*t.Size)
	for at := 0; at < len(dst); at += step {
		m := min(step, len(dst)-at)
		p := raw[:m*t.Size]
		if err := f.ReadRaw(i, first+int64(at)*int64(t.Size), p); err != nil {
			return err
		}
		if err := t.Decode(dst[at:at+m], p); err != nil {
			return fmt.Errorf("safetensors: %s: %w", f.name(i), err)
		}
	}
	return nil
}
