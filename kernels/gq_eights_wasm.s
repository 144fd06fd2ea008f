//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "simd_wasm.h"
#include "gq_wasm.h"
#include "gq_place_wasm.h"

// The sum of a neighbour is Σ term(i, c), where c is one of three coordinates. In
// bytes it is looked for first: term(i, c) − min term(i) in some unit, rounded and
// no more than 255, for two coordinates in a table of 16, so that four swizzles
// add up the sums of 16 neighbours. Eight roundings put two of these off by 8 at
// most; what is within 10 and the error of floats of the least is a candidate.
// Where there is more than one, the sums are taken as they are defined.
//
// With A = root·2·k·step, k = l1 − l0 = l2 − l1 the distance of two levels, the
// terms of the three less that of the first are
//
//	0    A·(step·(l0 + l1)/2 − x)    2·A·(step·(l0 + l2)/2 − x)
//
// The unit is B/F8, B being that of BOUNDED: F9 is 1/B. F8 is kept from run to run
// and turned where the least sum comes out small or past a byte.

// BEGINEIGHT sets V0, V1 to the values, V2, V3 to their roots, F5 to 2·k, F6 and F7 to
// the means of two levels, F9 to 1/B or to 0, and F2 to what a winner is to be ahead
// by.
#define BEGINEIGHT \
	MOVD t+0(FP), R0; \
	Get R0; Get R13; I64Const $5; I64Shl; I64Add; Set R1; \
	LOAD(R1, 0); Set V0; LOAD(R1, ROOT); Set V2; \
	LOAD(R1, 16); Set V1; LOAD(R1, (ROOT+16)); Set V3; \
	LEVELS(R0); \
	FLOAT(R0, 4); FLOAT(R0, 0); F32Sub; Tee F5; Get F5; F32Add; Set F5; \
	FLOAT(R0, 0); FLOAT(R0, 4); F32Add; F32Const $0.5; F32Mul; Set F6; \
	FLOAT(R0, 0); FLOAT(R0, 8); F32Add; F32Const $0.5; F32Mul; Set F7; \
	FLOAT(R0, 0); F32Abs; FLOAT(R0, 8); F32Abs; F32Max; FLOAT(R3, 0); F32Mul; Set F0; \
	BOUND(Get V0, Get V2); BOUND(Get V1, Get V3); F32x4Add; Set V4; \
	SUM(V4, F1); \
	F32Const $0.0; Set F9; \
	I32Const $0x7f800000; F32ReinterpretI32; Set F2; \
	BOUNDED(F1); \
	If; \
		F32Const $1.0; Get F1; F32Div; Set F9; \
		Get F1; F32Const $0x1p-18; F32Mul; Set F2; \
	End

// LEVELS sets r to the levels of the run.
#define LEVELS(r) \
	MOVD t+0(FP), r; \
	Get r; Get R13; I64Add; I32WrapI64; I64Load8U $GridTrials_Shift; I64Const $1; I64And; I64Const $12; I64Mul; \
	Get r; I64Add; I64Const $GridTrials_Levels; I64Add; Set r

// PUSHBYTE pushes the term that v pushes, less the least in V15, as an integer up to
// 255 in the low bits of a float from 2^23 on.
#define PUSHBYTE(v) v; Get V15; F32x4Sub; LOAD(R4, placeLanes_byte); F32x4Pmin; LOAD(R4, placeLanes_whole); F32x4Add

#define ZEROS V128Const $0, $0

// TABLE sets V12 to four tables of four bytes: the terms of the coordinates 0, 1 and
// 2 of four values, and 255. F10 is 2·k·step in units, F11 and F12 are the steps to
// the means.
#define TABLE(x, root) \
	Get root; Get F10; F32x4Splat; F32x4Mul; Tee V12; Get F11; F32x4Splat; Get x; F32x4Sub; F32x4Mul; Set V13; \
	Get V12; Get V12; F32x4Add; Get F12; F32x4Splat; Get x; F32x4Sub; F32x4Mul; Set V14; \
	V128Const $0, $0; Get V13; F32x4Pmin; Get V14; F32x4Pmin; Set V15; \
	PUSHBYTE(ZEROS); \
	PUSHBYTE(Get V13); I32Const $8; I32x4Shl; V128Or; \
	PUSHBYTE(Get V14); I32Const $16; I32x4Shl; V128Or; \
	LOAD(R4, placeLanes_none); V128Or; Set V12

// PAIRS sets v to the table of two coordinates, c0 + 4·c1, out of V12; at is where
// the patterns stand that say so.
#define PAIRS(v, at) \
	Get V12; LOAD(R4, (placeLanes_pairs+at)); I8x16Swizzle; \
	Get V12; LOAD(R4, (placeLanes_pairs+at+16)); I8x16Swizzle; I8x16AddSatU; Set v

// TABLES sets a, b, c, d to the tables of all pairs for a step.
#define TABLES(step, a, b, c, d) \
	step; Tee F0; Get F5; F32Mul; Get F8; Get F9; F32Mul; F32Mul; Set F10; \
	Get F0; Get F6; F32Mul; Set F11; \
	Get F0; Get F7; F32Mul; Set F12; \
	TABLE(V0, V2); PAIRS(a, 0); PAIRS(b, 32); \
	TABLE(V1, V3); PAIRS(c, 0); PAIRS(d, 32)

// SUMS pushes the sums of the block at R14.
#define SUMS(a, b, c, d) \
	Get a; LOAD(R14, 0); I8x16Swizzle; Get b; LOAD(R14, 16); I8x16Swizzle; I8x16AddSatU; \
	Get c; LOAD(R14, 32); I8x16Swizzle; Get d; LOAD(R14, 48); I8x16Swizzle; I8x16AddSatU; \
	I8x16AddSatU

// EACHBLOCK runs body for the blocks of the list at R14; their sums belong at R0,
// which begins at R4.
#define EACHBLOCK(body) \
	Get R9; Set R14; \
	Get R4; Set R0; \
	Loop; \
		body; \
		ADVANCE(R0, 16); \
		ADVANCE(R14, 64); \
		Get R14; Get R10; I64LtU; BrIf $0; \
	End

// SCAN stores the sums of a block for both tries, and keeps the least in V12 and V13.
#define SCAN \
	ADDR(R0); SUMS(V4, V5, V6, V7); Tee V14; V128Store $0, $placeLanes_sums; \
	Get V14; Get V12; I8x16MinU; Set V12; \
	ADDR(R0); SUMS(V8, V9, V10, V11); Tee V14; V128Store $0, $(placeLanes_sums+const_mostSums); \
	Get V14; Get V13; I8x16MinU; Set V13

// LEAST sets r to the least byte of v.
#define LEAST(v, r) \
	FOLD(v, 32); FOLD(v, 16); FOLD(v, 8); \
	Get v; I8x16ExtractLaneU $0, $0; I64ExtendI32U; Tee r; \
	Get v; I8x16ExtractLaneU $0, $8; I64ExtendI32U; Tee R14; \
	Get r; Get R14; I64LtU; Select; Set r
#define FOLD(v, n) Get v; Get v; I32Const $n; I64x2ShrU; I8x16MinU; Set v

// ZERO makes every neighbour a candidate.
#define ZERO \
	ADDR(R0); V128Const $0, $0; V128Store $0, $placeLanes_sums; \
	ADDR(R0); V128Const $0, $0; V128Store $0, $(placeLanes_sums+const_mostSums)

// COUNT adds the candidates among sums up to most, and keeps one of them.
#define COUNT(off, most) \
	LOAD(R0, (placeLanes_sums+off*const_mostSums/8)); Get most; I8x16LeU; I8x16Bitmask; I64ExtendI32U; Tee R15; \
	I32WrapI64; \
	If; \
		PUTNUMBER(off, NUMBER(off); Get R15; I64Popcnt; I64Add); \
		PUTFOUND(off, CANDIDATE); \
	End
#define COUNTBOTH COUNT(0, V14); COUNT(8, V15)
#define NUMBER(off) ADDR(R4); I64Load $(placeLanes_number+off)
#define PUTNUMBER(off, v) ADDR(R4); v; I64Store $(placeLanes_number+off)
#define ONE(off) NUMBER(off); I64Const $1; I64Eq

// CANDIDATE pushes the point of the first candidate of R15.
#define CANDIDATE \
	Get R0; Get R4; I64Sub; Get R15; I64Ctz; I64Add; I64Const $1; I64Shl; \
	Get R11; I64Add; I32WrapI64; I64Load16U $0

// TERMS stores the terms as they are defined: of each coordinate a row of eight.
#define TERMROW(c) \
	FLOAT(R14, (4*c)); Get F0; F32Mul; F32x4Splat; Set V4; \
	ADDR(R4); Get V4; Get V0; F32x4Sub; Tee V5; Get V2; F32x4Mul; Get V5; F32x4Mul; V128Store $0, $(placeLanes_term+32*c); \
	ADDR(R4); Get V4; Get V1; F32x4Sub; Tee V5; Get V3; F32x4Mul; Get V5; F32x4Mul; V128Store $0, $(placeLanes_term+32*c+16)
#define TERMS LEVELS(R14); TERMROW(0); TERMROW(1); TERMROW(2)

// TERM pushes the term of a value for the point in R5, of which shift brings the
// coordinate to bits 5 and 6.
#define TERM(value, n, shift) \
	Get R5; I64Const $n; shift; I64Const $96; I64And; Get R4; I64Add; I32WrapI64; F32Load $(placeLanes_term+4*value)

// COMPARE keeps in F3 the least sum of the candidates of a block, in F13 the next
// above it, and the point.
#define COMPARE(off, most) \
	LOAD(R0, (placeLanes_sums+off*const_mostSums/8)); Get most; I8x16LeU; I8x16Bitmask; I64ExtendI32U; Tee R15; \
	I32WrapI64; \
	If; \
		Loop; \
			CANDIDATE; Set R5; \
			TERM(0, 5, I64Shl); TERM(1, 3, I64Shl); F32Add; TERM(2, 1, I64Shl); F32Add; TERM(3, 1, I64ShrU); F32Add; \
			TERM(4, 3, I64ShrU); F32Add; TERM(5, 5, I64ShrU); F32Add; TERM(6, 7, I64ShrU); F32Add; TERM(7, 9, I64ShrU); F32Add; \
			Tee F4; Get F3; F32Max; Get F13; F32Min; Set F13; \
			Get F4; Get F3; F32Lt; \
			If; \
				Get F4; Set F3; \
				PUTFOUND(off, Get R5); \
			End; \
			Get R15; I64Const $1; I64Sub; Get R15; I64And; Tee R15; I32WrapI64; BrIf $0; \
		End; \
	End

// DECIDE finds the winner among the candidates of a try.
#define DECIDE(off, step, compare) \
	PUTAHEAD(off, I64Const $1); \
	ONE(off); I32Eqz; \
	If; \
		step; Set F0; \
		TERMS; \
		F32Const $0x1.fffffep127; Tee F3; Set F13; \
		PUTFOUND(off, UNKNOWN); \
		EACHBLOCK(compare); \
		PUTAHEAD(off, Get F13; Get F3; Get F2; F32Add; F32Gt; I64ExtendI32U); \
		FOUND(off); UNKNOWN; I64Eq; \
		If; \
			FAILED(off); \
		End; \
	End
#define COMPAREFIRST COMPARE(0, V14)
#define COMPARESECOND COMPARE(8, V15)

// MOST pushes up to where sums are candidates, of which r is the least.
#define MOST(r) Get r; I64Const $10; I64Add; Get F8; F32Const $0x1p-18; F32Mul; I64TruncSatF32S; I64Add

// FINEST is the largest F8, where a winner has to be ahead by 16 more.
#define FINEST F32Const $0x1p22

// CANDIDATES finds the candidates of the tries at R8 and R1, and in V14 and V15 up to
// where they go. Where sums do not fit a byte, or are so small that there is more
// than one, it chooses another unit.
#define CANDIDATES \
	Loop; \
		TABLES(STEP(R8), V4, V5, V6, V7); \
		Get R8; Get R1; I64Eq; \
		If; \
			Get V4; Set V8; Get V5; Set V9; Get V6; Set V10; Get V7; Set V11; \
		Else; \
			TABLES(STEP(R1), V8, V9, V10, V11); \
		End; \
		V128Const $-1, $-1; Tee V12; Set V13; \
		EACHBLOCK(SCAN); \
		LEAST(V12, R5); \
		LEAST(V13, R15); \
		MOST(R5); I32WrapI64; I8x16Splat; Set V14; \
		MOST(R15); I32WrapI64; I8x16Splat; Set V15; \
		Get R5; Get R15; Get R5; Get R15; I64GtU; Select; Set R5; \
		MOST(R5); I64Const $254; I64GtS; \
		If; \
			Get F8; F32Const $0.4; F32Mul; Set F8; \
			Br $1; \
		End; \
		PUTNUMBER(0, I64Const $0); \
		PUTNUMBER(8, I64Const $0); \
		EACHBLOCK(COUNTBOTH); \
		ONE(0); ONE(8); I32And; I32Eqz; Get R5; I64Const $64; I64LtU; I32And; Get F8; FINEST; F32Lt; I32And; \
		If; \
			Get F8; F32Const $200.0; Get R5; I64Const $8; I64Add; F32ConvertI64S; F32Div; F32Mul; FINEST; F32Min; Set F8; \
			Br $1; \
		End; \
	End

// ALL makes all neighbours candidates.
#define ALL \
	EACHBLOCK(ZERO); \
	V128Const $0, $0; Tee V14; Set V15; \
	PUTNUMBER(0, I64Const $0); \
	PUTNUMBER(8, I64Const $0)

#define EVALEIGHT \
	Get F9; F32Const $0.0; F32Eq; \
	If; \
		ALL; \
	Else; \
		CANDIDATES; \
	End; \
	DECIDE(0, STEP(R8), COMPAREFIRST); \
	Get R8; Get R1; I64Eq; \
	If; \
		SECONDTOO; \
	Else; \
		DECIDE(8, STEP(R1), COMPARESECOND); \
	End

// AIM sets R8 and R1 to where the points at R6 and R15 change places.
#define AIM \
	POINT(R6); Set R5; COORDINATES(R5, placeLanes_shifts); Set V8; \
	POINT(R15); Set R0; COORDINATES(R0, placeLanes_shifts); Set V9; \
	CLOSERX(Get V0, Get V2); Set V10; \
	CLOSERL(Get V2); Set V11; \
	Get R5; I64Const $8; I64ShrU; Set R5; COORDINATES(R5, placeLanes_shifts); Set V8; \
	Get R0; I64Const $8; I64ShrU; Set R0; COORDINATES(R0, placeLanes_shifts); Set V9; \
	CLOSERX(Get V1, Get V3); Get V10; F32x4Add; Set V10; \
	CLOSERL(Get V3); Get V11; F32x4Add; Set V11; \
	SUM(V10, F1); \
	SUM(V11, F3); \
	NEXTTO

// func placeEightsAsm(t *GridTrials, grid *Grid, s *placeLanes)
//
// is placeTrialsGeneric for runs of eight. A block of a list is the coordinates of
// 16 neighbours: a byte c0 + 4·c1 of each, then c2 + 4·c3, c4 + 4·c5 and
// c6 + 4·c7.
TEXT ·placeEightsAsm(SB), NOSPLIT, $0-24
	MOVD s+16(FP), R4
	F32Const $40000.0; Set F8
	EACHRUN(32, BEGINEIGHT, EVALEIGHT)
	RET
