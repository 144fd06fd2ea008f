//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "range_wasm.h"

// LEVEL pushes min(15, trunc(x · id + half)) of the four values at R1 + off, as
// floats.
#define LEVEL(off) \
	LOAD(R1, off); Get V6; F32x4Mul; Get V7; F32x4Add; \
	SPLAT32(0x41700000); F32x4Pmin; F32x4Trunc

// NIBBLES pushes four bytes as 32-bit integers: the code of each of the values
// at R1 + off and, times 16, of the values 16 further on. Adding 2^23 leaves the
// integer in the low bits.
#define NIBBLES(off) \
	LEVEL(off); LEVEL((off+64)); SPLAT32(0x41800000); F32x4Mul; F32x4Add; \
	SPLAT32(0x4b000000); F32x4Add; MASK(0xff)

// func quantizeQ4_0Asm(dst *byte, x *float32, n int)     n is a multiple of 32
//
// for each block of 32 values and 18 bytes: d = firstLargest(x) / −8,
// dst[0:2] = floatToHalf(d), id = inverse(d), and for j := range 16
// dst[2+j] = min(15, trunc(x[j]*id + 8.5)) | min(15, trunc(x[j+16]*id + 8.5)) << 4
//
// V3 is the smallest value, then the one of largest magnitude; V4 the largest
// value; V0 d; V6 id; V7 8.5, or 0 where 1/d is infinite; each in all lanes.
// Where −smallest is the largest the first of the two is looked for.
TEXT ·quantizeQ4_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	WHILE(R2)
		EXTREMES
		FIRSTLARGEST
		Get V3; SPLAT32(0xbe000000); F32x4Mul; Set V0   // d = m / −8
		SPLAT32(0x3f800000); Get V0; F32x4Div; Set V6   // 1 / d
		Get V6; F32x4Abs; SPLAT32(0x7f800000); F32x4Lt; Set V5 // is it finite?
		Get V6; Get V5; V128And; Set V6
		Get V5; Get V0; V128Const $0, $0; F32x4Eq; V128Or
		MASK(0x41080000); Set V7                        // 8.5
		STOREHALF(R0)
		ADDR(R0)
		NIBBLES(0); NIBBLES(16); I16x8NarrowI32x4S
		NIBBLES(32); NIBBLES(48); I16x8NarrowI32x4S
		I8x16NarrowI16x8U; V128Store $0, $2
		ADVANCE(R0, 18)
		ADVANCE(R1, 128)
	NEXT(R2, 32)
	RET

// VALUES stores at R0 + off the four values of the codes in V5 that extend
// widens to 32 bits.
#define VALUES(off, extend) \
	ADDR(R0); Get V5; extend; F32x4ConvertI32x4S; Get V3; F32x4Mul; V128Store $0, $off

// VALUES16 stores the 16 values of the nibbles in V4 at R0 + off.
#define VALUES16(off) \
	Get V4; V128Const $0x0808080808080808, $0x0808080808080808; I8x16Sub; Set V4; \
	Get V4; I16x8ExtendLowI8x16S; Set V5; \
	VALUES(off, I32x4ExtendLowI16x8S); \
	VALUES((off+16), I32x4ExtendHighI16x8S); \
	Get V4; I16x8ExtendHighI8x16S; Set V5; \
	VALUES((off+32), I32x4ExtendLowI16x8S); \
	VALUES((off+48), I32x4ExtendHighI16x8S)

// func dequantizeQ4_0Asm(dst *float32, src *byte, n int)     n is a multiple of 32
//
// for each block, d = halfToFloat(src[0:2]), and for j := range 16
// dst[j] = (src[2+j]&15 − 8) * d, dst[j+16] = (src[2+j]>>4 − 8) * d
//
// V2, then V3 is d in all lanes, V4 16 nibbles, V5 eight codes, V6 the bytes.
TEXT ·dequantizeQ4_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	WHILE(R2)
		LOADHALF(R1); Get V2; Set V3
		LOAD(R1, 2); Set V6
		Get V6; MASK(0x0f0f0f0f); Set V4
		VALUES16(0)
		Get V6; SHR(4); MASK(0x0f0f0f0f); Set V4
		VALUES16(64)
		ADVANCE(R0, 128)
		ADVANCE(R1, 18)
	NEXT(R2, 32)
	RET
