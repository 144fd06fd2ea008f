//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"

// COUNT adds one to the counter whose address is the lower half of R3, COUNT2 to those of
// two addresses in half of V3.
#define COUNT ADDR(R3); ADDR(R3); I32Load $0; I32Const $1; I32Add; I32Store $0
#define COUNT2(half) \
	Get V3; I64x2ExtractLane $0, $half; Set R3; COUNT; \
	Get R3; I64Const $32; I64ShrU; Set R3; COUNT

// func histogramAsm(counts *uint32, x *float32, n int, lo, w, last float32)
//
// n is a multiple of 4, last is at most 2^22;
// for i := range n { counts[trunc(min(max((x[i]-lo)*w, 0), last))]++ }
//
// V0 is lo, V1 w, V2 last, in all lanes; V3 the addresses of four counters. Adding 2^23,
// V4, leaves the integer in the low bits; V5 is 2^23 as bits, less a quarter of counts, V6 0.
TEXT ·histogramAsm(SB), NOSPLIT, $0-36
	MOVD counts+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	F32Load lo+24(FP); F32x4Splat; Set V0
	F32Load w+28(FP); F32x4Splat; Set V1
	F32Load last+32(FP); F32x4Splat; Set V2
	SPLAT32(0x4b000000); Set V4
	I64Const $0x4b000000; Get R0; I64Const $2; I64ShrU; I64Sub; I32WrapI64; I32x4Splat; Set V5
	V128Const $0, $0; Set V6
	WHILE(R2)
		Get V6
		LOAD(R1, 0); Get V0; F32x4Sub; Get V1; F32x4Mul
		F32x4Pmax; Get V2; F32x4Pmin        // NaN is 0
		F32x4Trunc; Get V4; F32x4Add; Get V5; I32x4Sub
		I32Const $2; I32x4Shl; Set V3
		COUNT2(0)
		COUNT2(1)
		ADVANCE(R1, 16)
	NEXT(R2, 4)
	RET

// KEEP stores lane of V4 at R0 and moves on where its bit in R4 is set and there is room.
#define KEEP(lane) \
	Get R4; I64Const $(1<<lane); I64And; I64Eqz; I32Eqz; Get R0; Get R5; I64LtU; I32And; \
	If; \
		ADDR(R0); Get V4; F32x4ExtractLane $0, $lane; F32Store $0; \
		ADVANCE(R0, 4); \
	End

// func inBinAsm(dst, x *float32, room, n int, lo, w, last, bin float32) int     n is a multiple of 4
//
// for i := range n { if t := min(max((x[i]-lo)*w, 0), last); bin <= t < bin+1 { append x[i] } }
//
// V0 is lo, V1 w, V2 last, V3 bin, V6 bin + 1; V4 four values, V5 their t. R5 is the end
// of dst.
TEXT ·inBinAsm(SB), NOSPLIT, $0-56
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD room+16(FP), R5
	MOVD n+24(FP), R2
	Get R5; I64Const $2; I64Shl; Get R0; I64Add; Set R5
	F32Load lo+32(FP); F32x4Splat; Set V0
	F32Load w+36(FP); F32x4Splat; Set V1
	F32Load last+40(FP); F32x4Splat; Set V2
	F32Load bin+44(FP); F32x4Splat; Set V3
	F32Load bin+44(FP); F32Const $1.0; F32Add; F32x4Splat; Set V6
	V128Const $0, $0; Set V7
	WHILE(R2)
		Get V7
		LOAD(R1, 0); Tee V4; Get V0; F32x4Sub; Get V1; F32x4Mul
		F32x4Pmax; Get V2; F32x4Pmin; Tee V5        // NaN is 0
		Get V3; F32x4Ge; Get V5; Get V6; F32x4Lt; V128And
		I32x4Bitmask; I64ExtendI32U; Tee R4; I64Eqz; I32Eqz
		If
			KEEP(0); KEEP(1); KEEP(2); KEEP(3)
		End
		ADVANCE(R1, 16)
	NEXT(R2, 4)
	MOVD dst+0(FP), R1
	Get SP; Get R0; Get R1; I64Sub; I64Const $2; I64ShrU; I64Store ret+48(FP)
	RET

// func absAsm(dst, x *float32, n int)     n is a multiple of 4
TEXT ·absAsm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	WHILE(R2)
		ADDR(R0); LOAD(R1, 0); F32x4Abs; V128Store $0, $0
		ADVANCE(R0, 16)
		ADVANCE(R1, 16)
	NEXT(R2, 4)
	RET
