package llama

import (
	"fewbits/kernels"
	"fewbits/quant/linear"
)

// product writes y[t][r] = x[t] · w[r] for tokens t and rows r, where the rows
// of y, x and w, n values of the latter two, begin ys, xs and ws values apart.
// The order of each sum is that of kernels.MatMulF32.
func product(y []float32, ys int, x []float32, xs int, w []float32, ws int, tokens, rows, n int) {
	kernels.MatMulF32Strided(y, ys, x, xs, w, ws, tokens, rows, n)
}

// multiply writes to y, whose rows are w.rows apart, the products of x with rows
// [row, row+n) of w, which are dequantized where no kernel takes their bytes as
// they are. The sums are the same either way.
func (w *weight) multiply(y, x []float32, tokens, row, n int, k *scratch) error {
	var rows []float32
	switch {
	case w.floats != nil:
		rows = w.floats[row*w.cols : (row+n)*w.cols]
	case tokens == 1 && w.data != nil && linear.Vector(w.typ, y[:n], x[:w.cols], w.data[row*w.rowBytes:(row+n)*w.rowBytes]):
		return nil
	default:
		rows = floats(&k.block, n*w.cols)
		if err := w.read(row, n, rows, &k.raw); err != nil {
			return err
		}
	}
	product(y, w.rows, x, w.cols, rows, w.cols, tokens, n, w.cols)
	return nil
}
