// Package remote reads a file far away a range at a time. What asks for it, a
// browser, is behind one function, so that the package is tested natively.
package remote

import (
	"errors"
	"io"
)

const (
	least = 256 << 10 // bytes of a request for a small read: as much as a header often takes
	most  = 4 << 20   // that it may grow to, while small reads go on one after another
)

// File is an io.ReaderAt over requests for ranges. Small reads, as those of a
// header, are answered from a window that is fetched ahead; larger ones, as
// those of a tensor, are fetched as they are. It is for one goroutine.
type File struct {
	size  int64
	fetch func(p []byte, off int64) error

	at   int64 // of held in the file
	held []byte
	next int64 // bytes to fetch for the next small read, where it goes on from held
}

var _ io.ReaderAt = (*File)(nil)

// New is a file of size bytes. fetch fills p with the bytes from off on, whole.
func New(size int64, fetch func(p []byte, off int64) error) *File {
	return &File{size: size, fetch: fetch, next: least}
}

// ReadAt reads as io.ReaderAt has it.
func (f *File) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 {
		return 0, errors.New("remote: a file has no bytes before its first")
	}
	if off >= f.size {
		return 0, io.EOF
	}
	short := int64(len(p)) > f.size-off
	if short {
		p = p[:f.size-off]
	}
	n := copy(p, f.from(off))
	if n < len(p) {
		if err := f.read(p[n:], off+int64(n)); err != nil {
			return n, err
		}
	}
	if short {
		return len(p), io.EOF
	}
	return len(p), nil
}

// from is what is held from off on.
func (f *File) from(off int64) []byte {
	if off < f.at || off >= f.at+int64(len(f.held)) {
		return nil
	}
	return f.held[off-f.at:]
}

func (f *File) read(p []byte, off int64) error {
	if len(p) > least {
		return f.fetch(p, off)
	}
	if off == f.at+int64(len(f.held)) && off > 0 {
		f.next = min(2*f.next, most)
	} else {
		f.next = least
	}
	n := min(f.next, f.size-off)
	if int64(cap(f.held)) < n {
		f.held = make([]byte, n)
	}
	f.at, f.held = off, f.held[:n]
	if err := f.fetch(f.held, off); err != nil {
		f.held = f.held[:0]
		return err
	}
	copy(p, f.held)
	return nil
}
