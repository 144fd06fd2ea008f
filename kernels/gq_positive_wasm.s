//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "kq_wasm.h"

// EACH runs body for all values, R5 being the address of four: x, from 512 w, from
// 1024 w·x, from 1536 l.
#define EACH(body) \
	Get R0; Set R5; \
	Get R4; Set R10; \
	WHILE(R10); \
		body(0); body(16); body(32); body(48); \
		ADVANCE(R5, 64); \
	NEXT(R10, 4)

// HIGHER keeps the largest value in V4, and stores w·x.
#define HIGHER(off) \
	Get V4; LOAD(R5, off); Tee V10; F32x4Pmax; Set V4; \
	ADDR(R5); Get V10; LOAD(R5, (off+512)); F32x4Mul; V128Store $0, $(off+1024)

// NEAREST is nearestInt of the float on top.
#define NEAREST Get V0; F32x4Add; TOINT

// BYTES keeps the low 8 bits of an integer.
#define BYTES SPLAT32(0xff); V128And

// LOSS adds w·e² to V7, e = x − V6·code for the code of the value in V10 that code
// pushes.
#define LOSS(off, code) \
	LOAD(R5, off); Tee V10; Get V10; Get V5; F32x4Mul; NEAREST; code; F32x4ConvertI32x4S; Get V6; F32x4Mul; F32x4Sub; \
	Tee V11; LOAD(R5, (off+512)); F32x4Mul; Get V11; F32x4Mul; Get V7; F32x4Add; Set V7
#define LOSSBYTE(off) LOSS(off, BYTES)
#define LOSSTOP(off) LOSS(off, Get V1; I32x4MinS)

// STEPS sets V5 to numerator over the largest value, and V6 to one over that.
#define STEPS(numerator) \
	numerator; F32x4Splat; Get V4; F32x4Div; Set V5; \
	SPLAT32(0x3f800000); Get V5; F32x4Div; Set V6

// PRODUCTLX pushes w·x·l, PRODUCTL2 w·l·l at R5 + off.
#define PRODUCTLX(off, l) LOAD(R5, (off+1024)); Get l; F32x4Mul
#define PRODUCTL2(off, l) LOAD(R5, (off+512)); Get l; F32x4Mul; Get l; F32x4Mul

// BEGIN sets the codes, and adds to the sums what they are before they become bytes.
#define BEGIN(off) \
	LOAD(R5, off); Get V2; F32x4Mul; NEAREST; Get V1; I32x4MinS; Tee V10; F32x4ConvertI32x4S; Set V11; \
	ADDR(R5); Get V10; BYTES; F32x4ConvertI32x4S; V128Store $0, $(off+1536); \
	Get V7; PRODUCTLX(off, V11); F32x4Add; Set V7; \
	Get V8; PRODUCTL2(off, V11); F32x4Add; Set V8

// MOVE tries to move the codes at R5 + off. V14, V15 are the sums without them,
// V9 the codes to move to, V10 the lanes that do.
#define MOVE(off) \
	LOAD(R5, (off+1536)); Set V13; \
	Get V7; PRODUCTLX(off, V13); F32x4Sub; Set V14; \
	Get V8; PRODUCTL2(off, V13); F32x4Sub; Set V15; \
	LOAD(R5, off); Get V15; F32x4Mul; Get V14; F32x4Div; NEAREST; Get V1; I32x4MinS; Tee V12; F32x4ConvertI32x4S; Tee V9; \
	Get V13; F32x4Ne; Get V14; V128Const $0, $0; F32x4Gt; V128And; \
	Get V15; V128Const $0, $0; F32x4Gt; V128And; Tee V10; V128AnyTrue; \
	If; \
		Get V14; PRODUCTLX(off, V9); F32x4Add; Set V14; \
		Get V15; PRODUCTL2(off, V9); F32x4Add; Set V15; \
		Get V10; \
		Get V14; Get V14; F32x4Mul; Get V8; F32x4Mul; \
		Get V7; Get V7; F32x4Mul; Get V15; F32x4Mul; F32x4Gt; V128And; \
		Tee V10; V128AnyTrue; \
		If; \
			Get V12; BYTES; F32x4ConvertI32x4S; Set V9; \
			ADDR(R5); CHOOSE(V9, V13, V10); V128Store $0, $(off+1536); \
			CHOOSE(V14, V7, V10); Set V7; \
			CHOOSE(V15, V8, V10); Set V8; \
			I64Const $1; Set R11; \
		End; \
	End

// func searchPositiveAsm(s *positiveLanes, scale, x, w *float32, n, fours, top int)
//
// is searchGroupPositive on groups of n values at x, fours times four; n is a
// multiple of 4 up to 32. A lane in which a round changed nothing is changed by no
// later round, so that all go on while one does.
//
// V0 is magic, V1 the top, V4 the largest value, V2 the best inverse step and V3 its
// loss; V7, V8 the sums. R11 says whether the round changed a code, R6 counts tries
// and rounds.
TEXT ·searchPositiveAsm(SB), NOSPLIT, $0-56
	MOVD s+0(FP), R0
	MOVD scale+8(FP), R14
	MOVD x+16(FP), R1
	MOVD w+24(FP), R2
	MOVD n+32(FP), R4
	MOVD fours+40(FP), R13
	MOVD top+48(FP), R15
	MAGIC; Set V0
	Get R15; I32WrapI64; I32x4Splat; Set V1
	WHILE(R13)
	INTERLEAVE(R0, R1, R4)
	Get R0; I64Const $512; I64Add; Set R12
	INTERLEAVE(R12, R2, R4)
	V128Const $0, $0; Set V4
	EACH(HIGHER)
	ADDR(R0); Get V4; SPLAT32(0x26901d7d); F32x4Ge; Tee V10; V128Store $0, $positiveLanes_alive
	Get V4; SPLAT32(0x3f800000); Get V10; V128Bitselect; Set V4 // 1 where the group is zeros

	STEPS(Get R15; F32ConvertI64S)
	V128Const $0, $0; Set V7
	EACH(LOSSBYTE)
	Get V5; Set V2
	Get V7; Set V3
	I64Const $0; Set R6
	Loop
		Get R0; Get R6; I64Add; Set R5
		STEPS(ADDR(R5); F32Load $positiveLanes_tries; Get R15; F32ConvertI64S; F32Add)
		V128Const $0, $0; Set V7
		EACH(LOSSTOP)
		Get V7; Get V3; F32x4Lt; Set V10
		CHOOSE(V5, V2, V10); Set V2
		CHOOSE(V7, V3, V10); Set V3
		ADVANCE(R6, 4)
		Get R6; I64Const $32; I64LtU; BrIf $0
	End

	V128Const $0, $0; Tee V7; Set V8
	EACH(BEGIN)
	I64Const $5; Set R6
	Loop
		I64Const $0; Set R11
		EACH(MOVE)
		ADVANCE(R6, -1)
		Get R6; Get R11; I64Mul; I64Eqz; I32Eqz; BrIf $0
	End
	ADDR(R14)
	Get V7; Get V8; F32x4Div; Get V8; V128Const $0, $0; F32x4Gt; V128And; LOAD(R0, positiveLanes_alive); V128And
	V128Store $0, $0
	ADVANCE(R14, 16)
	Get R4; I64Const $16; I64Mul; Tee R10; Get R1; I64Add; Set R1
	Get R10; Get R2; I64Add; Set R2
	NEXT(R13, 1)
	RET
