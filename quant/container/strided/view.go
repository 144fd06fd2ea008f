package strided

import (
	"fmt"
	"io"
	"math"
	"sync"

	"fewbits/quant"
	"fewbits/quant/dtype"
)

const (
	spanValues  = 1 << 17 // values read and decoded at a time
	sparse      = 8       // a run is read whole where at least one value in 8 is wanted
	cacheValues = 1 << 22 // values of a Cache: 16 MiB
)

// View is an array in a file. Its fields are not changed once it is read from.
type View struct {
	R       io.ReaderAt
	Base    int64      // of the first value in R, in bytes
	Type    dtype.Type // of a value
	Big     bool       // big-endian values
	Shape   []int      // outermost first; Size(Shape) must not fail
	Strides []int64    // values from one index to the next, ≥ 0, one a dimension
	Cache   *Cache     // optional
}

// Cache keeps the last rows read from views whose rows are scattered over the
// file, 16 MiB at most, so that reading such a view row by row does not read
// the file once a row. The views of one file share one.
type Cache struct {
	mu    sync.Mutex
	owner *View
	first int
	rows  int
	data  []float32
}

// Size is the number of values that a shape holds. It fails as quant.Count
// does, and also where a dimension of 0 hides others whose product is past 2^40.
func Size(shape []int) (int, error) {
	var rest []int
	for _, d := range shape {
		if d != 0 {
			rest = append(rest, d)
		}
	}
	if _, err := quant.Count(rest); err != nil {
		return 0, fmt.Errorf("shape %v: %w", shape, err)
	}
	return quant.Count(shape)
}

// RowMajor are the strides of an array whose last index runs fastest.
func RowMajor(shape []int) []int64 {
	s := make([]int64, len(shape))
	n := int64(1)
	for i := len(shape) - 1; i >= 0; i-- {
		s[i] = n
		n *= int64(max(shape[i], 1))
	}
	return s
}

// ColumnMajor are the strides of an array whose first index runs fastest.
func ColumnMajor(shape []int) []int64 {
	s := make([]int64, len(shape))
	n := int64(1)
	for i, d := range shape {
		s[i] = n
		n *= int64(max(d, 1))
	}
	return s
}

// Extent is how many values lie from the first to the last of an array, gaps
// included: 1 + Σ (dᵢ−1)·sᵢ, or 0 for an empty one. It fails on a negative
// stride, on a missing one and past 2^63.
func Extent(shape []int, strides []int64) (int64, error) {
	if len(shape) != len(strides) {
		return 0, fmt.Errorf("%d strides are given for %d dimensions", len(strides), len(shape))
	}
	n := int64(1)
	for i, d := range shape {
		if d <= 0 {
			return 0, nil
		}
		s := strides[i]
		if s < 0 {
			return 0, fmt.Errorf("stride %d of dimension %d is negative", s, i)
		}
		if d > 1 && s > (math.MaxInt64-n)/int64(d-1) {
			return 0, fmt.Errorf("strides %v of shape %v reach past 2^63", strides, shape)
		}
		n += int64(d-1) * s
	}
	return n, nil
}

// Dense says whether the values lie in row-major order with no gaps, so that
// the array's bytes are one run of the file. Dimensions of 1 may have any stride.
func (v *View) Dense() bool {
	want := RowMajor(v.Shape)
	for i, d := range v.Shape {
		if d > 1 && v.Strides[i] != want[i] {
			return false
		}
	}
	return true
}

// ReadRows reads rows [row, row+n) as float32 into dst, which holds n × Cols
// values. It fails on rows that are not there and on what the reader fails on.
func (v *View) ReadRows(row, n int, dst []float32) error {
	rows, cols := quant.Rows(v.Shape), quant.Cols(v.Shape)
	if row < 0 || n < 0 || row > rows || n > rows-row {
		return fmt.Errorf("rows %d to %d were asked for, but there are %d", row, row+n, rows)
	}
	if len(dst) != n*cols {
		return fmt.Errorf("%d rows of %d values do not fit the %d values of the buffer", n, cols, len(dst))
	}
	if len(dst) == 0 {
		return nil
	}
	if v.Cache != nil && v.scattered() && len(dst) < cacheValues && cols <= cacheValues {
		return v.Cache.read(v, row, n, dst)
	}
	return v.read(row, n, dst)
}

// scattered says whether neighbours in a row are apart in the file.
func (v *View) scattered() bool {
	last := len(v.Shape) - 1
	return last > 0 && v.Shape[last] > 1 && v.Strides[last] > 1
}

// read serves rows from the cache, after filling it from row on.
func (c *Cache) read(v *View, row, n int, dst []float32) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	cols := quant.Cols(v.Shape)
	if c.owner != v || row < c.first || row+n > c.first+c.rows {
		c.owner = nil
		m := min(quant.Rows(v.Shape)-row, max(n, cacheValues/cols))
		if cap(c.data) < m*cols {
			c.data = make([]float32, m*cols)
		}
		c.data = c.data[:m*cols]
		if err := v.read(row, m, c.data); err != nil {
			return err
		}
		c.owner, c.first, c.rows = v, row, m
	}
	at := (row - c.first) * cols
	copy(dst, c.data[at:at+n*cols])
	return nil
}
