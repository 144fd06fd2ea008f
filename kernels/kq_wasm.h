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

// GATHERED pushes the values at at of the groups at R5 … R8, GATHER stores them at
// R9 + to.
#define GATHERED(at) \
	ADDR(R5); F32Load $at; F32x4Splat; \
	ADDR(R6); F32Load $at; F32x4ReplaceLane $0, $1; \
	ADDR(R7); F32Load $at; F32x4ReplaceLane $0, $2; \
	ADDR(R8); F32Load $at; F32x4ReplaceLane $0, $3
#define GATHER(at, to) ADDR(R9); GATHERED(at); V128Store $0, $to

// GATHERING runs body for each four values of the groups of n values from src on,
// R9 being the address of their vectors from dst on.
#define GATHERING(dst, src, n, body) \
	Get src; Set R5; \
	Get n; I64Const $4; I64Mul; Set R10; \
	Get R5; Get R10; I64Add; Tee R6; Get R10; I64Add; Tee R7; Get R10; I64Add; Set R8; \
	Get dst; Set R9; \
	Get n; Set R10; \
	WHILE(R10); \
		body(0, 0); body(4, 16); body(8, 32); body(12, 48); \
		ADVANCE(R5, 16); ADVANCE(R6, 16); ADVANCE(R7, 16); ADVANCE(R8, 16); \
		ADVANCE(R9, 64); \
	NEXT(R10, 4)

// INTERLEAVE copies four groups of n values from src on to the vectors at dst.
#define INTERLEAVE(dst, src, n) GATHERING(dst, src, n, GATHER)

// LARGEST keeps in V4 the first value of the largest magnitude, V6, of those at
// R5 + off.
#define LARGEST(off) \
	LOAD(R5, off); Tee V10; \
	Get V4; Get V10; F32x4Abs; Tee V11; Get V6; F32x4Gt; V128Bitselect; Set V4; \
	Get V6; Get V11; F32x4Pmax; Set V6

// TOPMOST sets V4 to the first value of the largest magnitude, V6, of groups that
// reach from V3 to V4, and V3 to what reaches furthest on the other side. Where both
// sides reach equally far the values are gone through, by each.
#define TOPMOST(each) \
	Get V3; F32x4Neg; Tee V5; Get V4; F32x4Pmax; Set V6; \
	Get V5; Get V4; F32x4Gt; Set V10; \
	Get V5; Get V4; F32x4Eq; Set V11; \
	CHOOSE(V3, V4, V10); \
	CHOOSE(V4, V3, V10); Set V3; Set V4; \
	Get V11; V128AnyTrue; \
	If; \
		V128Const $0, $0; Tee V4; Set V6; \
		each(LARGEST); \
		Get V4; F32x4Neg; Set V3; \
	End

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

// NEXTFOUR moves on to the next four groups of R4 values: x at R1, weights at R2 and
// scales at R14. SCATTERED moves codes at R3 on, of which SCATTER has passed a group.
#define NEXTFOUR \
	Get R4; I64Const $16; I64Mul; Set R10; \
	Get R1; Get R10; I64Add; Set R1; \
	Get R2; Get R10; I64Add; Set R2; \
	ADVANCE(R14, 16)
#define SCATTERED Get R3; Get R4; I64Const $3; I64Mul; I64Add; Set R3
