package metric_test

import (
	"fmt"

	"fewbits/quant"
	"fewbits/quant/metric"
)

// What a reconstruction lost. The packed tensor gives the size.
func ExampleMeasure() {
	x := []float32{0.10, -0.25, 0.90, -0.60}
	y := []float32{0.125, -0.25, 0.875, -0.625}
	r := metric.Measure(x, y, &quant.Packed{Format: "INT4", Shape: []int{4}, Bytes: make([]byte, 2)})
	fmt.Printf("MSE %.6f, RMSE %.4f, largest error %.3f\n", r.MSE, r.RMSE, r.MaxAbs)
	fmt.Printf("SQNR %.2f dB, cosine %.4f, %v bits a weight\n", r.SQNR, r.Cosine, r.BitsPerWeight)
	// Output:
	// MSE 0.000469, RMSE 0.0217, largest error 0.025
	// SQNR 28.21 dB, cosine 0.9992, 4 bits a weight
}
