package ggml

import (
	"cmp"
	"fmt"

	"fewbits/kernels"
	"fewbits/quant"
)

// The headings that the formats stand under.
const (
	titleLegacy  = "ggml, legacy"
	titleK       = "ggml, K-quants"
	titleIQ      = "ggml, I-quants"
	titleFP4     = "ggml, FP4"
	titleTernary = "ggml, ternary and binary"
)

// all is every format in reading order: a title after another, from many bits
// to few.
var all = []*format{
	q6K, q5K, q4K, q3K, q2K,
	q80, q51, q50, q41, q40,
	iq4NL, iq4XS,
	iq3S, iq3XXS, iq2S, iq2XS, iq2XXS, iq1M, iq1S,
	nvfp4, mxfp4,
	q20, tq20, tq10, q10,
}

// Formats lists ggml's quantized types, those of one title together.
func Formats() []quant.Format {
	var list []quant.Format
	for _, f := range all {
		list = append(list, f)
	}
	return list
}

// format is one quantized type. Its functions work on whole blocks: a row is
// as many of them as its values fill.
type format struct {
	id         uint32
	title      string
	summary    string
	bits       int // of a code
	group      int // values that share a scale
	importance quant.Need

	zero      int32 // the code that stands for 0, in types without a minimum; subtracted from codes
	scaleZero int32 // subtracted from the scale of a group before it multiplies
	signed    bool  // codes are signed bytes
	states    int32 // how many codes there are, where not 2^bits
	table     *table
	grid      *gridForm // where codes are coordinates of grid points

	// quantize packs one row. It returns why it cannot, or "".
	quantize func(dst []byte, x, importance []float32) string
	// decode takes one block apart.
	decode func(b []byte, s *block)
	// read reconstructs whole blocks: what decode says of them, at once.
	read func(dst []float32, src []byte)
	// layout is the block to the bit, in order.
	layout []part
	// origin adds to the formula how a code is found in bits that it shares.
	origin func(r *reading, e *terms)
	// rule says how a code came from its weight; nil where it does not.
	rule func(r *reading, importance bool) []quant.Term
}

// block is a block taken apart: x̂ = scale·(code − zero) + min, or, where the
// format has a table, x̂ = scale·table[code].
type block struct {
	scale, min [16]float32 // of each group; min only where the format has one
	code       [256]int8
}

// typ is the row of the table of types.
func (f *format) typ() Type { return types[f.id] }

// hasMin says whether a block stores minimums.
func (f *format) hasMin() bool {
	for _, p := range f.layout {
		if p.role == quant.RoleMin {
			return true
		}
	}
	return false
}

// Info says what the type is.
func (f *format) Info() quant.Info {
	t := f.typ()
	return quant.Info{
		Name:          t.Name,
		Family:        quant.FamilyGGML,
		Title:         f.title,
		Summary:       f.summary,
		BitsPerWeight: float64(t.Bytes) * 8 / float64(t.Block),
		BlockSize:     t.Block,
		BlockBytes:    t.Bytes,
		Bits:          f.bits,
		RowLocal:      true,
		Importance:    f.importance,
	}
}

// Quantize packs t row by row, as ggml_quantize_chunk does. It fails with a
// *quant.NonFiniteError, *quant.ShapeError or *quant.SizeError, with a
// *quant.RowError where the reference's arithmetic is undefined, and where
// o.Importance is not one finite weight ≥ 0 a column.
func (f *format) Quantize(t quant.Tensor, o quant.Options) (*quant.Packed, error) {
	n, size, err := f.typ().size(t.Name, t.Shape)
	if err != nil {
		return nil, err
	}
	if n != len(t.Data) {
		return nil, &quant.SizeError{What: "values", Format: f.typ().Name, Got: len(t.Data), Want: n}
	}
	p := &quant.Packed{Format: f.typ().Name, Name: t.Name, Shape: t.Shape, Bytes: make([]byte, size)}
	if f.importance != quant.Never {
		if err := f.checkImportance(t, o.Importance); err != nil {
			return nil, cmp.Or(quant.CheckFinite(t), err)
		}
		p.Options.Importance = o.Importance
	}
	if n == 0 {
		return p, nil
	}
	rowBytes := size / t.Rows()
	for r := range t.Rows() {
		row := t.Data[r*t.Cols() : (r+1)*t.Cols()]
		// Here, a row is still near when it is packed.
		if kernels.CheckFinite(row) >= 0 {
			return nil, quant.CheckFinite(t)
		}
		if why := f.quantize(p.Bytes[r*rowBytes:(r+1)*rowBytes], row, p.Options.Importance); why != "" {
			err := &quant.RowError{Tensor: t.Name, Row: r, Format: f.typ().Name, Reason: why}
			return nil, cmp.Or(quant.CheckFinite(t), error(err))
		}
	}
	return p, nil
}

// checkImportance fails where there is not one finite weight ≥ 0 a column. None at all
// will do for most types.
func (f *format) checkImportance(t quant.Tensor, importance []float32) error {
	switch {
	case importance != nil:
	case f.importance == quant.Required:
		return fmt.Errorf("tensor %q: quantizing to %s needs an importance matrix: give one, or choose a format that does without", t.Name, f.typ().Name)
	default:
		return nil
	}
	if len(importance) != t.Cols() {
		return fmt.Errorf("ggml: tensor %q has %d columns, but the importance matrix has %d weights", t.Name, t.Cols(), len(importance))
	}
	for i, w := range importance {
		if !(w >= 0) || infinite(w) {
			return fmt.Errorf("ggml: tensor %q: importance of column %d is %v: weights must be finite and not negative", t.Name, i, w)
		}
	}
	return nil
}

// Dequantize writes the values that p stands for to dst.
func (f *format) Dequantize(p *quant.Packed, dst []float32) error {
	if err := f.check(p); err != nil {
		return err
	}
	if len(dst) != p.Len() {
		return &quant.SizeError{What: "values", Format: f.typ().Name, Got: len(dst), Want: p.Len()}
	}
	f.read(dst, p.Bytes)
	return nil
}

// check fails where p does not have the bytes that its shape asks for.
func (f *format) check(p *quant.Packed) error {
	_, size, err := f.typ().size(p.Name, p.Shape)
	if err != nil {
		return err
	}
	if len(p.Bytes) != size {
		return &quant.SizeError{What: "bytes", Format: f.typ().Name, Got: len(p.Bytes), Want: size}
	}
	return nil
}

// Params takes p apart: one scale for each group along a row, and a minimum or
// a zero point where the type has one.
func (f *format) Params(p *quant.Packed, codes bool) (*quant.Params, error) {
	if err := f.check(p); err != nil {
		return nil, err
	}
	t, n := f.typ(), p.Len()
	rows, cols := quant.Rows(p.Shape), quant.Cols(p.Shape)
	if n == 0 {
		return &quant.Params{Rows: rows, Cols: cols, Groups: cols / f.group}, nil
	}
	params := &quant.Params{
		Rows: rows, Cols: cols, Groups: cols / f.group, Table: f.table != nil,
		GroupIndex: make([]int32, cols),
		Scales:     make([]float32, n/f.group),
	}
	if codes {
		params.Codes = make([]int32, n)
	}
	for i := range params.GroupIndex {
		params.GroupIndex[i] = int32(i / f.group)
	}
	hasMin := f.hasMin()
	if hasMin {
		params.Mins = make([]float32, n/f.group)
	} else if f.zero != 0 {
		params.Zeros = make([]float32, n/f.group)
		for i := range params.Zeros {
			params.Zeros[i] = float32(f.zero)
		}
	}
	var s block
	for i := 0; i < n; i += t.Block {
		at := i / t.Block * t.Bytes
		f.decode(p.Bytes[at:at+t.Bytes], &s)
		for g, scale := range s.scale[:t.Block/f.group] {
			params.Scales[i/f.group+g] = f.table.whole(scale)
		}
		if hasMin {
			for g, m := range s.min[:t.Block/f.group] {
				params.Mins[i/f.group+g] = m + 0 // no minus zero
			}
		}
		if !codes {
			continue
		}
		for j, q := range s.code[:t.Block] {
			params.Codes[i+j] = int32(q)
		}
	}
	return params, nil
}
