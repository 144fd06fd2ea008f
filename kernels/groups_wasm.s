//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"

// RANGE4 widens V3 … V4 by the four values at R2 + off, LARGER4 V4 by their magnitudes.
#define RANGE4(off) \
	LOAD(R2, off); Set V5; \
	Get V3; Get V5; F32x4Pmin; Set V3; \
	Get V4; Get V5; F32x4Pmax; Set V4
#define LARGER4(off) Get V4; LOAD(R2, off); Get V6; V128And; F32x4Pmax; Set V4

// func groupRangesAsm(lo, hi, x *float32, n, groups int)     n is a multiple of 16
//
// lo[g], hi[g] = minMax(x[g*n:][:n]) for g := range groups
//
// V3 and V4 are the lanes of lo and of hi, V5 four values.
TEXT ·groupRangesAsm(SB), NOSPLIT, $0-40
	MOVD lo+0(FP), R0
	MOVD hi+8(FP), R1
	MOVD x+16(FP), R2
	MOVD n+24(FP), R3
	MOVD groups+32(FP), R4
	SWAPS(V10, V11)
	SPLAT32(0x7f800000); Set V6
	SPLAT32(0xff800000); Set V7
	WHILE(R4)
		Get V6; Set V3
		Get V7; Set V4
		Get R3; Set R5
		WHILE(R5)
			RANGE4(0); RANGE4(16); RANGE4(32); RANGE4(48)
			ADVANCE(R2, 64)
		NEXT(R5, 16)
		SPREADBY(V3, V10, V11, F32x4Pmin)
		SPREADBY(V4, V10, V11, F32x4Pmax)
		Get V3; F32x4ExtractLane $0, $0; F32Const $0.0; F32Add; Set F0
		Get V4; F32x4ExtractLane $0, $0; F32Const $0.0; F32Add; Set F1
		Get F0; Get F1; F32Gt
		If
			F32Const $0.0; Tee F0; Set F1           // nothing but NaN
		End
		ADDR(R0); Get F0; F32Store $0
		ADDR(R1); Get F1; F32Store $0
		ADVANCE(R0, 4)
		ADVANCE(R1, 4)
	NEXT(R4, 1)
	RET

// func groupAbsMaxAsm(dst, x *float32, n, groups int)     n is a multiple of 16
//
// dst[g] = absMax(x[g*n:][:n]) for g := range groups
TEXT ·groupAbsMaxAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R2
	MOVD n+16(FP), R3
	MOVD groups+24(FP), R4
	SWAPS(V10, V11)
	SPLAT32(0x7fffffff); Set V6
	V128Const $0, $0; Set V7
	WHILE(R4)
		Get V7; Set V4
		Get R3; Set R5
		WHILE(R5)
			LARGER4(0); LARGER4(16); LARGER4(32); LARGER4(48)
			ADVANCE(R2, 64)
		NEXT(R5, 16)
		SPREADBY(V4, V10, V11, F32x4Pmax)
		ADDR(R0); Get V4; F32x4ExtractLane $0, $0; F32Store $0
		ADVANCE(R0, 4)
	NEXT(R4, 1)
	RET

// COUNT4 pushes how many middles the magnitudes of the four values at R1 + off are
// above, less what is true being −1; V0 … V6 are the middles.
#define ABOVE(m) Get V8; Get m; F32x4Gt; I32x4Sub
#define COUNT4(off) \
	LOAD(R1, off); Get V9; V128And; Set V8; \
	V128Const $0, $0; ABOVE(V0); ABOVE(V1); ABOVE(V2); ABOVE(V3); ABOVE(V4); ABOVE(V5); ABOVE(V6)

// CODES16 pushes the codes of the 16 values at R1 + off: the counts, and bit 3 where
// the count is not 0 and the sign, that saturating keeps, is minus.
#define CODES16(off) \
	COUNT4(off); COUNT4((off+16)); I16x8NarrowI32x4S; \
	COUNT4((off+32)); COUNT4((off+48)); I16x8NarrowI32x4S; \
	I8x16NarrowI16x8S; Tee V7; \
	LOAD(R1, off); LOAD(R1, (off+16)); I16x8NarrowI32x4S; \
	LOAD(R1, (off+32)); LOAD(R1, (off+48)); I16x8NarrowI32x4S; \
	I8x16NarrowI16x8S; Get V10; V128And; SHR(4); \
	Get V7; V128Const $0, $0; I8x16GtS; V128And; V128Or

// MIDDLE sets m to times·d, d being F0.
#define MIDDLE(m, times) Get F0; F32Const $times; F32Mul; F32x4Splat; Set m

// func packFP4Asm(dst *byte, x, d *float32, stored *uint8, n, per, blocks int)
//
// is packFP4Generic; n is 16 or 32. R8 is where the byte of the next scale goes. V9
// leaves magnitudes, V10 signs of bytes, V11 exchanges halves.
TEXT ·packFP4Asm(SB), NOSPLIT, $0-56
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD d+16(FP), R2
	MOVD stored+24(FP), R5
	MOVD n+32(FP), R3
	MOVD blocks+48(FP), R6
	SPLAT32(0x7fffffff); Set V9
	SPLAT32(0x80808080); Set V10
	V128Const $0x0f0e0d0c0b0a0908, $0x0706050403020100; Set V11
	WHILE(R6)
		MOVD per+40(FP), R7
		Get R0; Tee R8; Get R7; I64Add; Set R0
		WHILE(R7)
			ADDR(R8); ADDR(R5); I32Load8U $0; I32Store8 $0
			ADVANCE(R5, 1)
			ADVANCE(R8, 1)
			ADDR(R2); F32Load $0; Tee F0; F32Const $0.0; F32Eq
			If
				F32Const $0x1.fffffep+127; F32Const $2.0; F32Mul; Set F0        // nothing is above infinity
			End
			MIDDLE(V0, 0.5); MIDDLE(V1, 1.5); MIDDLE(V2, 2.5); MIDDLE(V3, 3.5)
			MIDDLE(V4, 5.0); MIDDLE(V5, 7.0); MIDDLE(V6, 10.0)
			Get R3; I64Const $16; I64Eq
			If
				CODES16(0); Set V8
				ADDR(R0)
				Get V8; Get V8; Get V11; I8x16Swizzle; SHL(4); V128Or; I64x2ExtractLane $0, $0; I64Store $0
				ADVANCE(R0, 8)
				ADVANCE(R1, 64)
			Else
				CODES16(0); Set V12
				ADDR(R0)
				CODES16(64); SHL(4); Get V12; V128Or; V128Store $0, $0
				ADVANCE(R0, 16)
				ADVANCE(R1, 128)
			End
			ADVANCE(R2, 4)
		NEXT(R7, 1)
	NEXT(R6, 1)
	RET

// CODES4 stores V5, four numbers up to 255, as bytes at R0.
#define CODES4 \
	Get V5; Get V5; I16x8NarrowI32x4S; Tee V5; Get V5; I8x16NarrowI16x8U; Set V5; \
	ADDR(R0); Get V5; I32x4ExtractLane $0, $0; I32Store $0

// func scalesUE4M3Asm(codes *uint8, d, v *float32, n int, over float32)     n is a multiple of 4
//
// is scalesUE4M3Generic. V4 is v/over, V5 the code.
TEXT ·scalesUE4M3Asm(SB), NOSPLIT, $0-36
	MOVD codes+0(FP), R0
	MOVD d+8(FP), R1
	MOVD v+16(FP), R2
	MOVD n+24(FP), R3
	WHILE(R3)
		LOAD(R2, 0); F32Load over+32(FP); F32x4Splat; F32x4Div; Set V4
		Get V4; SPLAT32(0x3c000000); I32x4Sub; SPLAT32(0x00080000); I32x4Add; SHR(20); Set V5
		SPLAT32(0x7e); Get V5; MORE(V5, 0x77); V128Bitselect
		Get V4; SPLAT32(0x44000000); F32x4Mul; SPLAT32(0x3f000000); F32x4Add
		SPLAT32(0x40e00000); F32x4Pmin; I32x4TruncSatF32x4S
		Get V4; SPLAT32(0x3c800000); F32x4Ge; V128Bitselect; Set V5
		ADDR(R1)
		Get V5; SHL(20); SPLAT32(0x3b800000); I32x4Add
		Get V5; F32x4ConvertI32x4S; SPLAT32(0x3a800000); F32x4Mul
		MORE(V5, 7); V128Bitselect; V128Store $0, $0
		CODES4
		ADVANCE(R0, 4)
		ADVANCE(R1, 16)
		ADVANCE(R2, 16)
	NEXT(R3, 4)
	RET

// func scalesE8M0Asm(codes *uint8, d, v *float32, n int) int     n is a multiple of 4
//
// is scalesE8M0Generic; the result is not 0 where any is near. V4 is that, V5 the
// code, V6 v.
TEXT ·scalesE8M0Asm(SB), NOSPLIT, $0-40
	MOVD codes+0(FP), R0
	MOVD d+8(FP), R1
	MOVD v+16(FP), R2
	MOVD n+24(FP), R3
	V128Const $0, $0; Set V4
	WHILE(R3)
		LOAD(R2, 0); Set V6
		Get V4; Get V6; MASK(0x7fff00); SPLAT32(0x7fff00); I32x4Eq; V128Or; Set V4
		Get V6; SHR(23); SPLAT32(2); I32x4Sub; V128Const $0, $0; I32x4MaxS; Set V5
		ADDR(R1)
		Get V5; SPLAT32(1); I32x4Sub; SHL(23)
		SPLAT32(0x00200000); Get V5; SHL(21); I32x4Add  // of 0 and of 1
		MORE(V5, 1); V128Bitselect; V128Store $0, $0
		CODES4
		ADVANCE(R0, 4)
		ADVANCE(R1, 16)
		ADVANCE(R2, 16)
	NEXT(R3, 4)
	Get SP; Get V4; V128AnyTrue; I64ExtendI32U; I64Store ret+32(FP)
	RET
