//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"

// LOW and HIGH push the values of v in lanes 0, 1 and in lanes 2, 3 as float64.
#define LOW(v) Get v; F64x2PromoteLowF32x4
#define HIGH(v) SWAPHALVES(v); F64x2PromoteLowF32x4

// ADDMUL is acc += a * b in float64.
#define ADDMUL(acc, a, b) Get acc; Get a; Get b; F64x2Mul; F64x2Add; Set acc

// COMPAREPAIR adds the pair x, y in V11, V12 to four sums; V13 is y − x.
#define COMPAREPAIR(errSq, xSq, ySq, xy) \
	Get V12; Get V11; F64x2Sub; Set V13; \
	ADDMUL(errSq, V13, V13); \
	ADDMUL(xSq, V11, V11); \
	ADDMUL(ySq, V12, V12); \
	ADDMUL(xy, V11, V12)

// LOADLANES and STORELANES move the two vectors of four sums at R0 + off.
#define LOADLANES(off, lo, hi) LOAD(R0, off); Set lo; LOAD(R0, (off+16)); Set hi
#define STORELANES(off, lo, hi) \
	ADDR(R0); Get lo; V128Store $0, $off; \
	ADDR(R0); Get hi; V128Store $0, $(off+16)

// func compareAsm(a *compareLanes, x, y *float32, n int, diff *float32, step int)     n is a multiple of 4
//
// a.add(diff, x[:n], y[:n]); step is 16, or 0 where diff is four values that all
// differences are written to.
//
// V0, V1 are errSq lanes 0–1 and 2–3; V2, V3 xSq; V4, V5 ySq; V6, V7 xy;
// V8 is maxAbs; V9, V10 are four values of x and of y, V14 their difference. V15
// leaves magnitudes.
TEXT ·compareAsm(SB), NOSPLIT, $0-48
	MOVD a+0(FP), R0
	MOVD x+8(FP), R1
	MOVD y+16(FP), R2
	MOVD n+24(FP), R3
	MOVD diff+32(FP), R4
	MOVD step+40(FP), R5
	SPLAT32(0x7fffffff); Set V15
	LOADLANES(0, V0, V1)
	LOADLANES(32, V2, V3)
	LOADLANES(64, V4, V5)
	LOADLANES(96, V6, V7)
	LOAD(R0, 128); Set V8
	WHILE(R3)
		LOAD(R1, 0); Set V9
		LOAD(R2, 0); Set V10
		ADDR(R4); Get V10; Get V9; F32x4Sub; Tee V14; V128Store $0, $0
		Get R4; Get R5; I64Add; Set R4
		Get V8; Get V14; Get V15; V128And; F32x4Pmax; Set V8    // maxAbs = max(maxAbs, |y − x|)
		LOW(V9); Set V11
		LOW(V10); Set V12
		COMPAREPAIR(V0, V2, V4, V6)
		HIGH(V9); Set V11
		HIGH(V10); Set V12
		COMPAREPAIR(V1, V3, V5, V7)
		ADVANCE(R1, 16)
		ADVANCE(R2, 16)
	NEXT(R3, 4)
	STORELANES(0, V0, V1)
	STORELANES(32, V2, V3)
	STORELANES(64, V4, V5)
	STORELANES(96, V6, V7)
	ADDR(R0); Get V8; V128Store $0, $128
	RET
