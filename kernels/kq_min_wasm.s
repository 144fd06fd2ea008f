//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "kq_wasm.h"

// Where minLanes has what, from R0.
#define SUMW 1536
#define SUMX 1552
#define LEAST 1568
#define MOST 1584
#define ALIVE 1600
#define INVERSE 1616
#define BASE 1632
#define TOP 1648
#define FROM 1652
#define BY 1656
#define LAST 1660
#define ABSOLUTE 1664
#define KIND 1668

// PUT stores the vector v at R0 + off.
#define PUT(v, off) ADDR(R0); Get v; V128Store $0, $off

// CODEMOMENTS adds to V7 … V9 w·l, w·l² and w·l·x for the codes l in V11 of the
// values in V10, and stores the codes, all of them at R5 + off.
#define CODEMOMENTS(off) \
	ADDR(R5); Get V11; V128Store $0, $(off+1024); \
	LOAD(R5, (off+512)); Get V11; F32x4Mul; Tee V12; Get V7; F32x4Add; Set V7; \
	Get V12; Get V11; F32x4Mul; Get V8; F32x4Add; Set V8; \
	Get V12; Get V10; F32x4Mul; Get V9; F32x4Add; Set V9

// QUOTIENT pushes (x − low)·inverse + magic of the values at R5 + off.
#define QUOTIENT(off) \
	LOAD(R5, off); Tee V10; Get V3; F32x4Sub; Get V6; F32x4Mul; Get V1; F32x4Add

// NEAR rounds quotients below 2^22, FAR any that there are.
#define NEAR(off) \
	QUOTIENT(off); Get V1; F32x4Sub; Get V0; F32x4Pmax; Get V2; F32x4Pmin; Set V11; \
	CODEMOMENTS(off)
#define FAR(off) \
	QUOTIENT(off); TOINT; Get V0; I32x4MaxS; F32x4ConvertI32x4S; Get V2; F32x4Pmin; Set V11; \
	CODEMOMENTS(off)

// ERROR pushes s·l + m − x at R5 + off; SQUARED and MAGNITUDE add w times its
// square or its magnitude to V7.
#define ERROR(off) \
	LOAD(R5, (off+1024)); Get V15; F32x4Mul; Get V14; F32x4Add; LOAD(R5, off); F32x4Sub
#define WEIGHTED(off) LOAD(R5, (off+512)); F32x4Mul; Get V7; F32x4Add; Set V7
#define SQUARED(off) ERROR(off); Tee V10; Get V10; F32x4Mul; WEIGHTED(off)
#define MAGNITUDE(off) ERROR(off); F32x4Abs; WEIGHTED(off)

// EACH runs body for all values, R5 being the address of four.
#define EACH(body) \
	Get R0; Set R5; \
	Get R4; Set R10; \
	WHILE(R10); \
		body(0); body(16); body(32); body(48); \
		ADVANCE(R5, 64); \
	NEXT(R10, 4)

// TYPICAL adds x² at R5 + off to V7, WEIGH stores V7 + |x| as weight there.
#define TYPICAL(off) LOAD(R5, off); Tee V10; Get V10; F32x4Mul; Get V7; F32x4Add; Set V7
#define WEIGH(off) ADDR(R5); LOAD(R5, off); F32x4Abs; Get V7; F32x4Add; V128Store $0, $(off+512)

// EXTENT widens V3 … V4 by x at R5 + off, and adds w to V7, w·x to V8.
#define EXTENT(off) \
	LOAD(R5, off); Set V10; \
	LOAD(R5, (off+512)); Set V11; \
	Get V3; Get V10; F32x4Pmin; Set V3; \
	Get V4; Get V10; F32x4Pmax; Set V4; \
	Get V7; Get V11; F32x4Add; Set V7; \
	Get V8; Get V11; Get V10; F32x4Mul; F32x4Add; Set V8

// INREACH pushes −1 in the lanes where |(bound − low)·inverse| < 2^22.
#define INREACH(bound) \
	LOAD(R0, bound); Get V3; F32x4Sub; Get V6; F32x4Mul; F32x4Abs; \
	SPLAT32(0x4a800000); F32x4Lt

// CODE pushes the code of the values at R7 + off as integers.
#define CODE(off) \
	LOAD(R7, off); Get V3; F32x4Sub; Get V6; F32x4Mul; Get V1; F32x4Add; \
	TOINT; Get V0; I32x4MaxS; Get V2; I32x4MinS

// func searchMinAsm(s *minLanes, scale, minimum, x, w *float32, q *uint8, n, fours int)
//
// is MinSearch.run on groups of n values at x, fours times four, with weights at
// w or of a kind; n is a multiple of 4 up to 32. A first round, −1, takes what rounding
// alone gives; round i ≥ 0 is candidate i. Codes are written once, at the end,
// from the inverse and the minimum that they were rounded with.
//
// V0 is 0, V1 magic, V2 the top; V3 low, V4 the scale, V5 the least loss, V6 the
// inverse; V7 … V9 sums; V15, V14 scale and minimum of a candidate; V13 the
// lanes in which it counts. R6 is i, R11 the last.
TEXT ·searchMinAsm(SB), NOSPLIT, $0-64
	MOVD s+0(FP), R0
	MOVD scale+8(FP), R14
	MOVD minimum+16(FP), R15
	MOVD x+24(FP), R1
	MOVD w+32(FP), R2
	MOVD q+40(FP), R3
	MOVD n+48(FP), R4
	MOVD fours+56(FP), R13
	WHILE(R13)
	V128Const $0, $0; Set V0
	MAGIC; Set V1
	ADDR(R0); F32Load $TOP; F32x4Splat; Set V2
	INTERLEAVE(R0, R1, R4)
	ADDR(R0); I32Load $KIND; I32Eqz
	If
		Get R0; I64Const $512; I64Add; Set R12
		INTERLEAVE(R12, R2, R4)
	Else
		Get V0; Set V7
		ADDR(R0); I32Load $KIND; I32Const $1; I32Eq
		If
			EACH(TYPICAL)
			Get V7; Get R4; F32ConvertI64S; F32x4Splat; F32x4Div; F32x4Sqrt; Set V7
		End
		EACH(WEIGH)
	End

	LOAD(R0, 0); Tee V3; Set V4
	SPLAT32(0x80000000); Tee V7; Set V8             // −0 + v is v
	EACH(EXTENT)
	PUT(V7, SUMW)
	PUT(V8, SUMX)
	Get V3; Get V0; F32x4Pmin; Set V3               // low, at most 0
	PUT(V3, LEAST)
	PUT(V4, MOST)
	Get V4; Get V3; F32x4Ne; Set V13
	PUT(V13, ALIVE)
	Get V0; Set V4
	Get V0; Set V5
	PUT(V0, INVERSE)
	PUT(V0, BASE)

	I64Const $-1; Set R6
	ADDR(R0); I32Load $LAST; I64ExtendI32S; Set R11
	Block
	Loop
		Get R6; Get R11; I64GtS; BrIf $1
		ADDR(R0); F32Load $TOP; Set F0
		Get R6; I64Const $0; I64GeS
		If
			ADDR(R0); F32Load $FROM
			ADDR(R0); F32Load $BY; Get R6; F32ConvertI64S; F32Mul; F32Add
			Get F0; F32Add; Set F0
		End
		Get F0; F32x4Splat; LOAD(R0, MOST); Get V3; F32x4Sub; F32x4Div; LOAD(R0, ALIVE); V128And; Set V6
		Get V0; Tee V7; Tee V8; Set V9
		INREACH(LEAST); INREACH(MOST); V128And; I32x4AllTrue
		If
			EACH(NEAR)
		Else
			EACH(FAR)
		End
		Get R6; I64Const $0; I64LtS
		If
			SPLAT32(0x3f800000); Get V6; F32x4Div; Set V15
			Get V3; Set V14
		Else
			LOAD(R0, SUMW); Get V8; F32x4Mul; Get V7; Get V7; F32x4Mul; F32x4Sub; Tee V12  // D
			Get V0; F32x4Gt; Set V13
			LOAD(R0, SUMW); Get V9; F32x4Mul; LOAD(R0, SUMX); Get V7; F32x4Mul; F32x4Sub
			Get V12; F32x4Div; Set V15
			Get V8; LOAD(R0, SUMX); F32x4Mul; Get V7; Get V9; F32x4Mul; F32x4Sub
			Get V12; F32x4Div; Set V14
			Get V14; Get V0; F32x4Gt; Tee V12; V128AnyTrue
			If
				Get V9; Get V8; F32x4Div; Get V15; Get V12; V128Bitselect; Set V15
				CHOOSE(V0, V14, V12); Set V14
			End
		End
		Get V0; Set V7
		ADDR(R0); I32Load $ABSOLUTE
		If
			EACH(MAGNITUDE)
		Else
			EACH(SQUARED)
		End
		Get V7; Get V5; F32x4Lt; Get V13; V128And
		Get R6; I64Const $63; I64ShrS; I32WrapI64; I32x4Splat; V128Or; Tee V13  // all of round −1
		V128AnyTrue
		If
			CHOOSE(V7, V5, V13); Set V5
			CHOOSE(V15, V4, V13); Set V4
			ADDR(R0); Get V6; LOAD(R0, INVERSE); Get V13; V128Bitselect; V128Store $0, $INVERSE
			ADDR(R0); Get V3; LOAD(R0, BASE); Get V13; V128Bitselect; V128Store $0, $BASE
			CHOOSE(V14, V3, V13); Set V3
		End
		ADVANCE(R6, 1)
		Br $0
	End
	End

	LOAD(R0, ALIVE); Set V13
	ADDR(R14); Get V4; Get V13; V128And; V128Store $0, $0
	ADDR(R15); Get V3; LOAD(R0, LEAST); Get V13; V128Bitselect; F32x4Neg; V128Store $0, $0
	LOAD(R0, INVERSE); Get V13; V128And; Set V6
	LOAD(R0, BASE); Set V3
	Get V2; I32x4TruncSatF32x4S; Set V2
	Get R0; Set R7
	Get R4; Set R10
	WHILE(R10)
		CODE(0); CODE(16); I16x8NarrowI32x4S
		CODE(32); CODE(48); I16x8NarrowI32x4S
		I8x16NarrowI16x8U
		SCATTER(R3, R4)
		ADVANCE(R7, 64)
	NEXT(R10, 4)
	ADVANCE(R15, 16)
	SCATTERED
	NEXTFOUR
	NEXT(R13, 1)
	RET
