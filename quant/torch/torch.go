package torch

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"fewbits/quant"
	"fewbits/quant/container/archive"
	"fewbits/quant/container/strided"
)

// File is an open checkpoint: a quant.Source of kind "pytorch". It is safe
// for use by several goroutines.
type File struct {
	meta    []quant.Meta
	tensors []quant.TensorInfo
	views   []*strided.View // nil where a tensor cannot be read
}

var _ quant.Source = (*File)(nil)

// Open reads the description of the tensors in a checkpoint of size bytes.
// Nested dicts and lists become dotted names: "model.layers.0.weight". What is
// no tensor is in Metadata. Tensors of complex or PyTorch's own quantized
// types, and sparse ones, are described, with the reason they cannot be read.
//
// It fails on the forms older than PyTorch 1.6 (a tar archive, or pickles one
// after the other), on damaged archives, on views that reach past their
// storage, and on pickles that call anything but what rebuilds tensors.
func Open(r io.ReaderAt, size int64) (*File, error) {
	if err := checkForm(r, size); err != nil {
		return nil, fmt.Errorf("torch: %w", err)
	}
	z, err := archive.Open(r, size)
	if err != nil {
		return nil, fmt.Errorf("torch: %w", err)
	}
	f, err := open(z)
	if err != nil {
		return nil, fmt.Errorf("torch: %w", err)
	}
	return f, nil
}

// Pickle is the member of a checkpoint that describes its tensors, or nil
// where z is no checkpoint. It lies in the archive's one folder, or in none.
func Pickle(z *archive.File) *archive.Member {
	for _, m := range z.Members {
		if dir, ok := strings.CutSuffix(m.Name, "data.pkl"); ok && strings.Count(dir, "/") <= 1 && (dir == "" || strings.HasSuffix(dir, "/")) {
			return m
		}
	}
	return nil
}

func open(z *archive.File) (*File, error) {
	pkl := Pickle(z)
	if pkl == nil {
		return nil, errors.New("the archive holds no data.pkl, so it is no PyTorch checkpoint")
	}
	b, err := pkl.ReadAll(maxPickle)
	if err != nil {
		return nil, err
	}
	dir := strings.TrimSuffix(pkl.Name, "data.pkl")
	big, err := bigEndian(z, dir)
	if err != nil {
		return nil, err
	}
	root, err := unpickle(b)
	if err != nil {
		return nil, err
	}
	w, err := flatten(root)
	if err != nil {
		return nil, err
	}
	f := &File{meta: w.meta}
	cache := &strided.Cache{}
	for _, t := range w.tensors {
		if err := f.add(z, dir, big, t, cache); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.name, err)
		}
	}
	return f, nil
}

// bigEndian reads the member that names the byte order. Without one it is little.
func bigEndian(z *archive.File, dir string) (bool, error) {
	m := z.Find(dir + "byteorder")
	if m == nil {
		return false, nil
	}
	b, err := m.ReadAll(64)
	if err != nil {
		return false, err
	}
	switch order := strings.TrimSpace(string(b)); order {
	case "little":
		return false, nil
	case "big":
		return true, nil
	default:
		return false, fmt.Errorf("byte order %q is neither little nor big", order)
	}
}

// add describes a tensor, once it is sure that the archive holds its values.
func (f *File) add(z *archive.File, dir string, big bool, t found, cache *strided.Cache) error {
	n, err := strided.Size(t.t.shape)
	if err != nil {
		return err
	}
	info := quant.TensorInfo{Name: t.name, Shape: t.t.shape, Type: t.t.elem.name, Bytes: int64(n) * int64(t.t.elem.size)}
	if t.t.why != "" {
		info.Why = t.t.why
		f.tensors, f.views = append(f.tensors, info), append(f.views, nil)
		return nil
	}
	s := t.t.from
	m := z.Find(dir + "data/" + s.key)
	switch {
	case m == nil:
		return fmt.Errorf("the archive holds no member %q with its values", dir+"data/"+s.key)
	case m.Size < s.bytes:
		return fmt.Errorf("%d of the %d bytes of storage %q are missing; get the file again", s.bytes-m.Size, s.bytes, s.key)
	}
	v := &strided.View{
		R: m, Base: t.t.offset * int64(t.t.elem.size), Type: t.t.elem.typ, Big: big,
		Shape: t.t.shape, Strides: t.t.strides, Cache: cache,
	}
	if m.Stored() {
		at, err := m.Offset()
		if err != nil {
			return err
		}
		info.Offset = at + v.Base
	}
	info.Readable = true
	f.tensors, f.views = append(f.tensors, info), append(f.views, v)
	return nil
}

// Container is "pytorch".
func (f *File) Container() string { return "pytorch" }

// Metadata holds what is no tensor, under dotted names, by Python's types.
func (f *File) Metadata() []quant.Meta { return f.meta }

// Tensors describes the tensors in the order of their pickle. Tensors that
// share a storage are each described.
func (f *File) Tensors() []quant.TensorInfo { return f.tensors }

// ReadRows reads rows [row, row+n) of tensor i as float32 into dst. Rows of
// transposed views are gathered; 16 MiB of such rows are kept.
func (f *File) ReadRows(i, row, n int, dst []float32) error {
	v, err := f.view(i)
	if err == nil {
		err = v.ReadRows(row, n, dst)
	}
	return f.wrap(i, err)
}

// ReadRaw reads bytes of tensor i as the file has them. It fails on views
// whose bytes are not in the order of their values.
func (f *File) ReadRaw(i int, off int64, dst []byte) error {
	v, err := f.view(i)
	switch {
	case err != nil:
	case !v.Dense():
		err = fmt.Errorf("is a view with strides %v, so its bytes are not in the order of its values; read its rows instead", v.Strides)
	case off < 0 || off > f.tensors[i].Bytes || int64(len(dst)) > f.tensors[i].Bytes-off:
		err = fmt.Errorf("%d bytes from byte %d were asked for, but it has %d", len(dst), off, f.tensors[i].Bytes)
	case len(dst) > 0:
		var n int
		if n, err = v.R.ReadAt(dst, v.Base+off); n == len(dst) {
			err = nil
		}
	}
	return f.wrap(i, err)
}

func (f *File) view(i int) (*strided.View, error) {
	switch {
	case i < 0 || i >= len(f.views):
		return nil, fmt.Errorf("there are %d tensors", len(f.views))
	case f.views[i] == nil:
		return nil, errors.New(f.tensors[i].Why)
	}
	return f.views[i], nil
}

func (f *File) wrap(i int, err error) error {
	if err == nil {
		return nil
	}
	name := ""
	if i >= 0 && i < len(f.tensors) {
		name = f.tensors[i].Name
	}
	return fmt.Errorf("torch: tensor %d %q: %w", i, name, err)
}
