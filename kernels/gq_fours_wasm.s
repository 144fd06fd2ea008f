//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "simd_wasm.h"
#include "gq_wasm.h"
#include "gq_place_wasm.h"

// BEGINFOUR spreads the values over V0 … V3, the roots over V4 … V7, and sets F2 to
// what a winner is to be ahead by.
#define BEGINFOUR \
	MOVD t+0(FP), R0; \
	Get R0; Get R13; I64Const $4; I64Shl; I64Add; Set R1; \
	FLOAT(R3, 0); F32Const $15.0; F32Mul; Set F0; \
	BOUND(LOAD(R1, 0), LOAD(R1, ROOT)); Set V0; \
	SUM(V0, F1); \
	BOUNDED(F1); \
	If; \
		Get F1; F32Const $0x1p-18; F32Mul; Set F2; \
	Else; \
		I32Const $0x7f800000; F32ReinterpretI32; Set F2; \
	End; \
	SPREADFLOAT(R1, 0); Set V0; SPREADFLOAT(R1, ROOT); Set V4; \
	SPREADFLOAT(R1, 4); Set V1; SPREADFLOAT(R1, (ROOT+4)); Set V5; \
	SPREADFLOAT(R1, 8); Set V2; SPREADFLOAT(R1, (ROOT+8)); Set V6; \
	SPREADFLOAT(R1, 12); Set V3; SPREADFLOAT(R1, (ROOT+12)); Set V7

// TERM pushes (root·d)·d of four neighbours, d = step·level − x.
#define TERM(off, step, x, root) \
	LOAD(R14, off); Get step; F32x4Splat; F32x4Mul; Get x; F32x4Sub; Tee V8; Get root; F32x4Mul; Get V8; F32x4Mul

// WEIGHFOUR adds a block to what is known of a step: least is the least sum in each
// lane, next the next above it, block the one that least is of. What fills up a
// list is NaN and never less.
#define WEIGHFOUR(step, least, next, block) \
	TERM(0, step, V0, V4); TERM(16, step, V1, V5); F32x4Add; \
	TERM(32, step, V2, V6); F32x4Add; TERM(48, step, V3, V7); F32x4Add; Set V9; \
	Get R0; I32WrapI64; I32x4Splat; Get block; Get V9; Get least; F32x4Lt; V128Bitselect; Set block; \
	Get next; Get V9; Get least; F32x4Pmax; F32x4Pmin; Set next; \
	Get least; Get V9; F32x4Pmin; Set least

// CHOOSEFOUR finds the neighbour with the least sum, and whether all others are more
// than F2 above it. Mostly one lane alone has a sum that is not.
#define CHOOSEFOUR(off, least, next, block) \
	Get least; Set V8; \
	SPREAD(V8, F32x4Pmin); \
	Get V8; Get F2; F32x4Splat; F32x4Add; Set V9; \
	PUTAHEAD(off, Get next; Get V9; F32x4Le; V128AnyTrue; I32Eqz; I64ExtendI32U); \
	Get least; Get V9; F32x4Le; I32x4Bitmask; I64ExtendI32U; Tee R15; \
	I64Popcnt; I64Const $1; I64Eq; \
	If; \
		ADDR(R4); Get block; V128Store $0, $placeLanes_block; \
		Get R15; I64Ctz; Set R15; \
		Get R15; I64Const $2; I64Shl; Get R4; I64Add; I32WrapI64; I64Load32S $placeLanes_block; \
		I64Const $2; I64Shl; Get R15; I64Or; Set R15; \
	Else; \
		FIRSTLEAST(least, block); \
		PUTAHEAD(off, I64Const $0); \
	End; \
	Get R15; I64Const $0; I64LtS; \
	If; \
		FAILED(off); \
	Else; \
		PUTFOUND(off, Get R15; I64Const $1; I64Shl; Get R11; I64Add; I32WrapI64; I64Load16U $0); \
	End

// FIRSTLEAST sets R15 to the first neighbour whose sum is the least, V8.
#define FIRSTLEAST(least, block) \
	Get block; I32Const $2; I32x4Shl; V128Const $0x0000000100000000, $0x0000000300000002; V128Or; \
	SPLAT32(0x7fffffff); \
	Get least; Get V8; F32x4Eq; V128Bitselect; Set V9; \
	SPREAD(V9, I32x4MinS); \
	Get V9; I32x4ExtractLane $0, $0; I64ExtendI32S; Set R15

// AIM sets R8 and R1 to where the points at R6 and R15 change places.
#define AIM \
	POINT(R6); Set R5; COORDINATES(R5, placeLanes_shifts); Set V8; \
	POINT(R15); Set R5; COORDINATES(R5, placeLanes_shifts); Set V9; \
	MOVD t+0(FP), R5; \
	Get R5; Get R13; I64Const $4; I64Shl; I64Add; Set R5; \
	CLOSERX(LOAD(R5, 0), LOAD(R5, ROOT)); Set V10; \
	SUM(V10, F1); \
	CLOSERL(LOAD(R5, ROOT)); Set V10; \
	SUM(V10, F3); \
	NEXTTO

// EACHFOUR runs body for the blocks of the list at R14, which R0 counts.
#define EACHFOUR(body) \
	Get R9; Set R14; \
	I64Const $0; Set R0; \
	Loop; \
		body; \
		ADVANCE(R0, 1); \
		ADVANCE(R14, 64); \
		Get R14; Get R10; I64LtU; BrIf $0; \
	End
#define WEIGHONE WEIGHFOUR(F0, V10, V11, V12)
#define WEIGHBOTH WEIGHONE; WEIGHFOUR(F1, V13, V14, V15)

// EVALFOUR takes four neighbours at a time for both tries.
#define EVALFOUR \
	STEP(R8); Set F0; \
	STEP(R1); Set F1; \
	SPLAT32(0x7f7fffff); Tee V10; Tee V11; Tee V13; Set V14; \
	SPLAT32(0xffffffff); Tee V12; Set V15; \
	Get R8; Get R1; I64Eq; \
	If; \
		EACHFOUR(WEIGHONE); \
		CHOOSEFOUR(0, V10, V11, V12); \
		SECONDTOO; \
	Else; \
		EACHFOUR(WEIGHBOTH); \
		CHOOSEFOUR(0, V10, V11, V12); \
		CHOOSEFOUR(8, V13, V14, V15); \
	End

// func placeFoursAsm(t *GridTrials, grid *Grid, s *placeLanes)
//
// is placeTrialsGeneric for runs of four. A block of a list is the levels of four
// neighbours, first those of coordinate 0.
TEXT ·placeFoursAsm(SB), NOSPLIT, $0-24
	MOVD s+16(FP), R4
	EACHRUN(8, BEGINFOUR, EVALFOUR)
	RET
