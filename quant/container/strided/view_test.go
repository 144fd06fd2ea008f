package strided

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/dtype"
)

// numbers are n 32-bit integers that count up.
func numbers(n int) []byte {
	b := make([]byte, 4*n)
	for i := range n {
		binary.LittleEndian.PutUint32(b[4*i:], uint32(i))
	}
	return b
}

// slow reads a view value by value, as its definition says.
func slow(v *View) []float32 {
	n, _ := Size(v.Shape)
	out := make([]float32, n)
	at := make([]int, len(v.Shape))
	for i := range out {
		off := int64(0)
		for d, k := range at {
			off += int64(k) * v.Strides[d]
		}
		out[i] = float32(off + v.Base/4)
		for d := len(at) - 1; d >= 0; d-- {
			if at[d]++; at[d] < v.Shape[d] {
				break
			}
			at[d] = 0
		}
	}
	return out
}

func TestReadRows(t *testing.T) {
	tests := []struct {
		name    string
		shape   []int
		strides []int64
	}{
		{"scalar", []int{}, []int64{}},
		{"vector", []int{7}, []int64{1}},
		{"every third", []int{7}, []int64{3}},
		{"far apart", []int{7}, []int64{100000}},
		{"matrix", []int{5, 6}, []int64{6, 1}},
		{"transposed", []int{5, 6}, []int64{1, 5}},
		{"part of a matrix", []int{5, 6}, []int64{9, 1}},
		{"broadcast rows", []int{5, 6}, []int64{0, 1}},
		{"broadcast columns", []int{5, 6}, []int64{1, 0}},
		{"one value", []int{5, 6}, []int64{0, 0}},
		{"overlapping", []int{5, 6}, []int64{1, 1}},
		{"three dimensions", []int{3, 4, 5}, []int64{20, 5, 1}},
		{"column-major", []int{3, 4, 5}, ColumnMajor([]int{3, 4, 5})},
		{"middle first", []int{3, 4, 5}, []int64{5, 15, 1}},
		{"four dimensions", []int{2, 3, 4, 5}, ColumnMajor([]int{2, 3, 4, 5})},
		{"four, mixed", []int{2, 3, 4, 5}, []int64{12, 1, 3, 24}},
		{"channels last", []int{2, 3, 4, 5}, []int64{60, 1, 15, 3}},
		{"dimensions of one", []int{1, 5, 1, 6, 1}, []int64{99, 6, 77, 1, 55}},
		{"longer than a run", []int{2, 300000}, []int64{300000, 1}},
		{"longer than a run, transposed", []int{150000, 3}, []int64{1, 150000}},
		{"longer than a run, gaps", []int{3, 150000}, []int64{2, 6}},
		{"sparse", []int{4, 2000}, []int64{100, 500}},
	}
	data := bytes.NewReader(numbers(1_200_000))
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			v := &View{R: data, Base: 8, Type: dtype.U32, Shape: tt.shape, Strides: tt.strides}
			cached := *v
			cached.Cache = &Cache{}
			want := slow(v)
			rows, cols := quant.Rows(tt.shape), quant.Cols(tt.shape)
			step := max(1, rows/9)
			for row := 0; row <= rows; row += step {
				for n := 0; row+n <= rows; n += step {
					for _, v := range []*View{v, &cached} {
						got := make([]float32, n*cols)
						if err := v.ReadRows(row, n, got); err != nil || !slices.Equal(got, want[row*cols:(row+n)*cols]) {
							t.Fatalf("rows %d to %d: wrong, %v", row, row+n, err)
						}
					}
				}
			}
		})
	}
}

// TestRandom reads views of random shapes, strides and rows.
func TestRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	data := bytes.NewReader(numbers(1 << 18))
	for range 3000 {
		v := &View{R: data, Type: dtype.U32, Cache: &Cache{}}
		for range r.IntN(6) {
			v.Shape = append(v.Shape, 1+r.IntN(6))
			v.Strides = append(v.Strides, int64(r.IntN(1<<r.IntN(14))))
		}
		if v.Shape == nil {
			v.Shape = []int{}
		}
		if n, err := Extent(v.Shape, v.Strides); err != nil || n > 1<<18 {
			continue
		}
		want := slow(v)
		rows, cols := quant.Rows(v.Shape), quant.Cols(v.Shape)
		row := r.IntN(rows)
		n := 1 + r.IntN(rows-row)
		got := make([]float32, n*cols)
		if r.IntN(2) == 0 {
			v.Cache = nil
		}
		if err := v.ReadRows(row, n, got); err != nil || !slices.Equal(got, want[row*cols:(row+n)*cols]) {
			t.Fatalf("shape %v, strides %v, rows %d to %d: wrong, %v", v.Shape, v.Strides, row, row+n, err)
		}
	}
}

// counter counts what is read.
type counter struct {
	io.ReaderAt
	reads, bytes int
}

func (c *counter) ReadAt(p []byte, off int64) (int, error) {
	c.reads++
	c.bytes += len(p)
	return c.ReaderAt.ReadAt(p, off)
}

// TestReads bounds how often and how much of the file is read: a row-major
// array once, a transposed one at most a few times even row by row.
func TestReads(t *testing.T) {
	const n = 1000
	shape := []int{n, n}
	tests := []struct {
		name         string
		strides      []int64
		rows         int // at a time
		reads, times int // of the file
	}{
		{"row-major at once", RowMajor(shape), n, 9, 1},
		{"row-major, row by row", RowMajor(shape), 1, n, 1},
		{"column-major at once", ColumnMajor(shape), n, 9, 1},
		{"column-major, row by row", ColumnMajor(shape), 1, 9, 1},
		{"column-major, ten rows", ColumnMajor(shape), 10, 9, 1},
	}
	for _, tt := range tests {
		c := &counter{ReaderAt: bytes.NewReader(numbers(n * n))}
		v := &View{R: c, Type: dtype.U32, Shape: shape, Strides: tt.strides, Cache: &Cache{}}
		buf := make([]float32, tt.rows*n)
		for row := 0; row < n; row += tt.rows {
			if err := v.ReadRows(row, tt.rows, buf); err != nil {
				t.Fatal(err)
			}
		}
		if c.reads > tt.reads || c.bytes > tt.times*4*n*n {
			t.Errorf("%s: %d reads of %d bytes", tt.name, c.reads, c.bytes)
		}
	}
}

// TestSharedCache turns from one view to another and back.
func TestSharedCache(t *testing.T) {
	data := bytes.NewReader(numbers(24))
	cache := &Cache{}
	a := &View{R: data, Type: dtype.U32, Shape: []int{4, 6}, Strides: []int64{1, 4}, Cache: cache}
	b := &View{R: data, Type: dtype.U32, Shape: []int{6, 4}, Strides: []int64{1, 6}, Cache: cache}
	for range 3 {
		for _, v := range []*View{a, b} {
			got := make([]float32, v.Shape[1])
			if err := v.ReadRows(1, 1, got); err != nil || got[1] != float32(1+v.Strides[1]) {
				t.Errorf("got %v, %v", got, err)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	v := &View{R: bytes.NewReader(numbers(23)), Type: dtype.U32, Shape: []int{4, 6}, Strides: []int64{1, 4}}
	tests := []struct {
		name string
		err  error
		want string
	}{
		{"before the first", v.ReadRows(-1, 1, make([]float32, 6)), "there are 4"},
		{"past the last", v.ReadRows(4, 1, make([]float32, 6)), "there are 4"},
		{"overflow", v.ReadRows(1, math.MaxInt, nil), "there are 4"},
		{"negative count", v.ReadRows(1, -1, nil), "there are 4"},
		{"buffer", v.ReadRows(0, 2, make([]float32, 6)), "6 values of the buffer"},
		{"file too short", v.ReadRows(0, 4, make([]float32, 24)), "unexpected EOF"},
	}
	for _, tt := range tests {
		if tt.err == nil || !strings.Contains(tt.err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, tt.err, tt.want)
		}
	}
	v.Cache = &Cache{}
	if err := v.ReadRows(0, 1, make([]float32, 6)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("with a cache: got %v", err)
	}
}

func TestExtent(t *testing.T) {
	tests := []struct {
		shape   []int
		strides []int64
		want    int64
		err     string
	}{
		{nil, nil, 1, ""},
		{[]int{2, 3}, []int64{3, 1}, 6, ""},
		{[]int{2, 3}, []int64{1, 2}, 6, ""},
		{[]int{2, 3}, []int64{10, 2}, 15, ""},
		{[]int{2, 0}, []int64{1 << 62, 1 << 62}, 0, ""},
		{[]int{1}, []int64{math.MaxInt64}, 1, ""},
		{[]int{2}, []int64{math.MaxInt64}, 0, "2^63"},
		{[]int{3, 3}, []int64{1 << 62, 1 << 62}, 0, "2^63"},
		{[]int{2}, []int64{-1}, 0, "negative"},
		{[]int{2}, nil, 0, "0 strides are given for 1"},
	}
	for _, tt := range tests {
		got, err := Extent(tt.shape, tt.strides)
		if got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%v %v: got %d, %v", tt.shape, tt.strides, got, err)
		}
	}
}

func TestSize(t *testing.T) {
	for _, shape := range [][]int{{-1}, {1 << 21, 1 << 21}, {1 << 40, 0, 1 << 40}, {0, -1}} {
		if n, err := Size(shape); err == nil {
			t.Errorf("%v: got %d", shape, n)
		}
	}
	for want, shape := range map[int][]int{1: {}, 0: {1 << 30, 0}, 6: {2, 3}} {
		if n, err := Size(shape); err != nil || n != want {
			t.Errorf("%v: got %d, %v", shape, n, err)
		}
	}
}

func TestDense(t *testing.T) {
	for _, tt := range []struct {
		shape   []int
		strides []int64
		want    bool
	}{
		{[]int{}, []int64{}, true},
		{[]int{2, 3}, []int64{3, 1}, true},
		{[]int{1, 3}, []int64{77, 1}, true},
		{[]int{2, 3}, []int64{1, 2}, false},
		{[]int{2, 3}, []int64{4, 1}, false},
		{[]int{2, 3}, []int64{0, 1}, false},
	} {
		v := &View{Shape: tt.shape, Strides: tt.strides}
		if v.Dense() != tt.want {
			t.Errorf("%v %v: got %v", tt.shape, tt.strides, !tt.want)
		}
	}
}

func BenchmarkReadRows(b *testing.B) {
	const n = 1024
	data := bytes.NewReader(numbers(n * n))
	for name, strides := range map[string][]int64{"rows": RowMajor([]int{n, n}), "columns": ColumnMajor([]int{n, n})} {
		b.Run(fmt.Sprint(name), func(b *testing.B) {
			v := &View{R: data, Type: dtype.F32, Shape: []int{n, n}, Strides: strides}
			dst := make([]float32, n*n)
			b.SetBytes(4 * n * n)
			for b.Loop() {
				if err := v.ReadRows(0, n, dst); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
