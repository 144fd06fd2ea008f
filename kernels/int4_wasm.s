//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"

// PAIRS pushes eight bytes as 16-bit integers, made of the 16 codes at R1 + off:
// a pair of codes is one 16-bit lane p, its byte is p & 15 | p>>4 & 0xf0.
#define PAIRS(off) \
	LOAD(R1, off); Set V0; \
	Get V0; SPLAT16(0x000f); V128And; \
	Get V0; I32Const $4; I16x8ShrU; SPLAT16(0x00f0); V128And; V128Or

// func packInt4Asm(dst *byte, q *int8, n int)     n is a multiple of 32
//
// for i := range n/2 { dst[i] = q[2*i]&15 | q[2*i+1]<<4 }
TEXT ·packInt4Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD q+8(FP), R1
	MOVD n+16(FP), R2
	WHILE(R2)
		ADDR(R0)
		PAIRS(0)
		PAIRS(16)
		I8x16NarrowI16x8U
		V128Store $0, $0
		ADVANCE(R0, 16)
		ADVANCE(R1, 32)
	NEXT(R2, 32)
	RET

// CODES stores at R0 + off the 16 codes of the half of V0 that extend widens:
// a byte b in a 16-bit lane becomes (b | b<<4) & 0x0f0f, each byte sign-extended
// from four bits as (v ^ 8) − 8.
#define CODES(off, extend) \
	ADDR(R0); \
	Get V0; extend; Set V1; \
	Get V1; Get V1; I32Const $4; I16x8Shl; V128Or; SPLAT16(0x0f0f); V128And; \
	SPLAT16(0x0808); V128Xor; SPLAT16(0x0808); I8x16Sub; \
	V128Store $0, $off

// func unpackInt4Asm(dst *int8, src *byte, n int)     n is a multiple of 32
//
// for i := range n { dst[i] = src[i/2] >> (4*(i&1)) & 15, sign-extended }
TEXT ·unpackInt4Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R2
	WHILE(R2)
		LOAD(R1, 0); Set V0
		CODES(0, I16x8ExtendLowI8x16U)
		CODES(16, I16x8ExtendHighI8x16U)
		ADVANCE(R0, 32)
		ADVANCE(R1, 16)
	NEXT(R2, 32)
	RET
