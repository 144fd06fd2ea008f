//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "kq_wasm.h"

// Where stepLanes has what, from R0 on: x of four groups, value i of them in vector i; from
// SINGLE on x of groups by themselves. As far from an x as given here are its w·x·l,
// w·l² and l, and for each single group its sums, the code that it is at, the one before
// which it ends, and its number. INVERSE, SUMSLX and SUMSL2 are of all groups by
// their numbers; QUEUE are addresses of single groups.
#define SINGLE 256
#define LX 768
#define L2 1536
#define L 2304
#define SUMLX 3072
#define SUML2 3076
#define AT 3080
#define LIMIT 3088
#define NUMBER 3096
#define INVERSE 3840
#define SUMSLX 4096
#define SUMSL2 4352
#define QUEUE 4608
#define QUEUEEND 4672

// STEPSCONST sets V0 to magic, V1 to −4, V2 to 3, V4 to ½ squared or a little less, V5 to
// the little of UNREST.
#define STEPSCONST \
	MAGIC; Set V0; \
	SPLAT32(0xc0800000); Set V1; \
	SPLAT32(0x40400000); Set V2; \
	SPLAT32(0x3e7ef9db); Set V4; \
	SPLAT32(0x34800000); Set V5

// EACH runs body for all values of four groups, R5 being the address of two.
#define EACH(body) \
	Get R0; Set R5; \
	I64Const $16; Set R10; \
	WHILE(R10); \
		body(0); body(16); \
		ADVANCE(R5, 32); \
	NEXT(R10, 2)

// OPEN stores x of four groups at R9 + to, and widens V3 … V4 by it.
#define OPEN(at, to) \
	ADDR(R9); GATHERED(at); Tee V10; V128Store $0, $to; \
	Get V3; Get V10; F32x4Pmin; Set V3; \
	Get V4; Get V10; F32x4Pmax; Set V4

// FOUR pushes the values at R5 + off, ALIKE the first of them in all lanes.
#define FOUR(off) LOAD(R5, off)
#define ALIKE(off) ADDR(R5); F32Load $off; F32x4Splat

// WEIGHTS sets V10 to x as read pushes it, V12 to w, which is x², V11 to w·x.
#define WEIGHTS(read, off) read(off); Tee V10; Get V10; F32x4Mul; Tee V12; Get V10; F32x4Mul; Set V11

// PRODUCTLX pushes w·x·l, PRODUCTL2 w·l².
#define PRODUCTLX(l) Get V11; Get l; F32x4Mul
#define PRODUCTL2(l) Get V12; Get l; F32x4Mul; Get l; F32x4Mul

// ROUNDED stores l of x at R5 + off by the inverse in V3, and the products V14 and V15.
#define ROUNDED(off) \
	WEIGHTS(FOUR, off); \
	Get V10; Get V3; F32x4Mul; Get V0; F32x4Add; Get V0; F32x4Sub; Get V2; F32x4Pmin; Set V13; \
	ADDR(R5); Get V13; V128Store $0, $(off+L); \
	ADDR(R5); PRODUCTLX(V13); Tee V14; V128Store $0, $(off+LX); \
	ADDR(R5); PRODUCTL2(V13); Tee V15; V128Store $0, $(off+L2)
#define SUMMED(off) \
	ROUNDED(off); \
	Get V7; Get V14; F32x4Add; Set V7; \
	Get V8; Get V15; F32x4Add; Set V8

// WITHOUT sets V14, V15 to the sums without the values at R5 + off, and pushes where that
// puts these: x·l2/lx.
#define WITHOUT(read, off) \
	Get V7; read((off+LX)); F32x4Sub; Set V14; \
	Get V8; read((off+L2)); F32x4Sub; Set V15; \
	read(off); Get V15; F32x4Mul; Get V14; F32x4Div

// UNREST pushes −1 in the lanes in which the codes at R5 + off may have to move, else 0:
// lx is above 0, and the quotient q, held to the codes, not nearer than ½ to l. A
// little of q is added, so that one past what magic rounds is never near.
#define UNREST(off) \
	WITHOUT(FOUR, off); Tee V10; Get V1; F32x4Pmax; Get V2; F32x4Pmin; LOAD(R5, (off+L)); F32x4Sub; \
	Get V10; Get V5; F32x4Mul; F32x4Add; Tee V10; Get V10; F32x4Mul; Get V4; F32x4Lt; V128Not; \
	Get V14; V128Const $0, $0; F32x4Gt; V128And
#define ANYUNREST(off) UNREST(off); Get V9; V128Or; Set V9

// SCALE pushes lx/l2, 0 where l2 is not above 0.
#define SCALE Get V7; Get V8; F32x4Div; Get V8; V128Const $0, $0; F32x4Gt; V128And

// CODE pushes the code of the values at R7 + off as integers.
#define CODE(off) LOAD(R7, (off+L)); Get V1; F32x4Sub; I32x4TruncSatF32x4S
#define CODES(off) CODE(off); CODE((off+16)); I16x8NarrowI32x4S

// func startStepsAsm(s *stepLanes, scale, x *float32, q *uint8, fours int) (moving uint64)
//
// is searchGroupSteps on up to sixteen times four groups of 16 values at x, as long as no
// code moves. The bits of moving are the groups in which one might.
//
// STEPSCONST has its vectors; V3 is the inverse; V7, V8 are the sums, V6 the lanes that are
// not zeros, V9 those in which a code may move. R15 is moving, R11 the place of the four
// in it, R12 that of their sums.
TEXT ·startStepsAsm(SB), NOSPLIT, $0-48
	MOVD s+0(FP), R0
	MOVD scale+8(FP), R14
	MOVD x+16(FP), R1
	MOVD q+24(FP), R3
	MOVD fours+32(FP), R13
	I64Const $16; Set R4
	I64Const $0; Tee R15; Set R11
	Get R0; Set R12
	WHILE(R13)
		V128Const $0, $0; Tee V3; Set V4
		GATHERING(R0, R1, R4, OPEN)
		TOPMOST(EACH)
		Get V6; SPLAT32(0x26901d7d); F32x4Ge; Set V6
		Get V4; SPLAT32(0x3f800000); Get V6; V128Bitselect; Set V3
		STEPSCONST
		ADDR(R12); Get V1; Get V3; F32x4Div; Tee V3; V128Store $0, $INVERSE
		V128Const $0, $0; Tee V7; Set V8
		EACH(SUMMED)
		V128Const $0, $0; Set V9
		EACH(ANYUNREST)
		ADDR(R12); Get V7; V128Store $0, $SUMSLX
		ADDR(R12); Get V8; V128Store $0, $SUMSL2
		ADDR(R14); SCALE; Get V6; V128And; V128Store $0, $0
		Get V9; Get V6; V128And; I32x4Bitmask; I64ExtendI32U; Get R11; I64Shl; Get R15; I64Or; Set R15
		Get R3; I64Eqz; I32Eqz
		If
			Get V6; Get V6; I16x8NarrowI32x4S; Set V6
			Get R0; Set R7
			Get R4; Set R8
			WHILE(R8)
				CODES(0); Get V6; V128And
				CODES(32); Get V6; V128And
				I8x16NarrowI16x8U
				SCATTER(R3, R4)
				ADVANCE(R7, 64)
			NEXT(R8, 4)
			SCATTERED
		End
		NEXTFOUR
		ADVANCE(R11, 4)
		ADVANCE(R12, 16)
	NEXT(R13, 1)
	Get SP; Get R15; I64Store moving+40(FP)
	RET

// ENQUEUE makes the lowest of the groups in R11 a single one at R5, and puts it in the queue
// at R6.
#define ENQUEUE \
	Get R11; I64Ctz; Tee R12; I64Const $64; I64Mul; Get R1; I64Add; Set R8; \
	Get R11; Get R11; I64Const $-1; I64Add; I64And; Set R11; \
	ADDR(R5); LOAD(R8, 0); V128Store $0, $0; ADDR(R5); LOAD(R8, 16); V128Store $0, $16; \
	ADDR(R5); LOAD(R8, 32); V128Store $0, $32; ADDR(R5); LOAD(R8, 48); V128Store $0, $48; \
	Get R12; I64Const $4; I64Mul; Get R0; I64Add; Set R8; \
	ADDR(R8); F32Load $INVERSE; F32x4Splat; Set V3; \
	ROUNDED(0); ROUNDED(16); ROUNDED(32); ROUNDED(48); \
	ADDR(R5); ADDR(R8); F32Load $SUMSLX; F32Store $SUMLX; \
	ADDR(R5); ADDR(R8); F32Load $SUMSL2; F32Store $SUML2; \
	ADDR(R5); I64Const $0; I64Store $AT; \
	ADDR(R5); I64Const $16; I64Store $LIMIT; \
	ADDR(R5); Get R12; I64Store $NUMBER; \
	ADDR(R6); Get R5; I64Store $0; \
	ADVANCE(R5, 64); \
	ADVANCE(R6, 8)

// SEEK moves R12 on to the next code of the group at R5 that may move: 64 on where none may.
#define SEEK \
	UNREST(0); UNREST(16); I16x8NarrowI32x4S; UNREST(32); UNREST(48); I16x8NarrowI32x4S; \
	I8x16NarrowI16x8S; I8x16Bitmask; I32Const $0x10001; I32Mul; \
	Get R12; I64Const $15; I64And; I32WrapI64; I32ShrU; I64ExtendI32U; I64Ctz; \
	Get R12; I64Add; Set R12

// MOVE sets V14, V15 to the sums with the code at R5 moved to V9, V11 and V12 to its
// products, and pushes whether it moves.
#define MOVE \
	WITHOUT(ALIKE, 0); Get V0; F32x4Add; TOINT; F32x4ConvertI32x4S; Get V1; F32x4Pmax; Get V2; F32x4Pmin; Tee V9; \
	ALIKE(L); F32x4Ne; Get V14; V128Const $0, $0; F32x4Gt; V128And; \
	WEIGHTS(ALIKE, 0); \
	PRODUCTLX(V9); Tee V11; Get V14; F32x4Add; Set V14; \
	PRODUCTL2(V9); Tee V12; Get V15; F32x4Add; Set V15; \
	Get V15; V128Const $0, $0; F32x4Gt; V128And; \
	Get V14; Get V14; F32x4Mul; Get V8; F32x4Mul; \
	Get V7; Get V7; F32x4Mul; Get V15; F32x4Mul; F32x4Gt; V128And; V128AnyTrue

// STORELANE stores the first lane of v at r + off.
#define STORELANE(v, r, off) ADDR(r); Get v; F32x4ExtractLane $0, $0; F32Store $off

// CLOSE writes scale and, unless q is nil, codes of the group at R5, and takes it out of the
// queue: the last takes its place at R7, which waits on the stack while CODES has R7.
#define CLOSE \
	ADDR(R5); I64Load $NUMBER; Tee R12; I64Const $4; I64Mul; Get R14; I64Add; Set R8; \
	ADDR(R8); SCALE; F32x4ExtractLane $0, $0; F32Store $0; \
	Get R3; I64Eqz; I32Eqz; \
	If; \
		Get R12; I64Const $16; I64Mul; Get R3; I64Add; I32WrapI64; \
		Get R7; Get R5; Set R7; \
		CODES(0); CODES(32); I8x16NarrowI16x8U; Set V9; \
		Set R7; \
		Get V9; V128Store $0, $0; \
	End; \
	ADVANCE(R6, -8); \
	ADDR(R7); ADDR(R6); I64Load $0; I64Store $0

// func moveStepsAsm(s *stepLanes, scale, x *float32, q *uint8, moving uint64)
//
// goes on where startStepsAsm ended. Lanes are values of one group now. A step of a group
// finds the next code that may move, and moves it if that is better; then all sixteen
// are looked at again, up to code 80. One step waits for the one before, and so up to
// eight groups take turns.
//
// STEPSCONST has its vectors; V7, V8 are the sums. R11 are the groups to come; R7 is the
// place in the queue, R10 its begin, R6 its end; R9 is the group, R12 the code.
TEXT ·moveStepsAsm(SB), NOSPLIT, $0-40
	MOVD s+0(FP), R0
	MOVD scale+8(FP), R14
	MOVD x+16(FP), R1
	MOVD q+24(FP), R3
	MOVD moving+32(FP), R11
	STEPSCONST
	Get R0; I64Const $QUEUE; I64Add; Set R10
	Loop
		Get R0; I64Const $SINGLE; I64Add; Set R5
		Get R10; Tee R6; Set R7
		Loop
			ENQUEUE
			Get R11; I64Eqz; I32Eqz; Get R6; Get R0; I64Const $QUEUEEND; I64Add; I64LtU; I32And; BrIf $0
		End
		Loop
			ADDR(R7); I64Load $0; Tee R5; Set R9
			ALIKE(SUMLX); Set V7
			ALIKE(SUML2); Set V8
			ADDR(R5); I64Load $AT; Set R12
			SEEK
			Get R12; ADDR(R5); I64Load $LIMIT; I64GeU
			If
				CLOSE
			Else
				Get R12; I64Const $15; I64And; I64Const $4; I64Mul; Get R5; I64Add; Set R5
				ADVANCE(R12, 1)
				MOVE
				If
					STORELANE(V9, R5, L); STORELANE(V11, R5, LX); STORELANE(V12, R5, L2)
					STORELANE(V14, R9, SUMLX); STORELANE(V15, R9, SUML2)
					ADDR(R9)
					Get R12; I64Const $16; I64Add; I64Const $80
					Get R12; I64Const $64; I64LtU; Select; I64Store $LIMIT
				End
				ADDR(R9); Get R12; I64Store $AT
				ADVANCE(R7, 8)
			End
			Get R7; Get R10; Get R7; Get R6; I64LtU; Select; Set R7
			Get R6; Get R10; I64GtU; BrIf $0
		End
		Get R11; I64Eqz; I32Eqz; BrIf $0
	End
	RET
