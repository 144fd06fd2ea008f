//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "values_wasm.h"
#include "range_wasm.h"
#include "matmul_blocks_wasm.h"
#include "matmul_kq_wasm.h"

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

// func matVecQ4_KAsm(lanes *blockLanes, x *wideQ8_K, w *byte, ws, rows, blocks int)
TEXT ·matVecQ4_KAsm(SB), NOSPLIT, $0-48
	Q4KROWS
	RET

// func matVecQ6_KAsm(lanes *blockLanes, x *wideQ8_K, w *byte, ws, rows, blocks int)
TEXT ·matVecQ6_KAsm(SB), NOSPLIT, $0-48
	Q6KROWS
	RET
