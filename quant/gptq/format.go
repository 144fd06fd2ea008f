package gptq

import (
	"context"
	"fmt"

	"fewbits/quant"
	"fewbits/quant/calib"
	"fewbits/quant/internal/coded"
)

// Defaults, but of group those of the reference, which has a whole row.
const (
	defaultBits  = 4
	defaultGroup = 128
	defaultBlock = 128
	defaultDamp  = 0.01
	maxBlock     = 4096
)

// Format is GPTQ as a quant.Format and a calib.Method. Codes are unsigned; a
// value is (q − z)·s. Package coded has the bytes: the permutation with
// act-order, blocks of one group, zero points as a byte where not symmetric.
var Format calib.Method = format{coded.Reader{Layout: layout}}

type format struct{ coded.Reader }

// Info implements quant.Format.
func (format) Info() quant.Info {
	return quant.Info{
		Name:          "GPTQ",
		Family:        quant.FamilyMethod,
		Title:         "Methods that calibrate",
		Summary:       "Rounds one column after the other and makes up for the error in the columns still to come, as the activations ask for.",
		BitsPerWeight: 4 + 40.0/defaultGroup,
		BlockSize:     defaultGroup,
		BlockBytes:    5 + defaultGroup/2,
		Bits:          defaultBits,
		Calibration:   quant.Required,
		Options:       []string{"bits", "sym", "group", "act-order", "static-groups", "mse", "damp", "block"},
	}
}

// resolve is o with its defaults.
func resolve(o quant.Options) (config, error) {
	c := config{
		bits: or(o.Bits, defaultBits), group: or(o.Group, defaultGroup), block: or(o.Block, defaultBlock),
		symmetric: o.Symmetric, mse: o.MSE, actOrder: o.ActOrder, static: o.StaticGroups && o.Group != -1, damp: o.Damp.Or(defaultDamp),
	}
	switch {
	case c.bits < 2 || c.bits > 8:
		return c, fmt.Errorf("gptq: option bits=%d: want 2 to 8", c.bits)
	case c.group < -1:
		return c, fmt.Errorf("gptq: option group=%d: want the values of a group, or -1 for a whole row", c.group)
	case c.block < 1 || c.block > maxBlock:
		return c, fmt.Errorf("gptq: option block=%d: want 1 to %d columns", c.block, maxBlock)
	case !(c.damp >= 0 && c.damp <= 100):
		return c, fmt.Errorf("gptq: option damp=%v: want a number from 0 to 100", c.damp)
	}
	return c, nil
}

func or[T comparable](v, def T) T {
	var zero T
	if v == zero {
		return def
	}
	return v
}

// used is the options as used.
func (c config) used() quant.Options {
	return quant.Options{Bits: c.bits, Group: c.group, Block: c.block, Symmetric: c.symmetric, MSE: c.mse,
		ActOrder: c.actOrder, StaticGroups: c.static, Damp: quant.Some(c.damp)}
}

func layout(shape []int, o quant.Options) (coded.Layout, error) {
	c, err := resolve(o)
	if err != nil {
		return coded.Layout{}, err
	}
	if _, err := quant.Count(shape); err != nil {
		return coded.Layout{}, fmt.Errorf("gptq: %w", err)
	}
	l := coded.Layout{Format: "GPTQ", Bits: c.bits, Group: c.groupOf(quant.Cols(shape)), Zero: coded.ZeroByte,
		Permuted: c.actOrder, Follow: c.actOrder && !c.static}
	if c.symmetric {
		l.Zero, l.At = coded.Implied, float32(int(1)<<(c.bits-1))
	}
	return l.Of(shape), nil
}

// Quantize implements quant.Format. o.Activations must be there.
func (f format) Quantize(t quant.Tensor, o quant.Options) (*quant.Packed, error) {
	return f.QuantizeContext(context.Background(), t, o)
}

// QuantizeContext implements calib.Method; Solve says how it fails.
func (format) QuantizeContext(ctx context.Context, t quant.Tensor, o quant.Options) (*quant.Packed, error) {
	return pack(t, o, func() (*Result, error) {
		if err := quant.CheckFinite(t); err != nil {
			return nil, err
		}
		if err := calib.Check(o.Activations, t.Cols()); err != nil {
			return nil, fmt.Errorf("gptq: tensor %q: %w", t.Name, err)
		}
		g, err := calib.NewGram(t.Cols())
		if err != nil {
			return nil, fmt.Errorf("gptq: tensor %q: %w", t.Name, err)
		}
		if err := g.Add(ctx, o.Activations); err != nil {
			return nil, err
		}
		return Solve(ctx, t, g, o)
	})
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
	p, err := coded.Begin("GPTQ", t, c.used())
	if err != nil || len(t.Data) == 0 {
		return p, err
	}
	r, err := solve()
	if err != nil {
		return nil, err
	}
	p.Bytes = l.Pack(&coded.Matrix{Codes: r.Codes, Scales: r.Scales, Zeros: r.Zeros, Permutation: r.Permutation})
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
