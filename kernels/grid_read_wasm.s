//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "values_wasm.h"

// Points of a grid. R3 are the points, R6 the masks of signs: eight bytes for each
// eight, or seven and the one that they make, all ones where a sign is minus. R9 is
// what a group's places and signs are read from.

// AT8 pushes the eight bytes of point, which is pushed by place, from table on; AT4
// the four of a point of four.
#define AT8(table, place) Get table; place; I64Const $3; I64Shl; I64Add; I32WrapI64; I64Load $0
#define AT4(table, place) Get table; place; I64Const $2; I64Shl; I64Add; I32WrapI64; I32Load $0

// POINTS sets V5 to two points of eight, POINTS4 to four of four.
#define POINTS(p0, p1) AT8(R3, p0); I64x2Splat; AT8(R3, p1); I64x2ReplaceLane $0, $1; Set V5
#define POINTS4(p0, p1, p2, p3) \
	AT4(R3, p0); I32x4Splat; AT4(R3, p1); I32x4ReplaceLane $0, $1; \
	AT4(R3, p2); I32x4ReplaceLane $0, $2; AT4(R3, p3); I32x4ReplaceLane $0, $3; Set V5

// EVENSIGNS sets V6 to the masks of twice seven signs, SIGNS to those of the 16 bits on
// top: of copies of two bytes each keeps a bit of its own.
#define EVENSIGNS(s0, s1) AT8(R6, s0); I64x2Splat; AT8(R6, s1); I64x2ReplaceLane $0, $1; Set V6
#define SIGNS I32x4Splat; Get V1; I8x16Swizzle; Get V0; V128And; Get V0; I8x16Eq; Set V6
#define SIGNSCONST \
	V128Const $0x8040201008040201, $0x8040201008040201; Set V0; \
	V128Const $0, $0x0101010101010101; Set V1

// SIGNED pushes V5, negative where V6 says so.
#define SIGNED Get V5; Get V6; V128Xor; Get V6; I8x16Sub

// FIELD pushes bits at … of R9 that mask has, BYTE the byte at R1 + off.
#define FIELD(at, mask) Get R9; I64Const $at; I64ShrU; I64Const $mask; I64And
#define BYTE(off) ADDR(R1); I64Load8U $off

// STEP sets V3 to F0·(base + by·the scale code on top).
#define STEP(by, base) I64Const $by; I64Mul; F32ConvertI64S; F32Const $base; F32Add; Get F0; F32Mul; F32x4Splat; Set V3

// UNIT sets F0 to the scale of the block at R1 + off, times unit and 2^-24.
#define UNIT(off, unit) LOADHALF(R1, off); Get F0; F32Const $unit; F32Mul; Set F0

// func dequantizeIQ2_XXSAsm(dst *float32, src *byte, n int, points *[256]uint64, signs *[128]uint64)
//
// is dequantizeIQ2_XXSGeneric; n is a multiple of 256. Each 32 values are 64 bits: four
// places of 8, four times 7 signs, 4 of a scale.
TEXT ·dequantizeIQ2_XXSAsm(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD points+24(FP), R3
	MOVD signs+32(FP), R6
	TOPS
	WHILE(R2)
		UNIT(0, 0x1p-26)
		I64Const $8; Set R8
		WHILE(R8)
			ADDR(R1); I64Load $2; Set R9
			FIELD(60, 15); STEP(1, 0.5)
			POINTS(FIELD(0, 255), FIELD(8, 255)); EVENSIGNS(FIELD(32, 127), FIELD(39, 127)); SIGNED; VALUES16(0)
			POINTS(FIELD(16, 255), FIELD(24, 255)); EVENSIGNS(FIELD(46, 127), FIELD(53, 127)); SIGNED; VALUES16(64)
			ADVANCE(R0, 128)
			ADVANCE(R1, 8)
		NEXT(R8, 1)
		ADVANCE(R1, 2)
	NEXT(R2, 256)
	RET

// func dequantizeIQ2_XSAsm(dst *float32, src *byte, n int, points *[512]uint64, signs *[128]uint64)
//
// is dequantizeIQ2_XSGeneric; n is a multiple of 256. Each 32 values are four times 9
// bits of place and 7 signs; R7 is where their two scales of 4 bits are.
TEXT ·dequantizeIQ2_XSAsm(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD points+24(FP), R3
	MOVD signs+32(FP), R6
	TOPS
	WHILE(R2)
		UNIT(0, 0x1p-26)
		Get R1; Set R7
		I64Const $8; Set R8
		WHILE(R8)
			ADDR(R1); I64Load $2; Set R9
			ADDR(R7); I64Load8U $66; I64Const $15; I64And; STEP(1, 0.5)
			POINTS(FIELD(0, 511), FIELD(16, 511)); EVENSIGNS(FIELD(9, 127), FIELD(25, 127)); SIGNED; VALUES16(0)
			ADDR(R7); I64Load8U $66; I64Const $4; I64ShrU; STEP(1, 0.5)
			POINTS(FIELD(32, 511), FIELD(48, 511)); EVENSIGNS(FIELD(41, 127), FIELD(57, 127)); SIGNED; VALUES16(64)
			ADVANCE(R0, 128)
			ADVANCE(R1, 8)
			ADVANCE(R7, 1)
		NEXT(R8, 1)
		ADVANCE(R1, 10)
	NEXT(R2, 256)
	RET

// PLACE pushes the byte at R1 + off, and above it the bits of R9 that mask has, moved
// from bit at.
#define PLACE(off, at, mask) BYTE(off); FIELD(at, mask); I64Const $8; I64Shl; I64Or

// func dequantizeIQ2_SAsm(dst *float32, src *byte, n int, points *[1024]uint64)
//
// is dequantizeIQ2_SGeneric; n is a multiple of 256. R1 moves along the low bytes of
// places and the signs, 4 for 32 values, R7 along the high bits of places and the scales, 1 for 32.
TEXT ·dequantizeIQ2_SAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD points+24(FP), R3
	TOPS
	SIGNSCONST
	WHILE(R2)
		UNIT(0, 0x1p-26)
		Get R1; Set R7
		I64Const $8; Set R8
		WHILE(R8)
			ADDR(R7); I64Load8U $66; Set R9
			ADDR(R7); I64Load8U $74; I64Const $15; I64And; STEP(1, 0.5)
			POINTS(PLACE(2, 0, 3), PLACE(3, 2, 3)); ADDR(R1); I32Load16U $34; SIGNS; SIGNED; VALUES16(0)
			ADDR(R7); I64Load8U $74; I64Const $4; I64ShrU; STEP(1, 0.5)
			POINTS(PLACE(4, 4, 3), PLACE(5, 6, 3)); ADDR(R1); I32Load16U $36; SIGNS; SIGNED; VALUES16(64)
			ADVANCE(R0, 128)
			ADVANCE(R1, 4)
			ADVANCE(R7, 1)
		NEXT(R8, 1)
		ADVANCE(R1, 50)
	NEXT(R2, 256)
	RET

// func dequantizeIQ3_XXSAsm(dst *float32, src *byte, n int, points *[256]uint32, signs *[128]uint64)
//
// is dequantizeIQ3_XXSGeneric; n is a multiple of 256. R1 moves along the places, 8 bytes
// for 32 values, R7 along the signs and scales, 4 bytes.
TEXT ·dequantizeIQ3_XXSAsm(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD points+24(FP), R3
	MOVD signs+32(FP), R6
	TOPS
	WHILE(R2)
		UNIT(0, 0x1p-25)
		Get R1; Set R7
		I64Const $8; Set R8
		WHILE(R8)
			ADDR(R7); I64Load32U $66; Set R9
			FIELD(28, 15); STEP(1, 0.5)
			POINTS4(BYTE(2), BYTE(3), BYTE(4), BYTE(5)); EVENSIGNS(FIELD(0, 127), FIELD(7, 127)); SIGNED; VALUES16(0)
			POINTS4(BYTE(6), BYTE(7), BYTE(8), BYTE(9)); EVENSIGNS(FIELD(14, 127), FIELD(21, 127)); SIGNED; VALUES16(64)
			ADVANCE(R0, 128)
			ADVANCE(R1, 8)
			ADVANCE(R7, 4)
		NEXT(R8, 1)
		ADVANCE(R1, 34)
	NEXT(R2, 256)
	RET

// func dequantizeIQ3_SAsm(dst *float32, src *byte, n int, points *[512]uint32)
//
// is dequantizeIQ3_SGeneric; n is a multiple of 256. R1 moves along the low bytes of
// places, 8 for 32 values, R7 along the high bits, 1, R4 along the signs, 4. R5 are the
// scales of the groups to come, the next one lowest.
TEXT ·dequantizeIQ3_SAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD points+24(FP), R3
	TOPS
	SIGNSCONST
	WHILE(R2)
		UNIT(0, 0x1p-24)
		Get R1; Tee R7; Set R4
		ADDR(R1); I64Load32U $106; Set R5
		I64Const $8; Set R8
		WHILE(R8)
			ADDR(R7); I64Load8U $66; Set R9
			Get R5; I64Const $15; I64And; STEP(2, 1.0)
			Get R5; I64Const $4; I64ShrU; Set R5
			POINTS4(PLACE(2, 0, 1), PLACE(3, 1, 1), PLACE(4, 2, 1), PLACE(5, 3, 1))
			ADDR(R4); I32Load16U $74; SIGNS; SIGNED; VALUES16(0)
			POINTS4(PLACE(6, 4, 1), PLACE(7, 5, 1), PLACE(8, 6, 1), PLACE(9, 7, 1))
			ADDR(R4); I32Load16U $76; SIGNS; SIGNED; VALUES16(64)
			ADVANCE(R0, 128)
			ADVANCE(R1, 8)
			ADVANCE(R7, 1)
			ADVANCE(R4, 4)
		NEXT(R8, 1)
		ADVANCE(R1, 46)
	NEXT(R2, 256)
	RET

// SHIFTED pushes a place as PLACE does, of 3 bits above the byte, and the shift, bit 15
// of R9, above these.
#define SHIFTED(off, at) PLACE(off, at, 7); FIELD(15, 1); I64Const $11; I64Shl; I64Or

// func dequantizeIQ1_SAsm(dst *float32, src *byte, n int, points *[4096]uint64)
//
// is dequantizeIQ1_SGeneric; n is a multiple of 256. R1 moves along the low bytes of
// places, 4 for 32 values, R7 along their high bits, shift and scale, 2 bytes.
TEXT ·dequantizeIQ1_SAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD points+24(FP), R3
	TOPS
	WHILE(R2)
		UNIT(0, 0x1p-27)
		Get R1; Set R7
		I64Const $8; Set R8
		WHILE(R8)
			ADDR(R7); I64Load16U $34; Set R9
			FIELD(12, 7); STEP(2, 1.0)
			POINTS(SHIFTED(2, 0), SHIFTED(3, 3)); Get V5; VALUES16(0)
			POINTS(SHIFTED(4, 6), SHIFTED(5, 9)); Get V5; VALUES16(64)
			ADVANCE(R0, 128)
			ADVANCE(R1, 4)
			ADVANCE(R7, 2)
		NEXT(R8, 1)
		ADVANCE(R1, 18)
	NEXT(R2, 256)
	RET

// NIBBLE pushes 4 bits of R9 from bit to, moved to bit at of four.
#define NIBBLE(to, at) Get R9; I64Const $to; I64ShrU; I64Const $(15<<at); I64And

// func dequantizeIQ1_MAsm(dst *float32, src *byte, n int, points *[4096]uint64, d *[2]byte)
//
// is dequantizeIQ1_MGeneric; n is a multiple of 256, d is scratch. R1 moves along the low
// bytes of places, 4 for 32 values, R7 along the high bits and shifts, 2 bytes. Of the
// scales, R11, each 16 bits have four, and then 4 bits of d.
TEXT ·dequantizeIQ1_MAsm(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD points+24(FP), R3
	MOVD d+32(FP), R10
	TOPS
	WHILE(R2)
		ADDR(R1); I64Load $48; Tee R9; Set R11
		ADDR(R10)
		NIBBLE(12, 0); NIBBLE(24, 4); I64Or; NIBBLE(36, 8); I64Or; NIBBLE(48, 12); I64Or
		I64Store16 $0
		LOADHALF(R10, 0)
		Get F0; F32Const $0x1p-27; F32Mul; Set F0
		Get R1; Set R7
		I64Const $8; Set R8
		WHILE(R8)
			ADDR(R7); I64Load16U $32; Set R9
			Get R11; I64Const $7; I64And; STEP(2, 1.0)
			POINTS(PLACE(0, 0, 15), PLACE(1, 4, 15)); Get V5; VALUES16(0)
			Get R11; I64Const $3; I64ShrU; I64Const $7; I64And; STEP(2, 1.0)
			POINTS(PLACE(2, 8, 15), PLACE(3, 12, 15)); Get V5; VALUES16(64)
			// Six bits on, and after every other time past d.
			Get R11; I64Const $6; Get R8; I64Const $1; I64And; I64Const $4; I64Mul; I64Add; I64ShrU; Set R11
			ADVANCE(R0, 128)
			ADVANCE(R1, 4)
			ADVANCE(R7, 2)
		NEXT(R8, 1)
		ADVANCE(R1, 24)
	NEXT(R2, 256)
	RET
