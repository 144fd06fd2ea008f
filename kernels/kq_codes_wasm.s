//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "kq_wasm.h"

// ROUNDED pushes clamp(round((x + m)/s), least, most) − least of the values at
// R1 + off.
#define ROUNDED(off) \
	LOAD(R1, off); Get V1; F32x4Add; Get V0; F32x4Div; Get V2; F32x4Add; TOINT; \
	Get V4; I32x4MinS; Get V3; I32x4MaxS; Get V3; I32x4Sub

// func roundGroupsAsm(q *uint8, x, s, m *float32, n, groups int, least, most int32)
//
// for g := range groups { if s[g] != 0 { for i := range n {
// q[g*n+i] = clamp(nearestInt((x[g*n+i] + m[g]) / s[g]), least, most) − least } } }
//
// n is a multiple of 16. V0 is s, V1 m, V2 magic, V3 and V4 least and most.
TEXT ·roundGroupsAsm(SB), NOSPLIT, $0-56
	MOVD q+0(FP), R0
	MOVD x+8(FP), R1
	MOVD s+16(FP), R2
	MOVD m+24(FP), R3
	MOVD n+32(FP), R4
	MOVD groups+40(FP), R5
	MAGIC; Set V2
	I32Load least+48(FP); I32x4Splat; Set V3
	I32Load most+52(FP); I32x4Splat; Set V4
	WHILE(R5)
		ADDR(R2); F32Load $0; Tee F0; F32x4Splat; Set V0
		ADDR(R3); F32Load $0; F32x4Splat; Set V1
		Get F0; F32Const $0.0; F32Eq
		If
			Get R0; Get R4; I64Add; Set R0
			Get R1; Get R4; I64Const $4; I64Mul; I64Add; Set R1
		Else
			Get R4; Set R6
			WHILE(R6)
				ADDR(R0)
				ROUNDED(0); ROUNDED(16); I16x8NarrowI32x4S
				ROUNDED(32); ROUNDED(48); I16x8NarrowI32x4S
				I8x16NarrowI16x8U; V128Store $0, $0
				ADVANCE(R0, 16)
				ADVANCE(R1, 64)
			NEXT(R6, 16)
		End
		ADVANCE(R2, 4)
		ADVANCE(R3, 4)
	NEXT(R5, 1)
	RET

// func packBitsAsm(dst *byte, q *uint8, chunks, bits, run, shift int)
//
// for c := range chunks { for j := range run { for k := range 8/bits {
// dst[c*run+j] |= q[(c*8/bits+k)*run+j]>>shift & (1<<bits − 1) << k*bits } } }
//
// run is a multiple of 16. V0 is the mask, V1 the bytes; R7 counts the bytes of a
// chunk, R9 is the way up to the code's place.
TEXT ·packBitsAsm(SB), NOSPLIT, $0-48
	MOVD dst+0(FP), R0
	MOVD q+8(FP), R1
	MOVD chunks+16(FP), R2
	MOVD bits+24(FP), R3
	MOVD run+32(FP), R4
	MOVD shift+40(FP), R5
	I32Const $1; Get R3; I32WrapI64; I32Shl; I32Const $1; I32Sub; I8x16Splat; Set V0
	WHILE(R2)
		Get R4; Set R7
		WHILE(R7)
			V128Const $0, $0; Set V1
			Get R1; Set R8
			I64Const $0; Set R9
			Loop
				LOAD(R8, 0); Get R5; I32WrapI64; I16x8ShrU; Get V0; V128And
				Get R9; I32WrapI64; I16x8Shl; Get V1; V128Or; Set V1
				Get R8; Get R4; I64Add; Set R8
				Get R9; Get R3; I64Add; Tee R9; I64Const $8; I64LtU
				BrIf $0
			End
			ADDR(R0); Get V1; V128Store $0, $0
			ADVANCE(R0, 16)
			ADVANCE(R1, 16)
		NEXT(R7, 16)
		Get R8; Get R4; I64Sub; I64Const $16; I64Add; Set R1
	NEXT(R2, 1)
	RET

// func unpackBitsAsm(q *int8, src *byte, chunks, bits, run, shift int)
//
// for c := range chunks { for j := range run { for k := range 8/bits {
// q[i] = q[i]&(1<<shift − 1) | src[c*run+j]>>k*bits & (1<<bits − 1) << shift, i as
// in packBitsAsm } } }
//
// run is a multiple of 16. V0 masks bits, V2 those kept.
TEXT ·unpackBitsAsm(SB), NOSPLIT, $0-48
	MOVD q+0(FP), R0
	MOVD src+8(FP), R1
	MOVD chunks+16(FP), R2
	MOVD bits+24(FP), R3
	MOVD run+32(FP), R4
	MOVD shift+40(FP), R5
	I32Const $1; Get R3; I32WrapI64; I32Shl; I32Const $1; I32Sub; I8x16Splat; Set V0
	I32Const $1; Get R5; I32WrapI64; I32Shl; I32Const $1; I32Sub; I8x16Splat; Set V2
	WHILE(R2)
		Get R4; Set R7
		WHILE(R7)
			LOAD(R1, 0); Set V1
			Get R0; Set R8
			I64Const $0; Set R9
			Loop
				ADDR(R8)
				Get V1; Get R9; I32WrapI64; I16x8ShrU; Get V0; V128And; Get R5; I32WrapI64; I16x8Shl
				LOAD(R8, 0); Get V2; V128And; V128Or; V128Store $0, $0
				Get R8; Get R4; I64Add; Set R8
				Get R9; Get R3; I64Add; Tee R9; I64Const $8; I64LtU
				BrIf $0
			End
			ADVANCE(R0, 16)
			ADVANCE(R1, 16)
		NEXT(R7, 16)
		Get R8; Get R4; I64Sub; I64Const $16; I64Add; Set R0
	NEXT(R2, 1)
	RET

// func weighAsm(w, x, importance *float32, n int, sigma2 float32)     n is a multiple of 4
//
// for i := range n { w[i] = importance[i] * √(sigma2 + x[i]*x[i]) }
TEXT ·weighAsm(SB), NOSPLIT, $0-36
	MOVD w+0(FP), R0
	MOVD x+8(FP), R1
	MOVD importance+16(FP), R2
	MOVD n+24(FP), R3
	F32Load sigma2+32(FP); F32x4Splat; Set V0
	WHILE(R3)
		ADDR(R0)
		LOAD(R2, 0); LOAD(R1, 0); Tee V1; Get V1; F32x4Mul; Get V0; F32x4Add; F32x4Sqrt; F32x4Mul
		V128Store $0, $0
		ADVANCE(R0, 16)
		ADVANCE(R1, 16)
		ADVANCE(R2, 16)
	NEXT(R3, 4)
	RET

// FIRST leaves F0 the first of the sixteen scales at R2 whose magnitude is F1.
#define FIRST \
	Get R2; Set R5; \
	Loop; \
		ADDR(R5); F32Load $0; Tee F0; F32Abs; Get F1; F32Ne; \
		If; \
			ADVANCE(R5, 4); \
			Br $1; \
		End; \
	End

// TOP sets F0 to the first of greatest magnitude, F1, of the sixteen scales at R2: the
// largest or the smallest, if they are not equally far from 0. NaN is passed over, and
// −0 becomes 0.
#define WIDEN(off) \
	LOAD(R2, off); Set V2; \
	Get V0; Get V2; F32x4Pmin; Set V0; \
	Get V1; Get V2; F32x4Pmax; Set V1
#define TOP \
	V128Const $0, $0; Tee V0; Set V1; \
	WIDEN(0); WIDEN(16); WIDEN(32); WIDEN(48); \
	SPREAD(V0, F32x4Pmin); \
	SPREAD(V1, F32x4Pmax); \
	Get V0; F32x4ExtractLane $0, $0; Tee F0; F32Neg; Set F1; \
	Get V1; F32x4ExtractLane $0, $0; Set F2; \
	Get F0; Get F2; Get F1; Get F2; F32Gt; Select; Set F0; \
	Get F1; Get F2; F32Eq; \
	If; \
		FIRST; \
	End; \
	Get F0; F32Const $0.0; F32Add; Tee F0; F32Abs; Set F1

// SETTLED sets c to the codes of the scales at R2 + off, and stores their steps.
#define SETTLED(c, off) \
	LOAD(R2, off); Get V3; F32x4Mul; Get V5; F32x4Add; TOINT; \
	SPLAT32(127); I32x4MinS; SHL(24); I32Const $24; I32x4ShrS; \
	Get V6; I32x4MaxS; Get V7; I32x4MinS; Set c; \
	ADDR(R1); Get c; F32x4ConvertI32x4S; Get V4; F32x4Mul; V128Store $0, $off

// NOSTEP pushes −1 in the lanes in which the step at R1 + off is 0.
#define NOSTEP(off) LOAD(R1, off); V128Const $0, $0; F32x4Eq

// func settleScalesAsm(of *Settled, codes *uint8, steps, scales *float32, blocks int, least float32)
//
// is settleScalesGeneric. F0 is top, F1 its magnitude, V0 and V1 half floats, V3 the
// inverse, V4 what is read back of 1/V3, R7 its half; V6, V7 the least and the
// largest code.
TEXT ·settleScalesAsm(SB), NOSPLIT, $0-44
	MOVD of+0(FP), R8
	MOVD codes+8(FP), R0
	MOVD steps+16(FP), R1
	MOVD scales+24(FP), R2
	MOVD blocks+32(FP), R3
	F32Load least+40(FP); Tee F3; F32x4Splat; I32x4TruncSatF32x4S; Tee V6; V128Not; Set V7
	MAGIC; Set V5
	WHILE(R3)
		TOP
		V128Const $0, $0; Tee V3; Set V4
		I64Const $0; Set R7
		Get F1; F32Const $0.0; F32Gt
		If
			Get F3; Get F0; F32Div; Tee F2; F32x4Splat; Set V3
			F32Const $1.0; Get F2; F32Div; F32x4Splat; Set V0
			FLOATCONST
			FLOATNORMAL
			FLOATRARE
			FLOATSIGN
			Get V2; SHL(16); I32Const $16; I32x4ShrS; Tee V0; I32x4ExtractLane $0, $0
			I64ExtendI32U; I64Const $0xffff; I64And; Set R7
			HALFCONST
			HALFNORMAL
			HALFRARE
			Get V2; Set V4
		End
		SETTLED(V8, 0); SETTLED(V9, 16); SETTLED(V10, 32); SETTLED(V11, 48)
		ADDR(R0)
		Get V8; Get V9; I16x8NarrowI32x4S; Get V10; Get V11; I16x8NarrowI32x4S; I8x16NarrowI16x8S
		V128Store $0, $0
		ADDR(R8); Get F0; F32Store $0
		ADDR(R8)
		NOSTEP(0); NOSTEP(16); I16x8NarrowI32x4S; NOSTEP(32); NOSTEP(48); I16x8NarrowI32x4S
		I8x16NarrowI16x8S; I8x16Bitmask; I32Const $16; I32Shl; Get R7; I32WrapI64; I32Or; I32Store $4
		ADVANCE(R8, 8)
		ADVANCE(R0, 16)
		ADVANCE(R1, 64)
		ADVANCE(R2, 64)
	NEXT(R3, 1)
	RET
