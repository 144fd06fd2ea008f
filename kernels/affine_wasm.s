//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"

// CODES pushes the codes of the four values at R1 + off as 32-bit integers.
//
// t + 1.5·2^23 rounds |t| ≤ 2^22 to an integer, ties to even, and leaves it in
// the low bits of the sum.
#define CODES(off) \
	LOAD(R1, off); Get V0; F32x4Div; Set V5; \ // t = x / scale
	Get V5; Get V5; Get V5; F32x4Eq; V128And; \ // NaN → 0
	Get V1; F32x4Pmax; Get V2; F32x4Pmin; \ // lo ≤ t ≤ hi
	SPLAT32(0x4b400000); F32x4Add; Get V3; I32x4Sub // rint(t) + zero

// func quantizeAffineAsm(dst *int8, x *float32, n int, scale, lo, hi float32, bias int32)
//
// n is a multiple of 16, bias is bits(1.5·2^23) − zero;
// for i := range n { dst[i] = int8(rint(min(max(x[i]/scale, lo), hi)) + zero) }
//
// V0 is scale, V1 lo, V2 hi, V3 bias, each in all lanes. Four vectors of codes
// are narrowed into one, saturating.
TEXT ·quantizeAffineAsm(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	F32Load scale+24(FP); F32x4Splat; Set V0
	F32Load lo+28(FP); F32x4Splat; Set V1
	F32Load hi+32(FP); F32x4Splat; Set V2
	I32Load bias+36(FP); I32x4Splat; Set V3
	WHILE(R2)
		ADDR(R0)
		CODES(0)
		CODES(16)
		I16x8NarrowI32x4S
		CODES(32)
		CODES(48)
		I16x8NarrowI32x4S
		I8x16NarrowI16x8S
		V128Store $0, $0
		ADVANCE(R0, 16)
		ADVANCE(R1, 64)
	NEXT(R2, 16)
	RET

// VALUES stores four values at R0 + off, of the codes in half of V2 that extend
// widens to 32 bits.
#define VALUES(off, extend) \
	ADDR(R0); \
	Get V2; extend; Get V0; I32x4Sub; F32x4ConvertI32x4S; Get V1; F32x4Mul; \
	V128Store $0, $off

// func dequantizeAffineAsm(dst *float32, q *int8, n int, scale float32, zero int32)
//
// n is a multiple of 16;
// for i := range n { dst[i] = float32(int32(q[i]) - zero) * scale }
//
// V0 is zero, V1 scale, in all lanes; V3 is 16 codes, V2 eight of them.
TEXT ·dequantizeAffineAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD q+8(FP), R1
	MOVD n+16(FP), R2
	F32Load scale+24(FP); F32x4Splat; Set V1
	I32Load zero+28(FP); I32x4Splat; Set V0
	WHILE(R2)
		LOAD(R1, 0); Set V3
		Get V3; I16x8ExtendLowI8x16S; Set V2
		VALUES(0, I32x4ExtendLowI16x8S)
		VALUES(16, I32x4ExtendHighI16x8S)
		Get V3; I16x8ExtendHighI8x16S; Set V2
		VALUES(32, I32x4ExtendLowI16x8S)
		VALUES(48, I32x4ExtendHighI16x8S)
		ADVANCE(R0, 64)
		ADVANCE(R1, 16)
	NEXT(R2, 16)
	RET
