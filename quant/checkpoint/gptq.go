package checkpoint

import (
	"context"
	"encoding/binary"
	"fmt"

	"fewbits/quant"
)

// gptq is the layout of AutoGPTQ (nn_modules/qlinear) and GPTQModel. A module
// of `in` inputs and `out` outputs is
//
//	qweight  I32 [in·b/32, out]     codes along the inputs, low bits first
//	qzeros   I32 [groups, out·b/32] zero points along the outputs
//	scales   F16 [groups, out]
//	g_idx    I32 [in]               group of each input
//
// with ŵ = (q − z)·s. Version 1 stores z − 1 in each field, version 2 z. A zero
// point of 0 is then all ones in version 1. AutoGPTQ's own packing lets its
// borrow run into the fields above (it shifts 0xFFFFFFFF without a mask), and
// programs that add 1 to the whole word carry out of the field; so rounding
// keeps version 1 to zero points of 1 and more. Three bits are a stream of bits
// over three words, as there.
type gptq struct{ v2 bool }

func (g gptq) Name(s Scheme) string {
	name := "GPTQ"
	if g.v2 {
		name = "GPTQ v2"
	}
	return named(name, s)
}

// named is a layout's name with bits and group.
func named(name string, s Scheme) string {
	if s.Group <= 0 {
		return fmt.Sprintf("%s %d-bit", name, s.Bits)
	}
	return fmt.Sprintf("%s %d-bit g%d", name, s.Bits, s.Group)
}

func (g gptq) Parts(s Scheme, rows, cols int) (Parts, error) {
	switch s.Bits {
	case 2, 3, 4, 8:
	default:
		return nil, fmt.Errorf("GPTQ has codes of 2, 3, 4 and 8 bits, not of %d", s.Bits)
	}
	if rows%32 != 0 || cols%32 != 0 {
		return nil, fmt.Errorf("GPTQ packs 32 outputs and 32 inputs together, and the matrix is %d × %d", rows, cols)
	}
	if !s.ActOrder && cols%s.group(cols) != 0 {
		return nil, fmt.Errorf("rows of %d values do not divide into groups of %d; choose another group=", cols, s.Group)
	}
	n := s.of(cols)
	return Parts{
		{Suffix: ".qweight", Type: "I32", Shape: []int{cols / 32 * s.Bits, rows}},
		{Suffix: ".qzeros", Type: "I32", Shape: []int{n, rows / 32 * s.Bits}},
		{Suffix: ".scales", Type: s.Type, Shape: []int{n, rows}, Floats: true},
		{Suffix: ".g_idx", Type: "I32", Shape: []int{cols}, Optional: true},
	}, nil
}

// Find tells bits from how much shorter a row of zero points is than one of
// scales.
func (g gptq) Find(s Scheme, has Parts) (Scheme, int, int, bool) {
	w, z, sc := has.get(".qweight"), has.get(".qzeros"), has.get(".scales")
	if w == nil || z == nil || sc == nil || !matrix(w, z, sc) || w.Shape[1] != sc.Shape[1] {
		return s, 0, 0, false
	}
	rows := w.Shape[1]
	s.Bits = z.Shape[1] * 32 / rows
	if s.Bits < 1 || s.Bits > 8 || z.Shape[1]*32 != rows*s.Bits || w.Shape[0]*32%s.Bits != 0 {
		return s, 0, 0, false
	}
	cols := w.Shape[0] * 32 / s.Bits
	s.Group = groupOf(s.Group, cols, sc.Shape[0])
	s.ActOrder, s.Type = has.get(".g_idx") != nil, sc.Type
	return s, rows, cols, true
}

// matrix says whether parts are of two dimensions and not empty.
func matrix(parts ...*Part) bool {
	for _, p := range parts {
		if len(p.Shape) != 2 || p.Shape[0] < 1 || p.Shape[1] < 1 {
			return false
		}
	}
	return true
}

// groupOf is the size of groups of which a row of so many columns has n: what
// is said of it, where that fits.
func groupOf(said, cols, n int) int {
	switch {
	case said > 0 && (cols+said-1)/said == n:
		return said
	case n == 1:
		return -1
	}
	return (cols + n - 1) / n
}

func (g gptq) Round(ctx context.Context, s Scheme, w quant.Tensor, parts Parts) error {
	r := rounder{bits: s.Bits, group: s.Group, symmetric: s.Symmetric, typ: s.Type}
	if !g.v2 {
		r.least = 1
	}
	return r.each(ctx, w, func(row int, m *Matrix) error { return g.Pack(s, m, w.Rows(), row, parts) })
}

func (g gptq) Pack(s Scheme, m *Matrix, rows, row int, parts Parts) error {
	codes := words{parts.get(".qweight").Data, rows}
	for r := range m.Rows {
		codes.fill(row+r, 0, s.Bits, m.Codes[r*m.Cols:(r+1)*m.Cols])
	}
	scales, zeros, n := parts.get(".scales"), parts.get(".qzeros"), rows*s.Bits/32
	for k := range m.Groups {
		z, line := line(zeros.Data, k, n), make([]float32, m.Rows)
		for r := range m.Rows {
			line[r] = m.Scales[r*m.Groups+k]
			z.put(0, (row+r)*s.Bits, s.Bits, g.field(m.Zeros[r*m.Groups+k], s.Bits))
		}
		if err := scales.set(k*rows+row, line); err != nil {
			return err
		}
	}
	if index := parts.get(".g_idx"); index != nil {
		for c, k := range m.Index {
			binary.LittleEndian.PutUint32(index.Data[4*c:], uint32(k))
		}
	}
	return nil
}

// field is what is stored of a zero point: without the borrow of 0 − 1.
func (g gptq) field(zero float32, bits int) uint32 {
	z := uint32(int32(zero))
	if !g.v2 {
		z--
	}
	return z & (1<<bits - 1)
}

func (g gptq) Unpack(s Scheme, parts Parts, rows, cols, row, n int) (*Matrix, error) {
	m := &Matrix{Rows: n, Cols: cols, Bits: s.Bits, Groups: parts.get(".scales").Shape[0], Codes: make([]uint8, n*cols)}
	var err error
	if m.Index, err = indexOf(parts.get(".g_idx"), cols, s.group(cols), m.Groups); err != nil {
		return nil, err
	}
	codes := words{parts.get(".qweight").Data, rows}
	for r := range n {
		codes.take(m.Codes[r*cols:(r+1)*cols], row+r, s.Bits)
	}
	m.Scales, m.Zeros = make([]float32, n*m.Groups), make([]float32, n*m.Groups)
	for k := range m.Groups {
		line, err := parts.get(".scales").floats(k*rows+row, n)
		if err != nil {
			return nil, err
		}
		z := words{parts.get(".qzeros").Data[4*k*(rows*s.Bits/32):], 1}
		for r := range n {
			q := z.get(0, (row+r)*s.Bits, s.Bits)
			if !g.v2 {
				q = (q + 1) & (1<<s.Bits - 1)
			}
			m.Scales[r*m.Groups+k], m.Zeros[r*m.Groups+k] = line[r], float32(q)
		}
	}
	return m, nil
}

// indexOf reads the group of each column; where it is not stored, or says
// nothing, groups are neighbours.
func indexOf(p *Part, cols, group, groups int) ([]int32, error) {
	if p == nil {
		return along(cols, group), nil
	}
	index := make([]int32, cols)
	for c := range index {
		k := int32(binary.LittleEndian.Uint32(p.Data[4*c:]))
		if k < 0 || int(k) >= groups {
			return nil, fmt.Errorf("%s: column %d is of group %d, and there are %d; the file is damaged", p.Suffix[1:], c, k, groups)
		}
		index[c] = k
	}
	return index, nil
}

func (g gptq) Config(s Scheme, skipped []string) object {
	version := "gptq"
	if g.v2 {
		version = "gptq_v2"
	}
	o := object{
		{"quant_method", "gptq"}, {"bits", s.Bits}, {"group_size", s.Group}, {"desc_act", s.ActOrder}, {"static_groups", false},
		{"sym", s.Symmetric}, {"true_sequential", true}, {"damp_percent", 0.01}, {"lm_head", false},
		{"checkpoint_format", version}, {"model_name_or_path", nil}, {"model_file_base_name", "model"},
	}
	if len(skipped) > 0 {
		var not object
		for _, name := range skipped {
			not = append(not, field{"-:^" + quoteRegexp(name) + "$", object{}})
		}
		o = append(o, field{"dynamic", not})
	}
	return object{{"quantization_config", o}}
}
