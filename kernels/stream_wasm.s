//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "stream_wasm.h"

// func packCodesAsm(dst *byte, q *int8, n, bits int)     n is a multiple of 16
//
// is packCodesGeneric; it writes 8 − bits bytes more.
TEXT ·packCodesAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD q+8(FP), R1
	MOVD n+16(FP), R2
	MOVD bits+24(FP), R9
	Get R9; I64Const $1; I64Shl; Set R10
	PACKCONST
	WHILE(R2)
		LOAD(R1, 0); PACK16
		ADVANCE(R1, 16)
	NEXT(R2, 16)
	RET

// func unpackCodesAsm(dst *int8, src *byte, n, bits int, way *streamWay)     n is a multiple of 16
//
// is unpackCodesGeneric, from 16 bytes at a time, of which twice bits count.
TEXT ·unpackCodesAsm(SB), NOSPLIT, $0-40
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	MOVD bits+24(FP), R9
	MOVD way+32(FP), R3
	Get R9; I64Const $1; I64Shl; Set R10
	UNPACKCONST(R3)
	WHILE(R2)
		LOAD(R1, 0); Set V4
		ADDR(R0); UNPACK8(V6); UNPACK8(V7); I8x16NarrowI16x8S; V128Store $0, $0
		ADVANCE(R0, 16)
		Get R1; Get R10; I64Add; Set R1
	NEXT(R2, 16)
	RET
