// Products of half floats with a vector: macros, which come after those of matmul and of
// half. Where a file that includes this one defines RELAXED, products may be fused.

// A tile is four rows of halves at R3 … R6 and x at R1. V12 … V15 are the sums, one a
// row, of four lanes; V5 … V8 eight halves of each row.

// EIGHTHALVES sets V5 … V8 to the next eight halves of the rows.
#define EIGHTHALVES LOAD(R3, 0); Set V5; LOAD(R4, 0); Set V6; LOAD(R5, 0); Set V7; LOAD(R6, 0); Set V8

// ADDHALVES adds to a row's sum its products: those with the four values of x at R1, then
// those with the next four. widen pushes the four halves of row that extend takes as float32.
#ifdef RELAXED
#define ADDHALF(sum, widen, row, extend, off) \
	widen(row, extend); LOAD(R1, off); Get sum; F32x4RelaxedMadd; Set sum
#else
#define ADDHALF(sum, widen, row, extend, off) \
	Get sum; widen(row, extend); LOAD(R1, off); F32x4Mul; F32x4Add; Set sum
#endif
#define ADDHALVES(widen, low, high) \
	ADDHALF(V12, widen, V5, low, 0); ADDHALF(V13, widen, V6, low, 0); \
	ADDHALF(V14, widen, V7, low, 0); ADDHALF(V15, widen, V8, low, 0); \
	ADDHALF(V12, widen, V5, high, 16); ADDHALF(V13, widen, V6, high, 16); \
	ADDHALF(V14, widen, V7, high, 16); ADDHALF(V15, widen, V8, high, 16)

// The ways to widen: NORMAL is right for halves that are normal, ANY for all.
#define NORMAL(row, extend) Get row; extend; Set V0; HALFNORMAL; Get V2
#define ANY(row, extend) Get row; extend; Set V0; HALFNORMAL; HALFRARE; Get V2
#define SHIFTED(row, extend) Get row; extend; SHL(16)

// EXPONENTS pushes, for each half of row, bits of its exponent + 1 that are 0 where the
// exponent is 0 or all ones.
#define EXPONENTS(row) Get row; Get V3; I16x8Add; Get V4; V128And

// HALFTILE begins a tile, HALFEND ends it and R10, its quads, go down by one.
#define HALFTILE \
	MOVD x+8(FP), R1; \
	MOVD cols+32(FP), R7; \
	ROWSAT; \
	CLEAR4(V12, V13, V14, V15)
#define HALFEND \
	FOLDCONST; \
	ADDR(R0); FOLD(F32x4Add, V12, V13, V14, V15); V128Store $0, $0; \
	ADVANCE(R0, 16)

// NEXTHALVES moves on by eight values.
#define NEXTHALVES ADVANCE(R1, 32); ADVANCE(R3, 16); ADVANCE(R4, 16); ADVANCE(R5, 16); ADVANCE(R6, 16)

// HALFROWS is the body of y[r] = Σ halfToFloat(w[r·cols+i])·x[i] for 4·quads rows.
#define HALFROWS \
	MOVD y+0(FP), R0; \
	MOVD w+16(FP), R8; \
	MOVD quads+24(FP), R10; \
	MOVD cols+32(FP), R9; \
	Get R9; I64Const $1; I64Shl; Set R9; \
	SPLAT16(0x0400); Set V3; \
	SPLAT16(0x7800); Set V4; \
	WHILE(R10); \
		HALFTILE; \
		HALFCONST; \
		WHILE(R7); \
			EIGHTHALVES; \
			EXPONENTS(V5); EXPONENTS(V6); I16x8MinU; EXPONENTS(V7); I16x8MinU; EXPONENTS(V8); I16x8MinU; \
			I16x8AllTrue; \
			If; \
				ADDHALVES(NORMAL, I32x4ExtendLowI16x8S, I32x4ExtendHighI16x8S); \
			Else; \
				ADDHALVES(ANY, I32x4ExtendLowI16x8S, I32x4ExtendHighI16x8S); \
			End; \
			NEXTHALVES; \
		NEXT(R7, 8); \
		HALFEND; \
	NEXT(R10, 1)
