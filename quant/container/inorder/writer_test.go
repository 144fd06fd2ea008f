package inorder

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
)

func TestLayout(t *testing.T) {
	for _, tt := range []struct {
		name    string
		align   int64
		tensors []Tensor
		want    string
	}{
		{"none", 1, nil, "head"},
		{"none, aligned", 8, nil, "head\x00\x00\x00\x00"},
		{"packed", 1, []Tensor{{"a", 3}, {"e", 0}, {"b", 1}}, "headaaab"},
		{"aligned", 8, []Tensor{{"a", 3}, {"b", 8}}, "head\x00\x00\x00\x00aaa\x00\x00\x00\x00\x00bbbbbbbb"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, piece := range []int{1, 2, 100} {
				var out bytes.Buffer
				w, err := Start("kind", &out, []byte("head"), tt.align, tt.tensors)
				if err != nil {
					t.Fatal(err)
				}
				for i, x := range tt.tensors {
					for left := int(w.TensorBytes(i)); left > 0; left -= piece {
						if err := w.WriteTensor(i, []byte(strings.Repeat(x.Name, min(left, piece)))); err != nil {
							t.Fatal(err)
						}
					}
				}
				if err := w.Close(); err != nil || out.String() != tt.want {
					t.Errorf("pieces of %d: got %q, %v, want %q", piece, out.String(), err, tt.want)
				}
				if n := int64(len(tt.want)); w.Size() != n || w.Written() != n {
					t.Errorf("size %d, written %d, want %d", w.Size(), w.Written(), n)
				}
			}
		})
	}
}

func TestMisuse(t *testing.T) {
	w, err := Start("kind", io.Discard, nil, 1, []Tensor{{"e", 0}, {"a", 8}, {"b", 8}})
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		name string
		err  error
		want string
	}{
		{"nothing to the empty one", w.WriteTensor(0, nil), ""},
		{"a byte to the empty one", w.WriteTensor(0, []byte{1}), `tensor 1 "a" still lacks 8 bytes`},
		{"second first", w.WriteTensor(2, make([]byte, 8)), `tensor 1 "a" still lacks 8 bytes`},
		{"none", w.WriteTensor(-1, nil), "bytes of tensor -1"},
		{"too much", w.WriteTensor(1, make([]byte, 9)), "room for 8 more"},
		{"early close", w.Close(), "not finished"},
		{"half", w.WriteTensor(1, make([]byte, 4)), ""},
		{"too much after half", w.WriteTensor(1, make([]byte, 5)), "room for 4 more"},
		{"rest", w.WriteTensor(1, make([]byte, 4)), ""},
		{"again", w.WriteTensor(1, make([]byte, 4)), `tensor 2 "b" still lacks 8`},
		{"second", w.WriteTensor(2, make([]byte, 8)), ""},
		{"third", w.WriteTensor(3, make([]byte, 8)), "all 3 tensors are written"},
		{"close", w.Close(), ""},
	}
	for _, s := range steps {
		if s.want == "" && s.err != nil || s.want != "" && (s.err == nil || !strings.HasPrefix(s.err.Error(), "kind: ") || !strings.Contains(s.err.Error(), s.want)) {
			t.Errorf("%s: error %v, want %q", s.name, s.err, s.want)
		}
	}
}

func TestTooLarge(t *testing.T) {
	var out bytes.Buffer
	_, err := Start("kind", &out, []byte("head"), 32, []Tensor{{"a", 1 << 60}, {"b", math.MaxInt64 / 4}})
	if err == nil || !strings.Contains(err.Error(), `kind: tensor 1 "b": the file would pass 2^61 bytes`) || out.Len() > 0 {
		t.Errorf("error %v, %d bytes", err, out.Len())
	}
}

var errFull = errors.New("the disk is full")

// full is a writer that takes n bytes and no more.
type full struct{ n int }

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), f.n)
	f.n -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

func TestWriteError(t *testing.T) {
	tensors := []Tensor{{"a", 256}}
	if _, err := Start("kind", &full{10}, make([]byte, 64), 1, tensors); !errors.Is(err, errFull) {
		t.Errorf("header: %v", err)
	}
	if _, err := Start("kind", &full{64}, make([]byte, 64), 100, tensors); !errors.Is(err, errFull) {
		t.Errorf("padding: %v", err)
	}
	w, err := Start("kind", &full{100}, make([]byte, 64), 1, tensors)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // the error stays
		if err := w.WriteTensor(0, make([]byte, 256)); !errors.Is(err, errFull) || !strings.Contains(err.Error(), "byte 100") {
			t.Errorf("tensor: %v", err)
		}
	}
	if err := w.Close(); !errors.Is(err, errFull) {
		t.Errorf("close: %v", err)
	}
}
