package imatrix

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// openLegacy reads, all little-endian: i32 entries; for each i32 length of the
// name, the name, i32 calls, i32 values, and the values as f32, which are
// weights times calls. Then may follow i32 chunks, i32 length, and the name of
// the text.
func openLegacy(r io.ReaderAt, size int64) (*Matrix, error) {
	c := &cursor{r: r, size: size}
	m := &Matrix{Weights: map[string][]float32{}, Counts: map[string][]int64{}, ChunkSize: LegacyChunk}
	n := c.count("the number of entries")
	for i := range n {
		name, calls, x := c.entry(fmt.Sprintf("entry %d of %d", i+1, n))
		if c.err != nil {
			return nil, c.err
		}
		if _, twice := m.Weights[name]; twice {
			return nil, fmt.Errorf("imatrix: entry %d of %d: an earlier one is called %q too; the file is damaged", i+1, n, clip(name))
		}
		if err := check(name, x); err != nil {
			return nil, err
		}
		m.Weights[name] = x
		if calls > 0 {
			m.Counts[name] = []int64{calls * LegacyChunk}
		}
	}
	if c.err != nil {
		return nil, c.err
	}
	if n == 0 {
		return nil, errors.New("imatrix: the file holds no entries; make an importance matrix with llama-imatrix")
	}
	// What comes after the entries was added later, and may be missing.
	if chunks := c.count("the number of chunks"); c.err == nil {
		m.Chunks = int(chunks)
	}
	if name := c.bytes(c.count("the length of the text's name"), "the text's name"); c.err == nil && len(name) > 0 {
		m.Datasets = []string{string(name)}
	}
	return m, nil
}

// cursor reads one value after another and remembers the first fault.
type cursor struct {
	r    io.ReaderAt
	size int64
	off  int64
	err  error
}

// entry reads one entry; what says which.
func (c *cursor) entry(what string) (name string, calls int64, x []float32) {
	name = string(c.bytes(c.count(what+": the length of the name"), what+": the name"))
	if c.err == nil {
		what = fmt.Sprintf("%s, %q", what, clip(name))
	}
	calls = c.count(what + ": the number of calls")
	at := c.off
	n := c.count(what + ": the number of values")
	if c.err == nil && n == 0 {
		c.err = fmt.Errorf("imatrix: byte %d: %s has no values; the file is damaged", at, what)
	}
	raw := c.bytes(4*n, what+": the values")
	if c.err != nil {
		return name, calls, nil
	}
	x = make([]float32, n)
	for j := range x {
		x[j] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*j:]))
		if calls > 0 {
			x[j] /= float32(calls)
		}
	}
	return name, calls, x
}

// count reads a 32-bit number that may not be negative.
func (c *cursor) count(what string) int64 {
	b := c.bytes(4, what)
	if c.err != nil {
		return 0
	}
	v := int64(int32(binary.LittleEndian.Uint32(b)))
	if v < 0 {
		c.err = fmt.Errorf("imatrix: byte %d: %s is %d; this is no importance matrix of llama-imatrix, or a damaged one", c.off-4, what, v)
		return 0
	}
	return v
}

// bytes reads n bytes, after making sure that the file has them.
func (c *cursor) bytes(n int64, what string) []byte {
	if c.err != nil {
		return nil
	}
	if n > c.size-c.off {
		c.err = fmt.Errorf("imatrix: byte %d: %s takes %d bytes, the file has %d left; this is no importance matrix of llama-imatrix, or one cut short", c.off, what, n, c.size-c.off)
		return nil
	}
	b := make([]byte, n)
	if got, err := c.r.ReadAt(b, c.off); got < len(b) {
		if err == io.EOF {
			err = errors.New("the file ends here, though it was longer when it was opened")
		}
		c.err = fmt.Errorf("imatrix: byte %d: reading %s: %w", c.off, what, err)
		return nil
	}
	c.off += n
	return b
}
