package inorder

import (
	"fmt"
	"io"
	"math"
)

// Tensor is a tensor that will be written.
type Tensor struct {
	Name  string
	Bytes int64 // padding aside
}

// Writer writes one file from front to back.
type Writer struct {
	kind    string // of file, before each error
	w       io.Writer
	tensors []Tensor
	align   int64 // where tensors and the file's end lie
	size    int64 // of the whole file
	written int64
	tensor  int   // that is being written
	done    int64 // bytes of it
	err     error // of an earlier call; the file is spoilt
}

// maxFile bounds a file, in bytes: 2^61.
const maxFile = math.MaxInt64 / 4

// Start writes the header of a file of a kind, such as "gguf". Header and
// tensors are padded with zeros to multiples of align bytes; the offsets in
// the header must agree. Nothing is written where the file would pass 2^61
// bytes.
func Start(kind string, w io.Writer, header []byte, align int64, tensors []Tensor) (*Writer, error) {
	g := &Writer{kind: kind, w: w, tensors: tensors, align: align, size: Align(int64(len(header)), align)}
	for i, t := range tensors {
		if g.size += Align(t.Bytes, align); g.size > maxFile {
			return nil, fmt.Errorf("%s: %s: the file would pass 2^61 bytes", kind, g.name(i))
		}
	}
	if err := g.write(header); err != nil {
		return nil, err
	}
	return g, g.settle()
}

// Align is n rounded up to a multiple of a.
func Align(n, a int64) int64 { return (n + a - 1) / a * a }

// Size is the bytes of the whole file.
func (g *Writer) Size() int64 { return g.size }

// Written is how many of them are written.
func (g *Writer) Written() int64 { return g.written }

// TensorBytes is what tensor i takes, padding aside.
func (g *Writer) TensorBytes(i int) int64 { return g.tensors[i].Bytes }

// WriteTensor writes the next bytes of tensor i. Tensors come in order, each
// whole before the next. A tensor without bytes needs no call.
func (g *Writer) WriteTensor(i int, p []byte) error {
	if g.err != nil {
		return g.err
	}
	if len(p) == 0 && i >= 0 && i < g.tensor {
		return nil
	}
	if i != g.tensor || i >= len(g.tensors) {
		return fmt.Errorf("%s: bytes of tensor %d are given, but %s", g.kind, i, g.expected())
	}
	if left := g.tensors[i].Bytes - g.done; int64(len(p)) > left {
		return fmt.Errorf("%s: %s: %d bytes are given, and it has room for %d more", g.kind, g.name(i), len(p), left)
	}
	if err := g.write(p); err != nil {
		return err
	}
	if g.done += int64(len(p)); g.done < g.tensors[i].Bytes {
		return nil
	}
	g.tensor++
	return g.settle()
}

// Close checks that every tensor was written whole. It does not close the
// underlying writer.
func (g *Writer) Close() error {
	if g.err != nil {
		return g.err
	}
	if g.tensor < len(g.tensors) {
		return fmt.Errorf("%s: the file is not finished: %s", g.kind, g.expected())
	}
	return nil
}

func (g *Writer) expected() string {
	if g.tensor >= len(g.tensors) {
		return fmt.Sprintf("all %d tensors are written", len(g.tensors))
	}
	return fmt.Sprintf("%s still lacks %d bytes", g.name(g.tensor), g.tensors[g.tensor].Bytes-g.done)
}

func (g *Writer) name(i int) string { return fmt.Sprintf("tensor %d %.80q", i, g.tensors[i].Name) }

func (g *Writer) write(p []byte) error {
	n, err := g.w.Write(p)
	g.written += int64(n)
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	if err != nil {
		g.err = fmt.Errorf("%s: writing byte %d of the file: %w", g.kind, g.written, err)
	}
	return g.err
}

// settle pads to the alignment and goes on to the next tensor that has bytes.
func (g *Writer) settle() error {
	g.done = 0
	for g.tensor < len(g.tensors) && g.tensors[g.tensor].Bytes == 0 {
		g.tensor++
	}
	if n := Align(g.written, g.align) - g.written; n > 0 {
		return g.write(make([]byte, n))
	}
	return nil
}
