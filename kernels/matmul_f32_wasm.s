//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "matmul_wasm.h"

// func dotF32Asm(x, w *float32, n int) float32     n ≥ 4
//
// is dotF32Generic. V0 has the four lanes of the sum.
TEXT ·dotF32Asm(SB), NOSPLIT, $0-28
	MOVD x+0(FP), R1
	MOVD w+8(FP), R3
	MOVD n+16(FP), R13
	ROWEND(4, 4)
	V128Const $0, $0; Set V0
	WALK(STEPDOT, ADVANCEDOT)
	Get V0; SWAPHALVES(V0); F32x4Add; Set V0
	Get SP
	Get V0; F32x4ExtractLane $0, $0
	Get V0; F32x4ExtractLane $0, $1
	F32Add
	F32Store ret+24(FP)
	RET

// func matMulF32x1Asm(y, x, w *float32, ws, quads, cols int)     cols ≥ 4
TEXT ·matMulF32x1Asm(SB), NOSPLIT, $0-48
	TILES1
	RET

// func matMulF32x2Asm(y *float32, ys int, x *float32, xs int, w *float32, ws, quads, cols int)     cols ≥ 4
TEXT ·matMulF32x2Asm(SB), NOSPLIT, $0-64
	TILES2
	RET
