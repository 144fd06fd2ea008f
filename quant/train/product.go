package train

import "fewbits/kernels"

// product writes y[t][r] = x[t] · w[r]: y is tokens × rows, x tokens × cols, w
// rows × cols.
func product(y, x, w []float32, tokens, rows, cols int) {
	kernels.MatMulF32(y, x, w, tokens, rows, cols)
}
