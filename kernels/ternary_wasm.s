//go:build !purego

#include "textflag.h"
#include "simd_wasm.h"
#include "half_wasm.h"
#include "values_wasm.h"
#include "range_wasm.h"

// To trits. V4 is max|x|, F0 d, V6 1/d or 0; V10 … V15 are constants.
#define TRITSCONST \
	SWAPS(V10, V11); \
	SPLAT32(0x7fffffff); Set V12; \
	SPLAT32(0x3f000000); Set V13; \
	SPLAT32(0xbf000000); Set V14; \
	EACHBYTE(1); Set V15

// LARGER is V4 = max(V4, |x|) for the eight values at R4 + off.
#define LARGER(off) \
	LOAD(R4, off); Get V12; V128And; \
	LOAD(R4, (off+16)); Get V12; V128And; F32x4Pmax; Get V4; F32x4Pmax; Set V4

// LARGEST sets F0 to max|x| of the n values at R1 and stores it as a half at R0 + at.
#define LARGEST(n, at) \
	V128Const $0, $0; Set V4; \
	Get R1; Set R4; \
	I64Const $n; Set R5; \
	WHILE(R5); \
		LARGER(0); LARGER(32); LARGER(64); LARGER(96); LARGER(128); LARGER(160); LARGER(192); LARGER(224); \
		ADVANCE(R4, 256); \
	NEXT(R5, 64); \
	SPREADBY(V4, V10, V11, F32x4Pmax); \
	Get V4; F32x4ExtractLane $0, $0; Set F0; \
	INVERSE; \
	STOREHALF(R0, at)

// TRIT pushes −1, 0 or 1 for the four values at r + off, TRITS16 pushes 16 trits.
#define TRIT(r, off) \
	LOAD(r, off); Get V6; F32x4Mul; Tee V5; Get V14; F32x4Le; Get V5; Get V13; F32x4Ge; I32x4Sub
#define TRITS16(r, off) \
	TRIT(r, off); TRIT(r, (off+16)); I16x8NarrowI32x4S; \
	TRIT(r, (off+32)); TRIT(r, (off+48)); I16x8NarrowI32x4S; \
	I8x16NarrowI16x8S; Get V15; I8x16Add

// PAIRS32 stores at R0 + to the trits of the 16 values at R1 + off in pairs of bits, of
// those 32 further on, and so on, four to a byte.
#define PAIRS32(off, to) \
	ADDR(R0); \
	TRITS16(R1, off); \
	TRITS16(R1, (off+128)); SHL(2); V128Or; \
	TRITS16(R1, (off+256)); SHL(4); V128Or; \
	TRITS16(R1, (off+384)); SHL(6); V128Or; \
	V128Store $0, $to

// func quantizeTQ2_0Asm(dst *byte, x *float32, n int)     n is a multiple of 256
//
// is quantizeTQ2_0Generic.
TEXT ·quantizeTQ2_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	TRITSCONST
	WHILE(R2)
		LARGEST(256, 64)
		PAIRS32(0, 0)
		PAIRS32(64, 16)
		PAIRS32(512, 32)
		PAIRS32(576, 48)
		ADVANCE(R0, 66)
		ADVANCE(R1, 1024)
	NEXT(R2, 256)
	RET

// NEIGHBOURS pushes as integers the four trits in each lane of the top, in pairs of
// bits: of v = q₀ + q₁<<8 + q₂<<16 + q₃<<24, v>>6 has q₁ in its place, and so on.
#define NEIGHBOURS \
	Tee V5; Get V5; SHR(6); V128Or; Get V5; SHR(12); V128Or; Get V5; SHR(18); V128Or; Get V3; V128And

// func quantizeQ2_0Asm(dst *byte, x *float32, n int)     n is a multiple of 64
//
// is quantizeQ2_0Generic. V3 is 0xff in each lane.
TEXT ·quantizeQ2_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	TRITSCONST
	SPLAT32(0xff); Set V3
	WHILE(R2)
		LARGEST(64, 0)
		ADDR(R0)
		TRITS16(R1, 0); NEIGHBOURS; TRITS16(R1, 64); NEIGHBOURS; I16x8NarrowI32x4S
		TRITS16(R1, 128); NEIGHBOURS; TRITS16(R1, 192); NEIGHBOURS; I16x8NarrowI32x4S
		I8x16NarrowI16x8U; V128Store $0, $2
		ADVANCE(R0, 18)
		ADVANCE(R1, 256)
	NEXT(R2, 64)
	RET

// TIMES3 pushes three times the bytes of v, THREEOF adds to three times the top the
// trits of 16 values.
#define TIMES3(v) Get v; Get v; I8x16Add; Get v; I8x16Add
#define THREEOF(r, off) Set V7; TIMES3(V7); TRITS16(r, off); I8x16Add

// FRACTION makes of the bytes q on top (256·q + 242)/243, as (8631·q + 8100) >> 13.
#define WIDE(half, half2) \
	Get V7; half; Get V8; half2; Get V9; I32x4Add; SHR(13)
#define FRACTION \
	Set V7; \
	WIDE(I16x8ExtendLowI8x16U, I32x4ExtmulLowI16x8U); WIDE(I16x8ExtendLowI8x16U, I32x4ExtmulHighI16x8U); \
	I16x8NarrowI32x4S; \
	WIDE(I16x8ExtendHighI8x16U, I32x4ExtmulLowI16x8U); WIDE(I16x8ExtendHighI8x16U, I32x4ExtmulHighI16x8U); \
	I16x8NarrowI32x4S; \
	I8x16NarrowI16x8U

// FIVE stores at R0 + to five trits a byte, of the 16 values at R1 + off and those by
// further on.
#define FIVE(off, by, to) \
	ADDR(R0); \
	TRITS16(R1, off); THREEOF(R1, (off+by)); THREEOF(R1, (off+2*by)); THREEOF(R1, (off+3*by)); \
	THREEOF(R1, (off+4*by)); FRACTION; V128Store $0, $to

// func quantizeTQ1_0Asm(dst *byte, x *float32, n int)     n is a multiple of 256
//
// is quantizeTQ1_0Generic. V7 is scratch, V8 and V9 the constants of FRACTION. Of the
// last sixteen values each 32-bit lane has four, one to a byte.
TEXT ·quantizeTQ1_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	TRITSCONST
	SPLAT16(8631); Set V8
	SPLAT32(8100); Set V9
	WHILE(R2)
		LARGEST(256, 52)
		FIVE(0, 128, 0)
		FIVE(64, 128, 16)
		FIVE(640, 64, 32)
		TRITS16(R1, 960); Set V3
		Get V3; I32x4ExtractLane $0, $0; I32Const $3; I32Mul
		Get V3; I32x4ExtractLane $0, $1; I32Add; I32Const $3; I32Mul
		Get V3; I32x4ExtractLane $0, $2; I32Add; I32Const $3; I32Mul
		Get V3; I32x4ExtractLane $0, $3; I32Add; I32Const $3; I32Mul
		I32x4Splat; FRACTION; Set V3
		ADDR(R0); Get V3; I32x4ExtractLane $0, $0; I32Store $48
		ADVANCE(R0, 54)
		ADVANCE(R1, 1024)
	NEXT(R2, 256)
	RET

// SUMUP adds the magnitudes of the four values at R4 + off to sum, in order.
#define SUMUP(off, sum) \
	LOAD(R4, off); Get V12; V128And; Set V4; \
	Get sum; \
	Get V4; F32x4ExtractLane $0, $0; F32Add; \
	Get V4; F32x4ExtractLane $0, $1; F32Add; \
	Get V4; F32x4ExtractLane $0, $2; F32Add; \
	Get V4; F32x4ExtractLane $0, $3; F32Add; Set sum

// SIGNS pushes −1 where the four values at R4 + off are at least 0, BITS16 stores a bit
// for each of 16 at R3.
#define SIGNS(off) LOAD(R4, off); Get V13; F32x4Ge
#define BITS16(off) \
	ADDR(R3); \
	SIGNS(off); SIGNS((off+16)); I16x8NarrowI32x4S; \
	SIGNS((off+32)); SIGNS((off+48)); I16x8NarrowI32x4S; \
	I8x16NarrowI16x8S; I8x16Bitmask; I32Store16 $0; \
	ADVANCE(R3, 2)

// MEAN stores the mean of a sum over 128 values at R0 + at.
#define MEAN(sum, at) Get sum; F32Const $0.0078125; F32Mul; Set F0; STOREHALF(R0, at)

// func quantizeQ1_0Asm(dst *byte, x *float32, n int)     n is a multiple of 512
//
// is quantizeQ1_0Generic. As a sum has to go value by value, those of four blocks, F2 …
// F5, go side by side.
TEXT ·quantizeQ1_0Asm(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R2
	SPLAT32(0x7fffffff); Set V12
	V128Const $0, $0; Set V13
	WHILE(R2)
		F32Const $0.0; Tee F2; Tee F3; Tee F4; Set F5
		Get R1; Set R4
		I64Const $128; Set R5
		WHILE(R5)
			SUMUP(0, F2); SUMUP(512, F3); SUMUP(1024, F4); SUMUP(1536, F5)
			SUMUP(16, F2); SUMUP(528, F3); SUMUP(1040, F4); SUMUP(1552, F5)
			ADVANCE(R4, 32)
		NEXT(R5, 8)
		MEAN(F2, 0)
		MEAN(F3, 18)
		MEAN(F4, 36)
		MEAN(F5, 54)
		Get R1; Set R4
		I64Const $4; Set R5
		WHILE(R5)
			Get R0; I64Const $2; I64Add; Set R3
			BITS16(0); BITS16(64); BITS16(128); BITS16(192); BITS16(256); BITS16(320); BITS16(384); BITS16(448)
			ADVANCE(R0, 18)
			ADVANCE(R4, 512)
		NEXT(R5, 1)
		ADVANCE(R1, 2048)
	NEXT(R2, 512)
	RET
