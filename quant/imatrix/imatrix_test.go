package imatrix

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/gguf"
)

// entryFile is one tensor of a file in the old form.
type entryFile struct {
	name  string
	calls int32
	x     []float32
}

func le(v int32) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(v)) }

func floats(x []float32) (b []byte) {
	for _, v := range x {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

// legacy is a file in the old form, by save_imatrix_legacy of llama.cpp.
func legacy(entries []entryFile, tail ...[]byte) []byte {
	b := le(int32(len(entries)))
	for _, e := range entries {
		b = slices.Concat(b, le(int32(len(e.name))), []byte(e.name), le(e.calls), le(int32(len(e.x))), floats(e.x))
	}
	return slices.Concat(b, slices.Concat(tail...))
}

// tensor is one of a GGUF file.
type tensor struct {
	name  string
	typ   string
	shape []int
	x     []float32
}

// inGGUF is a file in the form of GGUF.
func inGGUF(t testing.TB, meta []quant.Meta, tensors ...tensor) []byte {
	t.Helper()
	var plans []gguf.TensorPlan
	for _, x := range tensors {
		plans = append(plans, gguf.TensorPlan{Name: x.name, Shape: x.shape, Type: x.typ})
	}
	var b bytes.Buffer
	w, err := gguf.NewWriter(&b, meta, plans)
	if err != nil {
		t.Fatal(err)
	}
	for i, x := range tensors {
		raw := floats(x.x)
		if x.typ == "F16" {
			raw = make([]byte, 2*len(x.x))
		}
		if err := w.WriteTensor(i, raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var meta = []quant.Meta{
	{Key: "general.type", Value: "imatrix"},
	{Key: "imatrix.datasets", Value: []string{"wiki.txt", "code.txt"}},
	{Key: "imatrix.chunk_count", Value: uint32(12)},
	{Key: "imatrix.chunk_size", Value: uint32(512)},
}

func open(b []byte) (*Matrix, error) { return Open(bytes.NewReader(b), int64(len(b))) }

func TestLegacy(t *testing.T) {
	entries := []entryFile{{"blk.0.attn_q.weight", 4, []float32{4, 8, 0}}, {"b", 0, []float32{7}}}
	b := legacy(entries, le(99), le(5), []byte("a.txt"))
	m, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	if w := m.Weights["blk.0.attn_q.weight"]; !slices.Equal(w, []float32{1, 2, 0}) {
		t.Errorf("weights %v", w)
	}
	if w := m.Weights["b"]; !slices.Equal(w, []float32{7}) {
		t.Errorf("weights of no calls %v", w)
	}
	if len(m.Weights) != 2 || m.Chunks != 99 || !slices.Equal(m.Datasets, []string{"a.txt"}) {
		t.Errorf("%+v", m)
	}
	// The end was added later: any part of it may be missing.
	whole := len(legacy(entries))
	for n := range b {
		m, err := open(b[:n])
		if n < whole && err == nil {
			t.Errorf("cut to %d of %d bytes: no error", n, len(b))
		}
		if n >= whole && (err != nil || len(m.Weights) != 2) {
			t.Errorf("cut to %d of %d bytes: %v", n, len(b), err)
		}
	}
}

func TestGGUF(t *testing.T) {
	m, err := open(inGGUF(t, meta,
		tensor{"dense.in_sum2", "F32", []int{1, 3}, []float32{2, 4, 0}},
		tensor{"dense.counts", "F32", []int{1, 1}, []float32{2}},
		tensor{"dense.in_sum", "F32", []int{1, 3}, []float32{2, 4, -1}},
		tensor{"experts.counts", "F32", []int{3, 1}, []float32{2, 0, 5}},
		tensor{"experts.in_sum2", "F32", []int{3, 2}, []float32{2, 4, 0, 0, 10, 5}},
	))
	if err != nil {
		t.Fatal(err)
	}
	if w := m.Weights["dense"]; !slices.Equal(w, []float32{1, 2, 0}) {
		t.Errorf("dense %v", w)
	}
	if w := m.Weights["experts"]; !slices.Equal(w, []float32{1, 2, 1, 1, 2, 1}) {
		t.Errorf("experts %v: one that met nothing has every column alike", w)
	}
	if len(m.Weights) != 2 || m.Chunks != 12 || !slices.Equal(m.Datasets, []string{"wiki.txt", "code.txt"}) {
		t.Errorf("%+v", m)
	}
}

func TestFaults(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	one := tensor{"w.counts", "F32", []int{1, 1}, []float32{1}}
	tests := []struct {
		name string
		b    []byte
		want string
	}{
		{"empty", nil, "the number of entries takes 4 bytes, the file has 0 left"},
		{"short", []byte("GG"), "the number of entries takes 4 bytes, the file has 2 left"},
		{"text", []byte("an importance matrix, in words"), "entry 1 of 1763733089: the name takes 1919905901 bytes"},
		{"no entries", le(0), "no entries"},
		{"negative entries", le(-1), "byte 0: the number of entries is -1"},
		{"many entries", slices.Concat(le(math.MaxInt32), make([]byte, 64)), "no values"},
		{"negative name", slices.Concat(le(1), le(-5)), "byte 4: entry 1 of 1: the length of the name is -5"},
		{"long name", slices.Concat(le(1), le(9), []byte("w")), "the name takes 9 bytes, the file has 1 left"},
		{"many values", slices.Concat(le(1), le(1), []byte("w"), le(1), le(math.MaxInt32)), `entry 1 of 1, "w": the values takes 8589934588 bytes`},
		{"negative values", slices.Concat(le(1), le(1), []byte("w"), le(1), le(-1)), `"w": the number of values is -1`},
		{"no values", legacy([]entryFile{{"w", 1, nil}}), `"w" has no values`},
		{"twice", legacy([]entryFile{{"w", 1, []float32{1}}, {"w", 1, []float32{1}}}), `entry 2 of 2: an earlier one is called "w" too`},
		{"negative", legacy([]entryFile{{"w", 2, []float32{1, -1}}}), `entry "w": weight 1 is -0.5`},
		{"NaN", legacy([]entryFile{{"w", 1, []float32{nan}}}), "weight 0 is NaN"},
		{"infinite", legacy([]entryFile{{"w", 1, []float32{0, 0, inf}}}), "weight 2 is +Inf"},
		{"GGUF, only a magic", []byte("GGUF"), "imatrix: gguf: byte 4"},
		{"GGUF, a model", inGGUF(t, nil, tensor{"token_embd.weight", "F32", []int{2}, []float32{1, 2}}), "holds no importance matrix"},
		{"GGUF, no counts", inGGUF(t, meta, tensor{"w.in_sum2", "F32", []int{1}, []float32{1}}), `"w.in_sum2" has no "w.counts" beside it`},
		{"GGUF, only counts", inGGUF(t, meta, one), "holds no importance matrix"},
		{"GGUF, F16", inGGUF(t, meta, tensor{"w.in_sum2", "F16", []int{2}, make([]float32, 2)}, one), "of type F16"},
		{"GGUF, odd counts", inGGUF(t, meta, tensor{"w.in_sum2", "F32", []int{3}, make([]float32, 3)}, tensor{"w.counts", "F32", []int{2, 1}, []float32{1, 1}}), "3 sums, which are not a multiple of its 2 counts"},
		{"GGUF, NaN", inGGUF(t, meta, tensor{"w.in_sum2", "F32", []int{2}, []float32{1, nan}}, one), `entry "w": weight 1 is NaN`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := open(tt.b)
			if err == nil || m != nil {
				t.Fatalf("got %+v, %v", m, err)
			}
			if msg := err.Error(); !strings.Contains(msg, tt.want) || !strings.HasPrefix(msg, "imatrix: ") || strings.Contains(msg, "\n") {
				t.Errorf("got %q, want %q in it", msg, tt.want)
			}
		})
	}
}

// broken fails from a byte on.
type broken struct {
	r  io.ReaderAt
	at int64
}

var errBroken = errors.New("the disk is broken")

func (b broken) ReadAt(p []byte, off int64) (int, error) {
	if off+int64(len(p)) > b.at {
		return 0, errBroken
	}
	return b.r.ReadAt(p, off)
}

func TestReadFaults(t *testing.T) {
	b := legacy([]entryFile{{"w", 1, []float32{1, 2}}})
	for at := range int64(len(b)) {
		if _, err := Open(broken{bytes.NewReader(b), at}, int64(len(b))); !errors.Is(err, errBroken) {
			t.Errorf("broken at %d: %v", at, err)
		}
	}
	if _, err := Open(bytes.NewReader(b), int64(len(b))+4); err != nil {
		t.Errorf("a size past the end, where nothing must be: %v", err)
	}
	if _, err := Open(bytes.NewReader(b[:8]), int64(len(b))); err == nil || !strings.Contains(err.Error(), "the file ends here") {
		t.Errorf("shorter than it was: %v", err)
	}
}

// TestAnyCut cuts a GGUF file at every byte and flips every byte of the
// header: an error or a matrix, never a panic.
func TestAnyCut(t *testing.T) {
	b := inGGUF(t, meta,
		tensor{"w.in_sum2", "F32", []int{1, 3}, []float32{2, 4, 0}}, tensor{"w.counts", "F32", []int{1, 1}, []float32{2}})
	for n := range b {
		m, err := open(b[:n])
		if (m == nil) == (err == nil) {
			t.Errorf("%d bytes: %v, %v", n, m, err)
		}
		c := bytes.Clone(b)
		c[n] ^= 0xff
		if m, err := open(c); (m == nil) == (err == nil) {
			t.Errorf("byte %d flipped: %v, %v", n, m, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(legacy([]entryFile{{"w", 2, []float32{1, 2}}, {"v", 1, []float32{3}}}, le(3), le(1), []byte("x")))
	f.Add(inGGUF(f, meta, tensor{"w.in_sum2", "F32", []int{1, 3}, []float32{2, 4, 0}}, tensor{"w.counts", "F32", []int{1, 1}, []float32{2}}))
	f.Add([]byte("GGUF"))
	f.Add(slices.Concat(le(2), make([]byte, 40)))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := open(b)
		if (m == nil) == (err == nil) {
			t.Fatalf("%v, %v", m, err)
		}
		if err != nil {
			if !strings.HasPrefix(err.Error(), "imatrix: ") {
				t.Errorf("%v", err)
			}
			return
		}
		if len(m.Weights) == 0 || m.Chunks < 0 {
			t.Errorf("%+v", m)
		}
		held := 0
		for name, x := range m.Weights {
			held += len(x)
			if err := check(name, x); err != nil {
				t.Error(err)
			}
		}
		if held > len(b) {
			t.Errorf("%d weights out of %d bytes", held, len(b))
		}
	})
}
