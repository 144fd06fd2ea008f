//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "range_wasm.h"

// LEVELS pushes 16 codes, bytes, of the values from R1 + off on: trunc(of), no
// more than top. Adding 2^23 leaves the integer in the low bits.
#define LEVEL(off, of, top) \
	LOAD(R1, off); of; SPLAT32(top); F32x4Pmin; F32x4Trunc; \
	SPLAT32(0x4b000000); F32x4Add; MASK(0xff)
#define LEVELS(off, of, top) \
	LEVEL(off, of, top); LEVEL((off+16), of, top); I16x8NarrowI32x4S; \
	LEVEL((off+32), of, top); LEVEL((off+48), of, top); I16x8NarrowI32x4S; \
	I8x16NarrowI16x8U

// FROMLOW is (x − V3)·V6 + 0.5, FROMZERO x·V6 + V7.
#define FROMLOW Get V3; F32x4Sub; Get V6; F32x4Mul; SPLAT32(0x3f000000); F32x4Add
#define FROMZERO Get V6; F32x4Mul; Get V7; F32x4Add

// PUTLOW stores the low 4 bits of the codes V8 and V9 at R0 + off, PUTHIGH bit 4
// of them.
#define PUTLOW(off) \
	ADDR(R0); \
	Get V8; MASK(0x0f0f0f0f); Get V9; MASK(0x0f0f0f0f); SHL(4); V128Or; \
	V128Store $0, $off
#define PUTHIGH(off) \
	ADDR(R0); \
	Get V8; SHL(3); I8x16Bitmask; \
	Get V9; SHL(3); I8x16Bitmask; I32Const $16; I32Shl; I32Or; \
	I32Store $off

// RANGED sets V0 to d = (max − min)/top of the block at R1, V3 to the minimum, V6
// to 1/d or 0, and V7 to the lanes in which d is finite, which is all or none; it
// stores d and the minimum at R0. Of zeros of both signs the first is the minimum.
#define RANGED(top) \
	EXTREMES; \
	Get V3; F32x4ExtractLane $0, $0; F32Const $0.0; F32Eq; \
	If; \
		Get V4; \
		V128Const $0, $0; Set V4; \
		FIRST; \
		Set V4; \
	End; \
	Get V4; Get V3; F32x4Sub; V128Const $0, $0; F32x4Add; SPLAT32(top); F32x4Div; Set V0; \
	SPLAT32(0x3f800000); Get V0; F32x4Div; Set V6; \
	Get V6; Get V6; F32x4Abs; SPLAT32(0x7f800000); F32x4Lt; V128And; Set V6; \
	Get V0; SPLAT32(0x7f800000); F32x4Lt; Set V7; \
	STOREHALF(R0); \
	Get R0; I64Const $2; I64Add; Set R5; \
	Get V3; Set V0; \
	STOREHALF(R5)

// func quantizeQ4_1Asm(dst *byte, x *float32, n int)     n is a multiple of 32
//
// is rangeOf and put for each block of 32 values and 20 bytes.
TEXT ·quantizeQ4_1Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	WHILE(R2)
		RANGED(0x41700000)
		LEVELS(0, FROMLOW, 0x41700000); Get V7; V128And; Set V8
		LEVELS(64, FROMLOW, 0x41700000); Get V7; V128And; Set V9
		PUTLOW(4)
		ADVANCE(R0, 20)
		ADVANCE(R1, 128)
	NEXT(R2, 32)
	RET

// func quantizeQ5_1Asm(dst *byte, x *float32, n int)     n is a multiple of 32
//
// is rangeOf and put for each block of 32 values and 24 bytes.
TEXT ·quantizeQ5_1Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	WHILE(R2)
		RANGED(0x41f80000)
		LEVELS(0, FROMLOW, 0x41f80000); Get V7; V128And; Set V8
		LEVELS(64, FROMLOW, 0x41f80000); Get V7; V128And; Set V9
		PUTHIGH(4)
		PUTLOW(8)
		ADVANCE(R0, 24)
		ADVANCE(R1, 128)
	NEXT(R2, 32)
	RET

// func quantizeQ5_0Asm(dst *byte, x *float32, n int)     n is a multiple of 32
//
// for each block of 32 values and 22 bytes: d = firstLargest(x) / −16, id =
// inverse(d), codes min(31, trunc(x*id + 16.5)), or 0 where 1/d is infinite.
TEXT ·quantizeQ5_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	WHILE(R2)
		EXTREMES
		FIRSTLARGEST
		Get V3; SPLAT32(0xbd800000); F32x4Mul; Set V0   // d = m / −16
		SPLAT32(0x3f800000); Get V0; F32x4Div; Set V6   // 1 / d
		Get V6; F32x4Abs; SPLAT32(0x7f800000); F32x4Lt; Set V5 // is it finite?
		Get V6; Get V5; V128And; Set V6
		Get V5; Get V0; V128Const $0, $0; F32x4Eq; V128Or
		MASK(0x41840000); Set V7                        // 16.5
		STOREHALF(R0)
		LEVELS(0, FROMZERO, 0x41f80000); Set V8
		LEVELS(64, FROMZERO, 0x41f80000); Set V9
		PUTHIGH(2)
		PUTLOW(6)
		ADVANCE(R0, 22)
		ADVANCE(R1, 128)
	NEXT(R2, 32)
	RET

// VALUES stores at R0 + off the four values of the codes in V5 that extend
// widens: q·V3, then end.
#define VALUES(off, extend, end) \
	ADDR(R0); Get V5; extend; F32x4ConvertI32x4S; Get V3; F32x4Mul; end; V128Store $0, $off

// VALUES16 stores the 16 values of the codes v at R0 + off.
#define VALUES16(off, v, end) \
	Get v; I16x8ExtendLowI8x16S; Set V5; \
	VALUES(off, I32x4ExtendLowI16x8S, end); \
	VALUES((off+16), I32x4ExtendHighI16x8S, end); \
	Get v; I16x8ExtendHighI8x16S; Set V5; \
	VALUES((off+32), I32x4ExtendLowI16x8S, end); \
	VALUES((off+48), I32x4ExtendHighI16x8S, end)

// ADDLOW adds the minimum.
#define ADDLOW Get V7; F32x4Add

// GETSCALE sets V3 to d, GETLOW V7 to the half float at R1 + 2.
#define GETSCALE LOADHALF(R1); Get V2; Set V3
#define GETLOW Get R1; I64Const $2; I64Add; Set R5; LOADHALF(R5); Get V2; Set V7

// GETNIBBLES sets V8, V9 to the codes at R1 + off.
#define GETNIBBLES(off) \
	LOAD(R1, off); Tee V6; MASK(0x0f0f0f0f); Set V8; \
	Get V6; SHR(4); MASK(0x0f0f0f0f); Set V9

// GETHIGH adds bit 4 of the codes, from the word at R1 + off: of 16 copies of its
// bytes, each keeps a bit of its own.
#define BITOFEACH V128Const $0x8040201008040201, $0x8040201008040201
#define HIGHOF(v, first, second) \
	Get v; Get V6; V128Const $first, $second; I8x16Swizzle; BITOFEACH; V128And; BITOFEACH; I8x16Eq; \
	MASK(0x10101010); V128Or; Set v
#define GETHIGH(off) \
	ADDR(R1); I32Load $off; I32x4Splat; Set V6; \
	HIGHOF(V8, 0, 0x0101010101010101); \
	HIGHOF(V9, 0x0202020202020202, 0x0303030303030303)

// func dequantizeQ4_1Asm(dst *float32, src *byte, n int)     n is a multiple of 32
//
// dst[j] = q*d + m for each block of 32 values and 20 bytes.
TEXT ·dequantizeQ4_1Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	WHILE(R2)
		GETSCALE
		GETLOW
		GETNIBBLES(4)
		VALUES16(0, V8, ADDLOW)
		VALUES16(64, V9, ADDLOW)
		ADVANCE(R0, 128)
		ADVANCE(R1, 20)
	NEXT(R2, 32)
	RET

// func dequantizeQ5_1Asm(dst *float32, src *byte, n int)     n is a multiple of 32
//
// dst[j] = q*d + m for each block of 32 values and 24 bytes.
TEXT ·dequantizeQ5_1Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	WHILE(R2)
		GETSCALE
		GETLOW
		GETNIBBLES(8)
		GETHIGH(4)
		VALUES16(0, V8, ADDLOW)
		VALUES16(64, V9, ADDLOW)
		ADVANCE(R0, 128)
		ADVANCE(R1, 24)
	NEXT(R2, 32)
	RET

// func dequantizeQ5_0Asm(dst *float32, src *byte, n int)     n is a multiple of 32
//
// dst[j] = (q − 16)*d for each block of 32 values and 22 bytes.
TEXT ·dequantizeQ5_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	WHILE(R2)
		GETSCALE
		GETNIBBLES(6)
		GETHIGH(2)
		Get V8; SPLAT32(0x10101010); I8x16Sub; Set V8
		Get V9; SPLAT32(0x10101010); I8x16Sub; Set V9
		VALUES16(0, V8, Nop)
		VALUES16(64, V9, Nop)
		ADVANCE(R0, 128)
		ADVANCE(R1, 22)
	NEXT(R2, 32)
	RET
