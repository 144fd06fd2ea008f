//go:build (!wasm && !amd64) || purego

package kernels

const matMulImpl = active

func matMulF32(y []float32, ys int, x []float32, xs int, w []float32, ws int, tokens, rows, cols int) {
	matMulF32Generic(y, ys, x, xs, w, ws, tokens, rows, cols)
}
