//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "values_wasm.h"

// Codes of 4 bits that stand for bytes of a table: V1 is the table, V0 0x0f in each
// byte.
#define NIBBLES EACHBYTE(0x0f); Set V0
#define TABLE(r) LOAD(r, 0); Set V1

// ENTRIES pushes what the codes on top stand for: low and high are the two halves of
// the bytes in V6.
#define ENTRIES(half) Get V1; Get V6; half; Get V0; V128And; I8x16Swizzle

// func dequantizeIQ4_NLAsm(dst *float32, src *byte, n int, table *[16]int8)     n is a multiple of 32
//
// for each block of 32 values and 18 bytes: dst[j] = d*table[src[2+j]&15],
// dst[j+16] = d*table[src[2+j]>>4]
TEXT ·dequantizeIQ4_NLAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD table+24(FP), R3
	TOPS
	NIBBLES
	TABLE(R3)
	WHILE(R2)
		LOADHALF(R1, 0)
		SETSCALE
		LOAD(R1, 2); Set V6
		ENTRIES(Nop); VALUES16(0)
		ENTRIES(SHR(4)); VALUES16(64)
		ADVANCE(R0, 128)
		ADVANCE(R1, 18)
	NEXT(R2, 32)
	RET

// func dequantizeIQ4_XSAsm(dst *float32, src *byte, n int, table *[16]int8)     n is a multiple of 256
//
// for each block of 256 values and 136 bytes: d, eight times the 2 high bits of a
// scale, eight times the 4 low ones, and eight groups as in IQ4_NL.
//
// R6 are the high bits of the scales to come, R7 the low ones; R8 counts groups.
TEXT ·dequantizeIQ4_XSAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD table+24(FP), R3
	TOPS
	NIBBLES
	TABLE(R3)
	WHILE(R2)
		LOADHALF(R1, 0)
		Get F0; F32Const $0x1p-24; F32Mul; Set F0
		ADDR(R1); I64Load16U $2; Set R6
		ADDR(R1); I64Load32U $4; Set R7
		I64Const $8; Set R8
		WHILE(R8)
			Get R6; I64Const $3; I64And; I64Const $4; I64Shl
			Get R7; I64Const $15; I64And; I64Or; I64Const $32; I64Sub
			F32ConvertI64S; Get F0; F32Mul; F32x4Splat; Set V3
			LOAD(R1, 8); Set V6
			ENTRIES(Nop); VALUES16(0)
			ENTRIES(SHR(4)); VALUES16(64)
			Get R6; I64Const $2; I64ShrU; Set R6
			Get R7; I64Const $4; I64ShrU; Set R7
			ADVANCE(R0, 128)
			ADVANCE(R1, 16)
		NEXT(R8, 1)
		ADVANCE(R1, 8)
	NEXT(R2, 256)
	RET

// SMALL and SMALL16 are VALUES and VALUES16 for a scale in V3 as it is: it may be too
// small to be 2^-24 times less.
#define SMALL(off, top) \
	ADDR(R0); Get V5; Get top; I8x16Swizzle; I32Const $24; I32x4ShrS; F32x4ConvertI32x4S; \
	Get V3; F32x4Mul; V128Store $0, $off
#define SMALL16(off) \
	Set V5; SMALL(off, V12); SMALL((off+16), V13); SMALL((off+32), V14); SMALL((off+48), V15)

// func dequantizeMXFP4Asm(dst *float32, src *byte, n int, table *[16]int8)     n is a multiple of 32
//
// for each block of 32 values and 17 bytes: d = halfE8M0(src[0]), dst[j] =
// d*table[src[1+j]&15], dst[j+16] = d*table[src[1+j]>>4]
TEXT ·dequantizeMXFP4Asm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD table+24(FP), R3
	TOPS
	NIBBLES
	TABLE(R3)
	WHILE(R2)
		ADDR(R1); I32Load8U $0; I32Const $1; I32Sub; I32Const $23; I32Shl
		F32ReinterpretI32; Set F0
		ADDR(R1); I64Load8U $0; Tee R4; I64Const $2; I64LtU
		If
			I32Const $0x00200000; Get R4; I32WrapI64; I32Shl; F32ReinterpretI32; Set F0
		End
		Get F0; F32x4Splat; Set V3
		LOAD(R1, 1); Set V6
		ENTRIES(Nop); SMALL16(0)
		ENTRIES(SHR(4)); SMALL16(64)
		ADVANCE(R0, 128)
		ADVANCE(R1, 17)
	NEXT(R2, 32)
	RET

// func dequantizeNVFP4Asm(dst *float32, src *byte, n int, table *[16]int8, scales *[256]float32)
//
// n is a multiple of 64; for each block of 64 values and 36 bytes, and g := range 4:
// s = scales[src[g]], dst[16*g+j] = s*table[src[4+8*g+j]&15] and dst[16*g+8+j] =
// s*table[src[4+8*g+j]>>4]
//
// R4 is the way to the scale, R5 to the codes of a group.
TEXT ·dequantizeNVFP4Asm(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD table+24(FP), R3
	MOVD scales+32(FP), R6
	TOPS
	NIBBLES
	TABLE(R3)
	WHILE(R2)
		Get R1; I64Const $4; I64Add; Set R5
		I64Const $4; Set R8
		WHILE(R8)
			Get R6; ADDR(R1); I64Load8U $0; I64Const $2; I64Shl; I64Add; I32WrapI64; F32Load $0
			F32Const $0x1p-24; F32Mul; F32x4Splat; Set V3
			ADDR(R5); I64Load $0; Set R4
			Get R4; I64x2Splat; Get R4; I64Const $4; I64ShrU; I64x2ReplaceLane $0, $1; Set V6
			ENTRIES(Nop); VALUES16(0)
			ADVANCE(R0, 64)
			ADVANCE(R1, 1)
			ADVANCE(R5, 8)
		NEXT(R8, 1)
		ADVANCE(R1, 32)
	NEXT(R2, 64)
	RET
