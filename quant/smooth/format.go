package smooth

import (
	"context"
	"fmt"

	"fewbits/quant"
	"fewbits/quant/calib"
	"fewbits/quant/internal/coded"
)

// Format is SmoothQuant as a quant.Format and a calib.Method. Codes are
// signed; a value is q·s / t. Package coded has the bytes: input scales, blocks
// of one row.
var Format calib.Method = format{coded.Reader{Layout: layout}}

type format struct{ coded.Reader }

const name = "SMOOTHQUANT"

// Info implements quant.Format.
func (format) Info() quant.Info {
	return quant.Info{
		Name:          name,
		Family:        quant.FamilyMethod,
		Title:         "Methods that calibrate",
		Summary:       "Moves part of the activations' range into the weights, so that both can be INT8.",
		BitsPerWeight: 8, // scales of rows and inputs weigh little in a matrix
		Bits:          8,
		Calibration:   quant.Required,
		Options:       []string{"alpha", "granularity", "bits"},
	}
}

func layout(shape []int, o quant.Options) (coded.Layout, error) {
	if _, err := resolve(o); err != nil {
		return coded.Layout{}, err
	}
	if _, err := quant.Count(shape); err != nil {
		return coded.Layout{}, fmt.Errorf("smooth: %w", err)
	}
	l := coded.Layout{Format: name, Bits: 8, Signed: true, Inputs: true}.Of(shape)
	l.Group = max(1, l.Cols)
	return l, nil
}

// Quantize implements quant.Format. o.Activations must be there.
func (f format) Quantize(t quant.Tensor, o quant.Options) (*quant.Packed, error) {
	return f.QuantizeContext(context.Background(), t, o)
}

// QuantizeContext implements calib.Method; Solve says how it fails. It is
// quick, and looks at ctx only once.
func (format) QuantizeContext(ctx context.Context, t quant.Tensor, o quant.Options) (*quant.Packed, error) {
	p, err := pack(t, o, func() (*Result, error) {
		if err := quant.CheckFinite(t); err != nil {
			return nil, err
		}
		if err := calib.Check(o.Activations, t.Cols()); err != nil {
			return nil, fmt.Errorf("smooth: tensor %q: %w", t.Name, err)
		}
		return Solve(t, calib.AbsMax(o.Activations), o)
	})
	if err != nil {
		return nil, err
	}
	return p, ctx.Err()
}

// Pack is the bytes of what was decided for t, with the same options.
func Pack(t quant.Tensor, r *Result, o quant.Options) (*quant.Packed, error) {
	return pack(t, o, func() (*Result, error) { return r, nil })
}

func pack(t quant.Tensor, o quant.Options, solve func() (*Result, error)) (*quant.Packed, error) {
	c, err := resolve(o)
	if err != nil {
		return nil, err
	}
	l, err := layout(t.Shape, o)
	if err != nil {
		return nil, err
	}
	used := quant.Options{Bits: 8, Alpha: quant.Some(c.alpha), Granularity: quant.PerChannel}
	if c.tensor {
		used.Granularity = quant.PerTensor
	}
	p, err := coded.Begin(name, t, used)
	if err != nil || len(t.Data) == 0 {
		return p, err
	}
	r, err := solve()
	if err != nil {
		return nil, err
	}
	p.Bytes = l.Pack(&coded.Matrix{Codes: r.Codes, Scales: r.Scales, InputScales: r.InputScales})
	return p, nil
}

// OutputError implements calib.Method: of weights and activations both INT8.
// Rounding is without smoothing.
func (f format) OutputError(ctx context.Context, t quant.Tensor, p *quant.Packed, x *quant.Tensor) (calib.OutputError, error) {
	if err := calib.Check(x, t.Cols()); err != nil {
		return calib.OutputError{}, err
	}
	back, err := f.Back(p)
	if err != nil {
		return calib.OutputError{}, err
	}
	m, err := f.Params(p, false)
	if err != nil {
		return calib.OutputError{}, err
	}
	rounded, err := Round(t, p.Options)
	if err != nil {
		return calib.OutputError{}, err
	}
	// q·s of the weights goes with X/t: back is over t already.
	for i := range back {
		back[i] *= m.InputScales[i%t.Cols()]
	}
	return calib.Layers(ctx, x, t,
		calib.Layer8{XBack: Tokens(x, m.InputScales), WBack: back},
		calib.Layer8{XBack: Tokens(x, nil), WBack: rounded})
}
