// Four groups in lockstep: macros shared by the searches of the K-quants.
//
// Value i of groups 0 … 3 stands in lanes 0 … 3 of a vector, so that each lane
// walks its own group in the order of the portable twin. R0 is the scratch: 32
// vectors of x, then at 512 as many of weights, at 1024 as many more.

// MAGIC is 1.5·2^23: adding it rounds to an integer, ties to even.
#define MAGIC SPLAT32(0x4b400000)

// TOINT is nearestInt without the addition: it turns the float on top into the
// integer of its low bits.
#define TOINT MASK(0x007fffff); SPLAT32(0x00400000); I32x4Sub

// GATHER stores at R9 + to the values at at of the groups at R5 … R8.
#define GATHER(at, to) \
	ADDR(R9); \
	ADDR(R5); F32Load $at; F32x4Splat; \
	ADDR(R6); F32Load $at; F32x4ReplaceLane $0, $1; \
	ADDR(R7); F32Load $at; F32x4ReplaceLane $0, $2; \
	ADDR(R8); F32Load $at; F32x4ReplaceLane $0, $3; \
	V128Store $0, $to

// INTERLEAVE copies four groups of n values from src on to the vectors at dst.
#define INTERLEAVE(dst, src, n) \
	Get src; Set R5; \
	Get n; I64Const $4; I64Mul; Set R10; \
	Get R5; Get R10; I64Add; Tee R6; Get R10; I64Add; Tee R7; Get R10; I64Add; Set R8; \
	Get dst; Set R9; \
	Get n; Set R10; \
	WHILE(R10); \
		GATHER(0, 0); GATHER(4, 16); GATHER(8, 32); GATHER(12, 48); \
		ADVANCE(R5, 16); ADVANCE(R6, 16); ADVANCE(R7, 16); ADVANCE(R8, 16); \
		ADVANCE(R9, 64); \
	NEXT(R10, 4)

// SCATTER stores the 16 codes on top, four values of each group, at q, q + n …
// and moves q on. It uses V10, R5.
#define SCATTER(q, n) \
	V128Const $0x0d0905010c080400, $0x0f0b07030e0a0602; I8x16Swizzle; Set V10; \
	ADDR(q); Get V10; I32x4ExtractLane $0, $0; I32Store $0; \
	Get q; Get n; I64Add; Tee R5; I32WrapI64; Get V10; I32x4ExtractLane $0, $1; I32Store $0; \
	Get R5; Get n; I64Add; Tee R5; I32WrapI64; Get V10; I32x4ExtractLane $0, $2; I32Store $0; \
	Get R5; Get n; I64Add; I32WrapI64; Get V10; I32x4ExtractLane $0, $3; I32Store $0; \
	ADVANCE(q, 4)

// CHOOSE pushes a in the lanes of mask, else b.
#define CHOOSE(a, b, mask) Get a; Get b; Get mask; V128Bitselect

// NEXTFOUR moves on to the next four groups of R4 values: x at R1, weights at R2,
// codes at R3, of which SCATTER has passed a group, and scales at R14.
#define NEXTFOUR \
	Get R4; I64Const $16; I64Mul; Set R10; \
	Get R1; Get R10; I64Add; Set R1; \
	Get R2; Get R10; I64Add; Set R2; \
	Get R3; Get R4; I64Const $3; I64Mul; I64Add; Set R3; \
	ADVANCE(R14, 16)
