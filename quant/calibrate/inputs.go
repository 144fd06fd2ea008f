package calibrate

import (
	"context"
	"fmt"

	"fewbits/quant/activation"
	"fewbits/quant/calib"
	"fewbits/quant/llama"
)

// Inputs gathers what wanted of the inputs of each linear layer, by the name of
// its matrix. Memory: that of what is gathered, for all layers at once.
func Inputs(ctx context.Context, m *llama.Model, chunks [][]int32, wanted func(name string) (w calib.Wants, yes bool), progress func(done, total int)) (map[string]*calib.Inputs, error) {
	all := map[string]*calib.Inputs{}
	err := Read(ctx, m, chunks, false, func(name string, x []float32, _, cols int) error {
		in := all[name]
		if in == nil {
			w, yes := wanted(name)
			if !yes {
				return nil
			}
			var err error
			if in, err = calib.NewInputs(cols, w); err != nil {
				return err
			}
			all[name] = in
		}
		if err := in.Add(ctx, x); err != nil {
			return fmt.Errorf("calibrate: %s: %w", name, err)
		}
		return nil
	}, progress)
	return all, err
}

// Activations finds static ranges for activations of a scheme.
func Activations(ctx context.Context, m *llama.Model, chunks [][]int32, s activation.Scheme, progress func(done, total int)) (*activation.Quantizer, error) {
	c, err := activation.NewCalibrator(s)
	if err != nil {
		return nil, err
	}
	err = Read(ctx, m, chunks, false, func(name string, x []float32, rows, cols int) error {
		c.Observe(name, x, rows, cols)
		return nil
	}, progress)
	if err != nil {
		return nil, err
	}
	return c.Quantizer()
}
