//go:build !purego

#include "go_asm.h"
#include "textflag.h"
#include "simd_wasm.h"
#include "gq_wasm.h"

// func tryScalesAsm(t *GridTrials, high, levels *float32, groups, fours int)
//
// is tryScalesGeneric; levels are fours times four.
TEXT ·tryScalesAsm(SB), NOSPLIT, $0-40
	MOVD t+0(FP), R0
	MOVD high+8(FP), R1
	MOVD levels+16(FP), R2
	MOVD groups+24(FP), R3
	MOVD fours+32(FP), R4
	SPLAT32(0x3f800000); Set V1
	WHILE(R3)
		SPREADFLOAT(R1, 0); Set V0
		Get R0; Set R5
		Get R2; Set R6
		Get R4; Set R7
		WHILE(R7)
			ADDR(R5); LOAD(R6, 0); Get V0; F32x4Div; Tee V2; V128Store $0, $GridTrials_Inverse
			ADDR(R5); Get V1; Get V2; F32x4Div; V128Store $0, $GridTrials_Step
			ADVANCE(R5, 16)
			ADVANCE(R6, 16)
		NEXT(R7, 1)
		ADVANCE(R0, 128)
		ADVANCE(R1, 4)
	NEXT(R3, 1)
	RET

// TAME pushes whether |v|·F0 is below 2^22 in all lanes, where what rounds is
// not what the bits of a large number hold.
#define TAME(v) \
	Get v; F32x4Abs; Get F0; F32x4Splat; F32x4Mul; SPLAT32(0x4a800000); F32x4Lt; I32x4AllTrue

// GREATEST sets F0 to the larger magnitude of the first and the last of the R4
// floats at R3.
#define GREATEST \
	FLOAT(R3, 0); F32Abs; \
	Get R4; I64Const $2; I64Shl; Get R3; I64Add; I64Const $4; I64Sub; I32WrapI64; F32Load $0; F32Abs; \
	F32Max; Set F0

// EACHTRY runs body for the R4 tries: V4 is the inverse, R8 where the packed point
// belongs.
#define EACHTRY(body) \
	Get R3; Set R7; \
	Get R2; Set R8; \
	Get R4; Set R9; \
	WHILE(R9); \
		SPREADFLOAT(R7, 0); Set V4; \
		body; \
		ADVANCE(R7, 4); \
		ADVANCE(R8, 2); \
	NEXT(R9, 1)

// NEXTGROUP moves R3 on to the inverses of the next group after each R5 steps,
// which R6 counts.
#define NEXTGROUP \
	Get R6; I64Const $1; I64Sub; Tee R6; I64Eqz; \
	If; \
		ADVANCE(R3, 128); \
		Get R5; Set R6; \
	End

// EIGHT stores the packed point of eight values. Coordinate c is at least 1 where
// x·inverse > 2, and 2 where x·inverse ≥ 4: ties go to even. Of the two bits of a
// coordinate the low one is the first comparison less the second.
#define EIGHT \
	Get V0; Get V4; F32x4Mul; Tee V5; Get V2; F32x4Gt; \
	Get V1; Get V4; F32x4Mul; Tee V6; Get V2; F32x4Gt; \
	I16x8NarrowI32x4S; Set V7; \
	Get V5; Get V3; F32x4Ge; \
	Get V6; Get V3; F32x4Ge; \
	I16x8NarrowI32x4S; Set V8; \
	ADDR(R8); \
	Get V8; Get V7; Get V8; V128Andnot; SPLAT16(0xff00); V128Bitselect; \
	I8x16Bitmask; I64ExtendI32U; I64Store16 $0

// func roundEightsAsm(t *GridTrials, runs, tries int) (ok bool)
//
// is roundTrialsGeneric for runs of eight, of which runs make a group. ok is
// false, and nothing promised, where a product may be 2^22 or more.
//
// V0, V1 are the values of a run, V2 is 2, V3 is 4.
TEXT ·roundEightsAsm(SB), NOSPLIT, $0-25
	MOVD t+0(FP), R1
	MOVD runs+8(FP), R5
	MOVD tries+16(FP), R4
	Get R1; I64Const $GridTrials_Rounded; I64Add; Set R2
	Get R1; I64Const $GridTrials_Inverse; I64Add; Set R3
	Get R5; Set R6
	SPLAT32(0x40000000); Set V2
	SPLAT32(0x40800000); Set V3
	I64Const $32; Set R10
	WHILE(R10)
		LOAD(R1, 0); Set V0
		LOAD(R1, 16); Set V1
		GREATEST
		TAME(V0); TAME(V1); I32And; I32Eqz
		If
			Get SP; I64Const $0; I64Store8 ok+24(FP)
			RET
		End
		EACHTRY(EIGHT)
		ADVANCE(R1, 32)
		ADVANCE(R2, 80)
		NEXTGROUP
	NEXT(R10, 1)
	Get SP; I64Const $1; I64Store8 ok+24(FP)
	RET

// COORDINATE pushes the integers next to (x·inverse − 1)/2 of the values in v.
#define COORDINATE(v) \
	Get v; Get V4; F32x4Mul; Get V5; F32x4Sub; Get V6; F32x4Mul; Get V7; F32x4Add; Get V7; I32x4Sub

// TWORUNS pushes c0 + 8·c1 and c2 + 8·c3 of the runs in a and in b.
#define TWORUNS(a, b) \
	COORDINATE(a); COORDINATE(b); I16x8NarrowI32x4S; \
	V128Const $0, $0; I16x8MaxS; SPLAT16(7); I16x8MinS; \
	SPLAT32(0x00080001); I32x4DotI16x8S

// FOURRUNS stores the packed points of four runs of four values.
#define FOURRUNS \
	TWORUNS(V0, V1); TWORUNS(V2, V3); I16x8NarrowI32x4S; \
	SPLAT32(0x00400001); I32x4DotI16x8S; Set V8; \
	ADDR(R8); Get V8; I32x4ExtractLane $0, $0; I64ExtendI32U; I64Store16 $0; \
	ADDR(R8); Get V8; I32x4ExtractLane $0, $1; I64ExtendI32U; I64Store16 $80; \
	ADDR(R8); Get V8; I32x4ExtractLane $0, $2; I64ExtendI32U; I64Store16 $160; \
	ADDR(R8); Get V8; I32x4ExtractLane $0, $3; I64ExtendI32U; I64Store16 $240

// func roundFoursAsm(t *GridTrials, fours, tries int) (ok bool)
//
// is roundEightsAsm for runs of four, of which four times fours make a group.
//
// V0 … V3 are the values of four runs, V5 is 1, V6 0.5, V7 magic.
TEXT ·roundFoursAsm(SB), NOSPLIT, $0-25
	MOVD t+0(FP), R1
	MOVD fours+8(FP), R5
	MOVD tries+16(FP), R4
	Get R1; I64Const $GridTrials_Rounded; I64Add; Set R2
	Get R1; I64Const $GridTrials_Inverse; I64Add; Set R3
	Get R5; Set R6
	SPLAT32(0x3f800000); Set V5
	SPLAT32(0x3f000000); Set V6
	SPLAT32(0x4b400000); Set V7
	I64Const $16; Set R10
	WHILE(R10)
		LOAD(R1, 0); Set V0
		LOAD(R1, 16); Set V1
		LOAD(R1, 32); Set V2
		LOAD(R1, 48); Set V3
		GREATEST
		TAME(V0); TAME(V1); I32And; TAME(V2); I32And; TAME(V3); I32And; I32Eqz
		If
			Get SP; I64Const $0; I64Store8 ok+24(FP)
			RET
		End
		EACHTRY(FOURRUNS)
		ADVANCE(R1, 64)
		ADVANCE(R2, 320)
		NEXTGROUP
	NEXT(R10, 1)
	Get SP; I64Const $1; I64Store8 ok+24(FP)
	RET

// BELOW sets V2 to −1 in the lanes of v that are not 0 or more, and pushes the
// magnitudes.
#define BELOW(v) \
	Get v; Get v; F32x4Neg; Get v; V128Const $0, $0; F32x4Ge; Tee V2; V128Bitselect

// LOSS pushes (w·x)·x of the value at off.
#define LOSS(off) FLOAT(R4, off); FLOAT(R0, off); F32Mul; FLOAT(R0, off); F32Mul

// LEAST keeps in F0 the least loss, in R7 the offset of its value.
#define LEAST(off) \
	LOSS(off); Tee F1; Get F0; F32Lt; \
	If; \
		Get F1; Set F0; \
		I64Const $off; Set R7; \
	End

// FLIP changes the sign of the value that matters least, and its bit in R6.
#define FLIP \
	LOSS(0); Set F0; \
	I64Const $0; Set R7; \
	LEAST(4); LEAST(8); LEAST(12); LEAST(16); LEAST(20); LEAST(24); LEAST(28); \
	Get R0; Get R7; I64Add; Set R8; \
	ADDR(R8); FLOAT(R8, 0); F32Neg; F32Store $0; \
	Get R6; I64Const $1; Get R7; I64Const $2; I64ShrU; I64Shl; I64Xor; Set R6

// HIGHEST stores the largest x of eight, which is no minus zero.
#define HIGHEST \
	LOAD(R0, 0); LOAD(R0, 16); F32x4Pmax; Set V0; \
	SPREAD(V0, F32x4Pmax); \
	ADDR(R10); Get V0; F32x4ExtractLane $0, $0; F32Const $0.0; F32Add; F32Store $0

// func takeSignsAsm(x, root, high *float32, signs *uint8, v, w *float32, n int, even bool)
//
// is takeSignsGeneric on n times eight values.
TEXT ·takeSignsAsm(SB), NOSPLIT, $0-57
	MOVD x+0(FP), R0
	MOVD root+8(FP), R1
	MOVD high+16(FP), R10
	MOVD signs+24(FP), R2
	MOVD v+32(FP), R3
	MOVD w+40(FP), R4
	MOVD n+48(FP), R5
	MOVB even+56(FP), R9
	WHILE(R5)
		LOAD(R3, 0); Set V0
		LOAD(R3, 16); Set V1
		ADDR(R0); BELOW(V0); V128Store $0, $0
		Get V2
		ADDR(R0); BELOW(V1); V128Store $0, $16
		Get V2
		I16x8NarrowI32x4S; I16x8Bitmask; I64ExtendI32U; I64Const $255; I64Xor; Set R6
		ADDR(R1); LOAD(R4, 0); F32x4Sqrt; V128Store $0, $0
		ADDR(R1); LOAD(R4, 16); F32x4Sqrt; V128Store $0, $16
		Get R6; I64Popcnt; Get R9; I64And; I64Const $1; I64And; I32WrapI64
		If
			FLIP
		End
		HIGHEST
		ADDR(R2); Get R6; I64Store8 $0
		ADVANCE(R10, 4)
		ADVANCE(R0, 32)
		ADVANCE(R1, 32)
		ADVANCE(R2, 1)
		ADVANCE(R3, 32)
		ADVANCE(R4, 32)
	NEXT(R5, 1)
	RET
