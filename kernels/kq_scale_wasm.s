//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "kq_wasm.h"

// Where scaleLanes has what, from R0, past x, w and w·x.
#define FOUND 1536
#define ALIVE 1552
#define HALF 1568
#define KIND 1572

// EACH runs body for all values, R5 being the address of four.
#define EACH(body) \
	Get R0; Set R5; \
	Get R4; Set R10; \
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

// SQUARE stores x² as weight, WX w·x.
#define SQUARE(off) ADDR(R5); LOAD(R5, off); Tee V10; Get V10; F32x4Mul; V128Store $0, $(off+512)
#define WX(off) \
	ADDR(R5); LOAD(R5, off); LOAD(R5, (off+512)); F32x4Mul; V128Store $0, $(off+1024)

// CORRELATE adds w·x·l to lx and w·l² to l2 for the codes l of V10·inverse; V11
// is w·x, V12 w.
#define CORRELATE(inverse, lx, l2) \
	Get V10; Get inverse; F32x4Mul; Get V0; F32x4Add; Get V0; F32x4Sub; \
	Get V1; F32x4Pmax; Get V2; F32x4Pmin; Set V13; \
	Get V11; Get V13; F32x4Mul; Get lx; F32x4Add; Set lx; \
	Get V12; Get V13; F32x4Mul; Get V13; F32x4Mul; Get l2; F32x4Add; Set l2
#define CORRELATE2(off) \
	LOAD(R5, off); Set V10; LOAD(R5, (off+1024)); Set V11; LOAD(R5, (off+512)); Set V12; \
	CORRELATE(V7, V14, V15); CORRELATE(V8, V3, V9)

// STEP pushes −(half + the try at R6 + off) / top.
#define STEP(off) \
	ADDR(R6); F32Load $off; ADDR(R0); F32Load $HALF; F32Add; F32Neg; F32x4Splat; Get V4; F32x4Div

// JUDGE keeps scale, best and inverse where l2 > 0 and lx² > best·l2, or where
// always says so.
#define JUDGE(inverse, lx, l2, always) \
	Get lx; Get l2; F32x4Div; Get l2; V128Const $0, $0; F32x4Ne; V128And; Set V10; \
	Get l2; V128Const $0, $0; F32x4Gt; \
	Get lx; Get lx; F32x4Mul; Get V6; Get l2; F32x4Mul; F32x4Gt; V128And; \
	always; Set V13; \
	CHOOSE(V10, V5, V13); Set V5; \
	Get V10; Get lx; F32x4Mul; Get V6; Get V13; V128Bitselect; Set V6; \
	ADDR(R0); Get inverse; LOAD(R0, FOUND); Get V13; V128Bitselect; V128Store $0, $FOUND
#define FIRSTTOO I32Const $0; Get R7; I64Eqz; I32Sub; I32x4Splat; V128Or

// CODE pushes the code of the values at R7 + off as integers.
#define CODE(off) \
	LOAD(R7, off); Get V7; F32x4Mul; Get V0; F32x4Add; TOINT; \
	Get V1; I32x4MaxS; Get V2; I32x4MinS; Get V1; I32x4Sub; Get V6; V128And

// func searchScaleAsm(s *scaleLanes, scale, x, w *float32, q *uint8, n, fours int, tries *[20]float32)
//
// is searchGroupScale on groups of n values at x, fours times four, with weights
// at w or of a kind; n is a multiple of 4 up to 32. Candidates go two by two. Codes are
// written once, at the end, from the inverse that they were rounded with. As
// nothing is larger than top, no quotient is past what magic rounds.
//
// V0 is magic, V1 −half, V2 half − 1; V4 the value of largest magnitude, 1 where
// the group is zeros; V5 the scale, V6 the best; V7, V8 the inverses; V14, V15 and
// V3, V9 their sums. R6 is the try, R7 how many came before.
TEXT ·searchScaleAsm(SB), NOSPLIT, $0-64
	MOVD s+0(FP), R0
	MOVD scale+8(FP), R14
	MOVD x+16(FP), R1
	MOVD w+24(FP), R2
	MOVD q+32(FP), R3
	MOVD n+40(FP), R4
	MOVD fours+48(FP), R13
	WHILE(R13)
	MAGIC; Set V0
	ADDR(R0); F32Load $HALF; Tee F0; F32Neg; F32x4Splat; Set V1
	Get F0; F32Const $-1.0; F32Add; F32x4Splat; Set V2
	INTERLEAVE(R0, R1, R4)
	ADDR(R0); I32Load $KIND; I32Eqz
	If
		Get R0; I64Const $512; I64Add; Set R12
		INTERLEAVE(R12, R2, R4)
	Else
		EACH(SQUARE)
	End
	EACH(WX)
	V128Const $0, $0; Tee V4; Set V6
	EACH(LARGEST)
	SPLAT32(0x3f800000); Get V4; Get V6; SPLAT32(0x26901d7d); F32x4Lt; Tee V13; V128Bitselect; Set V4
	ADDR(R0); Get V13; V128Not; V128Store $0, $ALIVE
	V128Const $0, $0; Tee V5; Set V6
	ADDR(R0); Get V6; V128Store $0, $FOUND          // the inverse, until the end
	MOVD tries+56(FP), R6
	I64Const $0; Set R7
	Loop
		STEP(0); Set V7
		STEP(4); Set V8
		V128Const $0, $0; Tee V3; Tee V9; Tee V14; Set V15
		EACH(CORRELATE2)
		JUDGE(V7, V14, V15, FIRSTTOO)
		JUDGE(V8, V3, V9, Nop)
		ADVANCE(R6, 8)
		ADVANCE(R7, 1)
		Get R7; I64Const $10; I64LtU
		BrIf $0
	End
	LOAD(R0, FOUND); Set V7
	LOAD(R0, ALIVE); Set V6
	ADDR(R14); Get V5; Get V6; V128And; V128Store $0, $0
	Get V1; I32x4TruncSatF32x4S; Set V1
	Get V2; I32x4TruncSatF32x4S; Set V2
	Get R0; Set R7
	Get R4; Set R11
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
