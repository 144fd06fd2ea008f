package coded

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/x448/float16"

	"fewbits/quant"
)

// Reader is the part of a quant.Format that reads: embed it.
type Reader struct {
	// Layout is the layout of a tensor by its shape and its options, which
	// need not be those that Quantize returned. It fails on options that have
	// no meaning and on a shape that the format does not take.
	Layout func(shape []int, o quant.Options) (Layout, error)
}

// Begin is what a method makes of t with the options that it used, its bytes yet
// to come. It fails with a *quant.SizeError where t is not of its shape.
func Begin(format string, t quant.Tensor, used quant.Options) (*quant.Packed, error) {
	p := &quant.Packed{Format: format, Name: t.Name, Shape: t.Shape, Options: used}
	if p.Len() != len(t.Data) {
		return nil, &quant.SizeError{What: "values", Format: format, Got: len(t.Data), Want: p.Len()}
	}
	return p, nil
}

// Back is p as it comes back, rows × columns.
func (r Reader) Back(p *quant.Packed) ([]float32, error) {
	back := make([]float32, p.Len())
	return back, r.Dequantize(p, back)
}

// packed is a matrix in its bytes.
type packed struct {
	Layout
	name        string
	bytes       []byte
	blocks      int // where they begin in bytes
	permutation []int32
	inverse     []int32
	inputs      []float32
	outliers    []int32
	kept        []byte // float16, Rows × len(outliers)
}

// open checks p.
func (r Reader) open(p *quant.Packed) (*packed, error) {
	l, err := r.Layout(p.Shape, p.Options)
	if err != nil {
		return nil, err
	}
	m := &packed{Layout: l, name: p.Name, bytes: p.Bytes, blocks: l.prefix()}
	n := 0
	if base := l.size(0); l.Outliers && l.values() > 0 && len(p.Bytes) >= base {
		// More columns than there are would not pass the check of the size.
		n = int(min(binary.LittleEndian.Uint32(p.Bytes[base-4:]), uint32(min(l.Cols, math.MaxInt32))))
	}
	if want := l.size(n); len(p.Bytes) != want {
		return nil, &quant.SizeError{What: "bytes", Format: l.Format, Got: len(p.Bytes), Want: want}
	}
	if l.values() == 0 {
		return m, nil
	}
	return m, m.readEdges(n)
}

// readEdges reads what stands before and after the blocks.
func (m *packed) readEdges(outliers int) error {
	b := m.bytes
	if m.Permuted {
		m.permutation, m.inverse = make([]int32, m.Cols), make([]int32, m.Cols)
		for k := range m.inverse {
			m.inverse[k] = -1
		}
		for k := range m.permutation {
			c := binary.LittleEndian.Uint32(b[4*k:])
			if c >= uint32(m.Cols) || m.inverse[c] >= 0 {
				return fmt.Errorf("%s: tensor %q: place %d of the permutation is column %d, which is there already or is none of the %d", m.Format, m.name, k, c, m.Cols)
			}
			m.permutation[k], m.inverse[c] = int32(c), int32(k)
		}
		b = b[4*m.Cols:]
	}
	if m.Inputs {
		m.inputs = make([]float32, m.Cols)
		for c := range m.inputs {
			m.inputs[c] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*c:]))
		}
	}
	if !m.Outliers {
		return nil
	}
	b = m.bytes[m.size(0):]
	m.outliers = make([]int32, outliers)
	for k := range m.outliers {
		c := binary.LittleEndian.Uint32(b[4*k:])
		if c >= uint32(m.Cols) || k > 0 && int32(c) <= m.outliers[k-1] {
			return fmt.Errorf("%s: tensor %q: outlier %d is column %d, which does not rise or is none of the %d", m.Format, m.name, k, c, m.Cols)
		}
		m.outliers[k] = int32(c)
	}
	m.kept = b[4*outliers:]
	return nil
}

// block is where block k begins in bytes.
func (m *packed) block(k int) int { return m.blocks + m.blockAt(k) }

// scale is that of block k.
func (m *packed) scale(k int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(m.bytes[m.block(k):]))
}

// zero is that of block k.
func (m *packed) zero(k int) float32 {
	at := m.block(k) + 4
	switch m.Zero {
	case ZeroByte:
		return float32(m.bytes[at])
	case ZeroFloat:
		return math.Float32frombits(binary.LittleEndian.Uint32(m.bytes[at:]))
	}
	return m.At
}

// codes reads all codes of block k to dst.
func (m *packed) codes(dst []int32, k int) {
	src := m.bytes[m.block(k)+m.header():]
	var acc, have uint
	bits := uint(m.Bits)
	lift := 32 - bits
	for t := range dst {
		for ; have < bits; have += 8 {
			acc |= uint(src[0]) << have
			src = src[1:]
		}
		q := uint32(acc & (1<<bits - 1))
		if acc, have = acc>>bits, have-bits; m.Signed {
			dst[t] = int32(q<<lift) >> lift
		} else {
			dst[t] = int32(q)
		}
	}
}

// Dequantize implements quant.Format.
func (r Reader) Dequantize(p *quant.Packed, dst []float32) error {
	m, err := r.open(p)
	if err != nil {
		return err
	}
	if len(dst) != m.values() {
		return &quant.SizeError{What: "values", Format: m.Format, Got: len(dst), Want: m.values()}
	}
	codes := make([]int32, m.longest())
	for k := range m.Blocks() {
		s, z := m.scale(k), m.zero(k)
		q := codes[:m.count(k)]
		m.codes(q, k)
		for t, q := range q {
			dst[m.Index(k, t, m.permutation)] = (float32(q) - z) * s
		}
	}
	if m.Inputs {
		for i := range dst {
			dst[i] /= m.inputs[i%m.Cols]
		}
	}
	for j, c := range m.outliers {
		for row := range m.Rows {
			dst[row*m.Cols+int(c)] = m.half(row, j)
		}
	}
	return nil
}

// longest is the values of the longest block.
func (m *packed) longest() int {
	if m.Order == Along {
		return min(m.Group, m.Cols)
	}
	return m.Group
}

// half is the value of outlier j of a row.
func (m *packed) half(row, j int) float32 {
	return float16.Frombits(binary.LittleEndian.Uint16(m.kept[2*(row*len(m.outliers)+j):])).Float32()
}

// Params implements quant.Format. Blocks Across rows, and such Down that run
// through several columns, are flat.
func (r Reader) Params(p *quant.Packed, codes bool) (*quant.Params, error) {
	m, err := r.open(p)
	if err != nil {
		return nil, err
	}
	out := &quant.Params{Rows: m.Rows, Cols: m.Cols, Permutation: m.permutation, InputScales: m.inputs, Outliers: m.outliers}
	if m.values() == 0 {
		return out, nil
	}
	m.groups(out)
	if !codes {
		return out, nil
	}
	out.Codes = make([]int32, m.values())
	buf := make([]int32, m.longest())
	for k := range m.Blocks() {
		q := buf[:m.count(k)]
		m.codes(q, k)
		for t, q := range q {
			out.Codes[m.Index(k, t, m.permutation)] = q
		}
	}
	return out, nil
}

// groups gives p its groups, scales and zero points.
func (m *packed) groups(p *quant.Params) {
	// one is the block of group g of a row.
	one := func(row, g int) int { return row*p.Groups + g }
	switch {
	case m.Order == Along:
		p.Groups = m.per()
		p.GroupIndex = make([]int32, m.Cols)
		for c := range p.GroupIndex {
			k, _ := m.place(c, m.inverse)
			p.GroupIndex[c] = int32(k)
		}
	case m.Order == Down && m.Rows%m.Group == 0:
		// A block lies in one column: each column is a group, each row has its own.
		p.Groups = m.Cols
		p.GroupIndex = make([]int32, m.Cols)
		for c := range p.GroupIndex {
			p.GroupIndex[c] = int32(c)
		}
		one = func(row, c int) int { k, _ := m.place(row*m.Cols+c, nil); return k }
	default:
		p.Flat, p.Rows, p.Cols, p.Groups = true, 1, m.values(), m.Blocks()
		p.GroupIndex = make([]int32, m.values())
		for i := range p.GroupIndex {
			k, _ := m.place(i, nil)
			p.GroupIndex[i] = int32(k)
		}
	}
	p.Scales = make([]float32, p.Rows*p.Groups)
	p.Zeros = make([]float32, p.Rows*p.Groups)
	for i := range p.Scales {
		k := one(i/p.Groups, i%p.Groups)
		p.Scales[i], p.Zeros[i] = m.scale(k), m.zero(k)
	}
}
