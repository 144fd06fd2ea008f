package affine

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fewbits/quant"
)

// How much of a block Open gives.
const (
	wholeBlock = 512 // bytes of a block that is given whole
	maxWindow  = 64  // bytes of codes that are given of a larger one
)

// Open implements quant.Format; doc.go says what is given of a large block.
func (f format) Open(p *quant.Packed, i int) (*quant.Opened, error) {
	l, o, err := f.open(p)
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= l.n {
		return nil, fmt.Errorf("affine: tensor %q: no value %d, there are %d", p.Name, i, l.n)
	}
	k := l.blockOf(i)
	m := l.params(p.Bytes, k)
	w := opener{layout: l, grid: newGrid(f.bits, o), params: m, index: i, block: k}
	r := &quant.Opened{Index: i, Block: k, Levels: w.levels()}
	w.look(r, p.Bytes)
	r.Value = float32(r.Code-m.zero) * m.scale
	r.Formula = w.formula(r)
	r.Rule = w.rule(r.Code, o)
	return r, nil
}

// opener takes one block apart around value index.
type opener struct {
	layout
	grid
	params
	index, block int
}

// look gives r the bytes, the fields and the code.
func (w *opener) look(r *quant.Opened, b []byte) {
	first, offset, n := 0, 0, 0 // of the stream that holds the code
	whole, at := 0, 0           // bytes of the block, where it begins
	if w.columns {
		row := w.index / w.cols
		first, offset, n, whole = row*w.cols, w.row(row), w.cols, len(b)
	} else {
		at, first, n = w.layout.block(w.block)
		offset = at + w.header()
		whole = w.header() + w.codeBytes(n)
	}
	mine := w.index - first
	var q [1]int8
	bit := mine * w.bits
	code := uint16(b[offset+bit/8])
	if next := offset + bit/8 + 1; next < offset+w.codeBytes(n) {
		code |= uint16(b[next]) << 8
	}
	q[0] = int8(code>>(bit%8)<<(8-w.bits)) >> (8 - w.bits)
	r.Code = int32(q[0])

	switch {
	case whole > wholeBlock:
		w.window(r, b, offset, n, mine)
	case w.columns:
		w.planes(r, b)
	default:
		r.Offset, r.Bytes = int64(at), b[at:at+whole]
		r.Fields = w.head(quant.Span{First: 0, Bits: 8 * w.scaleBytes}, quant.Span{First: 8 * w.scaleBytes, Bits: 8})
		r.Fields = append(r.Fields, w.stream(8*w.header(), n, n, mine, r.Code)...)
	}
}

// window gives r the bytes around code mine of the n codes from offset.
func (w *opener) window(r *quant.Opened, b []byte, offset, n, mine int) {
	// Eight codes fill whole bytes; the window is a number of such eights.
	eights := maxWindow / w.bits
	from := max(0, min(mine/8-eights/2, (n+7)/8-eights))
	count := min(8*eights, n-8*from)
	start := offset + from*w.bits
	r.Offset, r.Bytes = int64(start), b[start:start+w.codeBytes(count)]
	r.Fields = append(w.head(), w.stream(0, count, n, mine-8*from, r.Code)...)
}

// head is the fields of the scale and the zero point at the spans given for
// them, or at none.
func (w *opener) head(spans ...quant.Span) []quant.Field {
	scale := quant.Field{Name: "scale s, FP32", Role: quant.RoleScale, Text: number(w.scale)}
	if w.scaleBytes == 2 {
		scale.Name = "scale s, FP16"
	}
	zero := quant.Field{Name: "zero point z, INT8", Role: quant.RoleZero, Text: integer(w.zero)}
	if len(spans) > 0 {
		scale.Spans = spans[:1:1]
		zero.Spans = spans[1:2:2]
		scale.Mine, zero.Mine = scale.Spans, zero.Spans
	}
	if w.zeroBytes == 0 {
		return []quant.Field{scale}
	}
	return []quant.Field{scale, zero}
}

// stream is the fields of count codes, of n in all, from bit on; code is that
// of the one at index mine.
func (w *opener) stream(bit, count, n, mine int, code int32) []quant.Field {
	name := fmt.Sprintf("%d codes of %d bits", count, w.bits)
	if count < n {
		name = fmt.Sprintf("%d of %d codes of %d bits", count, n, w.bits)
	}
	fields := []quant.Field{{
		Name: name, Role: quant.RoleCode, Text: integer(code),
		Spans: []quant.Span{{First: bit, Bits: count * w.bits}},
		Mine:  []quant.Span{{First: bit + mine*w.bits, Bits: w.bits}},
	}}
	if pad := 8*w.codeBytes(count) - count*w.bits; pad > 0 {
		fields = append(fields, quant.Field{Name: "unused", Role: quant.RolePad,
			Spans: []quant.Span{{First: bit + count*w.bits, Bits: pad}}})
	}
	return fields
}

// planes gives r all bytes of a small tensor with a scale a column.
func (w *opener) planes(r *quant.Opened, b []byte) {
	r.Bytes = b
	c := w.block
	zeros := 8 * w.scaleBytes * w.cols
	r.Fields = w.head(quant.Span{First: 0, Bits: zeros}, quant.Span{First: zeros, Bits: 8 * w.cols})
	for i, bits := range []int{8 * w.scaleBytes, 8}[:len(r.Fields)] {
		field := &r.Fields[i]
		field.Name = fmt.Sprintf("%d of: %s", w.cols, field.Name)
		field.Mine = []quant.Span{{First: field.Spans[0].First + c*bits, Bits: bits}}
	}
	codes := quant.Field{Name: fmt.Sprintf("%d codes of %d bits", w.n, w.bits), Role: quant.RoleCode, Text: integer(r.Code)}
	pads := quant.Field{Name: "unused", Role: quant.RolePad}
	used := w.cols * w.bits
	for row := range w.rows {
		bit := 8 * w.row(row)
		codes.Spans = append(codes.Spans, quant.Span{First: bit, Bits: used})
		if row == w.index/w.cols {
			codes.Mine = []quant.Span{{First: bit + c*w.bits, Bits: w.bits}}
		}
		if pad := 8*w.codeBytes(w.cols) - used; pad > 0 {
			pads.Spans = append(pads.Spans, quant.Span{First: bit + used, Bits: pad})
		}
	}
	r.Fields = append(r.Fields, codes)
	if len(pads.Spans) > 0 {
		r.Fields = append(r.Fields, pads)
	}
}

// levels is what the codes stand for, rising, each once.
func (w *opener) levels() []float32 {
	var ls []float32
	for q := w.lo; q <= w.hi; q++ {
		ls = append(ls, float32(q-w.zero)*w.scale)
	}
	slices.Sort(ls) // bytes from elsewhere may hold a negative scale
	return slices.Compact(ls)
}

// formula is how the value comes from the code.
func (w *opener) formula(r *quant.Opened) []quant.Term {
	code, scale, value := integer(r.Code), number(w.scale), number(r.Value)
	if w.sym {
		return []quant.Term{{Text: "x̂ = q · s = "}, {Text: code, Role: quant.RoleCode}, {Text: " · "},
			{Text: scale, Role: quant.RoleScale}, {Text: " = "}, {Text: value}}
	}
	minus, closing := " − ", ") · "
	if w.zero < 0 {
		minus, closing = " − (", ")) · "
	}
	return []quant.Term{{Text: "x̂ = (q − z) · s = ("}, {Text: code, Role: quant.RoleCode}, {Text: minus},
		{Text: integer(w.zero), Role: quant.RoleZero}, {Text: closing}, {Text: scale, Role: quant.RoleScale},
		{Text: " = "}, {Text: value}}
}

// rule is how the code came from the weight.
func (w *opener) rule(code int32, o quant.Options) []quant.Term {
	before, after, u := "round(x / ", ")", ""
	if o.Rounding == quant.RoundStochastic {
		before, after = "⌊x / ", "⌋"
		u = strconv.FormatFloat(uniform(o.Seed, uint64(w.index)), 'f', 4, 64)
	}
	general := "q = " + before + "s"
	if u != "" {
		general += " + u"
	}
	general += after
	if !w.sym {
		general += " + z"
	}
	ts := []quant.Term{{Text: general + " = " + before}, {Text: number(w.scale), Role: quant.RoleScale}}
	if u != "" {
		after = " + " + u + after
	}
	switch {
	case w.sym:
		ts = append(ts, quant.Term{Text: after + " = "})
	case w.zero < 0:
		ts = append(ts, quant.Term{Text: after + " + ("}, quant.Term{Text: integer(w.zero), Role: quant.RoleZero}, quant.Term{Text: ") = "})
	default:
		ts = append(ts, quant.Term{Text: after + " + "}, quant.Term{Text: integer(w.zero), Role: quant.RoleZero}, quant.Term{Text: " = "})
	}
	ts = append(ts, quant.Term{Text: integer(code), Role: quant.RoleCode})
	if code == w.lo || code == w.hi {
		ts = append(ts, quant.Term{Text: fmt.Sprintf(", kept within %s … %s", integer(w.lo), integer(w.hi))})
	} else if o.Rounding == quant.RoundAway {
		ts = append(ts, quant.Term{Text: ", ties away from zero"})
	}
	return ts
}

// number prints v with as many digits as tell it from its neighbours.
func number(v float32) string {
	return strings.ReplaceAll(strconv.FormatFloat(float64(v), 'g', -1, 32), "-", "−")
}

// integer prints v.
func integer(v int32) string { return strings.ReplaceAll(strconv.Itoa(int(v)), "-", "−") }
