//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "values_wasm.h"

// SMALLER pushes the code of |x|, in V1, below the least normal number: bits(|x| + V8) −
// bits(V8). NORMAL pushes (|x| + V9 + bit n of |x|) >> n, no more than V10. V7 is the
// least normal number.
#define SMALLER Get V1; Get V8; F32x4Add; Get V8; I32x4Sub
#define NORMAL(n) \
	Get V1; Get V9; I32x4Add; Get V1; SHR(n); Get V11; V128And; I32x4Add; SHR(n); Get V10; I32x4MinS
#define CODE(off, n, special) \
	LOAD(R1, off); Get V12; V128And; Set V1; \
	SMALLER; NORMAL(n); special; Get V1; Get V7; I32x4LtS; V128Bitselect

// OFNAN adds 1 where x is NaN, so that the largest code becomes NaN; OFINF adds 1
// where it is infinite or NaN, and 3 more where it is NaN. V6 is infinity.
#define OFNAN Get V1; Get V6; I32x4GtS; I32x4Sub
#define OFINF OFNAN; OFNAN; OFNAN; Get V1; Get V6; I32x4GeS; I32x4Sub

// CODES16 stores the codes of the 16 values at R1, with their signs, at R0. Narrowing
// keeps signs. V13 is the sign bit of each byte.
#define CODES16(n, special) \
	ADDR(R0); \
	CODE(0, n, special); CODE(16, n, special); I16x8NarrowI32x4S; \
	CODE(32, n, special); CODE(48, n, special); I16x8NarrowI32x4S; \
	I8x16NarrowI16x8U; \
	LOAD(R1, 0); LOAD(R1, 16); I16x8NarrowI32x4S; \
	LOAD(R1, 32); LOAD(R1, 48); I16x8NarrowI32x4S; \
	I8x16NarrowI16x8S; Get V13; V128And; V128Or; V128Store $0, $0

#define ENCODECONST \
	SPLAT32(0x7f800000); Set V6; \
	SPLAT32(1); Set V11; \
	SPLAT32(0x7fffffff); Set V12; \
	EACHBYTE(0x80); Set V13

// func f32ToE4M3Asm(dst *byte, src *float32, n int)     n is a multiple of 16
//
// dst[i] = floatToE4M3(src[i])
TEXT ·f32ToE4M3Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	ENCODECONST
	SPLAT32(0x3c800000); Set V7     // 2^-6
	SPLAT32(0x46800000); Set V8     // 2^14
	SPLAT32(0xc407ffff); Set V9     // 0x7ffff − 120<<23
	SPLAT32(0x7e); Set V10
	WHILE(R2)
		CODES16(20, OFNAN)
		ADVANCE(R0, 16)
		ADVANCE(R1, 64)
	NEXT(R2, 16)
	RET

// func f32ToE5M2Asm(dst *byte, src *float32, n int)     n is a multiple of 16
//
// dst[i] = floatToE5M2(src[i])
TEXT ·f32ToE5M2Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	ENCODECONST
	SPLAT32(0x38800000); Set V7     // 2^-14
	SPLAT32(0x43000000); Set V8     // 2^7
	SPLAT32(0xc80fffff); Set V9     // 0xfffff − 112<<23
	SPLAT32(0x7b); Set V10
	WHILE(R2)
		CODES16(21, OFINF)
		ADVANCE(R0, 16)
		ADVANCE(R1, 64)
	NEXT(R2, 16)
	RET

// FLOATS stores at R0 + off the floats of four of the bytes in V5, those that top picks.
// V1 are their magnitudes with the mantissa in its place, m. To that goes the bias V7;
// once more from V9 on, for infinity and NaN; and where m < 2^23 2^23, one of the
// exponent, which is then taken away as float V10: 2^-6, 2^-14.
#define FLOATS(off, top, n) \
	ADDR(R0); \
	Get V5; Get top; I8x16Swizzle; Tee V0; Get V11; V128And; SHR(n); Set V1; \
	Get V1; Get V8; I32x4LtS; Set V2; \
	Get V1; Get V7; I32x4Add; \
	Get V1; Get V9; I32x4GtS; Get V7; V128And; I32x4Add; \
	Get V2; Get V8; V128And; I32x4Add; Get V2; Get V10; V128And; F32x4Sub; \
	Get V0; Get V6; V128And; V128Or; V128Store $0, $off

#define DECODECONST \
	TOPS; \
	SPLAT32(0x80000000); Set V6; \
	SPLAT32(0x00800000); Set V8; \
	SPLAT32(0x7f000000); Set V11

// func e4m3ToF32Asm(dst *float32, src *byte, n int)     n is a multiple of 16
//
// is e4m3ToF32Generic.
TEXT ·e4m3ToF32Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	DECODECONST
	SPLAT32(0x3c000000); Set V7     // 120<<23
	SPLAT32(0x07e00000); Set V9
	SPLAT32(0x3c800000); Set V10
	WHILE(R2)
		LOAD(R1, 0); Set V5
		FLOATS(0, V12, 4); FLOATS(16, V13, 4); FLOATS(32, V14, 4); FLOATS(48, V15, 4)
		ADVANCE(R0, 64)
		ADVANCE(R1, 16)
	NEXT(R2, 16)
	RET

// func e5m2ToF32Asm(dst *float32, src *byte, n int)     n is a multiple of 16
//
// is e5m2ToF32Generic.
TEXT ·e5m2ToF32Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	DECODECONST
	SPLAT32(0x38000000); Set V7     // 112<<23
	SPLAT32(0x0f600000); Set V9
	SPLAT32(0x38800000); Set V10
	WHILE(R2)
		LOAD(R1, 0); Set V5
		FLOATS(0, V12, 3); FLOATS(16, V13, 3); FLOATS(32, V14, 3); FLOATS(48, V15, 3)
		ADVANCE(R0, 64)
		ADVANCE(R1, 16)
	NEXT(R2, 16)
	RET
