//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "simd_wasm.h"
#include "gq_wasm.h"
#include "gq_split_wasm.h"

// Where the sums of w·x and of w up to a place are from R4 for a run, and those of w
// times l1² − l2².
#define SUMX(run) (splitLanes_sumX+160*run)
#define SUMW(run) (splitLanes_sumW+160*run)
#define PART(run, shift) (splitLanes_part+320*run+160*shift)

#define NOCODES ADDR(R14); I64Const $0; I64Store32 $0
#define CODES16 CODES(0, 0)
#define GREATEST16 LARGER(0); LARGER(32); F32x4Pmax

// RANKS16 stores the ranks of 16 values.
#define RANKS16 \
	LOAD(R1, 0); Set V0; LOAD(R1, 16); Set V1; LOAD(R1, 32); Set V2; LOAD(R1, 48); Set V3; \
	V128Const $0, $0; Tee V8; Tee V9; Tee V10; Set V11; \
	Get R1; Set R5; \
	I64Const $16; Set R15; \
	WHILE(R15); \
		FLOAT(R5, 0); Set F0; \
		RANK(V8, V0); RANK(V9, V1); RANK(V10, V2); RANK(V11, V3); \
		ADVANCE(R5, 4); \
	NEXT(R15, 1); \
	PUTRANKS(V8, 0); PUTRANKS(V9, 16); PUTRANKS(V10, 32); PUTRANKS(V11, 48)

// RUN adds the values of a run up to end to the sums of its places, nothing to those
// of the other run.
#define RUN(run, other, end) \
	Loop; \
		PLACED; \
		ADDR(R15); VALUE; F32Store $(SUMX(run)+4); \
		ADDR(R15); WEIGHT; F32Store $(SUMW(run)+4); \
		ADDR(R15); F32Const $0.0; F32Store $(SUMX(other)+4); \
		ADDR(R15); F32Const $0.0; F32Store $(SUMW(other)+4); \
		ADVANCE(R5, 4); \
		Get R5; I64Const $end; I64LtU; BrIf $0; \
	End
#define SUMS16 \
	I64Const $0; Tee R12; Set R5; \
	RUN(0, 1, 32); \
	RUN(1, 0, 64); \
	ADDUP(SUMX(0)+4, 16); ADDUP(SUMX(1)+4, 16); \
	ADDUP(SUMW(0)+4, 16); ADDUP(SUMW(1)+4, 16)

// PARTS16 stores W·(l1² − l2²) of each run, shifted up and down: −1.25 and −0.75.
#define PARTS16 \
	SPLAT32(0xbfa00000); Set V2; \
	SPLAT32(0xbf400000); Set V3; \
	Get R4; Set R5; \
	I64Const $20; Set R15; \
	WHILE(R15); \
		ADDR(R5); LOAD(R5, SUMW(0)); Get V2; F32x4Mul; V128Store $0, $PART(0, 0); \
		ADDR(R5); LOAD(R5, SUMW(0)); Get V3; F32x4Mul; V128Store $0, $PART(0, 1); \
		ADDR(R5); LOAD(R5, SUMW(1)); Get V2; F32x4Mul; V128Store $0, $PART(1, 0); \
		ADDR(R5); LOAD(R5, SUMW(1)); Get V3; F32x4Mul; V128Store $0, $PART(1, 1); \
		ADVANCE(R5, 16); \
	NEXT(R15, 4)

// ALL16 sets F5 and F6 to X·l2 of run 0 shifted up and down, F7 and F8 to that of run 1.
#define ALL16 \
	FLOAT(R4, (SUMX(0)+64)); F32Const $1.125; F32Mul; Set F5; \
	FLOAT(R4, (SUMX(0)+64)); F32Const $0.875; F32Mul; Set F6; \
	FLOAT(R4, (SUMX(1)+64)); F32Const $1.125; F32Mul; Set F7; \
	FLOAT(R4, (SUMX(1)+64)); F32Const $0.875; F32Mul; Set F8

// OUTER pushes W(first)·(l0² − l1²) + (W·l2)·l2 of a run.
#define OUTER(run, l2, squares) \
	FLOAT(R5, SUMW(run)); F32Const $squares; F32Mul; \
	FLOAT(R4, (SUMW(run)+64)); F32Const $l2; F32Mul; F32Const $l2; F32Mul; F32Add; F32x4Splat

// BEGIN16 sets, for the first cut, V0 and V1 to the sums of w·x of the runs up to it,
// V2 and V3 to what run 0 adds to q2 shifted up and down, V4 and V5 to what run 1 does.
#define BEGIN16 \
	Get R4; Get R6; I64Add; Set R5; \
	SPREADFLOAT(R5, SUMX(0)); Set V0; \
	SPREADFLOAT(R5, SUMX(1)); Set V1; \
	OUTER(0, 1.125, 0.75); Set V2; OUTER(0, 0.875, 1.25); Set V3; \
	OUTER(1, 1.125, 0.75); Set V4; OUTER(1, 0.875, 1.25); Set V5

// CUT16 sets V7 and V8 to what run 0 adds to qx shifted up and down, V9 and V10 to
// what run 1 does, V11 to V14 in the same way for q2.
#define CUT16 \
	LOAD(R5, SUMX(0)); Get V0; F32x4Add; Set V8; \
	LOAD(R5, SUMX(1)); Get V1; F32x4Add; Set V10; \
	Get F5; F32x4Splat; Get V8; F32x4Sub; Set V7; \
	Get F6; F32x4Splat; Get V8; F32x4Sub; Set V8; \
	Get F7; F32x4Splat; Get V10; F32x4Sub; Set V9; \
	Get F8; F32x4Splat; Get V10; F32x4Sub; Set V10; \
	LOAD(R5, PART(0, 0)); Get V2; F32x4Add; Set V11; \
	LOAD(R5, PART(0, 1)); Get V3; F32x4Add; Set V12; \
	LOAD(R5, PART(1, 0)); Get V4; F32x4Add; Set V13; \
	LOAD(R5, PART(1, 1)); Get V5; F32x4Add; Set V14

// BOTH pushes a sum, shifts runs it through the four ways to shift the two runs.
#define BOTH(a, b) Get a; Get b; F32x4Add
#define RATIOS16 \
	CUT16; \
	RATIO(BOTH(V7, V9), BOTH(V11, V13)); RATIO(BOTH(V7, V10), BOTH(V11, V14)); \
	RATIO(BOTH(V8, V9), BOTH(V12, V13)); RATIO(BOTH(V8, V10), BOTH(V12, V14))
#define TRIES16 TRY(0); TRY(1); TRY(2); TRY(3)
#define TRY16 \
	CUT16; \
	BETTER(BOTH(V7, V9), BOTH(V11, V13)); BETTER(BOTH(V7, V10), BOTH(V11, V14)); V128Or; \
	BETTER(BOTH(V8, V9), BOTH(V12, V13)); V128Or; BETTER(BOTH(V8, V10), BOTH(V12, V14)); V128Or; V128AnyTrue; \
	If; \
		PUTTRY(BOTH(V7, V9), BOTH(V11, V13), 0); PUTTRY(BOTH(V7, V10), BOTH(V11, V14), 1); \
		PUTTRY(BOTH(V8, V9), BOTH(V12, V13), 2); PUTTRY(BOTH(V8, V10), BOTH(V12, V14), 3); \
		TRYALL(TRIES16); \
	End
#define FIRST16 BEGIN16; EACHCUT(64, TRY16)

#define SEARCH16 \
	RANKS16; \
	SUMS16; \
	PARTS16; \
	ALL16; \
	V128Const $0, $0; Set V15; \
	I64Const $12; Set R6; BEGIN16; EACHCUT(64, RATIOS16); \
	I64Const $20; Set R6; BEGIN16; EACHCUT(64, RATIOS16); \
	SEED(FLOAT(R4, (SUMW(0)+64)); FLOAT(R4, (SUMW(1)+64)); F32Add); \
	EACHFIRST(64, FIRST16)

// func split16Asm(s *Splits, x, w *float32, lanes *splitLanes)
//
// is searchSplitsGeneric for groups of 16. Four second cuts are looked at at once;
// those past the last have weights that are NaN, and are never better.
TEXT ·split16Asm(SB), NOSPLIT, $0-32
	EACHGROUP(16, 64, GREATEST16, SEARCH16, CODES16, 3)
	RET
