package codebook

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"fewbits/quant"
)

// Params implements quant.Format. Scales are the absmax. Where blocks do not
// fill rows, Params.Flat is set, and Cols counts all values.
func (f *format) Params(p *quant.Packed, codes bool) (*quant.Params, error) {
	parts, err := Split(p)
	if err != nil {
		return nil, err
	}
	m := &quant.Params{Rows: quant.Rows(p.Shape), Cols: quant.Cols(p.Shape), Table: true}
	if m.Cols%parts.Block != 0 {
		m.Flat, m.Rows, m.Cols = true, 1, parts.Len
	}
	m.Groups = (m.Cols + parts.Block - 1) / parts.Block
	m.GroupIndex = make([]int32, m.Cols)
	for i := range m.GroupIndex {
		m.GroupIndex[i] = int32(i / parts.Block)
	}
	m.Scales = make([]float32, parts.Blocks)
	for b := range m.Scales {
		m.Scales[b] = parts.Scale(b)
	}
	if !codes {
		return m, nil
	}
	m.Codes = make([]int32, parts.Len)
	for i := range m.Codes {
		m.Codes[i] = int32(parts.Code(i))
	}
	return m, nil
}

// Open implements quant.Format. The block's bytes are its codes; what stands
// elsewhere in Packed.Bytes is a field without spans.
func (f *format) Open(p *quant.Packed, i int) (*quant.Opened, error) {
	parts, err := Split(p)
	if err != nil {
		return nil, err
	}
	if i < 0 || i >= parts.Len {
		return nil, fmt.Errorf("codebook: tensor %q: there is no value %d, it holds %d", p.Name, i, parts.Len)
	}
	b := i / parts.Block
	first := b * parts.Block
	end := min(first+parts.Block, parts.Len)
	scale, code := parts.Scale(b), parts.Code(i)
	return &quant.Opened{
		Index:   i,
		Block:   b,
		Offset:  int64(first / 2),
		Bytes:   slices.Clone(parts.Codes[first/2 : (end+1)/2]),
		Fields:  f.fields(&parts, i, b, end-first),
		Value:   f.values[code] * scale,
		Code:    int32(code),
		Levels:  f.levels(scale),
		Formula: f.formula(&parts, b, code),
		Rule:    f.rule(code),
	}, nil
}

// fields describes block b of n values, of which i (of the tensor) is opened.
func (f *format) fields(parts *Parts, i, b, n int) []quant.Field {
	spans := []quant.Span{{First: 0, Bits: 4 * n}}
	at := 4 * (i % parts.Block) // of the code, were the low half first
	mine := []quant.Span{{First: at ^ 4, Bits: 4}}
	var pad []quant.Field
	if n%2 == 1 {
		last := 4 * (n - 1)
		spans = []quant.Span{{First: 0, Bits: last}, {First: last + 4, Bits: 4}}
		if last == 0 {
			spans = spans[1:]
		}
		empty := []quant.Span{{First: last, Bits: 4}}
		pad = []quant.Field{{Name: "unused", Role: quant.RolePad, Spans: empty, Text: strconv.Itoa(int(parts.Codes[len(parts.Codes)-1] & 15))}}
	}
	fields := append([]quant.Field{{
		Name:  fmt.Sprintf("%d codes of 4 bits, the high half first", n),
		Role:  quant.RoleCode,
		Spans: spans,
		Mine:  mine,
		Text:  strconv.Itoa(int(parts.Code(i))),
	}}, pad...)
	if !parts.Nested {
		return append(fields, quant.Field{Name: "absmax, FP32, kept apart", Role: quant.RoleScale, Text: number(parts.Scale(b))})
	}
	return append(fields,
		quant.Field{Name: "absmax, 8-bit code, kept apart", Role: quant.RoleScale, Text: strconv.Itoa(int(parts.Absmax[b]))},
		quant.Field{Name: "absmax of 256 absmax, FP32, kept apart", Role: quant.RoleScale, Text: number(float(parts.NestedAbsmax, b/nestedBlock))},
		quant.Field{Name: "mean absmax, FP32, kept apart", Role: quant.RoleScale, Text: number(float(parts.Offset, 0))})
}

// levels are the table times scale, rising, each once; what is NaN is left out.
func (f *format) levels(scale float32) []float32 {
	levels := make([]float32, 0, 16)
	for _, v := range f.values {
		if v *= scale; v == v {
			levels = append(levels, v+0) // −0 becomes 0
		}
	}
	slices.Sort(levels)
	return slices.Compact(levels)
}

// formula is table[q] · absmax, where nested with absmax = map[a] · A + mean.
func (f *format) formula(parts *Parts, b int, code uint8) []quant.Term {
	text := func(s string) quant.Term { return quant.Term{Text: s} }
	scale := func(s string) quant.Term { return quant.Term{Text: s, Role: quant.RoleScale} }
	q := func(s string) quant.Term { return quant.Term{Text: s, Role: quant.RoleCode} }
	entry, s := f.values[code], parts.Scale(b)
	terms := []quant.Term{text("x̂ = " + f.name + "["), q("q"), text("] · "), scale("absmax"),
		text(" = " + f.name + "["), q(strconv.Itoa(int(code))), text("] · ")}
	if parts.Nested {
		terms = append(terms, text("("), scale(fmt.Sprintf("map[%d]", parts.Absmax[b])), text(" · "),
			scale(number(float(parts.NestedAbsmax, b/nestedBlock))), text(" + "), scale(number(float(parts.Offset, 0))), text(")"))
	} else {
		terms = append(terms, scale(number(s)))
	}
	return append(terms, text(" = "+number(entry)+" · "), scale(number(s)), text(" = "+number(entry*s)))
}

// rule names the boundaries that x / absmax lay between.
func (f *format) rule(code uint8) []quant.Term {
	place := slices.Index(f.book.Codes[:], code)
	var low, high string
	if place > 0 {
		if low = number(f.book.Bounds[place-1]) + " < "; f.book.Bounds[place-1] == belowZero {
			low = "0 ≤ "
		}
	}
	if place < len(f.book.Bounds) {
		if high = " ≤ " + number(f.book.Bounds[place]); f.book.Bounds[place] == belowZero {
			high = " < 0"
		}
	}
	return []quant.Term{
		{Text: "q", Role: quant.RoleCode}, {Text: " = "}, {Text: strconv.Itoa(int(code)), Role: quant.RoleCode},
		{Text: " where " + low + "x / "}, {Text: "absmax", Role: quant.RoleScale}, {Text: high},
	}
}

// number prints v in four digits.
func number(v float32) string {
	return strings.ReplaceAll(strconv.FormatFloat(float64(v), 'g', 4, 32), "-", "−")
}
