//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "values_wasm.h"
#include "kq_wasm.h"

// ROUNDINGCONST sets what ROUND needs for codes from least to most: V2 magic, V3 and V4
// the constants of TOINT, V5 and V6 least and most in eight lanes, V7 least in
// sixteen. A negative number is given as what it is in 16 bits and in 8.
#define ROUNDINGCONST(least16, least8, most) \
	MAGIC; Set V2; \
	SPLAT32(0x007fffff); Set V3; \
	SPLAT32(0x00400000); Set V4; \
	SPLAT16(least16); Set V5; \
	SPLAT16(most); Set V6; \
	EACHBYTE(least8); Set V7

// ROUND pushes the integers next to the values at R5 + off divided by V0, ROUND8 eight of
// them held to the codes, ROUND16 the codes of a group from 0 up. V1 is 0 where all
// are.
#define ROUND(off) \
	LOAD(R5, off); Get V0; F32x4Div; Get V2; F32x4Add; Get V3; V128And; Get V4; I32x4Sub
#define ROUND8(off) \
	ROUND(off); ROUND((off+16)); I16x8NarrowI32x4S; Get V6; I16x8MinS; Get V5; I16x8MaxS
#define ROUND16 \
	ROUND8(0); ROUND8(32); I8x16NarrowI16x8S; Get V7; I8x16Sub; Get V1; V128And

// STEP sets V0 to the step at R6 + off, and V1 to where it is not 0.
#define STEP(off) ADDR(R6); F32Load $off; F32x4Splat; Tee V0; V128Const $0, $0; F32x4Ne; Set V1

// UP pushes the bytes of v with the bits of mask, moved up by r.
#define UP(v, mask, r) Get v; Get mask; V128And; Get r; I32WrapI64; I32x4Shl

// func packQ3_KAsm(dst *byte, x, s *float32, blocks int)
//
// is packQ3_KGeneric. Of sixteen groups the even ones have the first 16 of all bytes, the
// odd ones the others: R3 is 0, then 1. R7 counts groups of one sort from 0 to 7,
// R8 is twice that in each half. V8 masks bit 2, V9 bits 0 and 1; V10 and
// V11 are their bytes, V12 the codes.
TEXT ·packQ3_KAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD s+16(FP), R2
	MOVD blocks+24(FP), R4
	ROUNDINGCONST(0xfffc, 0xfc, 3)
	EACHBYTE(1); Set V8
	EACHBYTE(3); Set V9
	WHILE(R4)
		I64Const $0; Set R3
		Loop
			Get R1; Get R3; I64Const $64; I64Mul; I64Add; Set R5
			Get R2; Get R3; I64Const $4; I64Mul; I64Add; Set R6
			V128Const $0, $0; Tee V10; Set V11
			I64Const $0; Tee R7; Set R8
			Loop
				STEP(0)
				ROUND16; Set V12
				Get V11; UP(V12, V9, R8); V128Or; Set V11
				Get V12; SHR(2); Set V12
				Get V10; UP(V12, V8, R7); V128Or; Set V10
				ADVANCE(R5, 128)
				ADVANCE(R6, 8)
				Get R7; I64Const $3; I64And; I64Const $3; I64Eq
				If
					Get R0; Get R7; I64Const $4; I64And; I64Const $8; I64Mul; I64Add; I32WrapI64
					Get V11; V128Store $0, $32
					V128Const $0, $0; Set V11
				End
				ADVANCE(R7, 1)
				Get R7; I64Const $3; I64And; I64Const $2; I64Mul; Set R8
				Get R7; I64Const $8; I64LtU; BrIf $0
			End
			ADDR(R0); Get V10; V128Store $0, $0
			ADVANCE(R0, 16)
			ADVANCE(R3, 1)
			Get R3; I64Const $2; I64LtU; BrIf $0
		End
		ADVANCE(R0, 78)
		ADVANCE(R1, 1024)
		ADVANCE(R2, 64)
	NEXT(R4, 1)
	RET

// func packQ6_KAsm(dst *byte, x, s *float32, blocks int)
//
// is packQ6_KGeneric. A byte of the low bits holds a code and one 64 further on: V10 and
// V11 are such groups. Of bits 4 and 5, V12 in even rounds and V13 in odd ones
// have four groups, in halves of 128 values that R7 counts; R3 counts rounds.
TEXT ·packQ6_KAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD s+16(FP), R2
	MOVD blocks+24(FP), R4
	ROUNDINGCONST(0xffe0, 0xe0, 31)
	EACHBYTE(0x0f); Set V8
	EACHBYTE(0x30); Set V9
	WHILE(R4)
		I64Const $2; Set R7
		Get R0; I64Const $128; I64Add; Set R9
		WHILE(R7)
			V128Const $0, $0; Tee V12; Set V13
			I64Const $0; Set R3
			Loop
				Get R1; Set R5
				Get R2; Set R6
				STEP(0); ROUND16; Set V10
				ADVANCE(R5, 256)
				STEP(16); ROUND16; Set V11
				ADDR(R0); Get V10; Get V8; V128And; Get V11; Get V8; V128And; SHL(4); V128Or; V128Store $0, $0
				Get V10; Get V9; V128And; SHR(4); Get V11; Get V9; V128And; V128Or
				Get R3; I64Const $2; I64And; I32WrapI64; I32x4Shl; Get V12; V128Or
				Get V13; Set V12; Set V13
				ADVANCE(R0, 16)
				ADVANCE(R1, 64)
				ADVANCE(R2, 4)
				ADVANCE(R3, 1)
				Get R3; I64Const $4; I64LtU; BrIf $0
			End
			ADDR(R9); Get V12; V128Store $0, $0
			ADDR(R9); Get V13; V128Store $0, $16
			ADVANCE(R9, 32)
			ADVANCE(R1, 256)
			ADVANCE(R2, 16)
		NEXT(R7, 1)
		ADVANCE(R0, 82)
	NEXT(R4, 1)
	RET
