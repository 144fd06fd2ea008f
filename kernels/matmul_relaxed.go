package kernels

// MatMulF32Relaxed is MatMulF32 where only speed counts. Where Relaxed is set, a product may
// be added without being rounded first: results are as close to the true sum, and differ in
// their last bits from one machine to another. Else it is MatMulF32 to the bit.
//
// Relaxed is set in wasm built with -tags=relaxed. An engine without relaxed SIMD refuses
// such a module, so a page asks it first. What promises bytes does not call this function.
func MatMulF32Relaxed(y, x, w []float32, tokens, rows, cols int) {
	matMulRows(y, rows, x, cols, w, cols, tokens, rows, cols, relaxedF32)
}
