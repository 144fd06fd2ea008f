//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "values_wasm.h"

// The scales of a block stand in scratch from R3 on, 2^-24 times what they are, 4
// bytes each; the minimums from 64 bytes further on.

// PRODUCTS stores at R3 + off what four bytes of V5, those that top picks, are
// times V3.
#define PRODUCTS(off, top) \
	ADDR(R3); Get V5; Get top; I8x16Swizzle; F32x4ConvertI32x4S; Get V3; F32x4Mul; V128Store $0, $off
#define PRODUCTS16(off) \
	PRODUCTS(off, V12); PRODUCTS((off+16), V13); PRODUCTS((off+32), V14); PRODUCTS((off+48), V15)

// OFSCALES sets V3 for products that are scales of values, d times V5, OFLOWS for
// those that are minimums: −d times V5.
#define OFSCALES Get F0; F32Const $0x1p-48; F32Mul; F32x4Splat; Set V3
#define OFLOWS Get F0; F32Const $-0x1p-24; F32Mul; F32x4Splat; Set V3

// OFGROUP sets V3 to the scale at R6 + off, and V4 to the minimum.
#define SCALEOF(off) ADDR(R6); F32Load $off; F32x4Splat; Set V3
#define OFGROUP(off) SCALEOF(off); ADDR(R6); F32Load $(off+64); F32x4Splat; Set V4

// GROUPSCALES stores d·sc and −dmin·m of the eight groups of the block at R1.
#define GROUPSCALES \
	ADDR(R1); I64Load32U $4; Set R6; \
	ADDR(R1); I64Load32U $8; Set R7; \
	ADDR(R1); I64Load32U $12; Set R8; \
	LOADHALF(R1, 0); OFSCALES; \
	SIXBITS(R6, R8); Set V5; PRODUCTS(0, V12); PRODUCTS(16, V13); \
	Get R8; I64Const $4; I64ShrU; Set R8; \
	LOADHALF(R1, 2); OFLOWS; \
	SIXBITS(R7, R8); Set V5; PRODUCTS(64, V12); PRODUCTS(80, V13)

// func dequantizeQ4_KAsm(dst *float32, src *byte, n int, s *[32]float32)     n is a multiple of 256
//
// is dequantizeQ4_KGeneric; s is scratch. Each 32 bytes at R7 hold two groups.
TEXT ·dequantizeQ4_KAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD s+24(FP), R3
	TOPS
	EACHBYTE(0x0f); Set V0
	WHILE(R2)
		GROUPSCALES
		Get R1; I64Const $16; I64Add; Set R7
		Get R3; Set R6
		I64Const $4; Set R8
		WHILE(R8)
			LOAD(R7, 0); Set V6
			LOAD(R7, 16); Set V7
			OFGROUP(0)
			Get V6; Get V0; V128And; VALUESLOW16(0)
			Get V7; Get V0; V128And; VALUESLOW16(64)
			OFGROUP(4)
			Get V6; SHR(4); Get V0; V128And; VALUESLOW16(128)
			Get V7; SHR(4); Get V0; V128And; VALUESLOW16(192)
			ADVANCE(R0, 256)
			ADVANCE(R6, 8)
			ADVANCE(R7, 32)
		NEXT(R8, 1)
		ADVANCE(R1, 144)
	NEXT(R2, 256)
	RET

// FIFTH adds bit n of the bytes of v, in their bit 4, to the codes on top.
#define FIFTH(v, n) Get v; SHL(4-n); Get V1; V128And; V128Or

// func dequantizeQ5_KAsm(dst *float32, src *byte, n int, s *[32]float32)     n is a multiple of 256
//
// is dequantizeQ5_KGeneric; s is scratch. Each 32 bytes at R7 hold two groups; the
// lowest bits of V8 and V9 are bit 4 of their codes.
TEXT ·dequantizeQ5_KAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD s+24(FP), R3
	TOPS
	EACHBYTE(0x0f); Set V0
	EACHBYTE(0x10); Set V1
	WHILE(R2)
		GROUPSCALES
		LOAD(R1, 16); Set V8
		LOAD(R1, 32); Set V9
		Get R1; I64Const $48; I64Add; Set R7
		Get R3; Set R6
		I64Const $4; Set R8
		WHILE(R8)
			LOAD(R7, 0); Set V6
			LOAD(R7, 16); Set V7
			OFGROUP(0)
			Get V6; Get V0; V128And; FIFTH(V8, 0); VALUESLOW16(0)
			Get V7; Get V0; V128And; FIFTH(V9, 0); VALUESLOW16(64)
			OFGROUP(4)
			Get V6; SHR(4); Get V0; V128And; FIFTH(V8, 1); VALUESLOW16(128)
			Get V7; SHR(4); Get V0; V128And; FIFTH(V9, 1); VALUESLOW16(192)
			Get V8; SHR(2); Set V8
			Get V9; SHR(2); Set V9
			ADVANCE(R0, 256)
			ADVANCE(R6, 8)
			ADVANCE(R7, 32)
		NEXT(R8, 1)
		ADVANCE(R1, 176)
	NEXT(R2, 256)
	RET

// PAIRS pushes bits n and n + 1 of the bytes of v.
#define PAIRS(v, n) Get v; SHR(n); Get V0; V128And

// func dequantizeQ2_KAsm(dst *float32, src *byte, n int, s *[32]float32)     n is a multiple of 256
//
// is dequantizeQ2_KGeneric; s is scratch. Each 32 bytes at R7 hold eight groups.
TEXT ·dequantizeQ2_KAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD s+24(FP), R3
	TOPS
	EACHBYTE(3); Set V0
	EACHBYTE(0x0f); Set V1
	WHILE(R2)
		LOADHALF(R1, 80)
		OFSCALES
		LOAD(R1, 0); Get V1; V128And; Set V5
		PRODUCTS16(0)
		LOADHALF(R1, 82)
		OFLOWS
		LOAD(R1, 0); SHR(4); Get V1; V128And; Set V5
		PRODUCTS16(64)
		Get R1; I64Const $16; I64Add; Set R7
		Get R3; Set R6
		I64Const $2; Set R8
		WHILE(R8)
			LOAD(R7, 0); Set V6
			LOAD(R7, 16); Set V7
			OFGROUP(0); PAIRS(V6, 0); VALUESLOW16(0)
			OFGROUP(4); PAIRS(V7, 0); VALUESLOW16(64)
			OFGROUP(8); PAIRS(V6, 2); VALUESLOW16(128)
			OFGROUP(12); PAIRS(V7, 2); VALUESLOW16(192)
			OFGROUP(16); PAIRS(V6, 4); VALUESLOW16(256)
			OFGROUP(20); PAIRS(V7, 4); VALUESLOW16(320)
			OFGROUP(24); PAIRS(V6, 6); VALUESLOW16(384)
			OFGROUP(28); PAIRS(V7, 6); VALUESLOW16(448)
			ADVANCE(R0, 512)
			ADVANCE(R6, 32)
			ADVANCE(R7, 32)
		NEXT(R8, 1)
		ADVANCE(R1, 84)
	NEXT(R2, 256)
	RET

// HIGHPAIR pushes, in bits 4 and 5 of each byte, bits n and n + 1 of the four bytes
// in R8, four times 8 further up for at 32.
#define HIGHPAIR(n, at) \
	Get R8; I64Const $n; I64ShrU; I64Const $0x03030303; I64And; I64Const $(at+4); I64Shl

// THREE pushes the low 2 bits of a code from bit n of v, and bit 2 from bit m of
// plane, less 4.
#define THREE(v, n, plane, shift) \
	PAIRS(v, n); Get plane; shift; Get V1; V128And; V128Or; Get V1; I8x16Sub

// func dequantizeQ3_KAsm(dst *float32, src *byte, n int, s *[32]float32)     n is a multiple of 256
//
// is dequantizeQ3_KGeneric; s is scratch. The scales are put together in R6 and R7.
// Each 32 bytes at R7 hold eight groups; the lowest bits of V8 and V9 are bit 2 of
// their codes.
TEXT ·dequantizeQ3_KAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD s+24(FP), R3
	TOPS
	EACHBYTE(3); Set V0
	EACHBYTE(4); Set V1
	EACHBYTE(32); Set V2
	WHILE(R2)
		ADDR(R1); I64Load $96; Set R6
		ADDR(R1); I64Load32U $104; Set R8
		Get R6; I64Const $4; I64ShrU; I64Const $0x0f0f0f0f0f0f0f0f; I64And
		HIGHPAIR(4, 0); I64Or; HIGHPAIR(6, 32); I64Or; Set R7
		Get R6; I64Const $0x0f0f0f0f0f0f0f0f; I64And
		HIGHPAIR(0, 0); I64Or; HIGHPAIR(2, 32); I64Or; Set R6
		LOADHALF(R1, 108)
		OFSCALES
		Get R6; I64x2Splat; Get R7; I64x2ReplaceLane $0, $1; Get V2; I8x16Sub; Set V5
		PRODUCTS16(0)
		LOAD(R1, 0); Set V8
		LOAD(R1, 16); Set V9
		Get R1; I64Const $32; I64Add; Set R7
		Get R3; Set R6
		I64Const $2; Set R8
		WHILE(R8)
			LOAD(R7, 0); Set V6
			LOAD(R7, 16); Set V7
			SCALEOF(0); THREE(V6, 0, V8, SHL(2)); VALUES16(0)
			SCALEOF(4); THREE(V7, 0, V9, SHL(2)); VALUES16(64)
			SCALEOF(8); THREE(V6, 2, V8, SHL(1)); VALUES16(128)
			SCALEOF(12); THREE(V7, 2, V9, SHL(1)); VALUES16(192)
			SCALEOF(16); THREE(V6, 4, V8, Nop); VALUES16(256)
			SCALEOF(20); THREE(V7, 4, V9, Nop); VALUES16(320)
			SCALEOF(24); THREE(V6, 6, V8, SHR(1)); VALUES16(384)
			SCALEOF(28); THREE(V7, 6, V9, SHR(1)); VALUES16(448)
			Get V8; SHR(4); Set V8
			Get V9; SHR(4); Set V9
			ADVANCE(R0, 512)
			ADVANCE(R6, 32)
			ADVANCE(R7, 32)
		NEXT(R8, 1)
		ADVANCE(R1, 110)
	NEXT(R2, 256)
	RET

// SIX pushes a code of 6 bits less 32: the low 4 from v as half leaves them, the high
// 2 from pairs as shift leaves them.
#define SIX(v, half, pairs, shift) \
	Get v; half; Get V0; V128And; Get pairs; shift; Get V1; V128And; V128Or; Get V2; I8x16Sub

// func dequantizeQ6_KAsm(dst *float32, src *byte, n int, s *[32]float32)     n is a multiple of 256
//
// is dequantizeQ6_KGeneric; s is scratch. Each 64 bytes at R7 and 32 at R9 hold
// eight groups: V6, V7, V10, V11 the low bits, V8 and V9 the high ones.
TEXT ·dequantizeQ6_KAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD s+24(FP), R3
	TOPS
	EACHBYTE(0x0f); Set V0
	EACHBYTE(0x30); Set V1
	EACHBYTE(32); Set V2
	WHILE(R2)
		LOADHALF(R1, 208)
		OFSCALES
		LOAD(R1, 192); Set V5
		PRODUCTS16(0)
		Get R1; Set R7
		Get R1; I64Const $128; I64Add; Set R9
		Get R3; Set R6
		I64Const $2; Set R8
		WHILE(R8)
			LOAD(R7, 0); Set V6
			LOAD(R7, 16); Set V7
			LOAD(R7, 32); Set V10
			LOAD(R7, 48); Set V11
			LOAD(R9, 0); Set V8
			LOAD(R9, 16); Set V9
			SCALEOF(0); SIX(V6, Nop, V8, SHL(4)); VALUES16(0)
			SCALEOF(4); SIX(V7, Nop, V9, SHL(4)); VALUES16(64)
			SCALEOF(8); SIX(V10, Nop, V8, SHL(2)); VALUES16(128)
			SCALEOF(12); SIX(V11, Nop, V9, SHL(2)); VALUES16(192)
			SCALEOF(16); SIX(V6, SHR(4), V8, Nop); VALUES16(256)
			SCALEOF(20); SIX(V7, SHR(4), V9, Nop); VALUES16(320)
			SCALEOF(24); SIX(V10, SHR(4), V8, SHR(2)); VALUES16(384)
			SCALEOF(28); SIX(V11, SHR(4), V9, SHR(2)); VALUES16(448)
			ADVANCE(R0, 512)
			ADVANCE(R6, 32)
			ADVANCE(R7, 64)
			ADVANCE(R9, 32)
		NEXT(R8, 1)
		ADVANCE(R1, 210)
	NEXT(R2, 256)
	RET
