//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "kq_wasm.h"

// Where scaleLanes has what, from R0, past x, w and w·x.
#define FOUND 1536
#define ALIVE 1552
#define OTHER 1568
#define LIMIT 1584
#define HALF 1600
#define KIND 1604

// EACH runs body for all values, R5 being the address of two.
#define EACH(body) \
	Get R0; Set R5; \
	Get R4; Set R10; \
	WHILE(R10); \
		body(0); body(16); \
		ADVANCE(R5, 32); \
	NEXT(R10, 2)

// OPEN stores x, w and w·x of four groups at R9 + to, and widens V3 … V4 by x. The
// weight, in V11, is what weigh makes of x in V10: its square, or what is there.
#define OPEN(at, to, weigh) \
	ADDR(R9); GATHERED(at); Tee V10; V128Store $0, $to; \
	Get V3; Get V10; F32x4Pmin; Set V3; \
	Get V4; Get V10; F32x4Pmax; Set V4; \
	weigh(to); \
	ADDR(R9); Get V11; Get V10; F32x4Mul; V128Store $0, $(to+1024)
#define SQUARE(to) ADDR(R9); Get V10; Get V10; F32x4Mul; Tee V11; V128Store $0, $(to+512)
#define GIVEN(to) LOAD(R9, (to+512)); Set V11
#define OPENSQUARE(at, to) OPEN(at, to, SQUARE)
#define OPENGIVEN(at, to) OPEN(at, to, GIVEN)

// VALUES sets V10 to the values at R5 + off, V11 to w·x, V12 to w.
#define VALUES(off) \
	LOAD(R5, off); Set V10; LOAD(R5, (off+1024)); Set V11; LOAD(R5, (off+512)); Set V12

// FREE pushes V10·inverse rounded, CLAMPED no less than −half and less than half.
#define FREE(inverse) Get V10; Get inverse; F32x4Mul; Get V0; F32x4Add; Get V0; F32x4Sub
#define CLAMPED(inverse) FREE(inverse); Get V1; F32x4Pmax; Get V2; F32x4Pmin

// CORRELATE adds w·x·l to lx and w·l² to l2 for the codes l on top.
#define CORRELATE(lx, l2) \
	Set V13; \
	Get V11; Get V13; F32x4Mul; Get lx; F32x4Add; Set lx; \
	Get V12; Get V13; F32x4Mul; Get V13; F32x4Mul; Get l2; F32x4Add; Set l2

// ONE is for the inverse in V7, with sums in V14 and V15; two more, in V8, V3 and V9.
#define ONE(off) VALUES(off); CLAMPED(V7); CORRELATE(V14, V15)
#define TWOFREE(off) \
	VALUES(off); FREE(V7); CORRELATE(V14, V15); FREE(V8); CORRELATE(V3, V9)
#define TWOCLAMPED(off) \
	VALUES(off); CLAMPED(V7); CORRELATE(V14, V15); CLAMPED(V8); CORRELATE(V3, V9)

// STEP pushes −(half + the try at R6 + off) / top.
#define STEP(off) \
	ADDR(R6); F32Load $off; ADDR(R0); F32Load $HALF; F32Add; F32Neg; F32x4Splat; Get V4; F32x4Div

// JUDGE keeps scale and best in the lanes where lx² > best·l2, and where codes are asked
// for the inverse. There l2 is not 0: where it is, all of lx is.
#define JUDGE(inverse, lx, l2) \
	Get lx; Get lx; F32x4Mul; Get V6; Get l2; F32x4Mul; F32x4Gt; Set V13; \
	Get lx; Get l2; F32x4Div; Tee V10; Get V5; Get V13; V128Bitselect; Set V5; \
	Get V10; Get lx; F32x4Mul; Get V6; Get V13; V128Bitselect; Set V6; \
	Get R3; I64Eqz; I32Eqz; \
	If; \
		ADDR(R0); Get inverse; LOAD(R0, FOUND); Get V13; V128Bitselect; V128Store $0, $FOUND; \
	End

// CODE pushes the code of the values at R7 + off as integers.
#define CODE(off) \
	LOAD(R7, off); Get V7; F32x4Mul; Get V0; F32x4Add; TOINT; \
	Get V1; I32x4MaxS; Get V2; I32x4MinS; Get V1; I32x4Sub; Get V6; V128And

// func searchScaleAsm(s *scaleLanes, scale, x, w *float32, q *uint8, n, fours int, tries *[19]float32)
//
// is searchGroupScale on groups of n values at x, fours times four, with weights
// at w or of a kind; n is a multiple of 4 up to 32. After the first try candidates go two
// by two. Of two the second has the larger inverse: where it takes no value to the limit,
// half − ½, and adds no more than 0.3 to half, nothing is to be clamped. Unless q is nil,
// codes are written once, at the end, from the inverse that they were rounded with.
// As nothing is larger than top, no quotient is past what magic rounds.
//
// V0 is magic, V1 −half, V2 half − 1; V4 the value of largest magnitude, 1 where
// the group is zeros; V5 the scale, V6 the best; V7, V8 the inverses; V14, V15 and
// V3, V9 their sums. R6 is the try, R7 counts the pairs.
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
	ADDR(R0); Get F0; F32Const $-0.5; F32Add; F32x4Splat; V128Store $0, $LIMIT
	V128Const $0, $0; Tee V3; Set V4
	ADDR(R0); I32Load $KIND; I32Eqz
	If
		Get R0; I64Const $512; I64Add; Set R12
		INTERLEAVE(R12, R2, R4)
		GATHERING(R0, R1, R4, OPENGIVEN)
	Else
		GATHERING(R0, R1, R4, OPENSQUARE)
	End
	TOPMOST(EACH)
	ADDR(R0); Get V3; V128Store $0, $OTHER
	SPLAT32(0x3f800000); Get V4; Get V6; SPLAT32(0x26901d7d); F32x4Lt; Tee V13; V128Bitselect; Set V4
	ADDR(R0); Get V13; V128Not; V128Store $0, $ALIVE
	MOVD tries+56(FP), R6
	STEP(0); Set V7
	ADDR(R0); Get V7; V128Store $0, $FOUND
	V128Const $0, $0; Tee V14; Set V15
	EACH(ONE)
	Get V14; Get V15; F32x4Div; Get V15; V128Const $0, $0; F32x4Ne; V128And; Tee V5
	Get V14; F32x4Mul; Set V6
	I64Const $0; Set R7
	Loop
		STEP(4); Set V7
		STEP(8); Set V8
		V128Const $0, $0; Tee V3; Tee V9; Tee V14; Set V15
		LOAD(R0, OTHER); Get V8; F32x4Mul; LOAD(R0, LIMIT); F32x4Ge; V128AnyTrue
		Get R7; I64Const $6; I64GeU; I32Or
		If
			EACH(TWOCLAMPED)
		Else
			EACH(TWOFREE)
		End
		JUDGE(V7, V14, V15)
		JUDGE(V8, V3, V9)
		ADVANCE(R6, 8)
		ADVANCE(R7, 1)
		Get R7; I64Const $9; I64LtU
		BrIf $0
	End
	ADDR(R14); Get V5; LOAD(R0, ALIVE); V128And; V128Store $0, $0
	Get R3; I64Eqz; I32Eqz
	If
		LOAD(R0, FOUND); Set V7
		LOAD(R0, ALIVE); Set V6
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
		SCATTERED
	End
	NEXTFOUR
	NEXT(R13, 1)
	RET
