package calib

import (
	"context"

	"fewbits/quant"
)

// Method is a Format that takes its time, and tells what that is worth.
type Method interface {
	quant.Format

	// QuantizeContext is Quantize, and returns ctx.Err() once ctx is done.
	QuantizeContext(ctx context.Context, t quant.Tensor, o quant.Options) (*quant.Packed, error)

	// OutputError compares the layer's output with p in place of t, which
	// became p, for the activations x.
	OutputError(ctx context.Context, t quant.Tensor, p *quant.Packed, x *quant.Tensor) (OutputError, error)
}

// OutputError is ‖Y−Ŷ‖² / ‖Y‖², Y = X·Wᵀ; 0 where both are 0.
type OutputError struct {
	Relative float64 // with the method
	Rounding float64 // with rounding alone to the same bits and groups
}

// Compare is the output error of back and of rounded, for weights w. With a
// nil rounded Rounding is 0.
func Compare(ctx context.Context, x *quant.Tensor, w, back, rounded []float32) (OutputError, error) {
	var r OutputError
	if err := Check(x, x.Cols()); err != nil {
		return r, err
	}
	e, err := Layer(ctx, x)
	if err != nil {
		return r, err
	}
	signal, err := e.Sum(ctx, w, nil)
	if err == nil {
		r.Relative, err = e.Sum(ctx, w, back)
	}
	if err == nil && rounded != nil {
		r.Rounding, err = e.Sum(ctx, w, rounded)
	}
	return r.over(signal), err
}

func (r OutputError) over(signal float64) OutputError {
	if signal > 0 {
		r.Relative /= signal
		r.Rounding /= signal
	}
	return r
}
