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
// V3 is eight halves, V4 their exponents. A half is normal where its exponent is
// neither 0 nor V6, all ones.
TEXT ·f16ToF32Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	HALFCONST
	V128Const $0, $0; Set V5
	SPLAT16(0x7c00); Set V6
	WHILE(R2)
		LOAD(R1, 0); Tee V3; Get V6; V128And; Set V4
		Get V4; Get V5; I16x8Eq; Get V4; Get V6; I16x8Eq; V128Or
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
	FLOATCONST
	SPLAT32(0x38800000); Set V7
	SPLAT32(0x477fffff); Set V8
	WHILE(R2)
		LOAD(R1, 0); Tee V3; Get V12; V128And; Set V5
		LOAD(R1, 16); Tee V4; Get V12; V128And; Set V6
		Get V5; Get V6; I32x4MinS; Get V7; I32x4LtS
		Get V5; Get V6; I32x4MaxS; Get V8; I32x4GtS; V128Or
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

// EIGHTBF16 stores at R0 + off the eight floats of the bfloat16 at R1 + at: V1 and V2 put
// four of them into the upper halves of lanes.
#define EIGHTBF16(off, at) \
	LOAD(R1, at); Set V0; \
	ADDR(R0); Get V0; Get V1; I8x16Swizzle; V128Store $0, $off; \
	ADDR(R0); Get V0; Get V2; I8x16Swizzle; V128Store $0, $(off+16)

// func bf16ToF32Asm(dst *float32, src *byte, n int)     n is a multiple of 32
//
// for i := range n { dst[i] = bits src[2*i]<<16 | src[2*i+1]<<24 }
TEXT ·bf16ToF32Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	V128Const $0x0302808001008080, $0x0706808005048080; Set V1
	V128Const $0x0b0a808009088080, $0x0f0e80800d0c8080; Set V2
	WHILE(R2)
		EIGHTBF16(0, 0)
		EIGHTBF16(32, 16)
		EIGHTBF16(64, 32)
		EIGHTBF16(96, 48)
		ADVANCE(R0, 128)
		ADVANCE(R1, 64)
	NEXT(R2, 32)
	RET

// ROUNDED pushes (u + 0x7fff + bit 16 of u) >> 16, the bfloat16 of v in 32-bit
// integers, where v is not NaN. Of NaN it is QUIETED: (u | 0x00400000) >> 16. V8 is
// 0x7fff, V9 1.
#define ROUNDED(v) \
	Get v; Get V8; I32x4Add; Get v; SHR(16); Get V9; V128And; I32x4Add; SHR(16)
#define QUIETED(v) Get v; SPLAT32(0x00400000); V128Or; SHR(16)

// EIGHTTOBF16 stores eight values, in v and w, at R0 + off; EIGHTNAN stores them anew
// where there is a NaN among them: V6 and V7 are −1 there.
#define EIGHTTOBF16(v, w, off) \
	ADDR(R0); ROUNDED(v); ROUNDED(w); I16x8NarrowI32x4U; V128Store $0, $off
#define EIGHTNAN(v, w, off) \
	Get v; Get v; F32x4Ne; Set V6; \
	Get w; Get w; F32x4Ne; Set V7; \
	ADDR(R0); \
	QUIETED(v); ROUNDED(v); Get V6; V128Bitselect; \
	QUIETED(w); ROUNDED(w); Get V7; V128Bitselect; \
	I16x8NarrowI32x4U; V128Store $0, $off

// func f32ToBF16Asm(dst *byte, src *float32, n int)     n is a multiple of 16
//
// dst[2*i], dst[2*i+1] = src[i] rounded to the upper 16 of its bits, ties to even
//
// V0 … V3 are 16 floats.
TEXT ·f32ToBF16Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	SPLAT32(0x7fff); Set V8
	SPLAT32(1); Set V9
	WHILE(R2)
		LOAD(R1, 0); Set V0
		LOAD(R1, 16); Set V1
		LOAD(R1, 32); Set V2
		LOAD(R1, 48); Set V3
		EIGHTTOBF16(V0, V1, 0)
		EIGHTTOBF16(V2, V3, 16)
		Get V0; Get V0; F32x4Ne; Get V1; Get V1; F32x4Ne; V128Or
		Get V2; Get V2; F32x4Ne; V128Or; Get V3; Get V3; F32x4Ne; V128Or
		V128AnyTrue
		If
			EIGHTNAN(V0, V1, 0)
			EIGHTNAN(V2, V3, 16)
		End
		ADVANCE(R0, 32)
		ADVANCE(R1, 64)
	NEXT(R2, 16)
	RET
