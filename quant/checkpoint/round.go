package checkpoint

import (
	"context"
	"fmt"
	"math"

	"fewbits/quant"
	"fewbits/quant/affine"
)

// sliceValues is how many values are rounded at a time.
const sliceValues = 1 << 20

// rounder finds codes, scales and zero points of integers by package affine,
// with scales as a type stores them.
type rounder struct {
	bits, group int
	symmetric   bool
	typ         string // of scales
	least       int    // zero points are no less
}

// each rounds w some rows at a time. Codes are unsigned.
func (r rounder) each(ctx context.Context, w quant.Tensor, visit func(row int, m *Matrix) error) error {
	var format quant.Format
	for _, f := range affine.Formats() {
		if f.Info().Bits == r.bits {
			format = f
		}
	}
	if format == nil {
		return fmt.Errorf("there are no integers of %d bits", r.bits)
	}
	o := quant.Options{Granularity: quant.PerGroup, Group: r.group, Symmetric: r.symmetric}
	if r.typ == "F16" {
		o.ScaleType = quant.ScaleF16 // codes are then found with the scale that is stored
	}
	return bands(ctx, w, func(row int, t quant.Tensor) error {
		p, err := format.Quantize(t, o)
		if err != nil {
			return err
		}
		params, err := format.Params(p, true)
		if err != nil {
			return err
		}
		m, err := Decided(params, r.bits, true)
		if err != nil {
			return err
		}
		if err := r.fit(m, t); err != nil {
			return err
		}
		return visit(row, m)
	})
}

// bands goes through the rows of w, some at a time.
func bands(ctx context.Context, w quant.Tensor, visit func(row int, t quant.Tensor) error) error {
	rows, step := w.Rows(), max(1, sliceValues/max(1, w.Cols()))
	for row := 0; row < rows; row += step {
		if err := ctx.Err(); err != nil {
			return err
		}
		t := w.Slice(row, min(rows, row+step))
		t.Name = w.Name
		if err := visit(row, t); err != nil {
			return err
		}
	}
	return nil
}

// fit makes a matrix of what can be stored: scales of a shorter type, zero
// points that are not too small. Codes are then found anew.
func (r rounder) fit(m *Matrix, t quant.Tensor) error {
	scales, err := stored(r.typ, m.Scales)
	if err != nil {
		return err
	}
	top := float32(int(1)<<m.Bits - 1)
	for row := range m.Rows {
		x := t.Data[row*m.Cols : (row+1)*m.Cols]
		for k := range m.Groups {
			g := row*m.Groups + k
			low := m.Zeros[g] < float32(r.least)
			if low {
				scales[g], m.Zeros[g] = r.above(x, m.Index, k, top), float32(r.least)
			}
			if !low && scales[g] == m.Scales[g] {
				continue
			}
			if m.Scales[g] = scales[g]; scales[g] == 0 {
				return &quant.RowError{Tensor: t.Name, Row: row, Format: r.typ + " scales", Reason: "its scale is too small for the type, and would be 0"}
			}
			for c, v := range x {
				if m.Index[c] == int32(k) {
					q := float32(math.RoundToEven(float64(v/scales[g]))) + m.Zeros[g]
					m.Codes[row*m.Cols+c] = uint8(min(max(q, 0), top))
				}
			}
		}
	}
	return nil
}

// above is the scale of a group without negative values on codes from least on.
func (r rounder) above(x []float32, index []int32, k int, top float32) float32 {
	hi := float32(0)
	for c, v := range x {
		if index[c] == int32(k) {
			hi = max(hi, v)
		}
	}
	s, err := stored(r.typ, []float32{hi / (top - float32(r.least))})
	if err != nil || s[0] == 0 {
		return 1
	}
	return s[0]
}
