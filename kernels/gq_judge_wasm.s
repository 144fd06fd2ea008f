//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "simd_wasm.h"
#include "gq_wasm.h"

#define END ADDR(R4); I64Load $judgeLanes_end

// ROWDIFFER adds to V0 … V3 where the row of points at R2 changes.
#define ROWDIFFER \
	DIFFER(R2, 0); Get V0; V128Or; Set V0; \
	DIFFER(R2, 16); Get V1; V128Or; Set V1; \
	DIFFER(R2, 32); Get V2; V128Or; Set V2; \
	DIFFER(R2, 48); Get V3; V128Or; Set V3

// EACHROW runs body for the rows of points of a group, the first of which is R3.
#define EACHROW(body) \
	Get R3; Set R2; \
	ADDR(R4); I64Load $judgeLanes_runs; Set R14; \
	WHILE(R14); \
		body; \
		ADVANCE(R2, 80); \
	NEXT(R14, 1)

// POINTOF pushes the point of try r in the row at R2.
#define POINTOF(r) Get r; I64Const $1; I64Shl; Get R2; I64Add; I32WrapI64; I32Load16U $0

// FOURPOINTS sets V4 to the points of the four tries, twice over.
#define FOURPOINTS \
	POINTOF(R5); I32x4Splat; POINTOF(R6); I32x4ReplaceLane $0, $1; \
	POINTOF(R7); I32x4ReplaceLane $0, $2; POINTOF(R8); I32x4ReplaceLane $0, $3; \
	I32Const $1; I32x4Shl; Set V4

// ADD adds to V8 and V9 (w·x)·q and (w·q)·q of the value at R10 + off, and brings down
// the next coordinate. V5 keeps the bits of 2·c, V6 is 1.
#define ADD(off, width) \
	Get V4; Get V5; V128And; Get V6; V128Or; F32x4ConvertI32x4S; Set V7; \
	FLOAT(R10, (GridTrials_W+off)); Tee F0; F32x4Splat; Get V7; F32x4Mul; Get V7; F32x4Mul; Get V9; F32x4Add; Set V9; \
	Get F0; FLOAT(R10, (GridTrials_X+off)); F32Mul; F32x4Splat; Get V7; F32x4Mul; Get V8; F32x4Add; Set V8; \
	Get V4; I32Const $width; I32x4ShrU; Set V4

#define ADDEIGHT \
	FOURPOINTS; \
	ADD(0, 2); ADD(4, 2); ADD(8, 2); ADD(12, 2); ADD(16, 2); ADD(20, 2); ADD(24, 2); ADD(28, 2); \
	ADVANCE(R10, 32)
#define ADDFOUR \
	FOURPOINTS; \
	ADD(0, 3); ADD(4, 3); ADD(8, 3); ADD(12, 3); \
	ADVANCE(R10, 16)

// BETTER pushes whether qx² > best·q2.
#define BETTER Get F1; Get F1; F32Mul; Get F3; Get F2; F32Mul; F32Gt

// JUDGE takes the try in a lane of V8 and V9 if it is better, and the last of those
// that are the same, before next, if by rounding it is better than itself.
#define JUDGE(lane, r, next) \
	Get V8; F32x4ExtractLane $0, $lane; Set F1; \
	Get V9; F32x4ExtractLane $0, $lane; Set F2; \
	Get F2; F32Const $0.0; F32Gt; BETTER; I32And; \
	Get r; END; I64Ctz; I64LtU; I32And; \
	If; \
		Get F1; Get F2; F32Div; Tee F4; Get F1; F32Mul; Set F3; \
		ADDR(R1); Get F4; F32Store $GridTrials_Scale; \
		ADDR(R1); Get r; I64Store32 $GridTrials_Kept; \
		BETTER; \
		If; \
			ADDR(R1); Get next; I64Const $1; I64Sub; I64Store32 $GridTrials_Kept; \
		End; \
	End

// JUDGEGROUPS is judgeTrialsGeneric; add adds a row. Tries whose points are those of
// the try before have its sums: four that do not, R5 … R8, are summed at a time, each
// in a lane. R0 is t, R1 t + 4·group, R3 the first row of the group, R9 the values,
// R11 the changes that are left, R12 the first of them, R13 the groups.
#define JUDGEGROUPS(add) \
	MOVD t+0(FP), R0; \
	MOVD s+8(FP), R4; \
	Get R0; Set R1; \
	Get R0; Set R9; \
	Get R0; I64Const $GridTrials_Points; I64Add; Set R3; \
	ADDR(R4); I32Load $judgeLanes_mask; I32x4Splat; Set V5; \
	SPLAT32(1); Set V6; \
	ADDR(R4); I64Load $judgeLanes_groups; Set R13; \
	WHILE(R13); \
		V128Const $0, $0; Tee V0; Tee V1; Tee V2; Set V3; \
		EACHROW(ROWDIFFER); \
		CHANGES(R11, Get V0, Get V1, Get V2, Get V3); \
		F32Const $0.0; Set F3; \
		ADDR(R1); I64Const $-1; I64Store32 $GridTrials_Kept; \
		TAKE(R11, R5); \
		Loop; \
			TAKE(R11, R6); TAKE(R11, R7); TAKE(R11, R8); TAKE(R11, R12); \
			V128Const $0, $0; Tee V8; Set V9; \
			Get R9; Set R10; \
			EACHROW(add); \
			Get R5; I64Eqz; \
			If; \
				ADDR(R1); Get V8; F32x4ExtractLane $0, $0; F32Store $GridTrials_QX; \
				ADDR(R1); Get V9; F32x4ExtractLane $0, $0; F32Store $GridTrials_Q2; \
			End; \
			JUDGE(0, R5, R6); JUDGE(1, R6, R7); JUDGE(2, R7, R8); JUDGE(3, R8, R12); \
			Get R12; Tee R5; END; I64Ctz; I64LtU; BrIf $0; \
		End; \
		Get R10; Set R9; \
		Get R2; Set R3; \
		ADVANCE(R1, 4); \
	NEXT(R13, 1)

// func judgeEightsAsm(t *GridTrials, s *judgeLanes)
TEXT ·judgeEightsAsm(SB), NOSPLIT, $0-16
	JUDGEGROUPS(ADDEIGHT)
	RET

// func judgeFoursAsm(t *GridTrials, s *judgeLanes)
TEXT ·judgeFoursAsm(SB), NOSPLIT, $0-16
	JUDGEGROUPS(ADDFOUR)
	RET

// FOURLEVELS pushes the levels of the four coordinates in the low bits of R5: bytes of
// V2 choose one, four to a coordinate.
#define FOURLEVELS \
	Get V4; \
	Get R5; I32WrapI64; I32x4Splat; Get V0; I32x4Mul; I32Const $9; I32x4ShrU; Get V1; V128And; Get V2; I32x4Mul; Get V3; I32x4Add; \
	I8x16Swizzle; Get V5; F32x4Mul

// ADDLANE adds a lane of V7 to F0, and of V8 to F1.
#define ADDLANE(lane) \
	Get F0; Get V7; F32x4ExtractLane $0, $lane; F32Add; Set F0; \
	Get F1; Get V8; F32x4ExtractLane $0, $lane; F32Add; Set F1

// ADDSUMS adds w·q·x and w·q·q of four values at R1 + off.
#define ADDSUMS(off) \
	FOURLEVELS; Set V6; \
	LOAD(R1, (GridTrials_Root+off)); Get V6; F32x4Mul; Tee V8; LOAD(R1, off); F32x4Mul; Set V7; \
	Get V8; Get V6; F32x4Mul; Set V8; \
	ADDLANE(0); ADDLANE(1); ADDLANE(2); ADDLANE(3)

// func sumTrialsAsm(qx, q2 *float32, t *GridTrials, times *float32, groups, runs int, on bool)
//
// is sumTrialsGeneric; runs make a group.
//
// V0 brings each coordinate to bit 9, V1 is 3; V4 are the levels of the run, V5 the
// times of the group.
TEXT ·sumTrialsAsm(SB), NOSPLIT, $0-49
	MOVD qx+0(FP), R6
	MOVD q2+8(FP), R7
	MOVD t+16(FP), R0
	MOVD times+24(FP), R8
	MOVD groups+32(FP), R9
	MOVD runs+40(FP), R10
	MOVB on+48(FP), R11
	V128Const $0x0000008000000200, $0x0000000800000020; Set V0
	SPLAT32(3); Set V1
	SPLAT32(0x04040404); Set V2
	SPLAT32(0x03020100); Set V3
	Get R0; Set R1                                  // values
	Get R0; I64Const $GridTrials_Points; I64Add; Set R2
	Get R0; I64Const $GridTrials_Shift; I64Add; Set R3
	F32Const $0.0; Tee F0; Set F1
	WHILE(R9)
		SPREADFLOAT(R8, 0); Set V5
		Get R11; I64Const $1; I64And; I64Eqz
		If
			F32Const $0.0; Tee F0; Set F1
		End
		Get R10; Set R12
		WHILE(R12)
			ADDR(R3); I64Load8U $0; I64Const $1; I64And; I64Const $12; I64Mul; Get R0; I64Add; Set R5
			LOAD(R5, GridTrials_Levels); Set V4
			ADDR(R2); I64Load16U $0; Set R5
			ADDSUMS(0)
			Get R5; I64Const $8; I64ShrU; Set R5
			ADDSUMS(16)
			ADVANCE(R1, 32)
			ADVANCE(R2, 80)
			ADVANCE(R3, 1)
		NEXT(R12, 1)
		ADDR(R6); Get F0; F32Store $0
		ADDR(R7); Get F1; F32Store $0
		ADVANCE(R6, 4)
		ADVANCE(R7, 4)
		ADVANCE(R8, 4)
	NEXT(R9, 1)
	RET
