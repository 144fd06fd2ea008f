package checkpoint

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"fewbits/quant"
	"fewbits/quant/dtype"
)

// Stored is the matrix as a format and what it packs, so that it can be looked
// at like any: its rows follow one another, each with its codes, scales and
// zero points. name is what the layout is called, tensor the matrix. The bytes
// are not those of the file, which has them in several tensors, and are more.
func (m *Matrix) Stored(name, tensor string) (quant.Format, *quant.Packed) {
	f := &asFormat{name: name, bits: m.Bits, signed: m.Signed, levels: m.Levels, groups: m.Groups, index: m.Index}
	scales, offsets := m.Scales, m.Zeros
	if f.zeros = m.Zeros != nil; m.Biases != nil {
		f.biases, offsets = true, m.Biases
	}
	if m.flat() { // groups do not keep to rows: each value has its own
		f.groups, f.index = m.Cols, along(m.Cols, 1)
		scales, offsets = spread(scales, m.Index), spread(offsets, m.Index)
	}
	p := &quant.Packed{Format: name, Name: tensor, Shape: []int{m.Rows, m.Cols}, Bytes: make([]byte, 0, m.Rows*f.row())}
	for r := range m.Rows {
		p.Bytes = append(p.Bytes, m.Codes[r*m.Cols:(r+1)*m.Cols]...)
		for _, list := range [][]float32{scales, offsets} {
			for g := range f.groups {
				if list != nil {
					p.Bytes = binary.LittleEndian.AppendUint32(p.Bytes, math.Float32bits(list[r*f.groups+g]))
				}
			}
		}
	}
	return f, p
}

// spread gives each value the number of its group.
func spread(x []float32, index []int32) []float32 {
	if x == nil {
		return nil
	}
	out := make([]float32, len(index))
	for i, g := range index {
		out[i] = x[g]
	}
	return out
}

// Part is some rows of the matrix, and of those the columns [from, to) of each
// piece.
func (m *Matrix) Part(rows []int, pieces [][2]int) *Matrix {
	out := *m
	out.Rows, out.Cols, out.Codes, out.Index = len(rows), 0, nil, nil
	out.Scales, out.Zeros, out.Biases = nil, nil, nil
	for _, c := range pieces {
		out.Cols += c[1] - c[0]
		if !m.flat() {
			out.Index = append(out.Index, m.Index[c[0]:c[1]]...)
		}
	}
	for _, r := range rows {
		for _, c := range pieces {
			out.Codes = append(out.Codes, m.Codes[r*m.Cols+c[0]:r*m.Cols+c[1]]...)
			if m.flat() {
				out.Index = append(out.Index, m.Index[r*m.Cols+c[0]:r*m.Cols+c[1]]...)
			}
		}
		if m.flat() {
			continue
		}
		for _, list := range [][2]*[]float32{{&m.Scales, &out.Scales}, {&m.Zeros, &out.Zeros}, {&m.Biases, &out.Biases}} {
			if *list[0] != nil {
				*list[1] = append(*list[1], (*list[0])[r*m.Groups:(r+1)*m.Groups]...)
			}
		}
	}
	if m.flat() {
		out.Scales, out.Zeros, out.Biases = m.Scales, m.Zeros, m.Biases
	}
	return &out
}

// Noise is an estimate of Σ(x̂ − x)² between the matrix and what it was before,
// from what is stored alone: a weight lies anywhere in its cell, all that
// rounds to the same level, with the same likelihood. See ggml.Noise.
func (m *Matrix) Noise() float64 {
	cells := m.cells()
	sum, flat := 0.0, m.flat()
	for i, q := range m.Codes {
		g := 0
		if flat {
			g = int(m.Index[i])
		} else {
			g = i/m.Cols*m.Groups + int(m.Index[i%m.Cols])
		}
		if s := float64(m.Scales[g]); s-s == 0 {
			sum += float64(cells[q] * s * s)
		}
	}
	return sum
}

// cells is the mean of the squared error in the cell of each code, at a scale
// of 1: Δ²/12 where steps are even, else with half ways to the levels on either
// side.
func (m *Matrix) cells() [256]float64 {
	var out [256]float64
	if m.Levels == nil {
		for q := range out {
			out[q] = 1. / 12
		}
		return out
	}
	levels := slices.DeleteFunc(slices.Clone(m.Levels), func(v float32) bool { return v-v != 0 })
	slices.Sort(levels)
	levels = slices.Compact(levels)
	for q, v := range m.Levels {
		at, _ := slices.BinarySearch(levels, v)
		if v-v != 0 || len(levels) < 2 || q > 255 {
			continue
		}
		i, j := max(0, at-1), min(len(levels)-1, at+1)
		below, above := float64(v-levels[i])/2, float64(levels[j]-v)/2
		if i == at { // beyond the last level as far as inside
			below = above
		} else if j == at {
			above = below
		}
		out[q] = (below*below*below + above*above*above) / (3 * (below + above))
	}
	return out
}

// asFormat is the format of one matrix: see Matrix.Stored. A row is
//
//	codes   a byte each
//	scales  float32, one a group
//	zeros   likewise, or biases, where there are any
type asFormat struct {
	name          string
	bits          int
	signed        bool
	zeros, biases bool
	levels        []float32
	groups        int
	index         []int32 // of each column
}

// row is the bytes of a row.
func (f *asFormat) row() int {
	n := 4 * f.groups
	if f.zeros || f.biases {
		n *= 2
	}
	return len(f.index) + n
}

func (f *asFormat) Info() quant.Info {
	i := quant.Info{Name: f.name, Family: quant.FamilyMethod, Title: "As the file has it", Bits: f.bits, RowLocal: true,
		Summary: "Codes, scales and zero points of the checkpoint, nothing quantized anew."}
	switch {
	case strings.HasPrefix(f.name, "bitsandbytes") && f.levels != nil:
		i.Family = quant.FamilyCodebook
	case f.levels != nil:
		i.Family = quant.FamilyFloat
	}
	return i
}

var errStored = errors.New("checkpoint: what is stored is not quantized anew")

func (f *asFormat) Quantize(quant.Tensor, quant.Options) (*quant.Packed, error) {
	return nil, errStored
}

// matrix is p taken apart.
func (f *asFormat) matrix(p *quant.Packed) (*Matrix, error) {
	rows, cols, row := quant.Rows(p.Shape), quant.Cols(p.Shape), f.row()
	if cols != len(f.index) || len(p.Bytes) != rows*row {
		return nil, &quant.SizeError{What: "bytes", Format: f.name, Got: len(p.Bytes), Want: rows * row}
	}
	m := &Matrix{Rows: rows, Cols: cols, Bits: f.bits, Signed: f.signed, Groups: f.groups, Index: f.index, Levels: f.levels}
	floats := func(b []byte) (x []float32) {
		for at := 0; at < 4*f.groups; at += 4 {
			x = append(x, math.Float32frombits(binary.LittleEndian.Uint32(b[at:])))
		}
		return x
	}
	for r := range rows {
		b := p.Bytes[r*row : (r+1)*row]
		m.Codes = append(m.Codes, b[:cols]...)
		m.Scales = append(m.Scales, floats(b[cols:])...)
		if f.zeros {
			m.Zeros = append(m.Zeros, floats(b[cols+4*f.groups:])...)
		}
		if f.biases {
			m.Biases = append(m.Biases, floats(b[cols+4*f.groups:])...)
		}
	}
	return m, nil
}

func (f *asFormat) Dequantize(p *quant.Packed, dst []float32) error {
	m, err := f.matrix(p)
	if err != nil {
		return err
	}
	return m.Dequantize(dst)
}

func (f *asFormat) Params(p *quant.Packed, codes bool) (*quant.Params, error) {
	m, err := f.matrix(p)
	if err != nil {
		return nil, err
	}
	out := m.Params()
	if !codes {
		out.Codes = nil
	}
	out.Flat, out.Rows, out.Cols = false, m.Rows, m.Cols
	return out, nil
}

// Open gathers the weights that share a scale: the scale, the zero point, and
// the codes, as densely as they can lie. They lie elsewhere in the file, so
// that there is no offset: it is −1.
func (f *asFormat) Open(p *quant.Packed, i int) (*quant.Opened, error) {
	rows, cols, row := quant.Rows(p.Shape), quant.Cols(p.Shape), f.row()
	if i < 0 || i >= rows*cols || cols != len(f.index) || len(p.Bytes) != rows*row {
		return nil, fmt.Errorf("checkpoint: there is no value %d in %d × %d", i, rows, cols)
	}
	one := *p
	one.Shape, one.Bytes = []int{1, cols}, p.Bytes[i/cols*row:(i/cols+1)*row]
	m, err := f.matrix(&one)
	if err != nil {
		return nil, err
	}
	col := i % cols
	g := int(m.Index[col])
	o := &quant.Opened{Index: i, Block: i/cols*f.groups + g, Offset: -1, Code: m.code(m.Codes[col])}
	o.Value, o.Levels = m.value(m.Codes[col], g), m.represents(g)
	f.fields(o, m, col, g)
	o.Formula = f.formula(m, m.Codes[col], g, o.Value)
	return o, nil
}

// value is what a code stands for in a group of a single row.
func (m *Matrix) value(q uint8, g int) float32 {
	out := [1]float32{}
	one := Matrix{Rows: 1, Cols: 1, Bits: m.Bits, Signed: m.Signed, Codes: []uint8{q}, Groups: 1, Index: []int32{0}, Levels: m.Levels, Scales: m.Scales[g : g+1]}
	if m.Zeros != nil {
		one.Zeros = m.Zeros[g : g+1]
	}
	if m.Biases != nil {
		one.Biases = m.Biases[g : g+1]
	}
	if one.Dequantize(out[:]) != nil {
		return 0
	}
	return out[0]
}

// represents are the values that a group can have, rising.
func (m *Matrix) represents(g int) (levels []float32) {
	n := 1 << m.Bits
	if m.Levels != nil {
		n = len(m.Levels)
	}
	for q := range n {
		if v := m.value(uint8(q), g); v-v == 0 {
			levels = append(levels, v)
		}
	}
	slices.Sort(levels)
	return slices.Compact(levels)
}

// fields lays out the group.
func (f *asFormat) fields(o *quant.Opened, m *Matrix, col, g int) {
	add := func(name string, role quant.Role, v float32) {
		from := 8 * len(o.Bytes)
		b, typ := smallest(v)
		o.Bytes = append(o.Bytes, b...)
		span := []quant.Span{{First: from, Bits: 8 * len(b)}}
		o.Fields = append(o.Fields, quant.Field{Name: name + ", " + typ, Role: role, Spans: span, Mine: span, Text: short(v)})
	}
	add("scale s", quant.RoleScale, m.Scales[g])
	if m.Zeros != nil {
		add("zero point z", quant.RoleZero, m.Zeros[g])
	}
	if m.Biases != nil {
		add("bias b", quant.RoleMin, m.Biases[g])
	}
	from, n, mine := 8*len(o.Bytes), 0, 0
	for c, k := range m.Index {
		if int(k) != g {
			continue
		}
		if c == col {
			mine = n
		}
		bit := from + n*m.Bits
		for b := range m.Bits {
			if (bit+b)/8 >= len(o.Bytes) {
				o.Bytes = append(o.Bytes, 0)
			}
			o.Bytes[(bit+b)/8] |= m.Codes[c] >> b & 1 << ((bit + b) % 8)
		}
		n++
	}
	o.Fields = append(o.Fields, quant.Field{Name: fmt.Sprintf("%d codes of %d bits", n, m.Bits), Role: quant.RoleCode, Text: minus(strconv.Itoa(int(o.Code))),
		Spans: []quant.Span{{First: from, Bits: n * m.Bits}}, Mine: []quant.Span{{First: from + mine*m.Bits, Bits: m.Bits}}})
	if end := from + n*m.Bits; end < 8*len(o.Bytes) {
		o.Fields = append(o.Fields, quant.Field{Name: "unused", Role: quant.RolePad, Spans: []quant.Span{{First: end, Bits: 8*len(o.Bytes) - end}}})
	}
}

// smallest is a number in the smallest type that holds it.
func smallest(v float32) ([]byte, string) {
	if v >= 0 && v < 256 && v == float32(uint8(v)) {
		return []byte{uint8(v)}, "UINT8"
	}
	for _, t := range []struct {
		dtype.Type
		name string
	}{{dtype.F16, "FP16"}, {dtype.BF16, "BF16"}} {
		b, back := make([]byte, t.Size), []float32{0}
		if t.Encode(b, []float32{v}) == nil && t.Decode(back, b) == nil && back[0] == v {
			return b, t.name
		}
	}
	return binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)), "FP32"
}

// formula is how a value comes from its code.
func (f *asFormat) formula(m *Matrix, q uint8, g int, v float32) []quant.Term {
	code := quant.Term{Text: minus(strconv.Itoa(int(m.code(q)))), Role: quant.RoleCode}
	scale := quant.Term{Text: short(m.Scales[g]), Role: quant.RoleScale}
	text := func(s string) quant.Term { return quant.Term{Text: s} }
	end := text(" = " + short(v))
	switch {
	case m.Levels != nil:
		level := quant.Term{Text: short(m.Levels[q]), Role: quant.RoleCode}
		return []quant.Term{text("x̂ = level[q] · s = level["), code, text("] · s = "), level, text(" · "), scale, end}
	case m.Biases != nil:
		return []quant.Term{text("x̂ = q · s + b = "), code, text(" · "), scale, text(" + "), {Text: short(m.Biases[g]), Role: quant.RoleMin}, end}
	case m.Zeros != nil:
		return []quant.Term{text("x̂ = (q − z) · s = ("), code, text(" − "), {Text: short(m.Zeros[g]), Role: quant.RoleZero}, text(") · "), scale, end}
	}
	return []quant.Term{text("x̂ = q · s = "), code, text(" · "), scale, end}
}

// short prints a number with up to six digits.
func short(v float32) string { return minus(strconv.FormatFloat(float64(v), 'g', 6, 32)) }

func minus(s string) string { return strings.ReplaceAll(s, "-", "−") }

// NoiseWithin is how many dB the ratio of signal to noise by Noise is off at
// most on Gaussian weights that were rounded.
func (m *Matrix) NoiseWithin() float64 {
	switch {
	case m.Bits <= 2:
		return 4
	case m.Levels != nil:
		return 2.5
	}
	return 1
}
