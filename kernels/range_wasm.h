// The extremes of a block of 32 values, and its codes: macros of the quantizers of
// Q4_0 … Q5_1. V10 … V15 are constants; LEVELSCONST sets them.

// RANGE widens V3 … V4 by the four values at R1 + off.
#define RANGE(off) \
	LOAD(R1, off); Set V5; \
	Get V3; Get V5; F32x4Pmin; Set V3; \
	Get V4; Get V5; F32x4Pmax; Set V4

// RANGE2 widens them by the eight at R1 + off: by what two vectors have in common, so that
// half as many steps wait for each other.
#define RANGE2(off) \
	LOAD(R1, off); Set V5; \
	LOAD(R1, (off+16)); Set V6; \
	Get V3; Get V5; Get V6; F32x4Pmin; F32x4Pmin; Set V3; \
	Get V4; Get V5; Get V6; F32x4Pmax; F32x4Pmax; Set V4

// FIRST sets V3 to the first of the values at R1 whose magnitude is V4's.
#define FIRST \
	Get R1; Set R3; \
	Get V4; F32x4ExtractLane $0, $0; Set F0; \
	Loop; \
		ADDR(R3); F32Load $0; Tee F1; F32Abs; Get F0; F32Ne; \
		If; \
			ADVANCE(R3, 4); \
			Br $1; \
		End; \
	End; \
	Get F1; F32x4Splat; Set V3

// EXTREMES sets V3 and V4 to the least and the greatest value of the block at R1,
// in all lanes.
#define EXTREMES \
	LOAD(R1, 0); Tee V3; Set V4; \
	RANGE2(0); RANGE2(32); RANGE2(64); RANGE2(96); \
	SPREADBY(V3, V10, V11, F32x4Pmin); \
	SPREADBY(V4, V10, V11, F32x4Pmax)

// FIRSTLARGEST makes V3 of EXTREMES the first value of the largest magnitude, +0
// for zeros. Where −smallest is the largest the first of the two is looked for.
#define FIRSTLARGEST \
	Get V3; F32x4ExtractLane $0, $0; F32Neg; Get V4; F32x4ExtractLane $0, $0; F32Eq; \
	If; \
		FIRST; \
	Else; \
		Get V4; Get V3; \
		Get V4; Get V3; F32x4Neg; F32x4Gt; V128Bitselect; Set V3; \
	End; \
	Get V3; F32x4ExtractLane $0, $0; F32Const $0.0; F32Add

// INVERSE sets V6 to 1/F0 in all lanes, 0 where that is infinite; F1 says which.
#define INVERSE \
	F32Const $1.0; Get F0; F32Div; Set F1; \
	Get F1; F32Abs; F32Const $0x1.fffffep+127; F32Gt; \
	If; \
		F32Const $0.0; F32x4Splat; Set V6; \
	Else; \
		Get F1; F32x4Splat; Set V6; \
	End

// HALFWAY sets V7 to half in all lanes: what x/d is added to before it is cut. Where
// 1/d is infinite, and d not 0, it is 0: all codes are.
#define HALFWAY(half) \
	Get F1; F32Abs; F32Const $0x1.fffffep+127; F32Gt; Get F0; F32Const $0.0; F32Ne; I32And; \
	If; \
		F32Const $0.0; F32x4Splat; Set V7; \
	Else; \
		F32Const $half; F32x4Splat; Set V7; \
	End

// LEVELSCONST sets the constants: 2^23, its mask, the largest code.
#define LEVELSCONST(top) \
	SWAPS(V10, V11); \
	SPLAT32(0x4b000000); Set V12; \
	SPLAT32(0xff); Set V13; \
	EACHBYTE(top); Set V14

// LEVELS pushes 16 codes, bytes, of the values from R1 + off on: trunc(of), no
// more than the largest. Adding 2^23 leaves the integer in the low bits.
#define LEVEL(off, of) \
	LOAD(R1, off); of; F32x4Trunc; Get V12; F32x4Add; Get V13; V128And
#define LEVELS(off, of) \
	LEVEL(off, of); LEVEL((off+16), of); I16x8NarrowI32x4S; \
	LEVEL((off+32), of); LEVEL((off+48), of); I16x8NarrowI32x4S; \
	I8x16NarrowI16x8U; Get V14; I8x16MinU

// FROMLOW is (x − V3)·V6 + V7, FROMZERO x·V6 + V7.
#define FROMLOW Get V3; F32x4Sub; Get V6; F32x4Mul; Get V7; F32x4Add
#define FROMZERO Get V6; F32x4Mul; Get V7; F32x4Add
