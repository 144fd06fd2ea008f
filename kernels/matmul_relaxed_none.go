//go:build !wasm || !relaxed || purego

package kernels

// Relaxed says whether MatMulF32Relaxed may fuse.
const Relaxed = false

func relaxedF32(y []float32, ys int, x []float32, xs int, w []float32, ws int, tokens, rows, cols int) {
	matMulF32(y, ys, x, xs, w, ws, tokens, rows, cols)
}
