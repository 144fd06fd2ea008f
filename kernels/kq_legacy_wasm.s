//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "values_wasm.h"
#include "range_wasm.h"

// PUTLOW stores the low 4 bits of the codes V8 and V9 at R0 + off, PUTHIGH bit 4
// of them. V15 is 0x0f in each byte.
#define PUTLOW(off) \
	ADDR(R0); \
	Get V8; Get V15; V128And; Get V9; Get V15; V128And; SHL(4); V128Or; \
	V128Store $0, $off
#define PUTHIGH(off) \
	ADDR(R0); \
	Get V8; SHL(3); I8x16Bitmask; \
	Get V9; SHL(3); I8x16Bitmask; I32Const $16; I32Shl; I32Or; \
	I32Store $off

// RANGED sets F2 to d = (max − min)/top of the block at R1, V3 to the minimum and V6
// to 1/d or 0; it stores d and the minimum at R0. Of zeros of both signs the first is
// the minimum.
#define RANGED(top) \
	EXTREMES; \
	Get V3; F32x4ExtractLane $0, $0; F32Const $0.0; F32Eq; \
	If; \
		Get V4; \
		V128Const $0, $0; Set V4; \
		FIRST; \
		Set V4; \
	End; \
	Get V4; F32x4ExtractLane $0, $0; Get V3; F32x4ExtractLane $0, $0; F32Sub; \
	F32Const $0.0; F32Add; F32Const $top; F32Div; Tee F0; Set F2; \
	INVERSE; \
	STOREHALF(R0, 0); \
	Get V3; F32x4ExtractLane $0, $0; Set F0; \
	STOREHALF(R0, 2)

// ISFINITE pushes −1 in all lanes where d, F2, is finite, else 0: an infinite d gives
// codes 0, although half is added.
#define ISFINITE I32Const $0; Get F2; F32Const $0x1.fffffep+127; F32Le; I32Sub; I32x4Splat

// func quantizeQ4_1Asm(dst *byte, x *float32, n int)     n is a multiple of 32
//
// is rangeOf and put for each block of 32 values and 20 bytes.
TEXT ·quantizeQ4_1Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	LEVELSCONST(15)
	SPLAT32(0x3f000000); Set V7                             // 0.5
	WHILE(R2)
		RANGED(15.0)
		ADDR(R0)
		LEVELS(0, FROMLOW)
		LEVELS(64, FROMLOW); SHL(4); V128Or
		ISFINITE; V128And
		V128Store $0, $4
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
	LEVELSCONST(31)
	SPLAT32(0x3f000000); Set V7                             // 0.5
	EACHBYTE(0x0f); Set V15
	WHILE(R2)
		RANGED(31.0)
		ISFINITE; Set V4
		LEVELS(0, FROMLOW); Get V4; V128And; Set V8
		LEVELS(64, FROMLOW); Get V4; V128And; Set V9
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
	LEVELSCONST(31)
	EACHBYTE(0x0f); Set V15
	WHILE(R2)
		EXTREMES
		FIRSTLARGEST
		F32Const $-0.0625; F32Mul; Set F0
		INVERSE
		HALFWAY(16.5)
		STOREHALF(R0, 0)
		LEVELS(0, FROMZERO); Set V8
		LEVELS(64, FROMZERO); Set V9
		PUTHIGH(2)
		PUTLOW(6)
		ADVANCE(R0, 22)
		ADVANCE(R1, 128)
	NEXT(R2, 32)
	RET

// SETLOW sets V4 to the half float at R1 + 2.
#define SETLOW LOADHALF(R1, 2); Get F0; F32x4Splat; Set V4

// GETNIBBLES sets V8, V9 to the codes at R1 + off. V0 is 0x0f in each byte.
#define GETNIBBLES(off) \
	LOAD(R1, off); Tee V6; Get V0; V128And; Set V8; \
	Get V6; SHR(4); Get V0; V128And; Set V9

// GETHIGH adds bit 4 of the codes, from the word at R1 + off: of 16 copies of its
// bytes, which V1 or V2 makes, each keeps a bit of its own, that of V7. V10 is 0x10 in each
// byte.
#define HIGHOF(v, copies) \
	Get v; Get V6; Get copies; I8x16Swizzle; Get V7; V128And; Get V7; I8x16Eq; \
	Get V10; V128And; V128Or; Set v
#define GETHIGH(off) \
	ADDR(R1); I32Load $off; I32x4Splat; Set V6; \
	HIGHOF(V8, V1); \
	HIGHOF(V9, V2)
#define HIGHCONST \
	V128Const $0, $0x0101010101010101; Set V1; \
	V128Const $0x0202020202020202, $0x0303030303030303; Set V2; \
	V128Const $0x8040201008040201, $0x8040201008040201; Set V7; \
	EACHBYTE(0x10); Set V10

// func dequantizeQ4_1Asm(dst *float32, src *byte, n int)     n is a multiple of 32
//
// dst[j] = q*d + m for each block of 32 values and 20 bytes.
TEXT ·dequantizeQ4_1Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	TOPS
	EACHBYTE(0x0f); Set V0
	WHILE(R2)
		LOADHALF(R1, 0)
		SETSCALE
		SETLOW
		GETNIBBLES(4)
		Get V8; VALUESLOW16(0)
		Get V9; VALUESLOW16(64)
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
	TOPS
	EACHBYTE(0x0f); Set V0
	HIGHCONST
	WHILE(R2)
		LOADHALF(R1, 0)
		SETSCALE
		SETLOW
		GETNIBBLES(8)
		GETHIGH(4)
		Get V8; VALUESLOW16(0)
		Get V9; VALUESLOW16(64)
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
	TOPS
	EACHBYTE(0x0f); Set V0
	HIGHCONST
	WHILE(R2)
		LOADHALF(R1, 0)
		SETSCALE
		GETNIBBLES(6)
		GETHIGH(2)
		Get V8; Get V10; I8x16Sub; VALUES16(0)
		Get V9; Get V10; I8x16Sub; VALUES16(64)
		ADVANCE(R0, 128)
		ADVANCE(R1, 22)
	NEXT(R2, 32)
	RET
