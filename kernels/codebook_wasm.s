//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"

// SCALED sets v to the four values at R1 + off, times scale, and n to 0.
#define SCALED(v, n, off) \
	LOAD(R1, off); Get V8; F32x4Mul; Set v; \
	V128Const $0, $0; Set n

// ABOVE is n += 1 in the lanes where v > V9; a true lane is −1.
#define ABOVE(v, n) Get n; Get v; Get V9; F32x4Gt; I32x4Sub; Set n

// func countAboveAsm(dst *uint8, x *float32, n int, scale float32, t *float32, m int)
//
// n is a multiple of 16, m at most 255;
// for i := range n { for j := range m { if x[i]*scale > t[j] { dst[i]++ } } }
//
// V0–V3 are 16 values, V4–V7 their counts, V8 scale, V9 one threshold.
TEXT ·countAboveAsm(SB), NOSPLIT, $0-48
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	F32Load scale+24(FP); F32x4Splat; Set V8
	WHILE(R2)
		SCALED(V0, V4, 0)
		SCALED(V1, V5, 16)
		SCALED(V2, V6, 32)
		SCALED(V3, V7, 48)
		MOVD t+32(FP), R3
		MOVD m+40(FP), R4
		WHILE(R4)
			ADDR(R3); F32Load $0; F32x4Splat; Set V9
			ABOVE(V0, V4)
			ABOVE(V1, V5)
			ABOVE(V2, V6)
			ABOVE(V3, V7)
			ADVANCE(R3, 4)
		NEXT(R4, 1)
		ADDR(R0)
		Get V4; Get V5; I16x8NarrowI32x4S
		Get V6; Get V7; I16x8NarrowI32x4S
		I8x16NarrowI16x8U; V128Store $0, $0
		ADVANCE(R0, 16)
		ADVANCE(R1, 64)
	NEXT(R2, 16)
	RET

// PLANES pushes bytes a, b of eight of 16 levels as 16-bit integers a | b<<8:
// extend picks the eight.
#define PLANES(a, b, extend) Get a; extend; Get b; extend; I32Const $8; I16x8Shl; V128Or

// LEVELS stores at R0 + off the four of the eight levels in V9 (lower halves)
// and V10 (upper halves) that extend picks, times scale.
#define LEVELS(off, extend) \
	ADDR(R0); \
	Get V9; extend; Get V10; extend; I32Const $16; I32x4Shl; V128Or; \
	Get V8; F32x4Mul; V128Store $0, $off

// LEVELS8 stores eight levels at R0 + off.
#define LEVELS8(off, extend) \
	PLANES(V4, V5, extend); Set V9; \
	PLANES(V6, V7, extend); Set V10; \
	LEVELS(off, I32x4ExtendLowI16x8U); \
	LEVELS((off+16), I32x4ExtendHighI16x8U)

// PICK sets v to the bytes of a plane that the 16 codes in V11 select.
#define PICK(v, plane) Get plane; Get V11; I8x16Swizzle; Set v

// func lookup16Asm(dst *float32, codes *uint8, n int, planes *[4][16]byte, scale float32)
//
// n is a multiple of 16, planes[k][j] is byte k of levels[j];
// for i := range n { dst[i] = levels[codes[i]&15] * scale }
//
// V0–V3 are the planes, V4–V7 the bytes of 16 levels, V8 scale.
TEXT ·lookup16Asm(SB), NOSPLIT, $0-36
	MOVD dst+0(FP), R0
	MOVD codes+8(FP), R1
	MOVD n+16(FP), R2
	MOVD planes+24(FP), R3
	LOAD(R3, 0); Set V0
	LOAD(R3, 16); Set V1
	LOAD(R3, 32); Set V2
	LOAD(R3, 48); Set V3
	F32Load scale+32(FP); F32x4Splat; Set V8
	WHILE(R2)
		LOAD(R1, 0); SPLAT32(0x0f0f0f0f); V128And; Set V11
		PICK(V4, V0); PICK(V5, V1); PICK(V6, V2); PICK(V7, V3)
		LEVELS8(0, I16x8ExtendLowI8x16U)
		LEVELS8(32, I16x8ExtendHighI8x16U)
		ADVANCE(R0, 64)
		ADVANCE(R1, 16)
	NEXT(R2, 16)
	RET
