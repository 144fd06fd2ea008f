package hqq

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
	defaultGroup = 64
)

// Format is HQQ as a quant.Format and a calib.Method. Codes are unsigned and
// zero points are not whole; a value is (q − z)·s. Package coded has the bytes:
// blocks of one group, zero points as float32.
var Format calib.Method = format{coded.Reader{Layout: layout}}

type format struct{ coded.Reader }

// Info implements quant.Format.
func (format) Info() quant.Info {
	return quant.Info{
		Name:          "HQQ",
		Family:        quant.FamilyMethod,
		Title:         "Methods that calibrate",
		Summary:       "Moves each group's zero point so that most weights lose little and a few lose much; needs no activations.",
		BitsPerWeight: 4 + 64.0/defaultGroup,
		BlockSize:     defaultGroup,
		BlockBytes:    8 + defaultGroup/2,
		Bits:          defaultBits,
		Options:       []string{"bits", "group", "axis", "round-zero"},
	}
}

// config is the options, with defaults.
type config struct {
	bits, group int // group is -1 for a whole row or column
	axis        int
	roundZero   bool
}

// resolve is o with its defaults.
func resolve(o quant.Options) (config, error) {
	c := config{bits: o.Bits, group: o.Group, axis: 1}
	if c.bits == 0 {
		c.bits = defaultBits
	}
	if c.group == 0 {
		c.group = defaultGroup
	}
	if o.Axis0 && o.Axis == 0 {
		c.axis = 0
	}
	c.roundZero = o.RoundZero.Or(c.bits == 4)
	switch {
	case c.bits < 1 || c.bits > 8:
		return c, fmt.Errorf("hqq: option bits=%d: want 1 to 8", c.bits)
	case c.group < -1:
		return c, fmt.Errorf("hqq: option group=%d: want the values of a group, or -1 for a whole row or column", c.group)
	case o.Axis < 0 || o.Axis > 1:
		return c, fmt.Errorf("hqq: option axis=%d: want 1 for groups along rows or 0 for groups down columns", o.Axis)
	}
	return c, nil
}

// used is the options as used.
func (c config) used() quant.Options {
	return quant.Options{Bits: c.bits, Group: c.group, Axis: c.axis, Axis0: c.axis == 0, RoundZero: quant.Some(c.roundZero)}
}

// layout is the layout of a tensor's groups, which must fill it.
func (c config) layout(name string, shape []int) (coded.Layout, error) {
	n, err := quant.Count(shape)
	if err != nil {
		return coded.Layout{}, fmt.Errorf("hqq: tensor %q: %w", name, err)
	}
	l := coded.Layout{Format: "HQQ", Bits: c.bits, Group: c.group, Zero: coded.ZeroFloat}.Of(shape)
	if n == 0 {
		l.Group = 1
		return l, nil
	}
	if c.group < 0 {
		if l.Group = l.Cols; c.axis == 0 {
			l.Group = l.Rows
		}
	}
	switch {
	case n%l.Group != 0:
		return l, &quant.ShapeError{Tensor: name, Format: "HQQ", Cols: l.Cols, Block: l.Group}
	case c.axis == 0:
		l.Order = coded.Down
	case l.Cols%l.Group != 0:
		l.Order = coded.Across
	}
	return l, nil
}

func layout(shape []int, o quant.Options) (coded.Layout, error) {
	c, err := resolve(o)
	if err != nil {
		return coded.Layout{}, err
	}
	return c.layout("", shape)
}

// Quantize implements quant.Format.
func (f format) Quantize(t quant.Tensor, o quant.Options) (*quant.Packed, error) {
	return f.QuantizeContext(context.Background(), t, o)
}

// QuantizeContext implements calib.Method; Solve says how it fails.
func (format) QuantizeContext(ctx context.Context, t quant.Tensor, o quant.Options) (*quant.Packed, error) {
	c, err := resolve(o)
	if err != nil {
		return nil, err
	}
	if _, err := c.layout(t.Name, t.Shape); err != nil {
		return nil, err
	}
	p, err := coded.Begin("HQQ", t, c.used())
	if err != nil {
		return nil, err
	}
	r, err := Solve(ctx, t, Default, o)
	if err != nil {
		return nil, err
	}
	p.Bytes = r.Layout.Pack(&coded.Matrix{Codes: r.Codes, Scales: r.Scales, Zeros: r.Zeros})
	return p, nil
}

// OutputError implements calib.Method. Rounding is Round's.
func (f format) OutputError(ctx context.Context, t quant.Tensor, p *quant.Packed, x *quant.Tensor) (calib.OutputError, error) {
	back, err := f.Back(p)
	if err != nil {
		return calib.OutputError{}, err
	}
	rounded, err := Round(ctx, t, p.Options)
	if err != nil {
		return calib.OutputError{}, err
	}
	return calib.Compare(ctx, x, t.Data, back, rounded)
}
