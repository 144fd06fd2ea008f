package npy

import (
	"errors"
	"fmt"
	"io"

	"fewbits/quant"
	"fewbits/quant/container/strided"
)

// DefaultName is the name of the tensor of an npy file, which has none: the
// one that NumPy gives the first unnamed array of an npz.
const DefaultName = "arr_0"

// File is an open npy or npz file: a quant.Source of kind "npy" or "npz".
// It is safe for use by several goroutines.
type File struct {
	kind    string
	meta    []quant.Meta
	tensors []quant.TensorInfo
	arrays  []array // one a tensor
}

var _ quant.Source = (*File)(nil)

// array is how to read one tensor.
type array struct {
	view  *strided.View // nil where the values cannot be read
	bytes int64         // that the values take
}

// Open reads the header of an npy file of size bytes. It fails where the
// header is malformed, where the file is too short for its shape, and where the
// values cannot be read, saying why. Bytes after the last value are ignored,
// as NumPy ignores them.
func Open(r io.ReaderAt, size int64) (*File, error) {
	h, err := readHeader(r, size)
	if err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	f := &File{kind: "npy", meta: []quant.Meta{
		{Key: "version", Type: "string", Value: fmt.Sprintf("%d.0", h.version)},
		{Key: "descr", Type: "string", Value: h.descr},
		{Key: "fortran_order", Type: "bool", Value: h.fortran},
	}}
	if err := f.add(DefaultName, r, size, h, &strided.Cache{}); err != nil {
		return nil, fmt.Errorf("npy: %w", err)
	}
	if t := f.tensors[0]; !t.Readable {
		return nil, fmt.Errorf("npy: %s", t.Why)
	}
	f.tensors[0].Offset = h.data
	return f, nil
}

// add describes an array whose header is read; r holds its file of size bytes.
// An array whose type is not read is described too.
func (f *File) add(name string, r io.ReaderAt, size int64, h header, cache *strided.Cache) error {
	info := quant.TensorInfo{Name: name, Shape: h.shape, Type: h.descr}
	if h.nested != "" {
		info.Type = h.nested
	}
	t, big, err := h.elements()
	if err != nil {
		info.Why = err.Error()
		info.Bytes = size - h.data
		f.tensors, f.arrays = append(f.tensors, info), append(f.arrays, array{})
		return nil
	}
	need, have := int64(h.count)*int64(t.Size), size-h.data
	if have < need {
		return fmt.Errorf("%d bytes are missing at the end: shape %v of %q takes %d bytes from byte %d, and there are %d; get the file again",
			need-have, h.shape, h.descr, need, h.data, have)
	}
	v := &strided.View{R: r, Base: h.data, Type: t, Big: big, Shape: h.shape, Strides: strided.RowMajor(h.shape), Cache: cache}
	if h.fortran {
		v.Strides = strided.ColumnMajor(h.shape)
	}
	info.Bytes, info.Readable = need, true
	f.tensors, f.arrays = append(f.tensors, info), append(f.arrays, array{v, need})
	return nil
}

// SetName names the tensor of an npy file.
func (f *File) SetName(name string) {
	if f.kind == "npy" && name != "" {
		f.tensors[0].Name = name
	}
}

// Container is "npy" or "npz".
func (f *File) Container() string { return f.kind }

// Metadata says how an npy file's header reads, and what else an npz holds.
func (f *File) Metadata() []quant.Meta { return f.meta }

// Tensors describes the array, or the arrays of an npz in file order.
func (f *File) Tensors() []quant.TensorInfo { return f.tensors }

// ReadRows reads rows [row, row+n) of tensor i as float32 into dst. Rows of
// an array in Fortran order are gathered; 16 MiB of such rows are kept.
func (f *File) ReadRows(i, row, n int, dst []float32) error {
	a, err := f.array(i)
	if err == nil {
		err = a.view.ReadRows(row, n, dst)
	}
	return f.wrap(i, err)
}

// ReadRaw reads bytes of tensor i as the file has them, in its byte order. It
// fails on arrays in Fortran order, whose bytes are not in the tensor's order.
func (f *File) ReadRaw(i int, off int64, dst []byte) error {
	a, err := f.array(i)
	switch {
	case err != nil:
	case !a.view.Dense():
		err = errors.New("is stored column by column (fortran_order), so its bytes are not in the order of its values; read its rows instead")
	case off < 0 || off > a.bytes || int64(len(dst)) > a.bytes-off:
		err = fmt.Errorf("%d bytes from byte %d were asked for, but it has %d", len(dst), off, a.bytes)
	case len(dst) > 0:
		err = readFull(a.view.R, dst, a.view.Base+off)
	}
	return f.wrap(i, err)
}

func (f *File) array(i int) (array, error) {
	switch {
	case i < 0 || i >= len(f.arrays):
		return array{}, fmt.Errorf("there are %d tensors", len(f.arrays))
	case f.arrays[i].view == nil:
		return array{}, errors.New(f.tensors[i].Why)
	}
	return f.arrays[i], nil
}

func (f *File) wrap(i int, err error) error {
	if err == nil {
		return nil
	}
	name := ""
	if i >= 0 && i < len(f.tensors) {
		name = f.tensors[i].Name
	}
	return fmt.Errorf("%s: tensor %d %q: %w", f.kind, i, name, err)
}
