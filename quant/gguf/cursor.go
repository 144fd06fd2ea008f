package gguf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	chunk     = 256 << 10 // bytes asked of the file at a time
	maxHeader = 256 << 20 // bytes up to the end of the list of tensors
)

// cursor reads a header from front to back and knows where it is.
type cursor struct {
	r     *bufio.Reader
	off   int64  // of the next byte
	size  int64  // of the file
	place string // what is being read, for messages
	order binary.ByteOrder
	small [256]byte // what is short passes through here
}

func newCursor(r io.ReaderAt, size int64) *cursor {
	s := io.NewSectionReader(r, 0, size)
	return &cursor{r: bufio.NewReaderSize(s, int(min(size+1, chunk))), size: size, order: binary.LittleEndian}
}

func (c *cursor) left() int64 { return c.size - c.off }

// fail is an Error at the cursor.
func (c *cursor) fail(f Fault, format string, args ...any) error {
	return &Error{Fault: f, Offset: c.off, Place: c.place, Reason: fmt.Sprintf(format, args...)}
}

// read fills p. what says what the bytes are.
func (c *cursor) read(p []byte, what string) error {
	n := int64(len(p))
	if n > c.left() {
		return c.fail(Truncated, "the file ends too early: %s takes %d bytes, the file has %d left; get the file again", what, n, c.left())
	}
	if c.off+n > maxHeader {
		return c.fail(Damaged, "the metadata goes on past %d MiB, more than any model needs; the file is damaged or hostile", maxHeader>>20)
	}
	if _, err := io.ReadFull(c.r, p); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return c.fail(Truncated, "the file ends too early: it should have %d bytes, but reading %s found its end; get the file again", c.size, what)
		}
		return fmt.Errorf("gguf: reading byte %d of the file: %w", c.off, err)
	}
	c.off += n
	return nil
}

// take reads n bytes, few, that hold until the next call.
func (c *cursor) take(n int64, what string) ([]byte, error) {
	p := c.small[:n]
	return p, c.read(p, what)
}

func (c *cursor) uint32(what string) (uint32, error) {
	b, err := c.take(4, what)
	return c.order.Uint32(b), err
}

func (c *cursor) uint64(what string) (uint64, error) {
	b, err := c.take(8, what)
	return c.order.Uint64(b), err
}

// bytes reads n bytes, n at most what is left of the file. The memory grows
// with what was really read, whatever n says.
func (c *cursor) bytes(n int64, what string) ([]byte, error) {
	p := make([]byte, 0, min(n, chunk))
	for int64(len(p)) < n {
		step := int(min(n-int64(len(p)), chunk))
		p = append(p, make([]byte, step)...)
		if err := c.read(p[len(p)-step:], what); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// string reads a string of at most limit bytes.
func (c *cursor) string(limit int64, what string) (string, error) {
	at := c.off
	n, err := c.uint64(what)
	if err != nil {
		return "", err
	}
	if n > uint64(c.left()) {
		e := c.fail(Truncated, "the file ends too early: %s is said to be %d bytes long, the file has %d left; the file is cut short or damaged", what, n, c.left())
		e.(*Error).Offset = at
		return "", e
	}
	if int64(n) > limit {
		e := c.fail(Damaged, "%s is said to be %d bytes long, more than the %d allowed; the file is damaged", what, n, limit)
		e.(*Error).Offset = at
		return "", e
	}
	if n <= uint64(len(c.small)) {
		p, err := c.take(int64(n), what)
		return string(p), err
	}
	p, err := c.bytes(int64(n), what)
	return string(p), err
}
