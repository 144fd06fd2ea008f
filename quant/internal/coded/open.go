package coded

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fewbits/quant"
)

// Open implements quant.Format. A block is given whole; what stands elsewhere
// in Packed.Bytes is a field without spans.
func (r Reader) Open(p *quant.Packed, i int) (*quant.Opened, error) {
	m, err := r.open(p)
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= m.values() {
		return nil, fmt.Errorf("%s: tensor %q: there is no value %d, it holds %d", m.Format, p.Name, i, m.values())
	}
	k, t := m.place(i, m.inverse)
	codes := make([]int32, m.count(k))
	m.codes(codes, k)
	w := opener{packed: m, row: i / m.Cols, col: i % m.Cols, k: k, t: t, code: codes[t], s: m.scale(k), z: m.zero(k), input: 1}
	if m.Inputs {
		w.input = m.inputs[w.col]
	}
	at := m.block(k)
	o := &quant.Opened{
		Index: i, Block: k, Offset: int64(at), Bytes: p.Bytes[at : at+m.header()+m.codeBytes(len(codes))],
		Fields: w.fields(len(codes)), Code: w.code,
	}
	if j, ok := slices.BinarySearch(m.outliers, int32(w.col)); ok {
		o.Value = m.half(w.row, j)
		o.Formula = []quant.Term{{Text: fmt.Sprintf("x̂ = %s, as column %d is kept in 16 bits", number(o.Value), w.col)}}
		return o, nil
	}
	o.Value = w.value(w.code)
	o.Levels, o.Formula = w.levels(), w.formula(o.Value)
	return o, nil
}

// opener takes a block apart around one of its weights.
type opener struct {
	*packed
	row, col int
	k, t     int // block, place in it
	code     int32
	s, z     float32
	input    float32 // input scale, 1 where there are none
}

// value is what a code stands for.
func (w *opener) value(q int32) float32 {
	v := (float32(q) - w.z) * w.s
	if w.Inputs {
		v /= w.input
	}
	return v
}

// levels are the values of all codes, rising.
func (w *opener) levels() []float32 {
	lo, hi := int32(0), int32(1)<<w.Bits
	if w.Signed {
		lo, hi = -hi/2, hi/2
	}
	var levels []float32
	for q := lo; q < hi; q++ {
		levels = append(levels, w.value(q)+0) // −0 becomes 0
	}
	slices.Sort(levels)
	return slices.Compact(levels)
}

// fields describes a block of n codes.
func (w *opener) fields(n int) []quant.Field {
	at := []quant.Span{{First: 0, Bits: 32}}
	fields := []quant.Field{{Name: "scale s, FP32", Role: quant.RoleScale, Spans: at, Mine: at, Text: number(w.s)}}
	zero := quant.Field{Name: "zero point z, 8 bits", Role: quant.RoleZero, Text: number(w.z)}
	switch w.Zero {
	case ZeroFloat:
		zero.Name, zero.Spans = "zero point z, FP32", []quant.Span{{First: 32, Bits: 32}}
	case ZeroByte:
		zero.Spans = []quant.Span{{First: 32, Bits: 8}}
	}
	if zero.Mine = zero.Spans; zero.Spans != nil {
		fields = append(fields, zero)
	}
	bit := 8 * w.header()
	fields = append(fields, quant.Field{
		Name: fmt.Sprintf("%d codes of %d bits", n, w.Bits), Role: quant.RoleCode, Text: strconv.Itoa(int(w.code)),
		Spans: []quant.Span{{First: bit, Bits: n * w.Bits}},
		Mine:  []quant.Span{{First: bit + w.t*w.Bits, Bits: w.Bits}},
	})
	if pad := 8*w.codeBytes(n) - n*w.Bits; pad > 0 {
		fields = append(fields, quant.Field{Name: "unused", Role: quant.RolePad, Spans: []quant.Span{{First: bit + n*w.Bits, Bits: pad}}})
	}
	if w.Inputs {
		fields = append(fields, quant.Field{Name: fmt.Sprintf("input scale t of column %d, FP32, kept apart", w.col), Role: quant.RoleScale, Text: number(w.input)})
	}
	if w.Permuted {
		fields = append(fields, quant.Field{Name: fmt.Sprintf("place of column %d in the order, kept apart", w.col), Text: strconv.Itoa(int(w.inverse[w.col]))})
	}
	return fields
}

// formula is (q − z) · s, over t where there are input scales.
func (w *opener) formula(v float32) []quant.Term {
	text := func(s string) quant.Term { return quant.Term{Text: s} }
	scale := func(s string) quant.Term { return quant.Term{Text: s, Role: quant.RoleScale} }
	zero := func(s string) quant.Term { return quant.Term{Text: s, Role: quant.RoleZero} }
	code := func(s string) quant.Term { return quant.Term{Text: s, Role: quant.RoleCode} }
	part := func(q, z, s, t string) []quant.Term {
		var p []quant.Term
		if z == "" {
			p = []quant.Term{code(q), text(" · "), scale(s)}
		} else {
			p = []quant.Term{text("("), code(q), text(" − "), zero(z), text(") · "), scale(s)}
		}
		if w.Inputs {
			p = append(p, text(" / "), scale(t))
		}
		return p
	}
	z, zn := "z", number(w.z)
	if w.Zero == Implied && w.At == 0 {
		z, zn = "", ""
	}
	terms := append([]quant.Term{text("x̂ = ")}, part("q", z, "s", "t")...)
	terms = append(terms, text(" = "))
	terms = append(terms, part(strconv.Itoa(int(w.code)), zn, number(w.s), number(w.input))...)
	return append(terms, text(" = "+number(v)))
}

// number prints v in four digits.
func number(v float32) string {
	return strings.ReplaceAll(strconv.FormatFloat(float64(v), 'g', 4, 32), "-", "−")
}
