package checkpoint

import (
	"context"
	"fmt"

	"fewbits/quant"
)

// awq is the layout of AutoAWQ's GEMM kernels (modules/linear/gemm.py):
//
//	qweight  I32 [in, out/8]      eight outputs a word, in the order below
//	qzeros   I32 [groups, out/8]  the same
//	scales   F16 [groups, out]
//
// with ŵ = (q − z)·s and 4 bits a code. The fields of a word, from the low end,
// are of the outputs 0, 2, 4, 6, 1, 3, 5 and 7 of its eight.
type awq struct{}

// awqField is the field of each of eight outputs.
var awqField = [8]int{0, 4, 1, 5, 2, 6, 3, 7}

func (awq) Name(s Scheme) string { return named("AWQ", s) }

func (awq) Parts(s Scheme, rows, cols int) (Parts, error) {
	switch {
	case s.Bits != 4:
		return nil, fmt.Errorf("AWQ has codes of 4 bits, not of %d", s.Bits)
	case rows%8 != 0:
		return nil, fmt.Errorf("AWQ packs 8 outputs together, and the matrix has %d", rows)
	case cols%s.group(cols) != 0:
		return nil, fmt.Errorf("rows of %d values do not divide into groups of %d; choose another group=", cols, s.Group)
	}
	n := s.of(cols)
	return Parts{
		{Suffix: ".qweight", Type: "I32", Shape: []int{cols, rows / 8}},
		{Suffix: ".qzeros", Type: "I32", Shape: []int{n, rows / 8}},
		{Suffix: ".scales", Type: s.Type, Shape: []int{n, rows}, Floats: true},
	}, nil
}

func (awq) Find(s Scheme, has Parts) (Scheme, int, int, bool) {
	w, z, sc := has.get(".qweight"), has.get(".qzeros"), has.get(".scales")
	if w == nil || z == nil || sc == nil || !matrix(w, z, sc) || 8*w.Shape[1] != sc.Shape[1] {
		return s, 0, 0, false
	}
	s.Bits, s.Group, s.Type, s.ActOrder = 4, groupOf(s.Group, w.Shape[0], sc.Shape[0]), sc.Type, false
	return s, sc.Shape[1], w.Shape[0], true
}

func (a awq) Round(ctx context.Context, s Scheme, w quant.Tensor, parts Parts) error {
	r := rounder{bits: 4, group: s.Group, symmetric: s.Symmetric, typ: s.Type}
	return r.each(ctx, w, func(row int, m *Matrix) error { return a.Pack(s, m, w.Rows(), row, parts) })
}

func (awq) Pack(s Scheme, m *Matrix, rows, row int, parts Parts) error {
	codes, zeros, scales := words{parts.get(".qweight").Data, 1}, words{parts.get(".qzeros").Data, 1}, parts.get(".scales")
	at := func(line, o int) (column, pos int) { return line*rows/8 + o/8, 4 * awqField[o%8] }
	for r := range m.Rows {
		for c, q := range m.Codes[r*m.Cols : (r+1)*m.Cols] {
			w, pos := at(c, row+r)
			codes.put(w, pos, 4, uint32(q))
		}
	}
	for k := range m.Groups {
		line := make([]float32, m.Rows)
		for r := range m.Rows {
			line[r] = m.Scales[r*m.Groups+k]
			w, pos := at(k, row+r)
			zeros.put(w, pos, 4, uint32(m.Zeros[r*m.Groups+k]))
		}
		if err := scales.set(k*rows+row, line); err != nil {
			return err
		}
	}
	return nil
}

func (awq) Unpack(s Scheme, parts Parts, rows, cols, row, n int) (*Matrix, error) {
	m := &Matrix{Rows: n, Cols: cols, Bits: 4, Groups: s.of(cols), Codes: make([]uint8, n*cols), Index: along(cols, s.group(cols))}
	codes, zeros := words{parts.get(".qweight").Data, 1}, words{parts.get(".qzeros").Data, 1}
	for c := range cols {
		for r := range n {
			o := row + r
			m.Codes[r*cols+c] = uint8(codes.get(c*rows/8+o/8, 4*awqField[o%8], 4))
		}
	}
	m.Scales, m.Zeros = make([]float32, n*m.Groups), make([]float32, n*m.Groups)
	for k := range m.Groups {
		line, err := parts.get(".scales").floats(k*rows+row, n)
		if err != nil {
			return nil, err
		}
		for r := range n {
			o := row + r
			m.Scales[r*m.Groups+k] = line[r]
			m.Zeros[r*m.Groups+k] = float32(zeros.get(k*rows/8+o/8, 4*awqField[o%8], 4))
		}
	}
	return m, nil
}

func (awq) Config(s Scheme, skipped []string) object {
	return object{{"quantization_config", object{
		{"quant_method", "awq"}, {"bits", 4}, {"group_size", s.Group}, {"zero_point", true}, {"version", "gemm"},
		{"modules_to_not_convert", listOrNull(skipped)},
	}}}
}
