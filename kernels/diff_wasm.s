//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"

// func subAsm(dst, y, x *float32, n int)     n is a multiple of 4
//
// for i := range n { dst[i] = y[i] − x[i] }
TEXT ·subAsm(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD y+8(FP), R1
	MOVD x+16(FP), R2
	MOVD n+24(FP), R3
	WHILE(R3)
		ADDR(R0); LOAD(R1, 0); LOAD(R2, 0); F32x4Sub; V128Store $0, $0
		ADVANCE(R0, 16)
		ADVANCE(R1, 16)
		ADVANCE(R2, 16)
	NEXT(R3, 4)
	RET

// LARGER pushes, lane by lane, v where |v| > |kept|, else kept. V15 leaves magnitudes.
#define LARGER(v, kept) \
	Get v; Get kept; \
	Get v; Get V15; V128And; Get kept; Get V15; V128And; F32x4Gt; \
	V128Bitselect

// func keepLargerAsm(dst, e *float32, n int)     n is a multiple of 4
//
// for i := range n { if |e[i]| > |dst[i]| { dst[i] = e[i] } }
TEXT ·keepLargerAsm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD e+8(FP), R1
	MOVD n+16(FP), R2
	SPLAT32(0x7fffffff); Set V15
	WHILE(R2)
		LOAD(R0, 0); Set V0
		LOAD(R1, 0); Set V1
		ADDR(R0); LARGER(V1, V0); V128Store $0, $0
		ADVANCE(R0, 16)
		ADVANCE(R1, 16)
	NEXT(R2, 4)
	RET

// func halveLargerAsm(dst, e *float32, n int)     n, of dst, is a multiple of 4
//
// for i := range n { dst[i] = larger(e[2i+1], larger(e[2i], 0)) }
//
// V0, V1 are eight values of e; V2 their even lanes, V3 the odd ones; V4 is 0. V5 …
// V8 put even and odd lanes into the low and the high half.
TEXT ·halveLargerAsm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD e+8(FP), R1
	MOVD n+16(FP), R2
	SPLAT32(0x7fffffff); Set V15
	V128Const $0, $0; Set V4
	V128Const $0x0b0a090803020100, $0x8080808080808080; Set V5
	V128Const $0x8080808080808080, $0x0b0a090803020100; Set V6
	V128Const $0x0f0e0d0c07060504, $0x8080808080808080; Set V7
	V128Const $0x8080808080808080, $0x0f0e0d0c07060504; Set V8
	WHILE(R2)
		LOAD(R1, 0); Set V0
		LOAD(R1, 16); Set V1
		Get V0; Get V5; I8x16Swizzle; Get V1; Get V6; I8x16Swizzle; V128Or; Set V2
		Get V0; Get V7; I8x16Swizzle; Get V1; Get V8; I8x16Swizzle; V128Or; Set V3
		LARGER(V2, V4); Set V2
		ADDR(R0); LARGER(V3, V2); V128Store $0, $0
		ADVANCE(R0, 16)
		ADVANCE(R1, 32)
	NEXT(R2, 4)
	RET
