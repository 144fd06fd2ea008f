//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"

// func rangeScalesAsm(scale, least, most, lo, hi *float32, n int, bottom, top float32, symmetric int)
//
// is rangeScalesGeneric; n is a multiple of 2. V12, V13 are bottom and top, V4, V5 as
// float64; V2 the steps, V3 as float64. V6 and V7 are two ranges, in lanes 0 and 1, V8
// and V9 as float64; V10 the scales, V11 the zero points.
TEXT ·rangeScalesAsm(SB), NOSPLIT, $0-64
	MOVD scale+0(FP), R0
	MOVD least+8(FP), R1
	MOVD most+16(FP), R5
	MOVD lo+24(FP), R2
	MOVD hi+32(FP), R6
	MOVD n+40(FP), R3
	MOVD symmetric+56(FP), R4
	F32Load bottom+48(FP); F32x4Splat; Tee V12; F64x2PromoteLowF32x4; Set V4
	F32Load top+52(FP); F32x4Splat; Tee V13; F64x2PromoteLowF32x4; Set V5
	Get V13; Get V12; F32x4Sub; Tee V2; F64x2PromoteLowF32x4; Set V3
	WHILE(R3)
		ADDR(R2); I64Load $0; I64x2Splat; V128Const $0, $0; F32x4Pmin; Set V6
		ADDR(R6); I64Load $0; I64x2Splat; V128Const $0, $0; F32x4Pmax; Set V7
		Get R4; I64Eqz
		If
			Get V7; Get V6; F32x4Sub; Get V2; F32x4Div; Set V10
			Get V6; F64x2PromoteLowF32x4; Set V8
			Get V7; F64x2PromoteLowF32x4; Set V9
			Get V4; Get V8; Get V3; F64x2Mul; Get V9; Get V8; F64x2Sub; F64x2Div; F64x2Sub
			F64x2Nearest; Get V5; F64x2Pmin; Get V4; F64x2Pmax; F32x4DemoteF64x2Zero; Set V11
		Else
			Get V6; F32x4Neg; Get V7; F32x4Pmax; Get V2; SPLAT32(0x3f000000); F32x4Mul; F32x4Div; Set V10
			V128Const $0, $0; Set V11
		End
		ADDR(R0); Get V10; I64x2ExtractLane $0, $0; I64Store $0
		ADDR(R1); Get V12; Get V11; F32x4Sub; I64x2ExtractLane $0, $0; I64Store $0
		ADDR(R5); Get V13; Get V11; F32x4Sub; I64x2ExtractLane $0, $0; I64Store $0
		ADVANCE(R0, 8)
		ADVANCE(R1, 8)
		ADVANCE(R2, 8)
		ADVANCE(R5, 8)
		ADVANCE(R6, 8)
	NEXT(R3, 2)
	RET

// ONE adds the errors of the value at R8 + off. V6 is x̂, V7 x as float64.
#define ADDSQUARE(half, sum) half; F64x2PromoteLowF32x4; Get V7; F64x2Sub; Tee V8; Get V8; F64x2Mul; Get sum; F64x2Add; Set sum
#define ONE(off) \
	ADDR(R8); F32Load $off; Tee F0; F32x4Splat; Get V0; F32x4Div; \
	Get V1; F32x4Pmax; Get V2; F32x4Pmin; Get V3; F32x4Add; Get V3; F32x4Sub; Get V0; F32x4Mul; Set V6; \
	Get F0; F64PromoteF32; F64x2Splat; Set V7; \
	ADDSQUARE(Get V6, V4); \
	Get V6; Get V9; ADDSQUARE(I8x16Swizzle, V5)

// func squaredErrorsAsm(sums *float64, x *float32, n int, scale, least, most *float32, fours int)
//
// is squaredErrorsGeneric for fours times four sums; n is a multiple of 4. Four sums go
// side by side, each in its own order.
//
// V0, V1, V2 are scale, least, most of the four; V3 is magic; V4 and V5 the sums; V9
// exchanges halves.
TEXT ·squaredErrorsAsm(SB), NOSPLIT, $0-56
	MOVD sums+0(FP), R0
	MOVD x+8(FP), R1
	MOVD scale+24(FP), R3
	MOVD least+32(FP), R4
	MOVD most+40(FP), R5
	MOVD fours+48(FP), R6
	SPLAT32(0x4b400000); Set V3
	V128Const $0x0f0e0d0c0b0a0908, $0x0706050403020100; Set V9
	WHILE(R6)
		LOAD(R3, 0); Set V0
		LOAD(R4, 0); Set V1
		LOAD(R5, 0); Set V2
		LOAD(R0, 0); Set V4
		LOAD(R0, 16); Set V5
		Get R1; Set R8
		MOVD n+16(FP), R7
		WHILE(R7)
			ONE(0); ONE(4); ONE(8); ONE(12)
			ADVANCE(R8, 16)
		NEXT(R7, 4)
		ADDR(R0); Get V4; V128Store $0, $0
		ADDR(R0); Get V5; V128Store $0, $16
		ADVANCE(R0, 32)
		ADVANCE(R3, 16)
		ADVANCE(R4, 16)
		ADVANCE(R5, 16)
	NEXT(R6, 1)
	RET
