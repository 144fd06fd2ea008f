package calibrate

import (
	"context"
	"fmt"

	"fewbits/quant"
	"fewbits/quant/calib"
	"fewbits/quant/gptq"
	"fewbits/quant/hqq"
	"fewbits/quant/llama"
	"fewbits/quant/llmint8"
)

// stages quantizes a layer stage by stage, with a method that folds nothing.
func (r *run) stages(ctx context.Context) error {
	for s := range llama.Stages {
		in, err := r.gather(ctx, s)
		if err != nil {
			return err
		}
		for _, name := range r.m.Matrices(r.layer, s) {
			r.report(nil)
			w, err := r.m.Tensor(name)
			if err != nil {
				return err
			}
			t, err := r.one(ctx, w, in)
			if err != nil {
				return fmt.Errorf("calibrate: %w", err)
			}
			if err := r.put(t); err != nil {
				return err
			}
		}
	}
	return nil
}

// seen is what a stage sees.
type seen struct {
	*calib.Inputs
	x      *quant.Tensor // a sample of it
	energy *calib.Energy
}

// gather reads all chunks up to a stage; nil without a text.
func (r *run) gather(ctx context.Context, s llama.Stage) (*seen, error) {
	if r.walk == nil {
		return nil, nil
	}
	in := &seen{}
	err := r.walk.Inputs(ctx, s, func(x []float32, _, cols int) (err error) {
		r.report(nil)
		return in.add(ctx, x, cols, r.wants())
	})
	if err != nil {
		return nil, err
	}
	return in, in.finish(ctx, r.m.Matrices(r.layer, s)[0])
}

func (in *seen) add(ctx context.Context, x []float32, cols int, w calib.Wants) (err error) {
	if in.Inputs == nil {
		if in.Inputs, err = calib.NewInputs(cols, w); err != nil {
			return err
		}
	}
	return in.Inputs.Add(ctx, x)
}

func (in *seen) finish(ctx context.Context, name string) error {
	if in.Gram != nil {
		in.energy = in.Gram.Energy().Single()
		return nil
	}
	in.x = in.Sample.Tensor("the inputs of " + name)
	e, err := calib.Layer(ctx, in.x)
	if err == nil {
		in.energy = e.Single()
	}
	return err
}

// one quantizes a matrix whose inputs are in; nil where there was no text.
func (r *run) one(ctx context.Context, w quant.Tensor, in *seen) (*Tensor, error) {
	t := &Tensor{Name: w.Name, Shape: w.Shape}
	rounded, err := r.rounded(ctx, w)
	if err != nil {
		return nil, err
	}
	if r.Plain {
		t.Values = rounded
	} else if err := r.solve(ctx, t, w, in); err != nil {
		return nil, err
	}
	if r.Method == llmint8.Format.Info().Name && in != nil && !r.Plain {
		e, err := llmint8.Format.OutputError(ctx, w, t.Packed, in.x)
		t.Error = Error{true, e.Relative, e.Rounding}
		return t, err
	}
	t.Error, err = lost(ctx, in, w.Data, t.Values, rounded)
	return t, err
}

// rounded is w with plain rounding.
func (r *run) rounded(ctx context.Context, w quant.Tensor) ([]float32, error) {
	switch r.Method {
	case gptq.Format.Info().Name:
		return gptq.Round(w, r.Quant)
	case hqq.Format.Info().Name:
		return hqq.Round(ctx, w, r.Quant)
	}
	o := r.Quant
	o.Activations = nil // no outliers
	p, err := llmint8.Format.QuantizeContext(ctx, w, o)
	if err != nil {
		return nil, err
	}
	back := make([]float32, len(w.Data))
	return back, llmint8.Format.Dequantize(p, back)
}

// solve sets Packed and Values.
func (r *run) solve(ctx context.Context, t *Tensor, w quant.Tensor, in *seen) (err error) {
	method := hqq.Format
	o := r.Quant
	switch r.Method {
	case gptq.Format.Info().Name:
		method = gptq.Format
		var found *gptq.Result
		if found, err = gptq.Solve(ctx, w, in.Gram, o); err == nil {
			t.Packed, err = gptq.Pack(w, found, o)
		}
	case llmint8.Format.Info().Name:
		method = llmint8.Format
		if o.Activations = nil; in != nil {
			// Which inputs reach the threshold, their largest values tell.
			o.Activations = &quant.Tensor{Name: w.Name, Shape: []int{1, w.Cols()}, Data: in.AbsMax()}
		}
		t.Packed, err = method.QuantizeContext(ctx, w, o)
	default:
		t.Packed, err = method.QuantizeContext(ctx, w, o)
	}
	if err != nil {
		return err
	}
	t.Values = make([]float32, len(w.Data))
	return method.Dequantize(t.Packed, t.Values)
}

// lost compares what the output loses, or without inputs the weights.
func lost(ctx context.Context, in *seen, w, back, rounded []float32) (Error, error) {
	if in == nil {
		var e Error
		signal := 0.0
		for i, v := range w {
			a, b := float64(v)-float64(back[i]), float64(v)-float64(rounded[i])
			e.Relative += float64(a * a)
			e.Rounding += float64(b * b)
			signal += float64(float64(v) * float64(v))
		}
		return e.over(signal), nil
	}
	e := Error{Output: true}
	signal, err := in.energy.Sum(ctx, w, nil)
	if err == nil {
		e.Relative, err = in.energy.Sum(ctx, w, back)
	}
	if err == nil {
		e.Rounding, err = in.energy.Sum(ctx, w, rounded)
	}
	return e.over(signal), err
}

func (e Error) over(signal float64) Error {
	if signal > 0 {
		e.Relative /= signal
		e.Rounding /= signal
	}
	return e
}
