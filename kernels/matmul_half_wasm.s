//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "matmul_wasm.h"
#include "matmul_half_wasm.h"

// func matVecF16Asm(y, x *float32, w *byte, quads, cols int)     cols is a multiple of 8
//
// y[r] = Σ halfToFloat(w[r·cols+i])·x[i] for 4·quads rows.
TEXT ·matVecF16Asm(SB), NOSPLIT, $0-40
	HALFROWS
	RET

// func matVecBF16Asm(y, x *float32, w *byte, quads, cols int)     cols is a multiple of 8
//
// y[r] = Σ w[r·cols+i]·x[i] for 4·quads rows; bfloat16 is the upper half of a float32.
TEXT ·matVecBF16Asm(SB), NOSPLIT, $0-40
	MOVD y+0(FP), R0
	MOVD w+16(FP), R8
	MOVD quads+24(FP), R10
	MOVD cols+32(FP), R9
	Get R9; I64Const $1; I64Shl; Set R9
	WHILE(R10)
		HALFTILE
		WHILE(R7)
			EIGHTHALVES
			ADDHALVES(SHIFTED, I32x4ExtendLowI16x8U, I32x4ExtendHighI16x8U)
			NEXTHALVES
		NEXT(R7, 8)
		HALFEND
	NEXT(R10, 1)
	RET
