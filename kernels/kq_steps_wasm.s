//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "kq_wasm.h"

// EACH runs body for all values, R5 being the address of four: x, from 256 w·x,
// from 512 w, from 768 l.
#define EACH(body) \
	Get R0; Set R5; \
	I64Const $16; Set R10; \
	WHILE(R10); \
		body(0); body(16); body(32); body(48); \
		ADVANCE(R5, 64); \
	NEXT(R10, 4)

// LARGEST keeps in V4 the first value of the largest magnitude, V6, of those at
// R5 + off.
#define LARGEST(off) \
	LOAD(R5, off); Tee V10; \
	Get V4; Get V10; F32x4Abs; Tee V11; Get V6; F32x4Gt; V128Bitselect; Set V4; \
	Get V6; Get V11; F32x4Pmax; Set V6

// CLAMPED pushes the float on top, no less than −4 and no more than 3.
#define CLAMPED Get V1; F32x4Pmax; Get V2; F32x4Pmin

// PRODUCTS pushes w·x·l and w·l² for w·x in V11, w in V12.
#define PRODUCTLX(l) Get V11; Get l; F32x4Mul
#define PRODUCTL2(l) Get V12; Get l; F32x4Mul; Get l; F32x4Mul

// BEGIN sets w, w·x, l at R5 + off and adds to the sums.
#define BEGIN(off) \
	LOAD(R5, off); Tee V10; Get V10; F32x4Mul; Set V12; \
	Get V12; Get V10; F32x4Mul; Set V11; \
	Get V10; Get V3; F32x4Mul; Get V0; F32x4Add; Get V0; F32x4Sub; CLAMPED; Set V13; \
	ADDR(R5); Get V11; V128Store $0, $(off+256); \
	ADDR(R5); Get V12; V128Store $0, $(off+512); \
	ADDR(R5); Get V13; V128Store $0, $(off+768); \
	Get V7; PRODUCTLX(V13); F32x4Add; Set V7; \
	Get V8; PRODUCTL2(V13); F32x4Add; Set V8

// MOVE tries to move the codes at R5 + off. V14, V15 are the sums without them,
// V9 the codes to move to, V10 the lanes that do.
#define MOVE(off) \
	LOAD(R5, (off+256)); Set V11; \
	LOAD(R5, (off+512)); Set V12; \
	LOAD(R5, (off+768)); Set V13; \
	Get V7; PRODUCTLX(V13); F32x4Sub; Set V14; \
	Get V8; PRODUCTL2(V13); F32x4Sub; Set V15; \
	LOAD(R5, off); Get V15; F32x4Mul; Get V14; F32x4Div; Get V0; F32x4Add; \
	Get V3; V128And; Get V4; I32x4Sub; F32x4ConvertI32x4S; CLAMPED; Tee V9; \
	Get V13; F32x4Ne; Get V14; Get V5; F32x4Gt; V128And; Tee V10; V128AnyTrue; \
	If; \
		Get V14; PRODUCTLX(V9); F32x4Add; Set V14; \
		Get V15; PRODUCTL2(V9); F32x4Add; Set V15; \
		Get V10; \
		Get V15; Get V5; F32x4Gt; V128And; \
		Get V14; Get V14; F32x4Mul; Get V8; F32x4Mul; \
		Get V7; Get V7; F32x4Mul; Get V15; F32x4Mul; F32x4Gt; V128And; \
		Tee V10; V128AnyTrue; \
		If; \
			ADDR(R5); CHOOSE(V9, V13, V10); V128Store $0, $(off+768); \
			CHOOSE(V14, V7, V10); Set V7; \
			CHOOSE(V15, V8, V10); Set V8; \
			I64Const $1; Set R11; \
		End; \
	End

// CODE pushes the code of the values at R7 + off as integers.
#define CODE(off) \
	LOAD(R7, (off+768)); Get V1; F32x4Sub; I32x4TruncSatF32x4S; Get V6; V128And

// func searchStepsAsm(s *stepLanes, scale, x *float32, q *uint8, fours int)
//
// is searchGroupSteps on groups of 16 values at x, fours times four. A lane in which a
// round changed nothing is changed by no later round, so that all go on while
// one does.
//
// V0 is magic, V1 −4, V2 3, V3 the inverse, then with V4 and V5 the constants of MOVE,
// whose TOINT is written out; V7, V8 the sums; V6 the lanes that
// are not zeros. R11 says whether the round changed a code, R6 counts rounds.
TEXT ·searchStepsAsm(SB), NOSPLIT, $0-40
	MOVD s+0(FP), R0
	MOVD scale+8(FP), R14
	MOVD x+16(FP), R1
	MOVD q+24(FP), R3
	MOVD fours+32(FP), R13
	WHILE(R13)
	MAGIC; Set V0
	SPLAT32(0xc0800000); Set V1
	SPLAT32(0x40400000); Set V2
	I64Const $16; Set R4
	INTERLEAVE(R0, R1, R4)
	V128Const $0, $0; Tee V4; Set V6
	EACH(LARGEST)
	SPLAT32(0x3f800000); Get V4; Get V6; SPLAT32(0x26901d7d); F32x4Lt; Tee V13; V128Bitselect; Set V4
	Get V13; V128Not; Set V6
	Get V1; Get V4; F32x4Div; Set V3
	V128Const $0, $0; Tee V7; Set V8
	EACH(BEGIN)
	SPLAT32(0x007fffff); Set V3
	SPLAT32(0x00400000); Set V4
	V128Const $0, $0; Set V5
	I64Const $5; Set R6
	Loop
		I64Const $0; Set R11
		EACH(MOVE)
		ADVANCE(R6, -1)
		Get R6; Get R11; I64Mul; I64Eqz; I32Eqz; BrIf $0
	End
	ADDR(R14)
	Get V7; Get V8; F32x4Div; Get V8; V128Const $0, $0; F32x4Gt; V128And; Get V6; V128And
	V128Store $0, $0
	Get R0; Set R7
	I64Const $16; Set R11
	WHILE(R11)
		CODE(0); CODE(16); I16x8NarrowI32x4S
		CODE(32); CODE(48); I16x8NarrowI32x4S
		I8x16NarrowI16x8U
		SCATTER(R3, R4)
		ADVANCE(R7, 64)
	NEXT(R11, 4)
	NEXTFOUR
	NEXT(R13, 1)
	RET
