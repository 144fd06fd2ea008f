package kernels

// Products where only speed counts. Where Relaxed is set they use instructions of relaxed
// SIMD; else they are the functions that they are named after. Relaxed is set in wasm built
// with -tags=relaxed. An engine without relaxed SIMD refuses such a module, so a page asks it
// first. What promises bytes does not call these functions.
//
// What may differ, from one machine to another: in float32 a product may be added without
// being rounded first. Each sum is then as close to the true one, Σ|x·w|·(cols/4 + 3)·2⁻²⁴
// at most off, and equal where nothing is rounded. Integers are multiplied and added exactly,
// and the results are those of the other functions to the bit, as long as no code of 8 bits is
// −128, which quantizers do not write: what its products are then depends on the machine.

// MatMulF32Relaxed is MatMulF32, with products that may be fused.
func MatMulF32Relaxed(y, x, w []float32, tokens, rows, cols int) {
	matMulRows(y, rows, x, cols, w, cols, tokens, rows, cols, relaxedF32)
}

// MatMulF32StridedRelaxed is MatMulF32Strided, with products that may be fused.
func MatMulF32StridedRelaxed(y []float32, ys int, x []float32, xs int, w []float32, ws int, tokens, rows, cols int) {
	matMulRows(y, ys, x, xs, w, ws, tokens, rows, cols, relaxedF32)
}

// MatVecF16Relaxed is MatVecF16, with products that may be fused.
func MatVecF16Relaxed(y, x []float32, w []byte, rows, cols int) {
	if rows = halfRows(y, x, w, rows, cols); rows > 0 {
		relaxedF16(y[:rows], x[:cols], w)
	}
}

// MatMulInt8Relaxed is MatMulInt8, with codes from −127 to 127.
func MatMulInt8Relaxed(y []int32, x, w []int8, tokens, rows, cols int) {
	matMulBytes(y, x, w, tokens, rows, cols, relaxedInt8)
}

// MatMulQ8_0Relaxed is MatMulQ8_0, with codes from −127 to 127.
func MatMulQ8_0Relaxed(y []float32, x, w []byte, tokens, rows, cols int) {
	matMulBlocks(y, x, w, tokens, rows, cols, blockLen, q8_0Bytes, q8_0Bytes, relaxedQ8_0)
}

// MatMulQ4_0Relaxed is MatMulQ4_0, to the bit for any bytes.
func MatMulQ4_0Relaxed(y []float32, x, w []byte, tokens, rows, cols int) {
	matMulBlocks(y, x, w, tokens, rows, cols, blockLen, q8_0Bytes, q4_0Bytes, relaxedQ4_0)
}

// MatMulQ4_KRelaxed is MatMulQ4_K, to the bit for any bytes.
func MatMulQ4_KRelaxed(y []float32, x, w []byte, tokens, rows, cols int) {
	matMulBlocks(y, x, w, tokens, rows, cols, superLen, q8KBytes, q4KBytes, relaxedQ4_K)
}

// MatMulQ6_KRelaxed is MatMulQ6_K, to the bit for any bytes.
func MatMulQ6_KRelaxed(y []float32, x, w []byte, tokens, rows, cols int) {
	matMulBlocks(y, x, w, tokens, rows, cols, superLen, q8KBytes, q6KBytes, relaxedQ6_K)
}
