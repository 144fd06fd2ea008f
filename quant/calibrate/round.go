package calibrate

import (
	"context"
	"fmt"

	"fewbits/quant"
	"fewbits/quant/calib"
	"fewbits/quant/llama"
)

// Round is m with the matrices of its layers as they come back from a format:
// what a file of it would compute, without the file. m itself stays as it is.
// It fails where a matrix does not suit the format; once ctx is done it returns
// ctx.Err(). progress, which may be nil, is called before each matrix and at
// the end, with weights.
func Round(ctx context.Context, m *llama.Model, f quant.Format, o quant.Options, progress func(done, total int64)) (*llama.Model, error) {
	r := &run{m: m.With(m.Options()), layers: m.Config().Layers}
	if err := r.count(); err != nil {
		return nil, err
	}
	for layer := range r.layers {
		for s := range llama.Stages {
			for _, name := range m.Matrices(layer, s) {
				if progress != nil {
					progress(r.done, r.total)
				}
				n, err := r.round(ctx, name, f, o)
				if err != nil {
					return nil, err
				}
				r.done += int64(n)
			}
		}
	}
	if progress != nil {
		progress(r.done, r.total)
	}
	return r.m, nil
}

func (r *run) round(ctx context.Context, name string, f quant.Format, o quant.Options) (int, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	w, err := r.m.Tensor(name)
	if err != nil {
		return 0, err
	}
	var p *quant.Packed
	if method, ok := f.(calib.Method); ok {
		p, err = method.QuantizeContext(ctx, w, o)
	} else {
		p, err = f.Quantize(w, o)
	}
	if err != nil {
		return 0, fmt.Errorf("calibrate: %w", err)
	}
	back := make([]float32, len(w.Data))
	if err := f.Dequantize(p, back); err != nil {
		return 0, err
	}
	return len(back), r.m.Set(name, back)
}
