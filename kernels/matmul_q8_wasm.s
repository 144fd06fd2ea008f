//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "values_wasm.h"
#include "matmul_blocks_wasm.h"

// WIDEN stores the sixteen codes in V2 at R0 + at: those of even places, then the others.
#define WIDEN(at) ADDR(R0); EVEN(V2); V128Store $0, $at; ADDR(R0); ODD(V2); V128Store $0, $(at+16)

// MINUS8 pushes −8 times the sums of four neighbours each of the codes in V2; V3 is −8.
#define MINUS8 EVEN(V2); Get V3; I32x4DotI16x8S; ODD(V2); Get V3; I32x4DotI16x8S; I32x4Add

// func widenQ8_0Asm(dst *wideQ8_0, x *byte, blocks int)
//
// makes wideQ8_0 of blocks of Q8_0.
TEXT ·widenQ8_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD blocks+16(FP), R2
	SPLAT16(0xfff8); Set V3
	WHILE(R2)
		LOADHALF(R1, 0)
		ADDR(R0); Get F0; F32Store $0
		ADDR(R0)
		LOAD(R1, 2); Set V2; MINUS8
		LOAD(R1, 18); Set V2; MINUS8; I32x4Add
		V128Store $0, $16
		LOAD(R1, 2); Set V2; WIDEN(32)
		LOAD(R1, 18); Set V2; WIDEN(64)
		ADVANCE(R0, 96)
		ADVANCE(R1, 34)
	NEXT(R2, 1)
	RET

// func matVecQ8_0Asm(lanes *blockLanes, x *wideQ8_0, w *byte, ws, rows, blocks int)
//
// lanes[r] += float32(Σ x[i]·w[i])·(d_x·d_w) for each block. V1 is the product of scales.
TEXT ·matVecQ8_0Asm(SB), NOSPLIT, $0-48
	ROWS
		WHILE(R3)
			LOADHALF(R2, 0); SCALEBOTH; Set V1
			LOAD(R2, 2); Set V2
			LOAD(R2, 18); Set V3
			EVEN(V2); DOT(32); ODD(V2); DOT(48); I32x4Add
			EVEN(V3); DOT(64); ODD(V3); DOT(80); I32x4Add
			I32x4Add; TIMES(V1)
		NEXTBLOCK(96, 34)
	NEXTROW
	RET

// func matVecQ4_0Asm(lanes *blockLanes, x *wideQ8_0, w *byte, ws, rows, blocks int)
//
// lanes[r] += float32(Σ x[i]·(w[i] − 8))·(d_x·d_w) for each block; what −8 makes of x stands
// in it. Codes 0 … 15 are the low halves of the bytes in V2, 16 … 31 the high ones; V5
// leaves four bits of sixteen.
TEXT ·matVecQ4_0Asm(SB), NOSPLIT, $0-48
	SPLAT16(0x000f); Set V5
	ROWS
		WHILE(R3)
			LOADHALF(R2, 0); SCALEBOTH; Set V1
			LOAD(R2, 2); Set V2
			LOAD(R1, 16)
			Get V2; Get V5; V128And; DOT(32); I32x4Add
			Get V2; SHR16(8); Get V5; V128And; DOT(48); I32x4Add
			Get V2; SHR16(4); Get V5; V128And; DOT(64); I32x4Add
			Get V2; SHR16(12); DOT(80); I32x4Add
			TIMES(V1)
		NEXTBLOCK(96, 18)
	NEXTROW
	RET
