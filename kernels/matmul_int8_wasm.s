//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "matmul_wasm.h"

// Sixteen bytes of a row of w are V8 and V9, as 16-bit integers; those of the first token
// V10 and V11, of the second V12 and V13. Products are added in pairs, to 32 bits.

// WIDEN sets low and high to the sixteen bytes at r + off.
#define WIDEN(from, r, off, low, high) from(r, off); Tee V14; I16x8ExtendLowI8x16S; Set low; Get V14; I16x8ExtendHighI8x16S; Set high

// PAIRSUMS is sum += the products of V8, V9 with low, high.
#define PAIRSUMS(sum, low, high) \
	Get sum; Get V8; Get low; I32x4DotI16x8S; I32x4Add; Get V9; Get high; I32x4DotI16x8S; I32x4Add; Set sum

// BYTES1 and BYTES2 are steps of one and two tokens.
#define BYTEROW1(from, off, r, s0) WIDEN(from, r, off, V8, V9); PAIRSUMS(s0, V10, V11)
#define BYTEROW2(from, off, r, s0, s1) BYTEROW1(from, off, r, s0); PAIRSUMS(s1, V12, V13)
#define BYTES1(from, off) \
	WIDEN(from, R1, off, V10, V11); \
	BYTEROW1(from, off, R3, V0); BYTEROW1(from, off, R4, V1); BYTEROW1(from, off, R5, V2); BYTEROW1(from, off, R6, V3)
#define BYTES2(from, off) \
	WIDEN(from, R1, off, V10, V11); WIDEN(from, R2, off, V12, V13); \
	BYTEROW2(from, off, R3, V0, V4); BYTEROW2(from, off, R4, V1, V5); BYTEROW2(from, off, R5, V2, V6); BYTEROW2(from, off, R6, V3, V7)

// func matMulInt8x1Asm(y *int32, x, w *int8, quads, cols int)     cols ≥ 16
TEXT ·matMulInt8x1Asm(SB), NOSPLIT, $0-40
	BYTETILES1(BYTES1)
	RET

// func matMulInt8x2Asm(y *int32, ys int, x, w *int8, quads, cols int)     cols ≥ 16
TEXT ·matMulInt8x2Asm(SB), NOSPLIT, $0-48
	BYTETILES2(BYTES2)
	RET
