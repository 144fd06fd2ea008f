package container

import (
	"fmt"
	"io"

	"fewbits/quant"
	"fewbits/quant/container/strided"
	"fewbits/quant/dtype"
)

// Raw is a file of little-endian float32 values and nothing else: a
// quant.Source of kind "raw" with one tensor of one row.
type Raw struct {
	infos []quant.TensorInfo
	view  strided.View
}

var _ quant.Source = (*Raw)(nil)

// OpenRaw opens a file of size bytes as float32 values. It fails where size
// is 0 or no multiple of 4.
func OpenRaw(name string, r io.ReaderAt, size int64) (*Raw, error) {
	if size <= 0 || size%4 != 0 {
		return nil, fmt.Errorf("raw: %d bytes are not whole float32 values of 4 bytes; what can be opened otherwise is %s", size, Kinds)
	}
	shape := []int{int(size / 4)}
	if _, err := strided.Size(shape); err != nil {
		return nil, fmt.Errorf("raw: %w", err)
	}
	if name == "" {
		name = "data"
	}
	return &Raw{
		infos: []quant.TensorInfo{{Name: name, Shape: shape, Type: "F32", Bytes: size, Readable: true}},
		view:  strided.View{R: r, Type: dtype.F32, Shape: shape, Strides: strided.RowMajor(shape)},
	}, nil
}

func openRaw(name string, r io.ReaderAt, size int64) (quant.Source, error) {
	return source(OpenRaw(tensorName(name), r, size))
}

// Container is "raw".
func (f *Raw) Container() string { return "raw" }

// Metadata is empty.
func (f *Raw) Metadata() []quant.Meta { return nil }

// Tensors describes the one tensor.
func (f *Raw) Tensors() []quant.TensorInfo { return f.infos }

// ReadRows reads the one row of tensor 0.
func (f *Raw) ReadRows(i, row, n int, dst []float32) error {
	if i != 0 {
		return errTensor
	}
	if err := f.view.ReadRows(row, n, dst); err != nil {
		return fmt.Errorf("raw: %w", err)
	}
	return nil
}

// ReadRaw reads len(dst) bytes of the file from offset off.
func (f *Raw) ReadRaw(i int, off int64, dst []byte) error {
	size := f.infos[0].Bytes
	switch {
	case i != 0:
		return errTensor
	case off < 0 || off > size || int64(len(dst)) > size-off:
		return fmt.Errorf("raw: %d bytes from byte %d were asked for, but there are %d", len(dst), off, size)
	}
	if n, err := f.view.R.ReadAt(dst, off); n < len(dst) {
		return fmt.Errorf("raw: %d bytes at offset %d: %w", len(dst), off, err)
	}
	return nil
}
