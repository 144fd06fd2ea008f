//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "stream_wasm.h"

// Where affineLayout has what, from R8.
#define N 8
#define BOTTOM 16
#define HALF 24
#define ZERO 32

// CODES pushes the codes of the four values at R1 + off as 32-bit integers. Adding
// 1.5·2^23 rounds to an integer, ties to even, and leaves it in the low bits.
#define CODES(off) \
	LOAD(R1, off); Get V0; F32x4Div; Get V1; F32x4Pmax; Get V2; F32x4Pmin; Get V10; F32x4Add; Get V3; I32x4Sub
#define CODES16 \
	CODES(0); CODES(16); I16x8NarrowI32x4S; CODES(32); CODES(48); I16x8NarrowI32x4S; I8x16NarrowI16x8S

// func quantizeAffineBlocksAsm(dst *byte, x, scale, least, most *float32, blocks int, l *affineLayout)
//
// is quantizeAffineBlocksGeneric, for N a multiple of 16; it writes up to 6 bytes more.
//
// V0, V1, V2 are scale, least and most, V3 the bits of 1.5·2^23 less the zero point, V10
// of that. R11 is bottom − least.
TEXT ·quantizeAffineBlocksAsm(SB), NOSPLIT, $0-56
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD scale+16(FP), R2
	MOVD least+24(FP), R3
	MOVD most+32(FP), R6
	MOVD blocks+40(FP), R7
	MOVD l+48(FP), R8
	ADDR(R8); I64Load $0; Tee R9; I64Const $1; I64Shl; Set R10
	PACKCONST
	SPLAT32(0x4b400000); Set V10
	WHILE(R7)
		ADDR(R2); F32Load $0; Tee F0; F32x4Splat; Set V0
		ADDR(R3); F32Load $0; Tee F1; F32x4Splat; Set V1
		ADDR(R6); F32Load $0; F32x4Splat; Set V2
		ADDR(R8); I64Load $BOTTOM; Get F1; I64TruncSatF32S; I64Sub; Set R11
		I64Const $0x4b400000; Get R11; I64Sub; I32WrapI64; I32x4Splat; Set V3
		ADDR(R8); I32Load $HALF
		If
			STOREHALF(R0, 0)
			ADVANCE(R0, 2)
		Else
			ADDR(R0); Get F0; F32Store $0
			ADVANCE(R0, 4)
		End
		ADDR(R8); I32Load $ZERO
		If
			ADDR(R0); Get R11; I64Store8 $0
			ADVANCE(R0, 1)
		End
		ADDR(R8); I64Load $N; Set R12
		WHILE(R12)
			Get R9; I64Const $8; I64Eq
			If
				ADDR(R0); CODES16; V128Store $0, $0
				ADVANCE(R0, 16)
			Else
				CODES16; PACK16
			End
			ADVANCE(R1, 64)
		NEXT(R12, 16)
		ADVANCE(R2, 4)
		ADVANCE(R3, 4)
		ADVANCE(R6, 4)
	NEXT(R7, 1)
	RET

// VALUES8 stores the values of the eight codes on top, 16-bit integers, at R0 + off.
#define VALUES8(off) \
	Get V3; I16x8Sub; Set V5; \
	ADDR(R0); Get V5; I32x4ExtendLowI16x8S; F32x4ConvertI32x4S; Get V0; F32x4Mul; V128Store $0, $off; \
	ADDR(R0); Get V5; I32x4ExtendHighI16x8S; F32x4ConvertI32x4S; Get V0; F32x4Mul; V128Store $0, $(off+16)

// func dequantizeAffineBlocksAsm(dst *float32, src *byte, blocks int, l *affineLayout, way *streamWay)
//
// is dequantizeAffineBlocksGeneric, for N a multiple of 16; it reads up to 12 bytes more.
//
// V0 is the scale, V3 the zero point as 16-bit integer.
TEXT ·dequantizeAffineBlocksAsm(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD blocks+16(FP), R7
	MOVD l+24(FP), R8
	MOVD way+32(FP), R3
	ADDR(R8); I64Load $0; Tee R9; I64Const $1; I64Shl; Set R10
	UNPACKCONST(R3)
	WHILE(R7)
		ADDR(R8); I32Load $HALF
		If
			LOADHALF(R1, 0)
			ADVANCE(R1, 2)
		Else
			ADDR(R1); F32Load $0; Set F0
			ADVANCE(R1, 4)
		End
		Get F0; F32x4Splat; Set V0
		V128Const $0, $0; Set V3
		ADDR(R8); I32Load $ZERO
		If
			ADDR(R1); I32Load8S $0; I16x8Splat; Set V3
			ADVANCE(R1, 1)
		End
		ADDR(R8); I64Load $N; Set R11
		WHILE(R11)
			LOAD(R1, 0); Set V4
			Get R9; I64Const $8; I64Eq
			If
				Get V4; I16x8ExtendLowI8x16S; VALUES8(0)
				Get V4; I16x8ExtendHighI8x16S; VALUES8(32)
			Else
				UNPACK8(V6); VALUES8(0)
				UNPACK8(V7); VALUES8(32)
			End
			ADVANCE(R0, 64)
			Get R1; Get R10; I64Add; Set R1
		NEXT(R11, 16)
	NEXT(R7, 1)
	RET
