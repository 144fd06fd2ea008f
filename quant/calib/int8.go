package calib

import (
	"context"

	"fewbits/quant"
)

// Layer8 is a layer whose weights and activations are both quantized: what it
// gives for token t and output r is
//
//	Σ_c X[t][c]·W[r][c]
//
// for X and W as they came back from their codes, and for X and W as they were.
type Layer8 struct {
	Inputs   int
	X, XBack []float32 // tokens × Inputs
	W, WBack []float32 // outputs × Inputs
}

const (
	layerTokens  = 16
	layerOutputs = 64
)

// Error is ‖Y−Ŷ‖² and ‖Y‖².
func (l *Layer8) Error(ctx context.Context) (lost, signal float64, err error) {
	n := l.Inputs
	tokens, outputs := len(l.X)/n, len(l.W)/n
	w, wBack := doubles(l.W), doubles(l.WBack)
	sums := make([][2]float64, chunks(tokens, layerTokens))
	err = Each(ctx, len(sums), func(i int) {
		t := i * layerTokens
		m := min(layerTokens, tokens-t)
		x, xBack := doubles(l.X[t*n:][:m*n]), doubles(l.XBack[t*n:][:m*n])
		var y, back [layerTokens * layerOutputs]float64
		for r := 0; r < outputs; r += layerOutputs {
			k := min(layerOutputs, outputs-r)
			Dots(y[:], layerOutputs, x, n, w[r*n:], n, m, k, n)
			Dots(back[:], layerOutputs, xBack, n, wBack[r*n:], n, m, k, n)
			for a := range m {
				for b := range k {
					v := y[a*layerOutputs+b]
					d := v - back[a*layerOutputs+b]
					sums[i][0] += d * d
					sums[i][1] += v * v
				}
			}
		}
	})
	for _, s := range sums {
		lost, signal = lost+s[0], signal+s[1]
	}
	return lost, signal, err
}

func doubles(x []float32) []float64 {
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = float64(v)
	}
	return y
}

// Layers compares two ways to quantize the same layer: the method's and plain
// rounding's.
func Layers(ctx context.Context, x *quant.Tensor, w quant.Tensor, method, plain Layer8) (OutputError, error) {
	var r OutputError
	for _, l := range []*Layer8{&method, &plain} {
		l.Inputs, l.X, l.W = w.Cols(), x.Data, w.Data
	}
	lost, signal, err := method.Error(ctx)
	if err != nil {
		return r, err
	}
	rounding, _, err := plain.Error(ctx)
	r.Relative, r.Rounding = lost, rounding
	return r.over(signal), err
}
