//go:build relaxed && !purego

#define RELAXED
#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "values_wasm.h"
#include "matmul_wasm.h"
#include "matmul_half_wasm.h"
#include "matmul_blocks_wasm.h"
#include "matmul_kq_wasm.h"

// An engine that does not know relaxed SIMD refuses a module with these. internal/relax
// repairs the functions whose names say relaxed and Asm.

// func relaxedF32x1Asm(y, x, w *float32, ws, quads, cols int)     cols ≥ 4
TEXT ·relaxedF32x1Asm(SB), NOSPLIT, $0-48
	TILES1
	RET

// func relaxedF32x2Asm(y *float32, ys int, x *float32, xs int, w *float32, ws, quads, cols int)     cols ≥ 4
TEXT ·relaxedF32x2Asm(SB), NOSPLIT, $0-64
	TILES2
	RET

// func relaxedF16Asm(y, x *float32, w *byte, quads, cols int)     cols is a multiple of 8
TEXT ·relaxedF16Asm(SB), NOSPLIT, $0-40
	HALFROWS
	RET

// In a product of bytes that are added in fours, to 32 bits, the second may have seven bits
// only: it is the magnitude of x, and its sign goes to the first. MAGNITUDE and SIGN push
// those of v, the sign as 0 or −1; SIGNED pushes w with a sign.
#define MAGNITUDE(v) Get v; I8x16Abs
#define SIGN(v) Get v; V128Const $0, $0; I8x16LtS
#define SIGNED(w, sign) Get w; Get sign; V128Xor; Get sign; I8x16Sub

// SIXTEENBYTES sets size and sign to those of sixteen bytes at r + off. TIMESROW is
// sum += V8·those.
#define SIXTEENBYTES(from, r, off, size, sign) from(r, off); Set V14; MAGNITUDE(V14); Set size; SIGN(V14); Set sign
#define TIMESROW(sum, size, sign) SIGNED(V8, sign); Get size; Get sum; I32x4RelaxedDotI8x16I7x16AddS; Set sum

// RELAXED1 and RELAXED2 are steps of one and two tokens, of which V10 and V12 are the
// magnitudes, V11 and V13 the signs.
#define BYTEROW1(from, off, r, s0) from(r, off); Set V8; TIMESROW(s0, V10, V11)
#define BYTEROW2(from, off, r, s0, s1) BYTEROW1(from, off, r, s0); TIMESROW(s1, V12, V13)
#define RELAXED1(from, off) \
	SIXTEENBYTES(from, R1, off, V10, V11); \
	BYTEROW1(from, off, R3, V0); BYTEROW1(from, off, R4, V1); BYTEROW1(from, off, R5, V2); BYTEROW1(from, off, R6, V3)
#define RELAXED2(from, off) \
	SIXTEENBYTES(from, R1, off, V10, V11); SIXTEENBYTES(from, R2, off, V12, V13); \
	BYTEROW2(from, off, R3, V0, V4); BYTEROW2(from, off, R4, V1, V5); BYTEROW2(from, off, R5, V2, V6); BYTEROW2(from, off, R6, V3, V7)

// func relaxedInt8x1Asm(y *int32, x, w *int8, quads, cols int)     cols ≥ 16
TEXT ·relaxedInt8x1Asm(SB), NOSPLIT, $0-40
	BYTETILES1(RELAXED1)
	RET

// func relaxedInt8x2Asm(y *int32, ys int, x, w *int8, quads, cols int)     cols ≥ 16
TEXT ·relaxedInt8x2Asm(SB), NOSPLIT, $0-48
	BYTETILES2(RELAXED2)
	RET

// EIGHTS pushes −8 times the sums of four neighbours each of the codes at R1 + off, and with
// it what is on top; V3 is 8. SPLIT stores the codes at R1 + from, their magnitudes and their
// signs at R0 + at, 32 bytes apart.
#define EIGHTS(off) LOAD(R1, off); Get V3; V128Const $0, $0; I32x4RelaxedDotI8x16I7x16AddS; I32x4Sub
#define SPLIT(from, at) \
	LOAD(R1, from); Set V2; \
	ADDR(R0); Get V2; V128Store $0, $at; \
	ADDR(R0); MAGNITUDE(V2); V128Store $0, $(at+32); \
	ADDR(R0); SIGN(V2); V128Store $0, $(at+64)

// func relaxedSplitAsm(dst *splitQ8_0, x *byte, blocks int)
//
// makes splitQ8_0 of blocks of Q8_0.
TEXT ·relaxedSplitAsm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD blocks+16(FP), R2
	EACHBYTE(0x08); Set V3
	WHILE(R2)
		LOADHALF(R1, 0)
		ADDR(R0); Get F0; F32Store $0
		ADDR(R0); V128Const $0, $0; EIGHTS(2); EIGHTS(18); V128Store $0, $16
		SPLIT(2, 32)
		SPLIT(18, 48)
		ADVANCE(R0, 128)
		ADVANCE(R1, 34)
	NEXT(R2, 1)
	RET

// func relaxedQ8_0Asm(lanes *blockLanes, x *splitQ8_0, w *byte, ws, rows, blocks int)
//
// is matVecQ8_0Asm. V1 is the product of scales, V4 and V5 signs.
TEXT ·relaxedQ8_0Asm(SB), NOSPLIT, $0-48
	ROWS
		WHILE(R3)
			LOADHALF(R2, 0); SCALEBOTH; Set V1
			LOAD(R2, 2); Set V2
			LOAD(R2, 18); Set V3
			LOAD(R1, 96); Set V4
			LOAD(R1, 112); Set V5
			SIGNED(V3, V5); LOAD(R1, 80)
			SIGNED(V2, V4); LOAD(R1, 64); V128Const $0, $0; I32x4RelaxedDotI8x16I7x16AddS
			I32x4RelaxedDotI8x16I7x16AddS; TIMES(V1)
		NEXTBLOCK(128, 34)
	NEXTROW
	RET

// func relaxedQ4_0Asm(lanes *blockLanes, x *splitQ8_0, w *byte, ws, rows, blocks int)
//
// is matVecQ4_0Asm; V5 leaves four bits of bytes.
TEXT ·relaxedQ4_0Asm(SB), NOSPLIT, $0-48
	EACHBYTE(0x0f); Set V5
	ROWS
		WHILE(R3)
			LOADHALF(R2, 0); SCALEBOTH; Set V1
			LOAD(R2, 2); Set V2
			LOAD(R1, 48); Get V2; SHR16(4); Get V5; V128And
			LOAD(R1, 32); Get V2; Get V5; V128And
			LOAD(R1, 16); I32x4RelaxedDotI8x16I7x16AddS
			I32x4RelaxedDotI8x16I7x16AddS; TIMES(V1)
		NEXTBLOCK(128, 18)
	NEXTROW
	RET

// func relaxedQ4_KAsm(lanes *blockLanes, x, w *byte, ws, rows, blocks int)
TEXT ·relaxedQ4_KAsm(SB), NOSPLIT, $0-48
	Q4KROWS
	RET

// func relaxedQ6_KAsm(lanes *blockLanes, x, w *byte, ws, rows, blocks int)
TEXT ·relaxedQ6_KAsm(SB), NOSPLIT, $0-48
	Q6KROWS
	RET
