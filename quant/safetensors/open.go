package safetensors

import (
	"bufio"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"fewbits/quant"
	"fewbits/quant/dtype"
)

const (
	maxHeader   = 100_000_000 // bytes, as the reference has it
	maxDims     = 64          // as many as any library has
	metadataKey = "__metadata__"
	chunk       = 256 << 10 // bytes asked of the file at a time
)

// dtypes are the types of values, in the order that the reference sorts them:
// from narrow to wide. The types without a name in fewbits/quant/dtype cannot
// be read as numbers here.
var dtypes = []struct {
	name string
	bits int
}{
	{"BOOL", 8}, {"F4", 4}, {"F6_E2M3", 6}, {"F6_E3M2", 6}, {"U8", 8}, {"I8", 8},
	{"F8_E5M2", 8}, {"F8_E4M3", 8}, {"F8_E8M0", 8}, {"F8_E4M3FNUZ", 8}, {"F8_E5M2FNUZ", 8},
	{"I16", 16}, {"U16", 16}, {"F16", 16}, {"BF16", 16},
	{"I32", 32}, {"U32", 32}, {"F32", 32},
	{"C64", 64}, {"F64", 64}, {"I64", 64}, {"U64", 64},
}

// rank is the place of a type in dtypes, -1 where it is none.
func rank(name string) int {
	for i, d := range dtypes {
		if d.name == name {
			return i
		}
	}
	return -1
}

// Open reads the header of a safetensors file of size bytes, and checks that
// the tensors fill the rest of the file without gap or overlap. It reads no
// tensor.
//
// Errors about the file are of type *Error.
func Open(r io.ReaderAt, size int64) (*File, error) {
	f := &File{r: r, size: size}
	if size < 8 {
		return nil, &Error{NotSafetensors, 0, "", fmt.Sprintf("the file has %d bytes, too few for any safetensors file", size)}
	}
	head := bufio.NewReaderSize(io.NewSectionReader(r, 0, size), int(min(size, chunk)))
	var b [8]byte
	if _, err := io.ReadFull(head, b[:]); err != nil {
		return nil, readError(err, 0, size)
	}
	n := binary.LittleEndian.Uint64(b[:])
	first, err := head.Peek(1)
	isJSON := err == nil && first[0] == '{'
	switch {
	case n > maxHeader && !isJSON || n == 0:
		return nil, &Error{NotSafetensors, 0, "", "the file does not start with the length of a header and '{'; this is another kind of file"}
	case n > maxHeader:
		return nil, &Error{Damaged, 0, "", fmt.Sprintf("the header is said to be %d bytes long, more than the %d allowed; the file is damaged or hostile", n, maxHeader)}
	case int64(n) > size-8:
		return nil, &Error{Truncated, 0, "", fmt.Sprintf("the file ends too early: the header is said to be %d bytes long, the file has %d left; it is cut short, damaged or of another kind", n, size-8)}
	case !isJSON:
		return nil, &Error{NotSafetensors, 8, "", "the header does not start with '{'; this is another kind of file"}
	}
	s := &scanner{r: bufio.NewReaderSize(io.LimitReader(head, int64(n)), 4096), off: 8}
	f.data = 8 + int64(n)
	if err := f.header(s); err != nil {
		return nil, err
	}
	if err := f.place(); err != nil {
		return nil, err
	}
	return f, nil
}

func readError(err error, at, size int64) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &Error{Truncated, at, "", fmt.Sprintf("the file ends too early: it should have %d bytes; get it again", size)}
	}
	return fmt.Errorf("safetensors: reading byte %d of the file: %w", at, err)
}

// header reads the whole header.
func (f *File) header(s *scanner) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	names := map[string]bool{}
	for {
		s.place = ""
		done, err := s.end('}', len(names) == 0)
		if err != nil {
			return err
		}
		if done {
			break
		}
		at := s.off
		name, err := s.text()
		if err != nil {
			return err
		}
		if names[name] {
			return &Error{Damaged, at, fmt.Sprintf("tensor %q", clip(name)), "the name is there twice; a file may have each name once"}
		}
		names[name] = true
		if err := s.expect(':'); err != nil {
			return err
		}
		if name == metadataKey {
			err = f.metadata(s)
		} else {
			s.place = fmt.Sprintf("tensor %q", clip(name))
			err = f.tensor(s, name)
		}
		if err != nil {
			return err
		}
	}
	return s.rest()
}

// rest checks that nothing but white space follows the object.
func (s *scanner) rest() error {
	for s.place = ""; ; s.off++ {
		b, err := s.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("safetensors: reading byte %d of the file: %w", s.off, err)
		case b != ' ' && b != '\n' && b != '\t' && b != '\r':
			return s.fail(Damaged, "%q follows the end of the header's JSON, where only spaces may; the file is damaged", b)
		}
	}
}

// metadata reads the object of strings under __metadata__.
func (f *File) metadata(s *scanner) error {
	if err := s.expect('{'); err != nil {
		return err
	}
	f.meta = []quant.Meta{} // not nil: the file has the object, if an empty one
	keys := map[string]bool{}
	for {
		s.place = metadataKey
		done, err := s.end('}', len(keys) == 0)
		if done || err != nil {
			return err
		}
		key, err := s.text()
		if err != nil {
			return err
		}
		s.place = fmt.Sprintf("metadata %q", clip(key))
		if keys[key] {
			return s.fail(Damaged, "the key is there twice; a file may have each key once")
		}
		keys[key] = true
		if err := s.expect(':'); err != nil {
			return err
		}
		value, err := s.text()
		if err != nil {
			return err
		}
		f.meta = append(f.meta, quant.Meta{Key: key, Type: "string", Value: value})
	}
}

// tensor reads the description of one tensor. Its offset stays relative to
// the data until place.
func (f *File) tensor(s *scanner, name string) error {
	at := s.off
	info := quant.TensorInfo{Name: name}
	var offsets []int64
	if err := s.expect('{'); err != nil {
		return err
	}
	for first := true; ; first = false {
		done, err := s.end('}', first)
		if err != nil {
			return err
		}
		if done {
			break
		}
		field, err := s.text()
		if err != nil {
			return err
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		switch {
		case field == "dtype" && info.Type == "":
			info.Type, err = s.text()
		case field == "shape" && info.Shape == nil:
			info.Shape, err = s.shape()
		case field == "data_offsets" && offsets == nil:
			offsets, err = s.integers(2)
		default:
			return s.fail(Damaged, "the field %q is unknown or there twice; a tensor has dtype, shape and data_offsets, each once", clip(field))
		}
		if err != nil {
			return err
		}
	}
	if info.Type == "" || info.Shape == nil || len(offsets) != 2 {
		return &Error{Damaged, at, s.place, "one of dtype, shape and data_offsets is missing; the file is damaged"}
	}
	info.Offset, info.Bytes = offsets[0], offsets[1]-offsets[0]
	if err := check(&info); err != nil {
		return &Error{faultOf(info.Type), at, s.place, err.Error()}
	}
	f.infos = append(f.infos, info)
	return nil
}

func faultOf(dtype string) Fault {
	if rank(dtype) < 0 {
		return BadType
	}
	return Damaged
}

func (s *scanner) shape() ([]int, error) {
	dims, err := s.integers(maxDims)
	if err != nil {
		return nil, err
	}
	shape := make([]int, len(dims))
	for i, d := range dims {
		if d > math.MaxInt {
			return nil, s.fail(Damaged, "dimension %d is %d, larger than this machine can count", i, d)
		}
		shape[i] = int(d)
	}
	return shape, nil
}

// check holds the bytes of a tensor against its type and shape.
func check(info *quant.TensorInfo) error {
	want, err := byteSize(info.Type, info.Shape)
	if err != nil {
		return err
	}
	if info.Bytes != want {
		return fmt.Errorf("data_offsets [%d, %d] span %d bytes, but shape %v of %s takes %d; the file is damaged",
			info.Offset, info.Offset+info.Bytes, info.Bytes, info.Shape, info.Type, want)
	}
	if _, info.Readable = dtype.Lookup(info.Type); !info.Readable {
		info.Why = "values of type " + info.Type + " cannot be turned into numbers here"
	}
	return nil
}

// byteSize is what a tensor takes in a file.
func byteSize(typ string, shape []int) (int64, error) {
	r := rank(typ)
	if r < 0 {
		return 0, fmt.Errorf("the dtype %q is unknown; the file is damaged or newer than this program", clip(typ))
	}
	n, err := quant.Count(shape)
	if err != nil {
		return 0, err
	}
	bits := int64(n) * int64(dtypes[r].bits) // at most 2^46
	if bits%8 != 0 {
		return 0, fmt.Errorf("%d values of %s do not fill whole bytes", n, typ)
	}
	return bits / 8, nil
}

// place orders the tensors as they lie in the file, turns their offsets into
// offsets in the file, and checks that they fill it.
func (f *File) place() error {
	slices.SortStableFunc(f.infos, func(a, b quant.TensorInfo) int {
		return cmp.Or(cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Bytes, b.Bytes))
	})
	at := f.data
	for i := range f.infos {
		info := &f.infos[i]
		space := f.size - f.data
		left := max(0, space-info.Offset)
		info.Offset += f.data
		switch {
		case info.Bytes > left:
			return &Error{Truncated, info.Offset, f.name(i), fmt.Sprintf("the file ends too early: the tensor needs %d bytes at offset %d, the file has %d left; get the file again", info.Bytes, info.Offset, left)}
		case info.Offset < at:
			return &Error{Damaged, info.Offset, f.name(i), fmt.Sprintf("it starts inside %s, which goes on to byte %d; the file is damaged", f.name(i-1), at)}
		case info.Offset > at:
			return &Error{Damaged, at, "", fmt.Sprintf("bytes %d to %d belong to no tensor; the format allows no holes", at, info.Offset)}
		}
		at += info.Bytes
	}
	if at != f.size {
		return &Error{Damaged, at, "", fmt.Sprintf("%d bytes follow the last tensor; the format allows none", f.size-at)}
	}
	return nil
}

func (f *File) name(i int) string { return fmt.Sprintf("tensor %q", clip(f.infos[i].Name)) }
