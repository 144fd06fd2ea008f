//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "values_wasm.h"

// PAIRS pushes bits n and n + 1 of the bytes of v, less 1.
#define PAIRS(v, n) Get v; SHR(n); Get V0; V128And; Get V1; I8x16Sub

// func dequantizeTQ2_0Asm(dst *float32, src *byte, n int)     n is a multiple of 256
//
// is dequantizeTQ2_0Generic. Each 32 bytes at R7 hold 128 values.
TEXT ·dequantizeTQ2_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	TOPS
	EACHBYTE(3); Set V0
	EACHBYTE(1); Set V1
	WHILE(R2)
		LOADHALF(R1, 64)
		SETSCALE
		I64Const $2; Set R8
		WHILE(R8)
			LOAD(R1, 0); Set V6
			LOAD(R1, 16); Set V7
			PAIRS(V6, 0); VALUES16(0)
			PAIRS(V7, 0); VALUES16(64)
			PAIRS(V6, 2); VALUES16(128)
			PAIRS(V7, 2); VALUES16(192)
			PAIRS(V6, 4); VALUES16(256)
			PAIRS(V7, 4); VALUES16(320)
			PAIRS(V6, 6); VALUES16(384)
			PAIRS(V7, 6); VALUES16(448)
			ADVANCE(R0, 512)
			ADVANCE(R1, 32)
		NEXT(R8, 1)
		ADVANCE(R1, 2)
	NEXT(R2, 256)
	RET

// OFBYTE stores at R0 + off the four values of byte i of the word in V5, which
// copies has in all lanes: bits 2k and 2k + 1 of lane k count 4^k times, and V3 is d/4^k.
#define OFBYTE(off, copies) \
	ADDR(R0); Get V5; Get copies; I8x16Swizzle; Get V0; V128And; Get V1; I32x4Sub; F32x4ConvertI32x4S; \
	Get V3; F32x4Mul; V128Store $0, $off

// func dequantizeQ2_0Asm(dst *float32, src *byte, n int)     n is a multiple of 64
//
// is dequantizeQ2_0Generic. V12 … V15 have byte 0 … 3 in the low byte of each lane; V0
// leaves lane k its two bits, V1 is 4^k, V2 is 1/4^k.
TEXT ·dequantizeQ2_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	V128Const $0x8080800080808000, $0x8080800080808000; Set V12
	V128Const $0x8080800180808001, $0x8080800180808001; Set V13
	V128Const $0x8080800280808002, $0x8080800280808002; Set V14
	V128Const $0x8080800380808003, $0x8080800380808003; Set V15
	V128Const $0x0000000c00000003, $0x000000c000000030; Set V0
	V128Const $0x0000000400000001, $0x0000004000000010; Set V1
	V128Const $0x3e8000003f800000, $0x3c8000003d800000; Set V2
	WHILE(R2)
		LOADHALF(R1, 0)
		Get F0; F32x4Splat; Get V2; F32x4Mul; Set V3
		I64Const $4; Set R8
		WHILE(R8)
			ADDR(R1); I32Load $2; I32x4Splat; Set V5
			OFBYTE(0, V12); OFBYTE(16, V13); OFBYTE(32, V14); OFBYTE(48, V15)
			ADVANCE(R0, 64)
			ADVANCE(R1, 4)
		NEXT(R8, 1)
		ADVANCE(R1, 2)
	NEXT(R2, 64)
	RET

// TRITS stores 16 values at R0 + off, of the next trit of each byte of v: with c =
// byte − 128 it is above 1 where c > 42, below where c < −42; three times c, cut to a
// byte, has the trit after it.
#define TRITS(v, off) \
	Get v; Get V0; I8x16LtS; Get v; Get V1; I8x16GtS; I8x16Sub; VALUES16(off)
#define NEXTTRIT(v) Get v; Get v; I8x16Add; Get v; I8x16Add; Set v

// LASTTRIT puts the next trit of the four bytes of V6 into a lane of V7.
#define LASTTRIT(lane) \
	Get V7; Get V6; Get V0; I8x16LtS; Get V6; Get V1; I8x16GtS; I8x16Sub; I32x4ExtractLane $0, $0; \
	I32x4ReplaceLane $0, $lane; Set V7; \
	NEXTTRIT(V6)

// func dequantizeTQ1_0Asm(dst *float32, src *byte, n int)     n is a multiple of 256
//
// is dequantizeTQ1_0Generic. V6 … V8 are the bytes less 128, V2 128.
TEXT ·dequantizeTQ1_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	TOPS
	EACHBYTE(0xd6); Set V0          // −42
	EACHBYTE(42); Set V1
	EACHBYTE(0x80); Set V2
	WHILE(R2)
		LOADHALF(R1, 52)
		SETSCALE
		LOAD(R1, 0); Get V2; V128Xor; Set V6
		LOAD(R1, 16); Get V2; V128Xor; Set V7
		LOAD(R1, 32); Get V2; V128Xor; Set V8
		I64Const $5; Set R8
		WHILE(R8)
			TRITS(V6, 0)
			TRITS(V7, 64)
			NEXTTRIT(V6)
			NEXTTRIT(V7)
			ADVANCE(R0, 128)
		NEXT(R8, 1)
		I64Const $5; Set R8
		WHILE(R8)
			TRITS(V8, 0)
			NEXTTRIT(V8)
			ADVANCE(R0, 64)
		NEXT(R8, 1)
		ADDR(R1); I32Load $48; I32x4Splat; Get V2; V128Xor; Set V6
		LASTTRIT(0); LASTTRIT(1); LASTTRIT(2); LASTTRIT(3)
		Get V7; VALUES16(0)
		ADVANCE(R0, 64)
		ADVANCE(R1, 54)
	NEXT(R2, 256)
	RET

// BITS stores 16 values at R0 + off, of the 16 bits that copies has of V6: 8 times the
// one byte, 8 times the other, of which each keeps a bit of its own.
#define BITS(off, copies) \
	Get V6; Get copies; I8x16Swizzle; Get V0; V128And; Get V0; I8x16Eq; Tee V5; V128Not; Get V5; I8x16Sub; \
	VALUES16(off)

// func dequantizeQ1_0Asm(dst *float32, src *byte, n int)     n is a multiple of 128
//
// is dequantizeQ1_0Generic. V6 is four bytes.
TEXT ·dequantizeQ1_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	TOPS
	V128Const $0x8040201008040201, $0x8040201008040201; Set V0
	V128Const $0, $0x0101010101010101; Set V1
	V128Const $0x0202020202020202, $0x0303030303030303; Set V2
	WHILE(R2)
		LOADHALF(R1, 0)
		SETSCALE
		I64Const $4; Set R8
		WHILE(R8)
			ADDR(R1); I32Load $2; I32x4Splat; Set V6
			BITS(0, V1)
			BITS(64, V2)
			ADVANCE(R0, 128)
			ADVANCE(R1, 4)
		NEXT(R8, 1)
		ADVANCE(R1, 2)
	NEXT(R2, 128)
	RET
