package ggml

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/libggml"
)

// amount is how many values of each kind of sample are compared.
func amount() int {
	if testing.Short() {
		return 1 << 13
	}
	return 1 << 16
}

// Every format on ordinary numbers, with and without importance, against
// libggml: the packed bytes, and what is read back of them.
func TestReferenceSamples(t *testing.T) {
	o := libggml.Need(t)
	const cols = 1024
	_, importance := matrices(cols)
	for _, f := range quick() {
		t.Run(f.typ().Name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, uint64(f.id)))
			for _, s := range samples {
				x := make([]float32, amount())
				s.fill(r, x)
				for _, w := range importance[:2] {
					compare(t, o, f, s.name, x, cols, w)
				}
			}
		})
	}
}

// Every format on rows that strain the arithmetic, each with every kind of
// importance matrix.
func TestReferenceHardRows(t *testing.T) {
	o := libggml.Need(t)
	const cols = 512
	rowNames, rows := hardRows(cols, 7)
	names, importance := matrices(cols)
	if testing.Short() {
		names, importance = names[:2], importance[:2]
	}
	for _, f := range quick() {
		t.Run(f.typ().Name, func(t *testing.T) {
			for i, w := range importance {
				if w != nil && f.importance == quant.Never {
					continue
				}
				compareRows(t, o, f, rowNames, rows, names[i], w)
			}
		})
	}
}

// compareRows holds each row against the reference, which is asked for all at once.
func compareRows(t *testing.T, o *libggml.Oracle, f *format, names []string, rows [][]float32, matrix string, w []float32) {
	t.Helper()
	cols := len(rows[0])
	want, values := ask(t, o, f, slices.Concat(rows...), cols, w)
	size := len(want) / len(rows)
	for j := range rows {
		hold(t, f, names[j]+", importance "+matrix, rows[j], cols, w, want[j*size:(j+1)*size], values[j*cols:(j+1)*cols])
	}
}

// compare holds one tensor against the reference.
func compare(t *testing.T, o *libggml.Oracle, f *format, name string, x []float32, cols int, importance []float32) {
	t.Helper()
	want, values := ask(t, o, f, x, cols, importance)
	hold(t, f, name, x, cols, importance, want, values)
}

// ask is what the reference writes for x, and what it reads back.
func ask(t *testing.T, o *libggml.Oracle, f *format, x []float32, cols int, importance []float32) ([]byte, []float32) {
	t.Helper()
	want, err := o.Quantize(f.id, x, len(x)/cols, cols, importance)
	if err != nil {
		t.Fatal(err)
	}
	values, err := o.Dequantize(f.id, want, len(x))
	if err != nil {
		t.Fatal(err)
	}
	return want, values
}

// hold compares bytes and values with those of the reference, and wants an
// error where the reference's arithmetic is undefined and nowhere else.
func hold(t *testing.T, f *format, name string, x []float32, cols int, importance []float32, want []byte, values []float32) {
	t.Helper()
	tensor := quant.Tensor{Name: name, Shape: []int{len(x) / cols, cols}, Data: x}
	p, err := f.Quantize(tensor, quant.Options{Importance: importance})
	if row := undefinedRow(f, x, cols, importance); row >= 0 {
		var bad *quant.RowError
		if !errors.As(err, &bad) || bad.Row != row {
			t.Errorf("%s: row %d is undefined in the reference, but the error is %v", name, row, err)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if f == mxfp4 {
		passOver(p.Bytes, want, x)
	}
	if !bytes.Equal(p.Bytes, want) {
		reportBytes(t, f, name, p.Bytes, want, x)
		return
	}
	got := make([]float32, len(x))
	if err := f.Dequantize(p, got); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	equalValues(t, name, got, values)
}

// passOver takes from want the blocks of MXFP4 in which C leaves open what the
// reference writes: those whose largest magnitude is below 2^−125, but not 0.
func passOver(got, want []byte, x []float32) {
	for i := 0; i < len(x); i += 32 {
		if _, top := largest(x[i : i+32]); top > 0 && top < 0x1p-125 {
			copy(got[i/32*17:i/32*17+17], want[i/32*17:])
		}
	}
}

func equalValues(t *testing.T, name string, got, want []float32) {
	t.Helper()
	for i := range want {
		if !same(got[i], want[i]) {
			t.Errorf("%s: value %d reads back as %v (%08x), want %v (%08x)", name, i,
				got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
			return
		}
	}
}

// same says whether a and b are the same bits, or both NaN.
func same(a, b float32) bool {
	return math.Float32bits(a) == math.Float32bits(b) || a != a && b != b
}

// steps is what the largest magnitude, or the range, of a block is divided by
// for its scale, in formats that then multiply by 1/d.
var steps = map[*format]float32{q40: 8, q50: 16, q80: 127, q41: 15, q51: 31, q20: 1, tq20: 1, tq10: 1}

// undefinedRow is the first row in which the reference converts a float to an
// integer that cannot hold it, or −1: the legacy formats without importance
// and the ternary ones do, where x · 1/d is no number or infinite.
func undefinedRow(f *format, x []float32, cols int, importance []float32) int {
	if steps[f] == 0 || importance != nil && f.importance != quant.Never {
		return -1
	}
	block := f.typ().Block
	for i := 0; i < len(x); i += block {
		low, high := x[i], x[i]
		for _, v := range x[i : i+block] {
			low, high = min(low, v), max(high, v)
		}
		d := max(high, -low) / steps[f]
		if f.hasMin() {
			d = (high - low) / steps[f]
		}
		// 1/d is past float32's range for d up to 2^−128.
		if d > 0 && d <= 0x1p-128 || d > math.MaxFloat32 {
			return i / cols
		}
	}
	return -1
}

// reportBytes says how many blocks differ and shows the first.
func reportBytes(t *testing.T, f *format, name string, got, want []byte, x []float32) {
	t.Helper()
	size, first, n := f.typ().Bytes, -1, 0
	for i := 0; i < len(want); i += size {
		if !bytes.Equal(got[i:i+size], want[i:i+size]) {
			if n++; first < 0 {
				first = i / size
			}
		}
	}
	b := f.typ().Block
	t.Errorf("%s: %d of %d blocks differ; block %d of %v:\ngot  %x\nwant %x", name, n, len(want)/size, first,
		x[first*b:first*b+min(b, 8)], got[first*size:(first+1)*size], want[first*size:(first+1)*size])
}
