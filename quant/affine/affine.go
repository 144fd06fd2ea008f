package affine

import (
	"fmt"

	"fewbits/quant"
)

// row is what sets one format apart from the others.
type row struct {
	name    string
	bits    int
	summary string
}

// rows has the formats in the order a person reads them.
var rows = [...]row{
	{"INT8", 8, "256 evenly spaced levels; close to lossless for most weights, the usual choice for fast inference."},
	{"INT6", 6, "64 evenly spaced levels; a quarter smaller than INT8."},
	{"INT5", 5, "32 evenly spaced levels; between INT4 and INT6 in size and error."},
	{"INT4", 4, "16 evenly spaced levels, two weights to a byte; holds up best with a scale per group."},
	{"INT3", 3, "8 evenly spaced levels; wants small groups or a method that calibrates."},
	{"INT2", 2, "4 evenly spaced levels, four weights to a byte; plain rounding loses most of a weight's shape."},
}

// Formats are the affine integer formats, INT8 first.
func Formats() []quant.Format {
	fs := make([]quant.Format, len(rows))
	for i, r := range rows {
		fs[i] = format{r}
	}
	return fs
}

// format implements quant.Format for any width from 2 to 8 bits.
type format struct{ row }

// Info implements quant.Format.
func (f format) Info() quant.Info {
	return quant.Info{
		Name:          f.name,
		Family:        quant.FamilyAffine,
		Title:         "Integer, affine",
		Summary:       f.summary,
		BitsPerWeight: float64(f.bits), // the tensor's one scale weighs nothing
		Bits:          f.bits,
		Options:       []string{"sym", "narrow", "granularity", "axis", "group", "range", "percentile", "rounding", "seed", "scale"},
	}
}

// Quantize implements quant.Format. It fails on NaN and infinity
// (*quant.NonFiniteError), on a scale that f16 cannot hold (*quant.RowError),
// on data that does not fill the shape, and on options without a meaning.
func (f format) Quantize(t quant.Tensor, o quant.Options) (*quant.Packed, error) {
	o, err := f.resolve(o)
	if err != nil {
		return nil, err
	}
	n, err := quant.Count(t.Shape)
	if err != nil {
		return nil, fmt.Errorf("affine: tensor %q: %w", t.Name, err)
	}
	if n != len(t.Data) {
		return nil, &quant.SizeError{What: "values", Format: f.name, Got: len(t.Data), Want: n}
	}
	if err := quant.CheckFinite(t); err != nil {
		return nil, err
	}
	l := newLayout(t.Shape, n, f.bits, o)
	p := &quant.Packed{Format: f.name, Name: t.Name, Shape: t.Shape, Options: o, Bytes: make([]byte, l.size())}
	w := work{layout: l, quantizer: quantizer{grid: newGrid(f.bits, o), rounding: o.Rounding, seed: o.Seed},
		finder: finder{from: o.Range, percent: o.Percentile}}
	at := w.blocks
	if l.columns {
		at = w.planes
	}
	if bad := at(p.Bytes, t.Data); bad >= 0 {
		return nil, &quant.RowError{Tensor: t.Name, Row: bad / t.Cols(), Format: f.name,
			Reason: "its scale is past 65504, the largest that f16 holds; store scales as f32"}
	}
	return p, nil
}

// Dequantize implements quant.Format.
func (f format) Dequantize(p *quant.Packed, dst []float32) error {
	l, _, err := f.open(p)
	if err != nil {
		return err
	}
	if len(dst) != l.n {
		return &quant.SizeError{What: "values", Format: f.name, Got: len(dst), Want: l.n}
	}
	if l.columns {
		l.dequantizePlanes(dst, p.Bytes)
	} else {
		l.dequantizeBlocks(dst, p.Bytes)
	}
	return nil
}

// Params implements quant.Format. Zeros is all 0 where symmetric.
func (f format) Params(p *quant.Packed, codes bool) (*quant.Params, error) {
	l, _, err := f.open(p)
	if err != nil {
		return nil, err
	}
	r := &quant.Params{Rows: quant.Rows(p.Shape), Cols: quant.Cols(p.Shape)}
	if l.n == 0 {
		return r, nil
	}
	r.Groups = l.groups()
	r.GroupIndex = make([]int32, l.cols)
	for c := range r.GroupIndex {
		r.GroupIndex[c] = int32(l.groupOf(c))
	}
	r.Scales = make([]float32, l.rows*r.Groups)
	r.Zeros = make([]float32, l.rows*r.Groups)
	l.readParams(p.Bytes, r.Scales, r.Zeros)
	if !codes {
		return r, nil
	}
	r.Codes = make([]int32, l.n)
	l.eachRun(func(first, offset, n int) {
		var codes [chunk]int8
		for a := 0; a < n; a += chunk {
			b := min(a+chunk, n)
			unpack(codes[:b-a], p.Bytes[offset+a/8*l.bits:], l.bits)
			for j, q := range codes[:b-a] {
				r.Codes[first+a+j] = int32(q)
			}
		}
	})
	return r, nil
}

// open checks that p's bytes are as many as its shape and options ask for.
func (f format) open(p *quant.Packed) (layout, quant.Options, error) {
	o, err := f.resolve(p.Options)
	if err != nil {
		return layout{}, o, err
	}
	n, err := quant.Count(p.Shape)
	if err != nil {
		return layout{}, o, fmt.Errorf("affine: tensor %q: %w", p.Name, err)
	}
	l := newLayout(p.Shape, n, f.bits, o)
	if len(p.Bytes) != l.size() {
		return layout{}, o, &quant.SizeError{What: "bytes", Format: f.name, Got: len(p.Bytes), Want: l.size()}
	}
	return l, o, nil
}
