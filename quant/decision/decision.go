package decision

import (
	"io"
	"strconv"

	"fewbits/quant"
)

// Write writes one JSON object about p, which f packed:
//
//	format, name, shape    of the tensor, the shape outermost first
//	rows, cols             cols is the innermost dimension, rows all others
//	options                as used, by their names, as text
//	importance             one weight a column, or one a column for each
//	                       outermost index; null where there were none
//	bits_per_weight        scales and padding included
//	flat                   whether blocks run on across rows
//	codes, reconstruction  rows × cols, in the tensor's own order
//	scales, zeros, mins    rows × groups; a scale shared more widely is
//	                       repeated; null where the format has none
//	group_index            the group of each column
//	permutation            the order that columns were quantized in; null
//	                       where that is their own
//	input_scales           one a column: codes are of the weights times it;
//	                       null where there are none
//	outlier_columns        columns kept in 16 bits, whose values do not come
//	                       from their codes; null where the format has none
//
// A value is (code − zero) · scale, over the column's input scale where there
// are some, or code · scale + min where the format has minimums; of a codebook
// it is the code's entry in the table, times the scale. Where flat, scales,
// zeros and mins are one row of all blocks and group_index has one entry a
// value. A float's code is its bit pattern, and it has no groups: group_index
// is null. NaN and infinities become null.
//
// It fails where f cannot take p apart and where w does.
func Write(w io.Writer, f quant.Format, p *quant.Packed) error {
	back := make([]float32, p.Len())
	if err := f.Dequantize(p, back); err != nil {
		return err
	}
	m, err := f.Params(p, true)
	if err != nil {
		return err
	}
	e := newEncoder(w)
	rows, cols := quant.Rows(p.Shape), quant.Cols(p.Shape)
	e.text("{\n")
	e.value("format", quote(p.Format))
	e.value("name", quote(p.Name))
	e.list("shape", len(p.Shape), false, func(b []byte, i int) []byte { return strconv.AppendInt(b, int64(p.Shape[i]), 10) })
	e.value("rows", strconv.Itoa(rows))
	e.value("cols", strconv.Itoa(cols))
	e.value("options", object(p.Options.Map()))
	weights := p.Options.Importance
	e.list("importance", len(weights), weights == nil, func(b []byte, i int) []byte { return appendFloat(b, weights[i]) })
	e.value("bits_per_weight", strconv.FormatFloat(p.BitsPerWeight(), 'g', -1, 64))
	e.value("flat", strconv.FormatBool(m.Flat))
	e.rows("codes", rows, cols, func(b []byte, i int) []byte { return strconv.AppendInt(b, int64(m.Codes[i]), 10) })
	e.groups("scales", m, m.Scales)
	e.groups("zeros", m, m.Zeros)
	e.groups("mins", m, m.Mins)
	e.columns("group_index", m.GroupIndex)
	e.columns("permutation", m.Permutation)
	e.list("input_scales", len(m.InputScales), m.InputScales == nil, func(b []byte, i int) []byte { return appendFloat(b, m.InputScales[i]) })
	e.columns("outlier_columns", m.Outliers)
	e.rows("reconstruction", rows, cols, func(b []byte, i int) []byte { return appendFloat(b, back[i]) })
	e.text("\n}\n")
	return e.finish()
}

// columns writes whole numbers, or null.
func (e *encoder) columns(name string, x []int32) {
	e.list(name, len(x), x == nil, func(b []byte, i int) []byte { return strconv.AppendInt(b, int64(x[i]), 10) })
}

// groups writes one number a group, or null.
func (e *encoder) groups(name string, m *quant.Params, x []float32) {
	if x == nil {
		e.value(name, "null")
		return
	}
	rows, groups := m.Rows, m.Groups
	if m.Flat {
		rows = 1
	}
	e.rows(name, rows, groups, func(b []byte, i int) []byte { return appendFloat(b, x[i]) })
}
