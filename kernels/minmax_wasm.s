//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"

// SCAN is acc = op(acc, x), with x the four values at R0 + off.
#define SCAN(acc, off, op) Get acc; LOAD(R0, off); op; Set acc

// SCANBOTH puts the four values at R0 + off into lo and hi.
#define SCANBOTH(lo, hi, off) \
	LOAD(R0, off); Set V8; \
	Get lo; Get V8; F32x4Pmin; Set lo; \
	Get hi; Get V8; F32x4Pmax; Set hi

// MERGE is a = op(a, b).
#define MERGE(a, b, op) Get a; Get b; op; Set a

// func minMaxAsm(x *float32, n int) (lo, hi float32)     n is a multiple of 16
//
// lo starts at +Inf, hi at −Inf;
// for i := range n { if x[i] < lo { lo = x[i] }; if x[i] > hi { hi = x[i] } }
//
// V0–V3 are the lanes of lo, V4–V7 of hi: value i is in vector i/4 mod 4.
// Pmin(a, b) is b < a ? b : a, so a NaN in b leaves a.
TEXT ·minMaxAsm(SB), NOSPLIT, $0-24
	MOVD x+0(FP), R0
	MOVD n+8(FP), R1
	SPLAT32(0x7f800000); Set V0     // +Inf
	SPLAT32(0xff800000); Set V4     // −Inf
	Get V0; Set V1
	Get V0; Set V2
	Get V0; Set V3
	Get V4; Set V5
	Get V4; Set V6
	Get V4; Set V7
	WHILE(R1)
		SCANBOTH(V0, V4, 0)
		SCANBOTH(V1, V5, 16)
		SCANBOTH(V2, V6, 32)
		SCANBOTH(V3, V7, 48)
		ADVANCE(R0, 64)
	NEXT(R1, 16)
	MERGE(V0, V1, F32x4Pmin); MERGE(V2, V3, F32x4Pmin); MERGE(V0, V2, F32x4Pmin)
	MERGE(V4, V5, F32x4Pmax); MERGE(V6, V7, F32x4Pmax); MERGE(V4, V6, F32x4Pmax)
	SPREAD(V0, F32x4Pmin)
	SPREAD(V4, F32x4Pmax)
	Get SP; Get V0; F32x4ExtractLane $0, $0; F32Store lo+16(FP)
	Get SP; Get V4; F32x4ExtractLane $0, $0; F32Store hi+20(FP)
	RET

// SCANABS is acc = max(acc, |x|), with x the four values at R0 + off.
#define SCANABS(acc, off) Get acc; LOAD(R0, off); F32x4Abs; F32x4Pmax; Set acc

// func absMaxAsm(x *float32, n int) float32     n is a multiple of 16
//
// m := 0; for i := range n { if |x[i]| > m { m = |x[i]| } }; return m
//
// V0–V3 are the lanes of m.
TEXT ·absMaxAsm(SB), NOSPLIT, $0-20
	MOVD x+0(FP), R0
	MOVD n+8(FP), R1
	V128Const $0, $0; Set V0
	V128Const $0, $0; Set V1
	V128Const $0, $0; Set V2
	V128Const $0, $0; Set V3
	WHILE(R1)
		SCANABS(V0, 0)
		SCANABS(V1, 16)
		SCANABS(V2, 32)
		SCANABS(V3, 48)
		ADVANCE(R0, 64)
	NEXT(R1, 16)
	MERGE(V0, V1, F32x4Pmax); MERGE(V2, V3, F32x4Pmax); MERGE(V0, V2, F32x4Pmax)
	SPREAD(V0, F32x4Pmax)
	Get SP; Get V0; F32x4ExtractLane $0, $0; F32Store ret+16(FP)
	RET

// BITS pushes the four values at R0 + off without their signs, as integers.
#define BITS(off) LOAD(R0, off); SPLAT32(0x7fffffff); V128And

// func finiteAsm(x *float32, n int) int     n is a multiple of 16
//
// The number of values before the first block of 16 that holds NaN or infinity;
// n where there is none.
//
// As integers, |x| above 0x7f7fffff is what is not finite.
TEXT ·finiteAsm(SB), NOSPLIT, $0-24
	MOVD x+0(FP), R0
	MOVD n+8(FP), R1
	Get R1; Set R2
	WHILE(R1)
		BITS(0); BITS(16); I32x4MaxS
		BITS(32); BITS(48); I32x4MaxS
		I32x4MaxS
		SPLAT32(0x7f7fffff); I32x4GtS
		V128AnyTrue
		BrIf $1
		ADVANCE(R0, 64)
	NEXT(R1, 16)
	Get SP; Get R2; Get R1; I64Sub; I64Store ret+16(FP)
	RET
