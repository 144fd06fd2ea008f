//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "values_wasm.h"

// SCALED sets v to the four values at R1 + off, times V9, and n to 0.
#define SCALED(v, n, off) \
	LOAD(R1, off); Get V9; F32x4Mul; Set v; \
	V128Const $0, $0; Set n

// ABOVE is n += 1 in the lanes where v > V8; a true lane is −1.
#define ABOVE(v, n) Get n; Get v; Get V8; F32x4Gt; I32x4Sub; Set n
#define BOUND(off) LOAD(R4, off); Set V8; ABOVE(V0, V4); ABOVE(V1, V5); ABOVE(V2, V6); ABOVE(V3, V7)

// PAIRS16 pushes eight bytes as 16-bit integers, of the codes of the 16 values at R1 +
// off: a pair of codes is one 16-bit lane p, its byte is p<<4 | p>>8. V10 are the codes,
// V11 is 0xff in each lane.
#define PAIRS16(off) \
	SCALED(V0, V4, off); SCALED(V1, V5, (off+16)); SCALED(V2, V6, (off+32)); SCALED(V3, V7, (off+48)); \
	BOUND(0); BOUND(16); BOUND(32); BOUND(48); BOUND(64); BOUND(80); BOUND(96); BOUND(112); \
	BOUND(128); BOUND(144); BOUND(160); BOUND(176); BOUND(192); BOUND(208); BOUND(224); \
	Get V10; \
	Get V4; Get V5; I16x8NarrowI32x4S; Get V6; Get V7; I16x8NarrowI32x4S; I8x16NarrowI16x8S; \
	I8x16Swizzle; Tee V8; I32Const $4; I16x8Shl; Get V8; I32Const $8; I16x8ShrU; V128Or; Get V11; V128And

// func packLevelsAsm(dst *byte, x, inverse *float32, n, groups int, bounds *[15][4]float32, codes *[16]uint8)
//
// is packLevelsGeneric; n is a multiple of 32, bounds are those of the codebook in all
// lanes. V0–V3 are 16 values, V4–V7 how many bounds they are above, V8 one bound.
TEXT ·packLevelsAsm(SB), NOSPLIT, $0-56
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD inverse+16(FP), R2
	MOVD groups+32(FP), R3
	MOVD bounds+40(FP), R4
	MOVD codes+48(FP), R5
	LOAD(R5, 0); Set V10
	SPLAT16(0xff); Set V11
	WHILE(R3)
		ADDR(R2); F32Load $0; F32x4Splat; Set V9
		MOVD n+24(FP), R6
		WHILE(R6)
			ADDR(R0)
			PAIRS16(0); PAIRS16(64); I8x16NarrowI16x8U; V128Store $0, $0
			ADVANCE(R0, 16)
			ADVANCE(R1, 128)
		NEXT(R6, 32)
		ADVANCE(R2, 4)
	NEXT(R3, 1)
	RET

// BYTES pushes bytes a, b of eight of 16 levels as 16-bit integers a | b<<8:
// extend picks the eight.
#define BYTES(a, b, extend) Get a; extend; Get b; extend; I32Const $8; I16x8Shl; V128Or

// LEVELS stores at R0 + off the four of the eight levels in V9 (lower halves)
// and V10 (upper halves) that extend picks, times scale.
#define LEVELS(off, extend) \
	ADDR(R0); \
	Get V9; extend; Get V10; extend; I32Const $16; I32x4Shl; V128Or; \
	Get V8; F32x4Mul; V128Store $0, $off

// LEVELS8 stores eight levels at R0 + off.
#define LEVELS8(off, extend) \
	BYTES(V4, V5, extend); Set V9; \
	BYTES(V6, V7, extend); Set V10; \
	LEVELS(off, I32x4ExtendLowI16x8U); \
	LEVELS((off+16), I32x4ExtendHighI16x8U)

// PICK sets v to the bytes of a plane that the 16 codes in V11 select.
#define PICK(v, plane) Get plane; Get V11; I8x16Swizzle; Set v

// LEVELS16 stores 16 levels at R0 + off, of the eight bytes of V13 that extend widens:
// b, in a 16-bit lane, becomes the codes (b>>4 | b<<8) & 0x0f0f.
#define LEVELS16(off, extend) \
	Get V13; extend; Tee V11; I32Const $4; I16x8ShrU; Get V11; I32Const $8; I16x8Shl; V128Or; \
	Get V12; V128And; Set V11; \
	PICK(V4, V0); PICK(V5, V1); PICK(V6, V2); PICK(V7, V3); \
	LEVELS8(off, I16x8ExtendLowI8x16U); \
	LEVELS8((off+32), I16x8ExtendHighI8x16U)

// func unpackLevelsAsm(dst *float32, codes *byte, scale *float32, n, groups int, planes *[4][16]byte)
//
// is unpackLevelsGeneric; n is a multiple of 32, planes[k][j] is byte k of levels[j].
//
// V0–V3 are the planes, V4–V7 the bytes of 16 levels, V8 scale, V12 is 0x0f in each byte.
TEXT ·unpackLevelsAsm(SB), NOSPLIT, $0-48
	MOVD dst+0(FP), R0
	MOVD codes+8(FP), R1
	MOVD scale+16(FP), R2
	MOVD groups+32(FP), R3
	MOVD planes+40(FP), R4
	LOAD(R4, 0); Set V0
	LOAD(R4, 16); Set V1
	LOAD(R4, 32); Set V2
	LOAD(R4, 48); Set V3
	EACHBYTE(0x0f); Set V12
	WHILE(R3)
		ADDR(R2); F32Load $0; F32x4Splat; Set V8
		MOVD n+24(FP), R6
		WHILE(R6)
			LOAD(R1, 0); Set V13
			LEVELS16(0, I16x8ExtendLowI8x16U)
			LEVELS16(64, I16x8ExtendHighI8x16U)
			ADVANCE(R0, 128)
			ADVANCE(R1, 16)
		NEXT(R6, 32)
		ADVANCE(R2, 4)
	NEXT(R3, 1)
	RET
