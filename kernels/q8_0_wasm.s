//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "values_wasm.h"

// MAXABS2 pushes the larger |x| of two vectors, at R1 + off and R1 + off + 16.
#define MAXABS2(off) \
	LOAD(R1, off); Get V6; V128And; \
	LOAD(R1, (off+16)); Get V6; V128And; F32x4Pmax

// CODES pushes roundAway(x · id) of the four values at R1 + off as 32-bit
// integers: t plus the largest number below 0.5 with t's sign, cut towards zero;
// t + 1.5·2^23 then has the integer in its low bits.
#define CODES(off) \
	LOAD(R1, off); Get V4; F32x4Mul; Tee V5; \
	Get V5; Get V7; V128And; Get V8; V128Or; F32x4Add; \
	F32x4Trunc; Get V9; F32x4Add; Get V9; I32x4Sub

// CODES16 stores the codes of the 16 values at R1 + off at R0 + at.
#define CODES16(off, at) \
	ADDR(R0); \
	CODES(off); CODES((off+16)); I16x8NarrowI32x4S; \
	CODES((off+32)); CODES((off+48)); I16x8NarrowI32x4S; \
	I8x16NarrowI16x8S; V128Store $0, $at

// func quantizeQ8_0Asm(dst *byte, x *float32, n int)     n is a multiple of 32
//
// for each block of 32 values and 34 bytes: d = max|x| / 127,
// dst[0:2] = floatToHalf(d), dst[2+i] = roundAway(x[i] * inverse(d))
//
// V3 is max|x|, F0 d, V4 inverse(d) in all lanes. V6 … V11 are constants.
TEXT ·quantizeQ8_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	SPLAT32(0x7fffffff); Set V6
	SPLAT32(0x80000000); Set V7
	SPLAT32(0x3effffff); Set V8
	SPLAT32(0x4b400000); Set V9
	SWAPS(V10, V11)
	WHILE(R2)
		MAXABS2(0); MAXABS2(32); F32x4Pmax
		MAXABS2(64); MAXABS2(96); F32x4Pmax
		F32x4Pmax; Set V3
		SPREADBY(V3, V10, V11, F32x4Pmax)
		Get V3; F32x4ExtractLane $0, $0; F32Const $127.0; F32Div; Set F0
		F32Const $1.0; Get F0; F32Div; Set F1
		Get F1; F32Const $0x1.fffffep+127; F32Gt
		If
			F32Const $0.0; Set F1                   // where 1/d is infinite
		End
		Get F1; F32x4Splat; Set V4
		STOREHALF(R0, 0)
		CODES16(0, 2)
		CODES16(64, 18)
		ADVANCE(R0, 34)
		ADVANCE(R1, 128)
	NEXT(R2, 32)
	RET

// func dequantizeQ8_0Asm(dst *float32, src *byte, n int)     n is a multiple of 32
//
// for each block: dst[i] = float32(int8(src[2+i])) * halfToFloat(src[0:2])
TEXT ·dequantizeQ8_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	TOPS
	WHILE(R2)
		LOADHALF(R1, 0)
		SETSCALE
		LOAD(R1, 2); VALUES16(0)
		LOAD(R1, 18); VALUES16(64)
		ADVANCE(R0, 128)
		ADVANCE(R1, 34)
	NEXT(R2, 32)
	RET
