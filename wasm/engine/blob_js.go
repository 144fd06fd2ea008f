package engine

import (
	"fmt"
	"io"
	"runtime"
	"syscall/js"
	"unsafe"
)

// window is how much is read at least: header parsers ask for a few bytes at a
// time, and a read through JavaScript costs about as much as 64 KiB.
const window = 256 << 10

// blob is a File or Blob as an io.ReaderAt. fewbitsRead, which only workers
// can have, reads synchronously; no more than a slice is ever in memory.
type blob struct {
	file js.Value
	size int64
	at   int64 // of buf in the file
	buf  []byte
}

func newBlob(file js.Value) *blob {
	return &blob{file: file, size: int64(file.Get("size").Float())}
}

func (b *blob) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off >= b.size {
		return 0, io.EOF
	}
	if n := copy(p, b.held(off)); n == len(p) {
		return n, nil
	}
	want := min(int64(len(p)), b.size-off)
	if want < window/4 {
		if err := b.fill(off); err != nil {
			return 0, err
		}
		n := copy(p, b.held(off))
		if n < len(p) {
			return n, io.EOF
		}
		return n, nil
	}
	if err := b.read(p[:want], off); err != nil {
		return 0, err
	}
	if want < int64(len(p)) {
		return int(want), io.EOF
	}
	return int(want), nil
}

// held is what buf has from off on.
func (b *blob) held(off int64) []byte {
	if off < b.at || off >= b.at+int64(len(b.buf)) {
		return nil
	}
	return b.buf[off-b.at:]
}

func (b *blob) fill(off int64) error {
	n := min(window, b.size-off)
	if int64(cap(b.buf)) < n {
		b.buf = make([]byte, window)
	}
	b.at, b.buf = off, b.buf[:n]
	if err := b.read(b.buf, off); err != nil {
		b.buf = b.buf[:0]
		return err
	}
	return nil
}

// read fills p. A file that changed or went away since it was picked fails here.
func (b *blob) read(p []byte, off int64) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the file cannot be read at byte %d (was it changed or moved?): %v", off, r)
		}
	}()
	if len(p) == 0 {
		return nil
	}
	// What is on the heap stays where it is, and p is: it came through an interface.
	at := uintptr(unsafe.Pointer(unsafe.SliceData(p)))
	n := js.Global().Call("fewbitsRead", b.file, float64(off), float64(off+int64(len(p))), float64(at)).Int()
	runtime.KeepAlive(p)
	if n < len(p) {
		return fmt.Errorf("the file ends at byte %d, %d bytes early", off+int64(n), len(p)-n)
	}
	return nil
}
