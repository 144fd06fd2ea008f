package gguf

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"slices"

	"fewbits/quant"
	"fewbits/quant/container/inorder"
	"fewbits/quant/ggml"
)

const (
	magic            = "GGUF"
	version          = 3
	defaultAlignment = 32
	maxDims          = 4       // GGML_MAX_DIMS
	maxEntries       = 1 << 18 // of tensors and of keys; the largest models have a few thousand
	keyAlignment     = "general.alignment"
)

// Open reads the metadata and the list of tensors of a GGUF file of size
// bytes, and checks that every tensor lies whole within the file and none
// over another. It reads no tensor.
//
// Errors about the file are of type *Error.
func Open(r io.ReaderAt, size int64) (*File, error) {
	c := newCursor(r, size)
	f := &File{r: r, size: size, Alignment: defaultAlignment}
	tensors, pairs, err := f.header(c)
	if err != nil {
		return nil, err
	}
	if err := f.metadata(c, pairs); err != nil {
		return nil, err
	}
	if err := f.list(c, tensors); err != nil {
		return nil, err
	}
	f.DataOffset = c.off
	if len(f.infos) == 0 {
		return f, nil // such a file may end before the place where data would start
	}
	f.DataOffset = inorder.Align(c.off, f.Alignment)
	if err := f.place(); err != nil {
		return nil, err
	}
	return f, nil
}

// header reads the magic, the version and the two counts.
func (f *File) header(c *cursor) (tensors, pairs uint64, err error) {
	var m [4]byte
	if f.size < int64(len(m)) {
		return 0, 0, c.fail(NotGGUF, "the file has %d bytes, too few for any GGUF file", f.size)
	}
	if err := c.read(m[:], "the magic"); err != nil {
		return 0, 0, err
	}
	if string(m[:]) != magic {
		return 0, 0, &Error{NotGGUF, 0, "", fmt.Sprintf("the file starts with %q, and a GGUF file with \"GGUF\"; this is another kind of file", m[:])}
	}
	if f.Version, err = c.uint32("the version"); err != nil {
		return 0, 0, err
	}
	if err := checkVersion(f.Version); err != nil {
		return 0, 0, err
	}
	if tensors, err = c.uint64("the number of tensors"); err != nil {
		return 0, 0, err
	}
	if pairs, err = c.uint64("the number of keys"); err != nil {
		return 0, 0, err
	}
	if err := c.count(8, "tensors", tensors, minTensor); err != nil {
		return 0, 0, err
	}
	return tensors, pairs, c.count(16, "keys", pairs, minPair)
}

func checkVersion(v uint32) error {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], v)
	swapped := binary.LittleEndian.Uint32(b[:])
	switch {
	case v == 2 || v == 3:
		return nil
	case swapped >= 1 && swapped <= 9:
		return &Error{BigEndian, 4, "", fmt.Sprintf("this is a big-endian file (version %d with its bytes reversed); convert it to little-endian first, with gguf_convert_endian.py of llama.cpp", swapped)}
	case v == 1:
		return &Error{BadVersion, 4, "", "this is a GGUF file of version 1, which llama.cpp no longer reads either; convert the original model again"}
	}
	return &Error{BadVersion, 4, "", fmt.Sprintf("this is a GGUF file of version %d, and this program reads 2 and 3; the file is damaged or newer than this program", v)}
}

// count refuses a number of entries that the rest of the file cannot hold.
func (c *cursor) count(at int64, what string, n uint64, least int64) error {
	if room := c.left() / least; n > uint64(room) {
		return &Error{Truncated, at, "", fmt.Sprintf("the file ends too early: it is said to have %d %s, and has room for %d at most; it is cut short or damaged", n, what, room)}
	}
	if n > maxEntries {
		return &Error{Damaged, at, "", fmt.Sprintf("the file is said to have %d %s, more than the %d that this program takes; it is damaged or hostile", n, what, maxEntries)}
	}
	return nil
}

// list reads the descriptions of n tensors. Offsets in f.infos are as in the
// file, from where the data starts, until place.
func (f *File) list(c *cursor, n uint64) error {
	f.infos = make([]quant.TensorInfo, 0, min(n, 256))
	f.types = make([]ggml.Type, 0, min(n, 256))
	names := make(map[string]int, min(n, 256))
	for i := range n {
		c.place = fmt.Sprintf("tensor %d", i)
		at := c.off
		name, err := c.string(maxKey, "the name")
		if err != nil {
			return err
		}
		c.place = fmt.Sprintf("tensor %d %q", i, clip(name))
		if name == "" {
			return &Error{Damaged, at, c.place, "the name is empty; the file is damaged"}
		}
		if first, ok := names[name]; ok {
			return &Error{Damaged, at, c.place, fmt.Sprintf("tensor %d has the same name; a file may have each name once", first)}
		}
		names[name] = len(f.infos)
		info, t, err := c.tensor(name, f.Alignment)
		if err != nil {
			return err
		}
		f.infos = append(f.infos, info)
		f.types = append(f.types, t)
	}
	c.place = ""
	return nil
}

// tensor reads what follows the name: dimensions, type and offset.
func (c *cursor) tensor(name string, alignment int64) (quant.TensorInfo, ggml.Type, error) {
	info := quant.TensorInfo{Name: name}
	fail := func(err error) (quant.TensorInfo, ggml.Type, error) { return quant.TensorInfo{}, ggml.Type{}, err }
	shape, err := c.shape()
	if err != nil {
		return fail(err)
	}
	info.Shape = shape
	at := c.off
	id, err := c.uint32("the type")
	if err != nil {
		return fail(err)
	}
	t, known := ggml.TypeByID(id)
	if err := checkType(t, known, id); err != nil {
		return fail(&Error{BadType, at, c.place, err.Error()})
	}
	info.Type = t.Name
	if info.Bytes, err = byteSize(t, shape); err != nil {
		return fail(&Error{Damaged, at, c.place, err.Error()})
	}
	if info.Readable = t.Readable(); !info.Readable {
		info.Why = "values of type " + t.Name + " cannot be turned into numbers here"
	}
	at = c.off
	offset, err := c.uint64("the offset")
	if err != nil {
		return fail(err)
	}
	if offset > math.MaxInt64/2 {
		return fail(&Error{Truncated, at, c.place, tooEarly(info.Bytes, offset, c.size)})
	}
	info.Offset = int64(offset)
	if info.Offset%alignment != 0 {
		return fail(&Error{Damaged, at, c.place, fmt.Sprintf("its data starts %d bytes into the data, which is not a multiple of the alignment %d; the file is damaged", offset, alignment)})
	}
	return info, t, nil
}

// shape reads the dimensions, innermost first, and gives them outermost first.
func (c *cursor) shape() ([]int, error) {
	at := c.off
	n, err := c.uint32("the number of dimensions")
	if err != nil {
		return nil, err
	}
	if n > maxDims {
		return nil, &Error{Damaged, at, c.place, fmt.Sprintf("it has %d dimensions, and ggml has %d at most; the file is damaged", n, maxDims)}
	}
	shape := make([]int, n)
	for i := range shape {
		at := c.off
		d, err := c.uint64("a dimension")
		if err != nil {
			return nil, err
		}
		if d == 0 || d > math.MaxInt {
			return nil, &Error{Damaged, at, c.place, fmt.Sprintf("dimension %d is %d; it must be between 1 and %d", i, d, math.MaxInt)}
		}
		shape[len(shape)-1-i] = int(d)
	}
	if _, err := quant.Count(shape); err != nil {
		return nil, &Error{Damaged, at, c.place, err.Error() + "; the file is damaged"}
	}
	return shape, nil
}

// byteSize is what a tensor takes in a file. Shapes hold 2^40 values at most,
// so the product stays far below 2^63.
func byteSize(t ggml.Type, shape []int) (int64, error) {
	n, err := quant.Count(shape)
	if err != nil {
		return 0, err
	}
	if cols := quant.Cols(shape); cols%t.Block != 0 {
		return 0, fmt.Errorf("its rows of %d values are not a multiple of the %d that a block of %s holds", cols, t.Block, t.Name)
	}
	return int64(n) / int64(t.Block) * int64(t.Bytes), nil
}

// checkType refuses what is not a type, or no longer one.
func checkType(t ggml.Type, known bool, id uint32) error {
	switch {
	case !known:
		return fmt.Errorf("its type is %d, which this program does not know; the file is damaged or newer than this program", id)
	case t.Removed != "":
		return fmt.Errorf("its type is %s (%d), which ggml removed from GGUF; quantize the original model again, to %s", t.Name, id, t.Removed)
	}
	return nil
}

func tooEarly(bytes int64, offset uint64, size int64) string {
	left := int64(0)
	if offset < uint64(size) {
		left = size - int64(offset)
	}
	return fmt.Sprintf("the file ends too early: the tensor needs %d bytes at offset %d, the file has %d left; get the file again", bytes, offset, left)
}

// place turns offsets into the data into offsets in the file, and checks that
// each tensor lies within the file and clear of the others.
func (f *File) place() error {
	order := make([]int, len(f.infos))
	for i := range f.infos {
		order[i] = i
		info := &f.infos[i]
		info.Offset += f.DataOffset
		if info.Bytes > f.size-info.Offset {
			return &Error{Truncated, info.Offset, f.name(i), tooEarly(info.Bytes, uint64(info.Offset), f.size)}
		}
	}
	slices.SortFunc(order, func(a, b int) int {
		if d := f.infos[a].Offset - f.infos[b].Offset; d != 0 {
			return int(min(max(d, -1), 1))
		}
		return a - b
	})
	for i := 1; i < len(order); i++ {
		a, b := f.infos[order[i-1]], f.infos[order[i]]
		if end := a.Offset + a.Bytes; end > b.Offset {
			return &Error{Damaged, b.Offset, f.name(order[i]), fmt.Sprintf("it starts inside %s, which goes on to byte %d; the file is damaged", f.name(order[i-1]), end)}
		}
	}
	return nil
}

func (f *File) name(i int) string { return fmt.Sprintf("tensor %d %q", i, clip(f.infos[i].Name)) }
