package main

import (
	"context"
	"fmt"
	"strings"

	"fewbits/quant"
	"fewbits/quant/calib"
	"fewbits/quant/npy"
)

// calibrates fails where a format needs activations and none are given.
func (c *call) calibrates(f quant.Info) error {
	if f.Calibration == quant.Required && c.flags["calib"] == "" {
		return usagef("%s needs activations: -calib X.npy, tokens × inputs, or for a model a text: -calib TEXT", f.Name)
	}
	return nil
}

// noteCalibration says what a format would do with activations.
func (c *call) noteCalibration(p *packer) {
	if p.format.Info().Calibration == quant.Optional && p.activations == nil {
		c.note("without -calib no column is known to see large activations, and %s keeps none", p.format.Info().Name)
	}
}

// activations reads what -calib names; nil for none.
func (c *call) activations() (*quant.Tensor, error) {
	path := c.flags["calib"]
	if path == "" {
		return nil, nil
	}
	if !strings.HasSuffix(strings.ToLower(path), ".npy") {
		return nil, usagef("-calib takes activations, tokens × inputs, as an .npy file, and %q does not end so", path)
	}
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	src, err := npy.Open(f, size)
	if err != nil {
		return nil, named(path, err)
	}
	in := &input{Source: src, path: path, size: size}
	if err = in.readable(0); err == nil {
		err = in.fits(0)
	}
	if err != nil {
		return nil, named(path, err)
	}
	t, err := quant.ReadTensor(src, 0)
	if err != nil {
		return nil, named(path, err)
	}
	if err := calib.Check(&t, t.Cols()); err != nil {
		return nil, named(path, err)
	}
	return &t, nil
}

// quantizeContext stops where the format can and ctx is done.
func quantizeContext(ctx context.Context, f quant.Format, t quant.Tensor, o quant.Options) (*quant.Packed, error) {
	if m, ok := f.(calib.Method); ok {
		return m.QuantizeContext(ctx, t, o)
	}
	return f.Quantize(t, o)
}

// outputError is what the layer's output loses: ‖Y−Ŷ‖² / ‖Y‖².
type outputError struct {
	Relative real  `json:"relative"`
	Rounding *real `json:"rounding,omitempty"` // that of plain rounding to the same bits and groups, where the format is a method
}

func (e *outputError) text() string {
	s := fmt.Sprintf("%.4g%%", 100*float64(e.Relative))
	if e.Rounding != nil {
		s += fmt.Sprintf(", plain rounding %.4g%%", 100*float64(*e.Rounding))
	}
	return s
}

// output sums up what the output of one tensor loses; nil sums nothing.
type output struct {
	x            *quant.Tensor
	method       calib.Method  // of a format that is one
	energy       *calib.Energy // for one that is not
	lost, signal float64
	compared     calib.OutputError
}

// output begins to sum for a tensor; nil where there are no activations.
func (p *packer) output(ctx context.Context, shape []int) (*output, error) {
	if p.activations == nil {
		return nil, nil
	}
	if err := calib.Check(p.activations, quant.Cols(shape)); err != nil {
		return nil, err
	}
	out := &output{x: p.activations}
	var err error
	if m, ok := p.format.(calib.Method); ok {
		out.method = m
	} else {
		out.energy, err = calib.Layer(ctx, p.activations)
	}
	return out, err
}

// add adds a slice; a method has the whole tensor as one.
func (o *output) add(ctx context.Context, s slice) (err error) {
	if o == nil {
		return nil
	}
	if o.method != nil {
		o.compared, err = o.method.OutputError(ctx, s.tensor, s.packed, o.x)
		return err
	}
	signal, err := o.energy.Sum(ctx, s.tensor.Data, nil)
	if err != nil {
		return err
	}
	lost, err := o.energy.Sum(ctx, s.tensor.Data, s.back)
	o.signal, o.lost = o.signal+signal, o.lost+lost
	return err
}

// result is nil where there were no activations.
func (o *output) result() *outputError {
	switch {
	case o == nil:
		return nil
	case o.method != nil:
		r := real(o.compared.Rounding)
		return &outputError{real(o.compared.Relative), &r}
	case o.signal > 0:
		return &outputError{Relative: real(o.lost / o.signal)}
	}
	return &outputError{}
}
