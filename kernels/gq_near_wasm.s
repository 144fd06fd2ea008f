//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "simd_wasm.h"
#include "gq_wasm.h"

// PARTOF sets v to the distances of part n of the packed point in R5, of which there
// are four, to the values that it can have; R6 and R7 are its bits and their mask.
#define PARTOF(v, n) \
	Get R5; Get R6; I64Const $n; I64Mul; I64ShrU; Get R7; I64And; I64Const $4; I64Shl; \
	Get R4; I64Add; I32WrapI64; V128Load $nearLanes_table; Set v

// DISTANCES stores those of 16 points, and keeps the least in V4.
#define DISTANCES \
	ADDR(R2); \
	Get V0; LOAD(R1, 0); I8x16Swizzle; Get V1; LOAD(R1, 16); I8x16Swizzle; I8x16Add; \
	Get V2; LOAD(R1, 32); I8x16Swizzle; I8x16Add; Get V3; LOAD(R1, 48); I8x16Swizzle; I8x16Add; Tee V5; \
	V128Store $0, $nearLanes_distance; \
	Get V5; Get V4; I8x16MinU; Set V4

// RING writes the points of 16 at the distance V6, and keeps the next distance in V4.
#define RING \
	LOAD(R2, nearLanes_distance); Tee V5; Get V6; I8x16Eq; I8x16Bitmask; I64ExtendI32U; Tee R15; \
	I32WrapI64; \
	If; \
		Loop; \
			Get R2; Get R4; I64Sub; Get R15; I64Ctz; I64Add; I64Const $1; I64Shl; Get R3; I64Add; Set R14; \
			ADDR(R0); ADDR(R14); I64Load16U $0; I64Store16 $0; \
			ADVANCE(R0, 2); \
			Get R15; I64Const $1; I64Sub; Get R15; I64And; Tee R15; I32WrapI64; BrIf $0; \
		End; \
	End; \
	Get V5; V128Const $-1, $-1; Get V5; Get V6; I8x16GtU; V128Bitselect; Get V4; I8x16MinU; Set V4

// EACHSIXTEEN runs body for 16 points at a time, of which there are R8.
#define EACHSIXTEEN(body) \
	V128Const $-1, $-1; Set V4; \
	Get R4; Set R2; \
	Get R8; Set R9; \
	WHILE(R9); \
		body; \
		ADVANCE(R1, 64); \
		ADVANCE(R2, 16); \
	NEXT(R9, 16)

// LEAST makes every byte of V6 the least of V4.
#define LEAST \
	SPREAD(V4, I8x16MinU); \
	Get V4; Get V4; I32Const $16; I32x4ShrU; I8x16MinU; Set V4; \
	Get V4; Get V4; I32Const $8; I32x4ShrU; I8x16MinU; I8x16ExtractLaneU $0, $0; I8x16Splat; Set V6

// func neighboursAsm(list, points *uint16, s *nearLanes, codes *byte, p, n, rings, bits int) (count int)
//
// writes to list those of n points that are nearest to p, at as many distances as
// rings. A part of p is bits wide; 64 bytes of codes are the parts of 16 points, first
// part 0 of all.
TEXT ·neighboursAsm(SB), NOSPLIT, $0-72
	MOVD list+0(FP), R0
	MOVD points+8(FP), R3
	MOVD s+16(FP), R4
	MOVD codes+24(FP), R1
	MOVD p+32(FP), R5
	MOVD n+40(FP), R8
	MOVD rings+48(FP), R10
	MOVD bits+56(FP), R6
	I64Const $1; Get R6; I64Shl; I64Const $1; I64Sub; Set R7
	PARTOF(V0, 0)
	PARTOF(V1, 1)
	PARTOF(V2, 2)
	PARTOF(V3, 3)
	EACHSIXTEEN(DISTANCES)
	WHILE(R10)
		LEAST
		EACHSIXTEEN(RING)
	NEXT(R10, 1)
	Get SP
	Get R0; MOVD list+0(FP), R0; Get R0; I64Sub; I64Const $1; I64ShrU
	I64Store count+64(FP)
	RET
