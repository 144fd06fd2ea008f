//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "simd_wasm.h"
#include "gq_wasm.h"
#include "gq_split_wasm.h"

// Where the sums of w·x and of w up to a place are from R4, and, of those from a
// place on, X·l2 shifted up and down, then (W·l2)·l2.
#define SUMX splitLanes_sumX
#define SUMW splitLanes_sumW
#define PART(n) (splitLanes_part+160*n)

#define NOCODES ADDR(R14); I64Const $0; I64Store $0
#define CODES32 CODES(0, 0); CODES(16, 4)
#define GREATEST32 LARGER(0); LARGER(32); F32x4Pmax; LARGER(64); F32x4Pmax; LARGER(96); F32x4Pmax

// RANKS32 stores the ranks of 32 values.
#define RANKS32 \
	LOAD(R1, 0); Set V0; LOAD(R1, 16); Set V1; LOAD(R1, 32); Set V2; LOAD(R1, 48); Set V3; \
	LOAD(R1, 64); Set V4; LOAD(R1, 80); Set V5; LOAD(R1, 96); Set V6; LOAD(R1, 112); Set V7; \
	V128Const $0, $0; Tee V8; Tee V9; Tee V10; Tee V11; Tee V12; Tee V13; Tee V14; Set V15; \
	Get R1; Set R5; \
	I64Const $32; Set R15; \
	WHILE(R15); \
		FLOAT(R5, 0); Set F0; \
		RANK(V8, V0); RANK(V9, V1); RANK(V10, V2); RANK(V11, V3); \
		RANK(V12, V4); RANK(V13, V5); RANK(V14, V6); RANK(V15, V7); \
		ADVANCE(R5, 4); \
	NEXT(R15, 1); \
	PUTRANKS(V8, 0); PUTRANKS(V9, 16); PUTRANKS(V10, 32); PUTRANKS(V11, 48); \
	PUTRANKS(V12, 64); PUTRANKS(V13, 80); PUTRANKS(V14, 96); PUTRANKS(V15, 112)

// SUMS32 adds up w·x and w in order of value.
#define SUMS32 \
	I64Const $0; Tee R12; Set R5; \
	Loop; \
		PLACED; \
		ADDR(R15); VALUE; F32Store $(SUMX+4); \
		ADDR(R15); WEIGHT; F32Store $(SUMW+4); \
		ADVANCE(R5, 4); \
		Get R5; I64Const $128; I64LtU; BrIf $0; \
	End; \
	ADDUP(SUMX+4, 32); \
	ADDUP(SUMW+4, 32)

// PARTS32 stores what the values from a place on add. 0x3f900000 is 1.125,
// 0x3f600000 0.875.
#define PARTS32 \
	SPREADFLOAT(R4, (SUMX+128)); Set V0; \
	SPREADFLOAT(R4, (SUMW+128)); Set V1; \
	SPLAT32(0x3f900000); Set V2; \
	SPLAT32(0x3f600000); Set V3; \
	Get R4; Set R5; \
	I64Const $36; Set R15; \
	WHILE(R15); \
		Get V0; LOAD(R5, SUMX); F32x4Sub; Set V4; \
		Get V1; LOAD(R5, SUMW); F32x4Sub; Set V5; \
		ADDR(R5); Get V4; Get V2; F32x4Mul; V128Store $0, $PART(0); \
		ADDR(R5); Get V4; Get V3; F32x4Mul; V128Store $0, $PART(1); \
		ADDR(R5); Get V5; Get V2; F32x4Mul; Get V2; F32x4Mul; V128Store $0, $PART(2); \
		ADDR(R5); Get V5; Get V3; F32x4Mul; Get V3; F32x4Mul; V128Store $0, $PART(3); \
		ADVANCE(R5, 16); \
	NEXT(R15, 4)

// BEGIN32 sets, for the first cut, V0 and V1 to the sums up to it, V2 and V3 to what
// they add to qx shifted up and down, V4 and V5 to q2; V7 is an eighth.
#define BEGIN32 \
	Get R4; Get R6; I64Add; Set R5; \
	FLOAT(R5, SUMX); Tee F1; F32x4Splat; Set V0; \
	FLOAT(R5, SUMW); Tee F2; F32x4Splat; Set V1; \
	Get F1; F32Const $-0.875; F32Mul; F32x4Splat; Set V2; \
	Get F1; F32Const $-1.125; F32Mul; F32x4Splat; Set V3; \
	Get F2; F32Const $-0.875; F32Mul; F32Const $-0.875; F32Mul; F32x4Splat; Set V4; \
	Get F2; F32Const $-1.125; F32Mul; F32Const $-1.125; F32Mul; F32x4Splat; Set V5

// CUT32 sets V10 and V11 to qx shifted up and down, V12 and V13 to q2. The middle
// part adds an eighth of its sum, or takes it away.
#define CUT32 \
	LOAD(R5, SUMX); Get V0; F32x4Sub; Get V7; F32x4Mul; Set V8; \
	LOAD(R5, SUMW); Get V1; F32x4Sub; Get V7; F32x4Mul; Get V7; F32x4Mul; Set V9; \
	Get V2; Get V8; F32x4Add; LOAD(R5, PART(0)); F32x4Add; Set V10; \
	Get V3; Get V8; F32x4Sub; LOAD(R5, PART(1)); F32x4Add; Set V11; \
	Get V4; Get V9; F32x4Add; LOAD(R5, PART(2)); F32x4Add; Set V12; \
	Get V5; Get V9; F32x4Add; LOAD(R5, PART(3)); F32x4Add; Set V13

#define RATIOS32 CUT32; RATIO(Get V10, Get V12); RATIO(Get V11, Get V13)
#define TRIES32 TRY(0); TRY(1)
#define TRY32 \
	CUT32; \
	BETTER(Get V10, Get V12); BETTER(Get V11, Get V13); V128Or; V128AnyTrue; \
	If; \
		PUTTRY(Get V10, Get V12, 0); PUTTRY(Get V11, Get V13, 1); \
		TRYALL(TRIES32); \
	End
#define FIRST32 BEGIN32; EACHCUT(128, TRY32)

#define SEARCH32 \
	RANKS32; \
	SUMS32; \
	PARTS32; \
	SPLAT32(0x3e000000); Set V7; \
	V128Const $0, $0; Set V15; \
	I64Const $28; Set R6; BEGIN32; EACHCUT(128, RATIOS32); \
	I64Const $44; Set R6; BEGIN32; EACHCUT(128, RATIOS32); \
	SEED(FLOAT(R4, (SUMW+128))); \
	EACHFIRST(128, FIRST32)

// func split32Asm(s *Splits, x, w *float32, lanes *splitLanes)
//
// is searchSplitsGeneric for groups of 32. Four second cuts are looked at at once;
// those past the last have weights that are NaN, and are never better.
TEXT ·split32Asm(SB), NOSPLIT, $0-32
	EACHGROUP(8, 128, GREATEST32, SEARCH32, CODES32, 1)
	RET
