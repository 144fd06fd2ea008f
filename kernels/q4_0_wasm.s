//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "values_wasm.h"
#include "range_wasm.h"

// func quantizeQ4_0Asm(dst *byte, x *float32, n int)     n is a multiple of 32
//
// for each block of 32 values and 18 bytes: d = firstLargest(x) / −8,
// dst[0:2] = floatToHalf(d), id = inverse(d), and for j := range 16
// dst[2+j] = min(15, trunc(x[j]*id + 8.5)) | min(15, trunc(x[j+16]*id + 8.5)) << 4
//
// V3 is the smallest value, then the one of largest magnitude; V4 the largest
// value; F0 d; V6 id; V7 8.5, or 0 where 1/d is infinite.
TEXT ·quantizeQ4_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	LEVELSCONST(15)
	WHILE(R2)
		EXTREMES
		FIRSTLARGEST
		F32Const $-0.125; F32Mul; Set F0
		INVERSE
		HALFWAY(8.5)
		STOREHALF(R0, 0)
		ADDR(R0)
		LEVELS(0, FROMZERO)
		LEVELS(64, FROMZERO); SHL(4); V128Or
		V128Store $0, $2
		ADVANCE(R0, 18)
		ADVANCE(R1, 128)
	NEXT(R2, 32)
	RET

// func dequantizeQ4_0Asm(dst *float32, src *byte, n int)     n is a multiple of 32
//
// for each block, d = halfToFloat(src[0:2]), and for j := range 16
// dst[j] = (src[2+j]&15 − 8) * d, dst[j+16] = (src[2+j]>>4 − 8) * d
//
// V6 are the bytes; V0, V1 are constants.
TEXT ·dequantizeQ4_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	TOPS
	EACHBYTE(0x0f); Set V0
	EACHBYTE(8); Set V1
	WHILE(R2)
		LOADHALF(R1, 0)
		SETSCALE
		LOAD(R1, 2); Set V6
		Get V6; Get V0; V128And; Get V1; I8x16Sub; VALUES16(0)
		Get V6; SHR(4); Get V0; V128And; Get V1; I8x16Sub; VALUES16(64)
		ADVANCE(R0, 128)
		ADVANCE(R1, 18)
	NEXT(R2, 32)
	RET
