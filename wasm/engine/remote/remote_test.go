package remote

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
)

// server holds a file and counts what is asked of it.
type server struct {
	file     []byte
	requests int
	bytes    int
	fault    error
}

func (s *server) fetch(p []byte, off int64) error {
	if s.fault != nil {
		return s.fault
	}
	s.requests++
	s.bytes += len(p)
	if n := copy(p, s.file[off:]); n < len(p) {
		return errors.New("past the end")
	}
	return nil
}

func content(n int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestReads holds reads of all sizes, in any order, against the file.
func TestReads(t *testing.T) {
	s := &server{file: content(3<<20 + 5)}
	f := New(int64(len(s.file)), s.fetch)
	want := bytes.NewReader(s.file)
	r := rand.New(rand.NewPCG(3, 4))
	for range 300 {
		off, n := r.Int64N(int64(len(s.file))+10), r.IntN(1<<r.IntN(21))
		got, there := make([]byte, n), make([]byte, n)
		gn, gerr := f.ReadAt(got, off)
		wn, werr := want.ReadAt(there, off)
		if n == 0 && off < want.Size() {
			gerr, werr = nil, nil
		}
		if gn != wn || gerr != werr || !bytes.Equal(got, there) {
			t.Fatalf("%d bytes at %d: got %d, %v; want %d, %v", n, off, gn, gerr, wn, werr)
		}
	}
	if _, err := f.ReadAt(make([]byte, 1), -1); err == nil {
		t.Error("a byte before the first is read")
	}
}

// TestEconomy wants few requests for a header and no byte too many for a tensor.
func TestEconomy(t *testing.T) {
	tests := []struct {
		name            string
		read            func(f io.ReaderAt)
		requests, bytes int // at most
	}{
		{"a small header", func(f io.ReaderAt) {
			f.ReadAt(make([]byte, 512), 0)
			f.ReadAt(make([]byte, 100<<10), 0)
		}, 1, 256 << 10},
		{"a header of 8 MiB", func(f io.ReaderAt) {
			for off := int64(0); off < 8<<20; off += 256 << 10 {
				f.ReadAt(make([]byte, 256<<10), off)
			}
		}, 6, 12 << 20},
		{"a tensor of 16 MiB", func(f io.ReaderAt) {
			for off := int64(1 << 20); off < 17<<20; off += 1 << 20 {
				f.ReadAt(make([]byte, 1<<20), off)
			}
		}, 16, 16 << 20},
		{"small reads here and there", func(f io.ReaderAt) {
			for off := int64(0); off < 16<<20; off += 4 << 20 {
				f.ReadAt(make([]byte, 100), off)
			}
		}, 4, 1 << 20},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := &server{file: make([]byte, 20<<20)}
			tt.read(New(int64(len(s.file)), s.fetch))
			if s.requests > tt.requests || s.bytes > tt.bytes {
				t.Errorf("took %d requests and %d bytes, want %d and %d", s.requests, s.bytes, tt.requests, tt.bytes)
			}
		})
	}
}

// TestFault wants a fault to reach the reader, and the next read to ask again.
func TestFault(t *testing.T) {
	s := &server{file: content(1000), fault: errors.New("no network")}
	f := New(1000, s.fetch)
	p := make([]byte, 10)
	if n, err := f.ReadAt(p, 0); n != 0 || err != s.fault {
		t.Errorf("got %d, %v", n, err)
	}
	s.fault = nil
	if _, err := f.ReadAt(p, 0); err != nil || !bytes.Equal(p, s.file[:10]) {
		t.Errorf("got % x, %v", p, err)
	}
}
