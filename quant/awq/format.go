package awq

import (
	"context"
	"fmt"

	"fewbits/quant"
	"fewbits/quant/calib"
	"fewbits/quant/internal/coded"
)

// Defaults of the reference.
const (
	defaultBits  = 4
	defaultGroup = 128
)

// Format is AWQ as a quant.Format and a calib.Method. Codes are unsigned, or
// signed where symmetric; a value is (q − z)·s / t. Package coded has the
// bytes: input scales, blocks of one group, zero points as a byte where not
// symmetric.
var Format calib.Method = format{coded.Reader{Layout: layout}}

type format struct{ coded.Reader }

// Info implements quant.Format.
func (format) Info() quant.Info {
	return quant.Info{
		Name:          "AWQ",
		Family:        quant.FamilyMethod,
		Title:         "Methods that calibrate",
		Summary:       "Scales up the columns that see large activations before rounding, so that they lose less, and clips each group where that helps.",
		BitsPerWeight: 4 + 40.0/defaultGroup, // the input scales weigh little in a matrix
		BlockSize:     defaultGroup,
		Bits:          defaultBits,
		Calibration:   quant.Required,
		Options:       []string{"bits", "sym", "group", "duo", "clip"},
	}
}

// resolve is o with its defaults.
func resolve(o quant.Options) (config, error) {
	c := config{bits: o.Bits, group: o.Group, sym: o.Symmetric, duo: o.Duo, clip: o.Clip.Or(true)}
	if c.bits == 0 {
		c.bits = defaultBits
	}
	if c.group == 0 {
		c.group = defaultGroup
	}
	switch {
	case c.bits < 2 || c.bits > 8:
		return c, fmt.Errorf("awq: option bits=%d: want 2 to 8", c.bits)
	case c.group < -1:
		return c, fmt.Errorf("awq: option group=%d: want the values of a group, or -1 for a whole row", c.group)
	}
	return c, nil
}

func layout(shape []int, o quant.Options) (coded.Layout, error) {
	c, err := resolve(o)
	if err != nil {
		return coded.Layout{}, err
	}
	if _, err := quant.Count(shape); err != nil {
		return coded.Layout{}, fmt.Errorf("awq: %w", err)
	}
	l := coded.Layout{Format: "AWQ", Bits: c.bits, Group: c.groupOf(quant.Cols(shape)), Zero: coded.ZeroByte, Inputs: true}
	if c.sym {
		l.Zero, l.Signed = coded.Implied, true
	}
	return l.Of(shape), nil
}

// Quantize implements quant.Format. o.Activations must be there.
func (f format) Quantize(t quant.Tensor, o quant.Options) (*quant.Packed, error) {
	return f.QuantizeContext(context.Background(), t, o)
}

// QuantizeContext implements calib.Method; Solve says how it fails.
func (format) QuantizeContext(ctx context.Context, t quant.Tensor, o quant.Options) (*quant.Packed, error) {
	return pack(t, o, func() (*Result, error) { return Solve(ctx, t, o.Activations, o) })
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
	p, err := coded.Begin("AWQ", t, quant.Options{
		Bits: c.bits, Group: c.group, Symmetric: c.sym, Duo: c.duo, Clip: quant.Some(c.clip)})
	if err != nil || len(t.Data) == 0 {
		return p, err
	}
	r, err := solve()
	if err != nil {
		return nil, err
	}
	p.Bytes = l.Pack(&coded.Matrix{Codes: r.Codes, Scales: r.Scales, Zeros: r.Zeros, InputScales: r.InputScales})
	return p, nil
}

// OutputError implements calib.Method. Rounding is Round's.
func (f format) OutputError(ctx context.Context, t quant.Tensor, p *quant.Packed, x *quant.Tensor) (calib.OutputError, error) {
	back, err := f.Back(p)
	if err != nil {
		return calib.OutputError{}, err
	}
	rounded, err := Round(t, p.Options)
	if err != nil {
		return calib.OutputError{}, err
	}
	return calib.Compare(ctx, x, t.Data, back, rounded)
}
