//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "values_wasm.h"
#include "range_wasm.h"
#include "matmul_blocks_wasm.h"

// CODES pushes round(x·V6) of the four values at R5 + off as 32-bit integers: V7 is the
// magic number, 1.5·2^23, that rounds when it is added.
#define CODES(off) LOAD(R5, off); Get V6; F32x4Mul; Get V7; F32x4Add; Get V7; I32x4Sub

// SUM16 stores the sum of the sixteen codes in V5 at R4.
#define SUM16 \
	Get V5; I16x8ExtaddPairwiseI8x16S; I32x4ExtaddPairwiseI16x8S; Set V5; \
	ADDR(R4); \
	Get V5; I32x4ExtractLane $0, $0; Get V5; I32x4ExtractLane $0, $1; I32Add; \
	Get V5; I32x4ExtractLane $0, $2; I32Add; Get V5; I32x4ExtractLane $0, $3; I32Add; \
	I32Store16 $0

// CLEARWORDS clears R8 times four bytes from R0 on.
#define CLEARWORDS \
	Get R0; Set R3; \
	WHILE(R8); \
		ADDR(R3); I32Const $0; I32Store $0; \
		ADVANCE(R3, 4); \
	NEXT(R8, 1)

// func quantizeQ8_KAsm(dst *byte, x *float32, n int)     n is a multiple of 256
//
// is quantizeQ8_KGeneric. V3 and V4 are the least and the greatest value of the block, F0 then
// the first of the largest magnitude, F1 is −127/F0, V6 too. R5 goes through the values, R3
// through the codes, R4 through their sums; R8 is 16 groups, or 0 where F1 is infinite and the
// block is cleared.
TEXT ·quantizeQ8_KAsm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	SWAPS(V10, V11)
	SPLAT32(0x4b400000); Set V7
	WHILE(R2)
		V128Const $0, $0; Tee V3; Set V4
		I64Const $8; Set R8
		WHILE(R8)
			RANGE(0); RANGE(16); RANGE(32); RANGE(48); RANGE(64); RANGE(80); RANGE(96); RANGE(112)
			ADVANCE(R1, 128)
		NEXT(R8, 1)
		ADVANCE(R1, -1024)
		SPREADBY(V3, V10, V11, F32x4Pmin)
		SPREADBY(V4, V10, V11, F32x4Pmax)
		F32Const $-127.0; FIRSTLARGEST; F32Div; Tee F1
		F32Abs; F32Const $0x1.fffffep+127; F32Gt
		If
			I64Const $73; Set R8
			CLEARWORDS
		Else
			I64Const $16; Set R8
			ADDR(R0); F32Const $1.0; Get F1; F32Div; F32Store $0
		End
		Get R0; Set R3
		Get R0; I64Const $260; I64Add; Set R4
		Get R1; Set R5
		Get F1; F32x4Splat; Set V6
		WHILE(R8)
			CODES(0); CODES(16); I16x8NarrowI32x4S
			CODES(32); CODES(48); I16x8NarrowI32x4S
			I8x16NarrowI16x8S; Set V5
			ADDR(R3); Get V5; V128Store $0, $4
			SUM16
			ADVANCE(R5, 64)
			ADVANCE(R3, 16)
			ADVANCE(R4, 2)
		NEXT(R8, 1)
		ADVANCE(R0, 292)
		ADVANCE(R1, 1024)
	NEXT(R2, 256)
	RET

// WIDEN stores the sixteen codes at R1 + from at R0 + at: those of even places, then the
// others.
#define WIDEN(from, at) \
	LOAD(R1, from); Set V2; \
	ADDR(R0); EVEN(V2); V128Store $0, $at; ADDR(R0); ODD(V2); V128Store $0, $(at+16)

// func widenQ8_KAsm(dst *wideQ8_K, x *byte, blocks int)
//
// makes wideQ8_K of blocks of Q8_K.
TEXT ·widenQ8_KAsm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD blocks+16(FP), R2
	WHILE(R2)
		ADDR(R0); ADDR(R1); F32Load $0; F32Store $0
		ADDR(R0); LOAD(R1, 260); V128Store $0, $16
		ADDR(R0); LOAD(R1, 276); V128Store $0, $32
		I64Const $8; Set R3
		WHILE(R3)
			WIDEN(4, 48)
			WIDEN(20, 80)
			ADVANCE(R0, 64)
			ADVANCE(R1, 32)
		NEXT(R3, 1)
		ADVANCE(R0, 48)
		ADVANCE(R1, 36)
	NEXT(R2, 1)
	RET

// SCALECODES sets V4 to the eight scales of the block of Q4_K at R2, V5 to its minimums.
#define SCALECODES \
	ADDR(R2); I64Load32U $4; Set R8; \
	ADDR(R2); I64Load32U $8; Set R7; \
	ADDR(R2); I64Load32U $12; Set R10; \
	SIXBITS(R8, R10); I16x8ExtendLowI8x16U; Set V4; \
	Get R10; I64Const $4; I64ShrU; Set R10; \
	SIXBITS(R7, R10); I16x8ExtendLowI8x16U; Set V5

// LOWSUMS makes V5 the minimums times the sums of x: V14 and V15 take four of them, twice
// each.
#define LOWSUMS \
	Get V5; Get V14; I8x16Swizzle; DOT(16); \
	Get V5; Get V15; I8x16Swizzle; DOT(32); \
	I32x4Add; Set V5

// LOWS and HIGHS push the products of the low or the high halves of the bytes of v with the
// sixteen codes at R11 + off, in 16 bits; V12 leaves four bits of sixteen.
#define LOWS(v, off) \
	Get v; Get V12; V128And; MUL(R11, off); \
	Get v; SHR16(8); Get V12; V128And; MUL(R11, (off+16)); I16x8Add
#define HIGHS(v, off) \
	Get v; SHR16(4); Get V12; V128And; MUL(R11, off); \
	Get v; SHR16(12); MUL(R11, (off+16)); I16x8Add

// SCALED adds to V7 the products on top, of a group, times its scale.
#define SCALED OFSCALE; I32x4DotI16x8S; Get V7; I32x4Add; Set V7

// func matVecQ4_KAsm(lanes *blockLanes, x *wideQ8_K, w *byte, ws, rows, blocks int)
//
// is a row of matVecQ4_KGeneric each. V1 is d_x·d_w, V6 −d_x·dmin_w; V7 the sums of a block,
// V5 those of its minimums; V4 its scales. R7 goes through the codes of w, R11 through those
// of x; each 32 bytes, V9 and V10, hold two groups.
TEXT ·matVecQ4_KAsm(SB), NOSPLIT, $0-48
	SPLAT16(0x000f); Set V12
	SPLAT16(0x0202); Set V11
	V128Const $0x0302030201000100, $0x0706070605040504; Set V14
	V128Const $0x0b0a0b0a09080908, $0x0f0e0f0e0d0c0d0c; Set V15
	ROWS
		WHILE(R3)
			SCALECODES
			LOWSUMS
			LOADHALF(R2, 0); SCALEBOTH; Set V1
			LOADHALF(R2, 2); SCALEBOTH; F32x4Neg; Set V6
			Get R1; I64Const $48; I64Add; Set R11
			Get R2; I64Const $16; I64Add; Set R7
			V128Const $0, $0; Set V7
			FIRSTSCALE
			I64Const $4; Set R8
			WHILE(R8)
				LOAD(R7, 0); Set V9
				LOAD(R7, 16); Set V10
				LOWS(V9, 0); LOWS(V10, 32); I16x8Add; SCALED
				HIGHS(V9, 64); HIGHS(V10, 96); I16x8Add; SCALED
				ADVANCE(R7, 32)
				ADVANCE(R11, 128)
			NEXT(R8, 1)
			Get V7; TIMES(V1)
			Get V5; TIMES(V6)
		NEXTBLOCK(560, 144)
	NEXTROW
	RET

// LOWHALF and HIGHHALF push the low or the high halves of the bytes of v; V12 leaves four
// bits of eight.
#define LOWHALF(v) Get v; Get V12; V128And
#define HIGHHALF(v) Get v; SHR(4); Get V12; V128And

// FIFTHS pushes what bits 4 and 5 of codes are, in V6 or V15, moved there.
#define FIFTHS(v, moved) Get v; moved; Get V13; V128And
#define NOTMOVED

// GROUP16 adds to V7 the scaled products of sixteen codes, whose low bits are in the bytes
// at R7 + at, with those at R11 + off; V14 leaves eight bits of sixteen.
#define GROUP16(half, at, high, moved, off) \
	LOAD(R7, at); Set V9; half(V9); FIFTHS(high, moved); V128Or; Tee V2; \
	Get V14; V128And; MUL(R11, off); \
	Get V2; SHR16(8); MUL(R11, (off+16)); I16x8Add; SCALED

// OFFSETS sets V7 to −32 times the scales times the sums of x. V4 and V5 are the scales of
// both halves of the block at R2.
#define OFFSETS \
	LOAD(R2, 192); Tee V2; I16x8ExtendLowI8x16S; Tee V4; DOT(16); \
	Get V2; I16x8ExtendHighI8x16S; Tee V5; DOT(32); \
	I32x4Add; I32Const $5; I32x4Shl; I32x4Neg; Set V7

// func matVecQ6_KAsm(lanes *blockLanes, x *wideQ8_K, w *byte, ws, rows, blocks int)
//
// is a row of matVecQ6_KGeneric each. V1 is d_x·d_w; V7 the sums of a block; V4 the scales of
// half of it, V5 those of the other; V6 and V15 the high bits, of which V13 leaves two. R7
// goes through the low bits of w, R10 through the high ones, R11 through x.
TEXT ·matVecQ6_KAsm(SB), NOSPLIT, $0-48
	EACHBYTE(0x0f); Set V12
	EACHBYTE(0x30); Set V13
	SPLAT16(0x00ff); Set V14
	SPLAT16(0x0202); Set V11
	ROWS
		WHILE(R3)
			LOADHALF(R2, 208); SCALEBOTH; Set V1
			OFFSETS
			Get R2; Set R7
			Get R2; I64Const $128; I64Add; Set R10
			Get R1; I64Const $48; I64Add; Set R11
			I64Const $2; Set R8
			WHILE(R8)
				LOAD(R10, 0); Set V6
				LOAD(R10, 16); Set V15
				FIRSTSCALE
				GROUP16(LOWHALF, 0, V6, SHL(4), 0)
				GROUP16(LOWHALF, 16, V15, SHL(4), 32)
				GROUP16(LOWHALF, 32, V6, SHL(2), 64)
				GROUP16(LOWHALF, 48, V15, SHL(2), 96)
				GROUP16(HIGHHALF, 0, V6, NOTMOVED, 128)
				GROUP16(HIGHHALF, 16, V15, NOTMOVED, 160)
				GROUP16(HIGHHALF, 32, V6, SHR(2), 192)
				GROUP16(HIGHHALF, 48, V15, SHR(2), 224)
				Get V5; Set V4
				ADVANCE(R7, 64)
				ADVANCE(R10, 32)
				ADVANCE(R11, 256)
			NEXT(R8, 1)
			Get V7; TIMES(V1)
		NEXTBLOCK(560, 210)
	NEXTROW
	RET
