// Tiles of products: macros. A tile is the sums of one or two tokens, whose values are
// at R1 and R2, with four rows of w, whose values are at R3 … R6. V0 … V3 are the sums
// of the first token, one a row, V4 … V7 those of the second, each four lanes.

// MULADD is sum += x·w: in two roundings, or as the machine likes where a file that includes
// this one asks for it.
#ifdef RELAXED
#define MULADD(sum, x, w) Get x; Get w; Get sum; F32x4RelaxedMadd; Set sum
#else
#define MULADD(sum, x, w) Get sum; Get x; Get w; F32x4Mul; F32x4Add; Set sum
#endif

// TOKENSTEP adds to four sums the products of V12 and V8 … V11.
#define TOKENSTEP(s0, s1, s2, s3) MULADD(s0, V12, V8); MULADD(s1, V12, V9); MULADD(s2, V12, V10); MULADD(s3, V12, V11)

// FOURROWS sets V8 … V11 to four values of each row; from is a LOAD.
#define FOURROWS(from, off) from(R3, off); Set V8; from(R4, off); Set V9; from(R5, off); Set V10; from(R6, off); Set V11

// STEP1 and STEP2 add to the sums of one or two tokens four products each.
#define STEP1(from, off) FOURROWS(from, off); from(R1, off); Set V12; TOKENSTEP(V0, V1, V2, V3)
#define STEP2(from, off) STEP1(from, off); from(R2, off); Set V12; TOKENSTEP(V4, V5, V6, V7)

// STEPDOT adds to V0 four products of R1 and R3.
#define STEPDOT(from, off) Get V0; from(R1, off); from(R3, off); F32x4Mul; F32x4Add; Set V0
#define ADVANCEDOT(by) ADVANCE(R1, by); ADVANCE(R3, by)

// ROWSAT points R3 … R6 to the four rows from R8 on that are R9 bytes apart, and R8 past them.
#define AFTER(r, next) Get r; Get R9; I64Add; Set next
#define ROWSAT Get R8; Set R3; AFTER(R3, R4); AFTER(R4, R5); AFTER(R5, R6); AFTER(R6, R8)

// ADVANCE1 and ADVANCE2 move the pointers on.
#define ADVANCE1(by) ADVANCE(R1, by); ADVANCE(R3, by); ADVANCE(R4, by); ADVANCE(R5, by); ADVANCE(R6, by)
#define ADVANCE2(by) ADVANCE1(by); ADVANCE(R2, by)

// ROWEND sets R14 to size·(R13 mod each) − 16: the last bytes of a row, fewer than 16, are
// the last of the 16 that begin at R14 from where whole vectors end. V15 brings them to
// the front, and zeros behind them, for LOADEND. As no sum is ever −0, adding 0·0 does not
// change one.
#define ROWEND(each, size) \
	Get R13; I64Const $(each-1); I64And; I64Const $size; I64Mul; I64Const $16; I64Sub; Set R14; \
	V128Const $0x0706050403020100, $0x0f0e0d0c0b0a0908; Get R14; I32WrapI64; I8x16Splat; I8x16Sub; Set V15
#define LOADEND(r, off) Get r; Get R14; I64Add; I32WrapI64; V128Load $off; Get V15; I8x16Swizzle

// WALK adds up all R13 values of the rows, which a step takes by four.
#define WALK(step, advance) \
	Get R13; I64Const $-16; I64And; Set R7; \
	WHILE(R7); \
		step(LOAD, 0); step(LOAD, 16); step(LOAD, 32); step(LOAD, 48); \
		advance(64); \
	NEXT(R7, 16); \
	Get R13; I64Const $12; I64And; Set R7; \
	WHILE(R7); \
		step(LOAD, 0); \
		advance(16); \
	NEXT(R7, 4); \
	Get R13; I64Const $3; I64And; I64Eqz; I32Eqz; \
	If; \
		step(LOADEND, 0); \
	End

// CLEAR4 sets four sums to +0.
#define CLEAR4(s0, s1, s2, s3) V128Const $0, $0; Tee s0; Tee s1; Tee s2; Set s3

// JOIN, by adding, pushes lane 0 + lane 2 and lane 1 + lane 3 of a, then those of b. V8 exchanges
// halves, V10 chooses the lower one.
#define JOIN(add, a, b) \
	Get a; Get b; Get V8; I8x16Swizzle; Get V10; V128Bitselect; \
	Get a; Get V8; I8x16Swizzle; Get b; Get V10; V128Bitselect; \
	add

// FOLD pushes the four sums, each (lane 0 + lane 2) + (lane 1 + lane 3). V9 exchanges
// neighbours, V11 chooses the first of each two.
#define FOLD(add, s0, s1, s2, s3) \
	JOIN(add, s0, s2); Set s0; \
	JOIN(add, s1, s3); Set s1; \
	Get s0; Get s1; Get V9; I8x16Swizzle; Get V11; V128Bitselect; \
	Get s0; Get V9; I8x16Swizzle; Get s1; Get V11; V128Bitselect; \
	add
#define FOLDCONST SWAPS(V8, V9); V128Const $-1, $0; Set V10; V128Const $0xffffffff, $0xffffffff; Set V11

// TILES1 is the body of y[r] = Σ x[i]·w[r·ws+i] for 4·quads rows of w and one token.
#define TILES1 \
	MOVD y+0(FP), R0; \
	MOVD w+16(FP), R8; \
	MOVD ws+24(FP), R9; \
	MOVD quads+32(FP), R10; \
	MOVD cols+40(FP), R13; \
	BYTES(R9); \
	ROWEND(4, 4); \
	WHILE(R10); \
		MOVD x+8(FP), R1; \
		ROWSAT; \
		CLEAR4(V0, V1, V2, V3); \
		WALK(STEP1, ADVANCE1); \
		FOLDCONST; \
		ADDR(R0); FOLD(F32x4Add, V0, V1, V2, V3); V128Store $0, $0; \
		ADVANCE(R0, 16); \
	NEXT(R10, 1)

// TILES2 is that of y[t·ys+r] = Σ x[t·xs+i]·w[r·ws+i] for 4·quads rows of w and two tokens.
#define TILES2 \
	MOVD y+0(FP), R0; \
	MOVD ys+8(FP), R11; \
	MOVD xs+24(FP), R12; \
	MOVD w+32(FP), R8; \
	MOVD ws+40(FP), R9; \
	MOVD quads+48(FP), R10; \
	MOVD cols+56(FP), R13; \
	BYTES(R9); \
	BYTES(R11); \
	BYTES(R12); \
	ROWEND(4, 4); \
	WHILE(R10); \
		MOVD x+16(FP), R1; \
		Get R1; Get R12; I64Add; Set R2; \
		ROWSAT; \
		CLEAR4(V0, V1, V2, V3); \
		CLEAR4(V4, V5, V6, V7); \
		WALK(STEP2, ADVANCE2); \
		FOLDCONST; \
		ADDR(R0); FOLD(F32x4Add, V0, V1, V2, V3); V128Store $0, $0; \
		Get R0; Get R11; I64Add; Set R7; \
		ADDR(R7); FOLD(F32x4Add, V4, V5, V6, V7); V128Store $0, $0; \
		ADVANCE(R0, 16); \
	NEXT(R10, 1)

// BYTES makes a number of float32 in r one of bytes.
#define BYTES(r) Get r; I64Const $2; I64Shl; Set r

// WALKBYTES adds up all R13 bytes of the rows.
#define WALKBYTES(step, advance) \
	Get R13; I64Const $-16; I64And; Set R7; \
	WHILE(R7); \
		step(LOAD, 0); \
		advance(16); \
	NEXT(R7, 16); \
	Get R13; I64Const $15; I64And; I64Eqz; I32Eqz; \
	If; \
		step(LOADEND, 0); \
	End

// BYTETILES1 is the body of y[r] = Σ x[i]·w[r·cols+i] in int8 for 4·quads rows of w and one
// token, of which a step takes 16 values.
#define BYTETILES1(step) \
	MOVD y+0(FP), R0; \
	MOVD w+16(FP), R8; \
	MOVD quads+24(FP), R10; \
	MOVD cols+32(FP), R13; \
	Get R13; Set R9; \
	ROWEND(16, 1); \
	WHILE(R10); \
		MOVD x+8(FP), R1; \
		ROWSAT; \
		CLEAR4(V0, V1, V2, V3); \
		WALKBYTES(step, ADVANCE1); \
		FOLDCONST; \
		ADDR(R0); FOLD(I32x4Add, V0, V1, V2, V3); V128Store $0, $0; \
		ADVANCE(R0, 16); \
	NEXT(R10, 1)

// BYTETILES2 is that of y[t·ys+r] = Σ x[t·cols+i]·w[r·cols+i] for two tokens.
#define BYTETILES2(step) \
	MOVD y+0(FP), R0; \
	MOVD ys+8(FP), R11; \
	MOVD w+24(FP), R8; \
	MOVD quads+32(FP), R10; \
	MOVD cols+40(FP), R13; \
	Get R13; Set R9; \
	Get R11; I64Const $2; I64Shl; Set R11; \
	ROWEND(16, 1); \
	WHILE(R10); \
		MOVD x+16(FP), R1; \
		Get R1; Get R13; I64Add; Set R2; \
		ROWSAT; \
		CLEAR4(V0, V1, V2, V3); \
		CLEAR4(V4, V5, V6, V7); \
		WALKBYTES(step, ADVANCE2); \
		FOLDCONST; \
		ADDR(R0); FOLD(I32x4Add, V0, V1, V2, V3); V128Store $0, $0; \
		Get R0; Get R11; I64Add; Set R7; \
		ADDR(R7); FOLD(I32x4Add, V4, V5, V6, V7); V128Store $0, $0; \
		ADVANCE(R0, 16); \
	NEXT(R10, 1)
