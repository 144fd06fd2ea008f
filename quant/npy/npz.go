package npy

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"fewbits/quant"
	"fewbits/quant/container/archive"
	"fewbits/quant/container/strided"
)

// OpenZip reads the headers of the arrays in an npz file of size bytes. It
// fails where the archive is, or one of its headers is malformed, and where it
// holds no array that can be read. An array of a type that is not read is
// described, with the reason. Deflated arrays are inflated as far as rows are
// asked for, never past the size that their header states.
func OpenZip(r io.ReaderAt, size int64) (*File, error) {
	z, err := archive.Open(r, size)
	if err != nil {
		return nil, fmt.Errorf("npz: %w", err)
	}
	f := &File{kind: "npz"}
	cache := &strided.Cache{}
	for _, m := range z.Members {
		name, ok := strings.CutSuffix(m.Name, ".npy")
		if !ok {
			f.meta = append(f.meta, quant.Meta{Key: m.Name, Type: "string", Value: fmt.Sprintf("%d bytes, no array", m.Size)})
			continue
		}
		h, err := readHeader(m, m.Size)
		if err == nil {
			err = f.add(name, m, m.Size, h, cache)
		}
		if err != nil {
			return nil, fmt.Errorf("npz: member %q: %w", m.Name, err)
		}
		if err := f.locate(m, h); err != nil {
			return nil, fmt.Errorf("npz: %w", err)
		}
	}
	if err := f.worthwhile(); err != nil {
		return nil, err
	}
	return f, nil
}

// locate says where the last tensor's bytes are: in the file where they are
// stored as they are, else how many bytes the member takes.
func (f *File) locate(m *archive.Member, h header) error {
	info := &f.tensors[len(f.tensors)-1]
	if !m.Stored() {
		info.Bytes = m.Packed
		return nil
	}
	at, err := m.Offset()
	info.Offset = at + h.data
	return err
}

// worthwhile fails where no array can be read.
func (f *File) worthwhile() error {
	if len(f.tensors) == 0 {
		return errors.New("npz: the archive holds no arrays (members named *.npy)")
	}
	for _, t := range f.tensors {
		if t.Readable {
			return nil
		}
	}
	return fmt.Errorf("npz: member %q: %s", f.tensors[0].Name+".npy", f.tensors[0].Why)
}
