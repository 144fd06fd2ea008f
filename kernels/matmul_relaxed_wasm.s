//go:build relaxed && !purego

#define RELAXED
#include "textflag.h"
#include "simd_wasm.h"
#include "matmul_wasm.h"

// An engine that does not know relaxed SIMD refuses a module with these.

// func relaxedF32x1Asm(y, x, w *float32, ws, quads, cols int)     cols ≥ 4
TEXT ·relaxedF32x1Asm(SB), NOSPLIT, $0-48
	TILES1
	RET

// func relaxedF32x2Asm(y *float32, ys int, x *float32, xs int, w *float32, ws, quads, cols int)     cols ≥ 4
TEXT ·relaxedF32x2Asm(SB), NOSPLIT, $0-64
	TILES2
	RET
