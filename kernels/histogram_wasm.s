//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"

// COUNT adds one to the counter at the byte offset in a lane of V3.
#define COUNT(lane) \
	Get V3; I32x4ExtractLane $0, $lane; I64ExtendI32U; Get R0; I64Add; Set R3; \
	ADDR(R3); \
	ADDR(R3); I32Load $0; I32Const $1; I32Add; I32Store $0

// func histogramAsm(counts *uint32, x *float32, n int, lo, w, last float32)
//
// n is a multiple of 4, last is at most 2^22;
// for i := range n { counts[trunc(min(max((x[i]-lo)*w, 0), last))]++ }
//
// V0 is lo, V1 w, V2 last, in all lanes; V3 four byte offsets into counts.
// Adding 2^23 leaves the integer in the low bits.
TEXT ·histogramAsm(SB), NOSPLIT, $0-36
	MOVD counts+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	F32Load lo+24(FP); F32x4Splat; Set V0
	F32Load w+28(FP); F32x4Splat; Set V1
	F32Load last+32(FP); F32x4Splat; Set V2
	WHILE(R2)
		V128Const $0, $0
		LOAD(R1, 0); Get V0; F32x4Sub; Get V1; F32x4Mul
		F32x4Pmax; Get V2; F32x4Pmin        // NaN is 0
		F32x4Trunc
		SPLAT32(0x4b000000); F32x4Add; SPLAT32(0x4b000000); I32x4Sub
		I32Const $2; I32x4Shl; Set V3
		COUNT(0)
		COUNT(1)
		COUNT(2)
		COUNT(3)
		ADVANCE(R1, 16)
	NEXT(R2, 4)
	RET
