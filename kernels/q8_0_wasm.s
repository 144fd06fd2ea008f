//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"

// MAXABS2 pushes the larger |x| of two vectors, at R1 + off and R1 + off + 16.
#define MAXABS2(off) \
	LOAD(R1, off); F32x4Abs; \
	LOAD(R1, (off+16)); F32x4Abs; F32x4Pmax

// CODES pushes roundAway(x · id) of the four values at R1 + off as 32-bit
// integers: t plus the largest number below 0.5 with t's sign, cut towards zero;
// t + 1.5·2^23 then has the integer in its low bits.
#define CODES(off) \
	LOAD(R1, off); Get V4; F32x4Mul; Set V5; \
	Get V5; \
	Get V5; MASK(0x80000000); SPLAT32(0x3effffff); V128Or; F32x4Add; \
	F32x4Trunc; \
	SPLAT32(0x4b400000); F32x4Add; SPLAT32(0x4b400000); I32x4Sub

// CODES16 stores the codes of the 16 values at R1 + off at R0 + at.
#define CODES16(off, at) \
	ADDR(R0); \
	CODES(off); CODES((off+16)); I16x8NarrowI32x4S; \
	CODES((off+32)); CODES((off+48)); I16x8NarrowI32x4S; \
	I8x16NarrowI16x8S; V128Store $0, $at

// func quantizeQ8_0Asm(dst *byte, x *float32, n int)     n is a multiple of 32
//
// for each block of 32 values and 34 bytes: d = max|x| / 127,
// dst[0:2] = floatToHalf(d), dst[2+i] = roundAway(x[i] * inverse(d))
//
// V3 is max|x|, V0 d, V4 inverse(d), each in all lanes. 0x42fe0000 is 127.
TEXT ·quantizeQ8_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	WHILE(R2)
		MAXABS2(0); MAXABS2(32); F32x4Pmax
		MAXABS2(64); MAXABS2(96); F32x4Pmax
		F32x4Pmax; Set V3
		SPREAD(V3, F32x4Pmax)
		Get V3; SPLAT32(0x42fe0000); F32x4Div; Set V0   // d = max|x| / 127
		SPLAT32(0x3f800000); Get V0; F32x4Div; Set V4   // 1 / d
		Get V4; Get V4; SPLAT32(0x7f800000); F32x4Lt; V128And; Set V4 // 0 where infinite
		STOREHALF(R0)
		CODES16(0, 2)
		CODES16(64, 18)
		ADVANCE(R0, 34)
		ADVANCE(R1, 128)
	NEXT(R2, 32)
	RET

// VALUES stores at R0 + off the four values of the codes in V4 that extend
// widens to 32 bits.
#define VALUES(off, extend) \
	ADDR(R0); Get V4; extend; F32x4ConvertI32x4S; Get V3; F32x4Mul; V128Store $0, $off

// VALUES16 stores the 16 values of the codes at R1 + at at R0 + off.
#define VALUES16(off, at) \
	LOAD(R1, at); I16x8ExtendLowI8x16S; Set V4; \
	VALUES(off, I32x4ExtendLowI16x8S); \
	VALUES((off+16), I32x4ExtendHighI16x8S); \
	LOAD(R1, at); I16x8ExtendHighI8x16S; Set V4; \
	VALUES((off+32), I32x4ExtendLowI16x8S); \
	VALUES((off+48), I32x4ExtendHighI16x8S)

// func dequantizeQ8_0Asm(dst *float32, src *byte, n int)     n is a multiple of 32
//
// for each block: dst[i] = float32(int8(src[2+i])) * halfToFloat(src[0:2])
//
// V2, then V3 is d in all lanes, V4 eight codes.
TEXT ·dequantizeQ8_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	WHILE(R2)
		LOADHALF(R1); Get V2; Set V3
		VALUES16(0, 2)
		VALUES16(64, 18)
		ADVANCE(R0, 128)
		ADVANCE(R1, 34)
	NEXT(R2, 32)
	RET
