package llmint8

import (
	"context"
	"fmt"

	"fewbits/quant"
	"fewbits/quant/calib"
	"fewbits/quant/internal/coded"
)

// Format is LLM.int8() as a quant.Format and a calib.Method. Codes are signed;
// a value is q·s, s the largest magnitude over 127, but for outlier columns.
// Package coded has the bytes: blocks of one row, outliers.
var Format calib.Method = format{coded.Reader{Layout: layout}}

type format struct{ coded.Reader }

const name = "LLM.INT8"

// Info implements quant.Format.
func (format) Info() quant.Info {
	return quant.Info{
		Name:          name,
		Family:        quant.FamilyMethod,
		Title:         "Methods that calibrate",
		Summary:       "INT8 with a scale a row, but for columns that see large activations: those stay in 16 bits.",
		BitsPerWeight: 8, // scales of rows and outlier columns weigh little in a matrix
		Bits:          8,
		Calibration:   quant.Optional,
		Options:       []string{"threshold", "bits"},
	}
}

func layout(shape []int, o quant.Options) (coded.Layout, error) {
	if _, err := resolve(o); err != nil {
		return coded.Layout{}, err
	}
	if _, err := quant.Count(shape); err != nil {
		return coded.Layout{}, fmt.Errorf("llmint8: %w", err)
	}
	l := coded.Layout{Format: name, Bits: 8, Signed: true, Outliers: true}.Of(shape)
	l.Group = max(1, l.Cols)
	return l, nil
}

// Quantize implements quant.Format. Without o.Activations no column is kept.
func (f format) Quantize(t quant.Tensor, o quant.Options) (*quant.Packed, error) {
	return f.QuantizeContext(context.Background(), t, o)
}

// QuantizeContext implements calib.Method. It is quick, and looks at ctx only
// once.
func (format) QuantizeContext(ctx context.Context, t quant.Tensor, o quant.Options) (*quant.Packed, error) {
	threshold, err := resolve(o)
	if err != nil {
		return nil, err
	}
	l, err := layout(t.Shape, o)
	if err != nil {
		return nil, err
	}
	p, err := coded.Begin(name, t, quant.Options{Bits: 8, Threshold: quant.Some(threshold)})
	if err != nil {
		return nil, err
	}
	if len(t.Data) == 0 {
		return p, nil
	}
	if err := quant.CheckFinite(t); err != nil {
		return nil, err
	}
	m := &coded.Matrix{}
	if o.Activations != nil {
		if err := calib.Check(o.Activations, t.Cols()); err != nil {
			return nil, fmt.Errorf("llmint8: tensor %q: %w", t.Name, err)
		}
		m.Outliers = Outliers(o.Activations, threshold)
	}
	if m.Kept, err = Kept(t, m.Outliers); err != nil {
		return nil, err
	}
	codes, absmax := Rows(t.Data, t.Cols(), 0)
	m.Codes = make([]byte, len(codes))
	for i, q := range codes {
		m.Codes[i] = byte(q)
	}
	m.Scales = make([]float32, len(absmax))
	for row, a := range absmax {
		m.Scales[row] = a / 127
	}
	p.Bytes = l.Pack(m)
	return p, ctx.Err()
}

// OutputError implements calib.Method: of weights and activations both as
// LLM.int8() has them. Rounding keeps no columns.
func (f format) OutputError(ctx context.Context, t quant.Tensor, p *quant.Packed, x *quant.Tensor) (calib.OutputError, error) {
	if err := calib.Check(x, t.Cols()); err != nil {
		return calib.OutputError{}, err
	}
	back, err := f.Back(p)
	if err != nil {
		return calib.OutputError{}, err
	}
	m, err := f.Params(p, true)
	if err != nil {
		return calib.OutputError{}, err
	}
	threshold, err := resolve(p.Options)
	if err != nil {
		return calib.OutputError{}, err
	}
	rounded := make([]float32, len(back))
	for i, q := range m.Codes {
		rounded[i] = float32(q) * m.Scales[i/t.Cols()]
	}
	if len(m.Outliers) == 0 {
		threshold = 0
	}
	return calib.Layers(ctx, x, t,
		calib.Layer8{XBack: activations(x, m.Outliers, threshold), WBack: back},
		calib.Layer8{XBack: activations(x, nil, 0), WBack: rounded})
}
