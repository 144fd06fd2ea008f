//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"

// PRODUCTS stores at R3 + off the bytes of V6, of which lane half is four, as
// floats times V3.
#define PRODUCTS(off, half) \
	ADDR(R3); Get V6; I16x8ExtendLowI8x16U; half; F32x4ConvertI32x4S; Get V3; F32x4Mul; \
	V128Store $0, $off

// GROUPSCALES sets the 16 floats at R3: d·sc of the eight groups of the block at
// R1, then −dmin·m. Of the words of 6-bit numbers V7, V8 and V9 are in four bytes
// each, and the numbers over are joined from both.
#define GROUPSCALES \
	ADDR(R1); I32Load $4; I32x4Splat; Set V7; \
	ADDR(R1); I32Load $8; I32x4Splat; Set V8; \
	ADDR(R1); I32Load $12; I32x4Splat; Set V9; \
	LOADHALF(R1); Get V2; Set V3; \
	Get V7; V128Const $0x000000003f3f3f3f, $0; V128And; \
	Get V9; V128Const $0x0f0f0f0f00000000, $0; V128And; V128Or; \
	Get V7; SHR(2); V128Const $0x3030303000000000, $0; V128And; V128Or; Set V6; \
	PRODUCTS(0, I32x4ExtendLowI16x8U); \
	PRODUCTS(16, I32x4ExtendHighI16x8U); \
	Get R1; I64Const $2; I64Add; Set R5; \
	LOADHALF(R5); Get V2; F32x4Neg; Set V3; \
	Get V8; V128Const $0x000000003f3f3f3f, $0; V128And; \
	Get V9; SHR(4); V128Const $0x0f0f0f0f00000000, $0; V128And; V128Or; \
	Get V8; SHR(2); V128Const $0x3030303000000000, $0; V128And; V128Or; Set V6; \
	PRODUCTS(32, I32x4ExtendLowI16x8U); \
	PRODUCTS(48, I32x4ExtendHighI16x8U)

// VALUES stores at R0 + off the four values of the codes in V5 that extend widens.
#define VALUES(off, extend) \
	ADDR(R0); Get V5; extend; F32x4ConvertI32x4S; Get V3; F32x4Mul; Get V4; F32x4Add; \
	V128Store $0, $off

// VALUES16 stores the values of the 16 codes on top at R0 + off.
#define VALUES16(off) \
	Tee V6; I16x8ExtendLowI8x16U; Set V5; \
	VALUES(off, I32x4ExtendLowI16x8U); \
	VALUES((off+16), I32x4ExtendHighI16x8U); \
	Get V6; I16x8ExtendHighI8x16U; Set V5; \
	VALUES((off+32), I32x4ExtendLowI16x8U); \
	VALUES((off+48), I32x4ExtendHighI16x8U)

// OFGROUP sets V3, V4 to the scale and the minimum at R6 + off.
#define OFGROUP(off) \
	ADDR(R6); F32Load $off; F32x4Splat; Set V3; \
	ADDR(R6); F32Load $(off+32); F32x4Splat; Set V4

// func dequantizeQ4_KAsm(dst *float32, src *byte, n int, s *[16]float32)     n is a multiple of 256
//
// is dequantizeQ4_KGeneric; s is scratch. Each 32 bytes at R7 hold two groups.
TEXT ·dequantizeQ4_KAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD s+24(FP), R3
	WHILE(R2)
		GROUPSCALES
		Get R1; I64Const $16; I64Add; Set R7
		Get R3; Set R6
		I64Const $4; Set R8
		WHILE(R8)
			LOAD(R7, 0); Set V7
			LOAD(R7, 16); Set V8
			OFGROUP(0)
			Get V7; MASK(0x0f0f0f0f); VALUES16(0)
			Get V8; MASK(0x0f0f0f0f); VALUES16(64)
			OFGROUP(4)
			Get V7; SHR(4); MASK(0x0f0f0f0f); VALUES16(128)
			Get V8; SHR(4); MASK(0x0f0f0f0f); VALUES16(192)
			ADVANCE(R0, 256)
			ADVANCE(R6, 8)
			ADVANCE(R7, 32)
		NEXT(R8, 1)
		ADVANCE(R1, 144)
	NEXT(R2, 256)
	RET

// FIFTH adds to the codes on top, as bit 4, bit R9 of the bytes of v.
#define FIFTH(v) Get v; Get R9; I32WrapI64; I32x4ShrU; MASK(0x01010101); SHL(4); V128Or

// func dequantizeQ5_KAsm(dst *float32, src *byte, n int, s *[16]float32)     n is a multiple of 256
//
// is dequantizeQ5_KGeneric; s is scratch. Each 32 bytes at R7 hold two groups, V9
// and V10 bit 4 of all codes.
TEXT ·dequantizeQ5_KAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD s+24(FP), R3
	WHILE(R2)
		GROUPSCALES
		LOAD(R1, 16); Set V9
		LOAD(R1, 32); Set V10
		I64Const $0; Set R9
		Get R1; I64Const $48; I64Add; Set R7
		Get R3; Set R6
		I64Const $4; Set R8
		WHILE(R8)
			LOAD(R7, 0); Set V7
			LOAD(R7, 16); Set V8
			OFGROUP(0)
			Get V7; MASK(0x0f0f0f0f); FIFTH(V9); VALUES16(0)
			Get V8; MASK(0x0f0f0f0f); FIFTH(V10); VALUES16(64)
			ADVANCE(R9, 1)
			OFGROUP(4)
			Get V7; SHR(4); MASK(0x0f0f0f0f); FIFTH(V9); VALUES16(128)
			Get V8; SHR(4); MASK(0x0f0f0f0f); FIFTH(V10); VALUES16(192)
			ADVANCE(R9, 1)
			ADVANCE(R0, 256)
			ADVANCE(R6, 8)
			ADVANCE(R7, 32)
		NEXT(R8, 1)
		ADVANCE(R1, 176)
	NEXT(R2, 256)
	RET
