package checkpoint

import (
	"fmt"

	"fewbits/quant"
)

// Matrix is rows of a quantized matrix taken apart: what is stored of them.
//
//	x̂ = (q − z) · s          with zero points
//	x̂ = q · s + b            with biases
//	x̂ = Levels[q] · s        where codes are places in a table, or short floats
type Matrix struct {
	Rows, Cols int
	Bits       int
	Signed     bool      // codes are two's complement
	Codes      []uint8   // Rows × Cols, the low bits of each
	Groups     int       // of a row; where Index has an entry a value, in all
	Index      []int32   // group of each column, or of each value, row-major
	Scales     []float32 // Rows × Groups, or Groups
	Zeros      []float32 // as many, in codes; nil where there are none
	Biases     []float32 // as many: what code 0 stands for; nil where there are none
	Levels     []float32 // what each code stands for, but for the scale; nil where codes are numbers
}

// flat says whether groups do not keep to rows.
func (m *Matrix) flat() bool { return len(m.Index) != m.Cols }

// code is a code as a number.
func (m *Matrix) code(q uint8) int32 {
	if m.Signed {
		return int32(int8(q<<(8-m.Bits))) >> (8 - m.Bits)
	}
	return int32(q)
}

// Dequantize writes the Rows × Cols values that the matrix stands for.
func (m *Matrix) Dequantize(dst []float32) error {
	if len(dst) != m.Rows*m.Cols {
		return &quant.SizeError{What: "values", Format: "checkpoint", Got: len(dst), Want: m.Rows * m.Cols}
	}
	flat := m.flat()
	for r := range m.Rows {
		row := dst[r*m.Cols : (r+1)*m.Cols]
		codes := m.Codes[r*m.Cols : (r+1)*m.Cols]
		index, first := m.Index, r*m.Groups
		if flat {
			index, first = m.Index[r*m.Cols:], 0
		}
		for c, q := range codes {
			g := first + int(index[c])
			s := m.Scales[g]
			switch {
			case m.Levels != nil:
				row[c] = m.Levels[q] * s
			case m.Biases != nil:
				row[c] = float32(float32(q)*s) + m.Biases[g]
			case m.Zeros != nil:
				row[c] = (float32(m.code(q)) - m.Zeros[g]) * s
			default:
				row[c] = float32(m.code(q)) * s
			}
		}
	}
	return nil
}

// Params is the matrix in the form that formats give.
func (m *Matrix) Params() *quant.Params {
	p := &quant.Params{
		Rows: m.Rows, Cols: m.Cols, Groups: m.Groups, Flat: m.flat(), Table: m.Levels != nil, GroupIndex: m.Index,
		Scales: m.Scales, Zeros: m.Zeros, Mins: m.Biases, Codes: make([]int32, len(m.Codes)),
	}
	for i, q := range m.Codes {
		p.Codes[i] = m.code(q)
	}
	if p.Flat {
		p.Rows, p.Cols = 1, len(m.Codes)
	}
	return p
}

// Decided is the matrix that a format or a method decided on, taken apart with
// its codes. bits is of a code; signed codes become unsigned ones, with their
// zero points. It fails where groups run across rows, and on what no layout
// here stores: outliers kept aside.
func Decided(p *quant.Params, bits int, signed bool) (*Matrix, error) {
	switch {
	case p.Flat || p.Table || p.Mins != nil:
		return nil, fmt.Errorf("checkpoint: groups that run across rows, tables and minimums have no place in these layouts")
	case len(p.Outliers) > 0:
		return nil, fmt.Errorf("checkpoint: %d columns are kept in 16 bits, and these layouts have no place for them", len(p.Outliers))
	case bits < 1 || bits > 8 || len(p.Codes) != p.Rows*p.Cols:
		return nil, fmt.Errorf("checkpoint: %d codes of %d bits do not make %d × %d values", len(p.Codes), bits, p.Rows, p.Cols)
	}
	m := &Matrix{Rows: p.Rows, Cols: p.Cols, Bits: bits, Groups: p.Groups, Index: p.GroupIndex,
		Scales: p.Scales, Zeros: make([]float32, len(p.Scales)), Codes: make([]uint8, len(p.Codes))}
	lift := int32(0)
	if signed {
		lift = 1 << (bits - 1)
	}
	for i, q := range p.Codes {
		m.Codes[i] = uint8(q + lift)
	}
	for i := range m.Zeros {
		m.Zeros[i] = float32(lift)
		if p.Zeros != nil {
			m.Zeros[i] += p.Zeros[i]
		}
	}
	return m, nil
}

// along is the index of groups that are neighbours.
func along(cols, group int) []int32 {
	index := make([]int32, cols)
	for c := range index {
		index[c] = int32(c / group)
	}
	return index
}
