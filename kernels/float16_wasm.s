//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"

// FOURHALVES stores at R0 + off the four of the eight halves in V3 that extend
// widens. R3 says whether any of the eight is not normal.
#define FOURHALVES(off, extend) \
	Get V3; extend; Set V0; \
	HALFNORMAL; \
	Get R3; I32WrapI64; If; HALFRARE; End; \
	ADDR(R0); Get V2; V128Store $0, $off

// func f16ToF32Asm(dst *float32, src *byte, n int)     n is a multiple of 8
//
// for i := range n { dst[i] = halfToFloat(src[2*i] | src[2*i+1]<<8) }
//
// V3 is eight halves. A half is normal where 0x3ff < |h| < 0x7c00.
TEXT ·f16ToF32Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	WHILE(R2)
		LOAD(R1, 0); Set V3
		Get V3; SPLAT16(0x7fff); V128And; Set V4
		Get V4; SPLAT16(0x0400); I16x8LtS
		Get V4; SPLAT16(0x7bff); I16x8GtS; V128Or
		V128AnyTrue; I64ExtendI32U; Set R3
		FOURHALVES(0, I32x4ExtendLowI16x8S)
		FOURHALVES(16, I32x4ExtendHighI16x8S)
		ADVANCE(R0, 32)
		ADVANCE(R1, 16)
	NEXT(R2, 8)
	RET

// FOURFLOATS pushes the halves of the four floats in v.
#define FOURFLOATS(v) \
	Get v; Set V0; \
	FLOATNORMAL; \
	Get R3; I32WrapI64; If; FLOATRARE; FLOATNAN; End; \
	FLOATSIGN; Get V2

// func f32ToF16Asm(dst *byte, src *float32, n int)     n is a multiple of 8
//
// for i := range n { dst[2*i], dst[2*i+1] = bytes of floatToHalf(src[i]) }
//
// V3, V4 are eight floats; V5, V6 their magnitudes. R3 says whether any is not
// normal as a half: below 2^-14, or 2^16 and above.
TEXT ·f32ToF16Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	WHILE(R2)
		LOAD(R1, 0); Tee V3; MASK(0x7fffffff); Set V5
		LOAD(R1, 16); Tee V4; MASK(0x7fffffff); Set V6
		Get V5; Get V6; I32x4MinS; SPLAT32(0x38800000); I32x4LtS
		Get V5; Get V6; I32x4MaxS; SPLAT32(0x477fffff); I32x4GtS; V128Or
		V128AnyTrue; I64ExtendI32U; Set R3
		ADDR(R0)
		FOURFLOATS(V3)
		FOURFLOATS(V4)
		I16x8NarrowI32x4U
		V128Store $0, $0
		ADVANCE(R0, 16)
		ADVANCE(R1, 32)
	NEXT(R2, 8)
	RET

// EIGHTBF16 stores at R0 + off the eight floats of the bfloat16 at R1 + at.
#define EIGHTBF16(off, at) \
	LOAD(R1, at); Set V0; \
	ADDR(R0); Get V0; I32x4ExtendLowI16x8U; SHL(16); V128Store $0, $off; \
	ADDR(R0); Get V0; I32x4ExtendHighI16x8U; SHL(16); V128Store $0, $(off+16)

// func bf16ToF32Asm(dst *float32, src *byte, n int)     n is a multiple of 16
//
// for i := range n { dst[i] = bits src[2*i]<<16 | src[2*i+1]<<24 }
TEXT ·bf16ToF32Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	WHILE(R2)
		EIGHTBF16(0, 0)
		EIGHTBF16(32, 16)
		ADVANCE(R0, 64)
		ADVANCE(R1, 32)
	NEXT(R2, 16)
	RET

// ROUNDED pushes (u + 0x7fff + bit 16 of u) >> 16, the bfloat16 of v in 32-bit
// integers, where v is not NaN. In V2's lanes it is (u | 0x00400000) >> 16.
#define ROUNDED(v) \
	Get v; SPLAT32(0x7fff); I32x4Add; Get v; SHR(16); MASK(1); I32x4Add; SHR(16)
#define QUIETED(v) Get v; SPLAT32(0x00400000); V128Or; SHR(16)

// func f32ToBF16Asm(dst *byte, src *float32, n int)     n is a multiple of 8
//
// dst[2*i], dst[2*i+1] = src[i] rounded to the upper 16 of its bits, ties to even
//
// V0, V1 are eight floats; V2, V3 are −1 where they are NaN.
TEXT ·f32ToBF16Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	WHILE(R2)
		LOAD(R1, 0); Set V0
		LOAD(R1, 16); Set V1
		ADDR(R0)
		ROUNDED(V0); ROUNDED(V1); I16x8NarrowI32x4U
		V128Store $0, $0
		Get V0; Get V0; F32x4Ne; Tee V2
		Get V1; Get V1; F32x4Ne; Tee V3
		V128Or; V128AnyTrue
		If
			ADDR(R0)
			QUIETED(V0); ROUNDED(V0); Get V2; V128Bitselect
			QUIETED(V1); ROUNDED(V1); Get V3; V128Bitselect
			I16x8NarrowI32x4U
			V128Store $0, $0
		End
		ADVANCE(R0, 16)
		ADVANCE(R1, 32)
	NEXT(R2, 8)
	RET
