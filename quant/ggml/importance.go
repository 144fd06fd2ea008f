package ggml

import "fewbits/kernels"

// meanSquare is the mean square of a row, which tempers the importance of its
// values in weigh. Source: sigma2 in quantize_row_q4_0_impl and its kin.
func meanSquare(row []float32) float32 {
	return sumSquares(row) / float32(len(row))
}

func sumSquares(x []float32) (sum float32) {
	for _, v := range x {
		sum += float32(v * v)
	}
	return sum
}

// weigh writes the weights of a group: importance · √(sigma2 + x²).
func weigh(w, x, importance []float32, sigma2 float32) {
	kernels.Weigh(w, x, importance, sigma2)
}

func total(w []float32) (sum float32) {
	for _, v := range w {
		sum += v
	}
	return sum
}
