//go:build !wasm || !relaxed || purego

package kernels

// Relaxed says whether the functions whose names end so use relaxed SIMD.
const Relaxed = false

func relaxedF32(y []float32, ys int, x []float32, xs int, w []float32, ws int, tokens, rows, cols int) {
	matMulF32(y, ys, x, xs, w, ws, tokens, rows, cols)
}

func relaxedF16(y, x []float32, w []byte) { matVecF16(y, x, w) }

func relaxedInt8(y []int32, ys int, x, w []int8, tokens, rows, cols int) {
	matMulInt8(y, ys, x, w, tokens, rows, cols)
}

func relaxedQ8_0(y []float32, x, w []byte) { matVecQ8_0(y, x, w) }
func relaxedQ4_0(y []float32, x, w []byte) { matVecQ4_0(y, x, w) }
func relaxedQ4_K(y []float32, x, w []byte) { matVecQ4_K(y, x, w) }
func relaxedQ6_K(y []float32, x, w []byte) { matVecQ6_K(y, x, w) }
