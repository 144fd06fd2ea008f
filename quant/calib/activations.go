package calib

import (
	"fmt"

	"fewbits/quant"
)

// Check fails where activations are not what a layer of so many inputs takes:
// tokens × inputs or batches × tokens × inputs, finite, not all 0.
func Check(x *quant.Tensor, inputs int) error {
	if x == nil {
		return fmt.Errorf("calib: there are no activations: give tokens × %d inputs", inputs)
	}
	n, err := quant.Count(x.Shape)
	switch {
	case err != nil:
		return fmt.Errorf("calib: activations %q: %w", x.Name, err)
	case n != len(x.Data):
		return fmt.Errorf("calib: activations %q: shape %v holds %d values, but %d are given", x.Name, x.Shape, n, len(x.Data))
	case len(x.Shape) < 2 || len(x.Shape) > 3:
		return fmt.Errorf("calib: activations %q have shape %v: want tokens × inputs, or batches × tokens × inputs", x.Name, x.Shape)
	case x.Cols() != inputs:
		return fmt.Errorf("calib: activations %q have %d inputs, but the rows of the weights have %d: are they of another layer, or is one of the two transposed?", x.Name, x.Cols(), inputs)
	case n == 0:
		return fmt.Errorf("calib: activations %q are empty: their shape is %v", x.Name, x.Shape)
	}
	if err := quant.CheckFinite(*x); err != nil {
		return fmt.Errorf("calib: activations: %w", err)
	}
	for _, v := range x.Data {
		if v != 0 {
			return nil
		}
	}
	return fmt.Errorf("calib: activations %q are all 0: nothing can be learnt from them", x.Name)
}

// AbsMean is the mean of |x| of each input.
func AbsMean(x *quant.Tensor) []float32 {
	sums := make([]float64, x.Cols())
	for row := range x.Rows() {
		for c, v := range x.Data[row*len(sums):][:len(sums)] {
			sums[c] += float64(max(v, -v))
		}
	}
	means := make([]float32, len(sums))
	for c, s := range sums {
		means[c] = float32(s / float64(x.Rows()))
	}
	return means
}

// AbsMax is the largest |x| of each input.
func AbsMax(x *quant.Tensor) []float32 {
	most := make([]float32, x.Cols())
	for row := range x.Rows() {
		for c, v := range x.Data[row*len(most):][:len(most)] {
			most[c] = max(most[c], v, -v)
		}
	}
	return most
}
