package checkpoint

import (
	"context"
	"math"

	"fewbits/quant"
	"fewbits/quant/floats"
)

// int8s is int-quantized: weights and activations of 8 bits.
//
//	weight        I8 [out, in]
//	weight_scale  [out, 1], or one for all
type int8s struct{}

func (int8s) Name(s Scheme) string { return "compressed-tensors INT8" }

func (int8s) Parts(s Scheme, rows, cols int) (Parts, error) {
	return rowParts("I8", s, rows, cols), nil
}

// rowParts are a matrix of 8 bits a value with a scale a row.
func rowParts(typ string, s Scheme, rows, cols int) Parts {
	scales := []int{rows, 1}
	if s.Whole {
		scales = []int{1}
	}
	return Parts{
		{Suffix: ".weight", Type: typ, Shape: []int{rows, cols}},
		{Suffix: ".weight_scale", Type: s.Type, Shape: scales, Floats: true, Free: true},
	}
}

func (int8s) Find(s Scheme, has Parts) (Scheme, int, int, bool) { return findRows("I8", s, has) }

// findRows finds what rowParts are.
func findRows(typ string, s Scheme, has Parts) (Scheme, int, int, bool) {
	w, sc := has.get(".weight"), has.get(".weight_scale")
	if w == nil || sc == nil || !matrix(w) || w.Type != typ {
		return s, 0, 0, false
	}
	n := 1
	for _, d := range sc.Shape {
		n *= d
	}
	if n != 1 && n != w.Shape[0] || len(sc.Shape) > 2 {
		return s, 0, 0, false
	}
	s.Bits, s.Group, s.Symmetric, s.Type, s.Whole = 8, -1, true, sc.Type, n == 1 && w.Shape[0] != 1
	return s, w.Shape[0], w.Shape[1], true
}

// rowScales are the scales of n rows.
func rowScales(s Scheme, parts Parts, row, n int) ([]float32, error) {
	p := parts.get(".weight_scale")
	if !s.Whole {
		return p.floats(row, n)
	}
	one, err := p.floats(0, 1)
	scales := make([]float32, n)
	for i := range scales {
		scales[i] = one[0]
	}
	return scales, err
}

func (int8s) Round(ctx context.Context, s Scheme, w quant.Tensor, parts Parts) error {
	r := rounder{bits: 8, group: -1, symmetric: true, typ: s.Type}
	return r.each(ctx, w, func(row int, m *Matrix) error {
		out := parts.get(".weight").Data[row*m.Cols:]
		for i, q := range m.Codes {
			out[i] = q - 128
		}
		return parts.get(".weight_scale").set(row, m.Scales)
	})
}

func (int8s) Unpack(s Scheme, parts Parts, rows, cols, row, n int) (*Matrix, error) {
	scales, err := rowScales(s, parts, row, n)
	return signedRows(parts.get(".weight"), scales, cols, row, n), err
}

func (int8s) Config(s Scheme, skipped []string) object {
	return compressedConfig("int-quantized", args(8, "int", true, "channel", nil, false), args(8, "int", true, "token", nil, true), skipped)
}

// fp8 is float-quantized: weights and activations of 8 bits, E4M3.
//
//	weight        F8_E4M3 [out, in]
//	weight_scale  [out, 1], or one for all
//
// with s = max|w| / 448.
type fp8 struct{}

// maxE4M3 is the largest number of E4M3.
const maxE4M3 = 448

func (fp8) Name(s Scheme) string { return "compressed-tensors FP8" }

func (fp8) Parts(s Scheme, rows, cols int) (Parts, error) {
	return rowParts("F8_E4M3", s, rows, cols), nil
}

func (fp8) Find(s Scheme, has Parts) (Scheme, int, int, bool) { return findRows("F8_E4M3", s, has) }

func (fp8) Round(ctx context.Context, s Scheme, w quant.Tensor, parts Parts) error {
	return bands(ctx, w, func(row int, t quant.Tensor) error {
		if err := quant.CheckFinite(t); err != nil {
			return err
		}
		n := t.Cols()
		for r := range t.Rows() {
			x := t.Data[r*n : (r+1)*n]
			scale, err := stored(s.Type, []float32{largest(x) / maxE4M3})
			if err != nil {
				return err
			}
			if scale[0] == 0 {
				scale[0] = 1
			}
			if math.IsInf(float64(scale[0]), 0) {
				return &quant.RowError{Tensor: t.Name, Row: row + r, Format: s.Type + " scales", Reason: "its scale is past the largest that the type holds"}
			}
			if err := parts.get(".weight_scale").set(row+r, scale); err != nil {
				return err
			}
			codes := parts.get(".weight").Data[(row+r)*n:]
			for c, v := range x {
				codes[c] = floats.E4M3Bits(v / scale[0])
			}
		}
		return nil
	})
}

// largest is the largest magnitude.
func largest(x []float32) float32 {
	top := float32(0)
	for _, v := range x {
		top = max(top, float32(math.Abs(float64(v))))
	}
	return top
}

// e4m3 is what each pattern of E4M3 stands for.
func e4m3() []float32 {
	table := make([]float32, 256)
	for i := range table {
		table[i] = floats.E4M3Value(uint8(i))
	}
	return table
}

func (fp8) Unpack(s Scheme, parts Parts, rows, cols, row, n int) (*Matrix, error) {
	scales, err := rowScales(s, parts, row, n)
	m := signedRows(parts.get(".weight"), scales, cols, row, n)
	m.Signed, m.Levels = false, e4m3()
	return m, err
}

func (fp8) Config(s Scheme, skipped []string) object {
	return compressedConfig("float-quantized", args(8, "float", true, "channel", nil, false), args(8, "float", true, "token", nil, true), skipped)
}
