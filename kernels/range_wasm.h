// The extremes of a block of 32 values: macros of the quantizers.

// RANGE widens V3 … V4 by the four values at R1 + off.
#define RANGE(off) \
	LOAD(R1, off); Set V5; \
	Get V3; Get V5; F32x4Pmin; Set V3; \
	Get V4; Get V5; F32x4Pmax; Set V4

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
	LOAD(R1, 0); Set V3; \
	LOAD(R1, 0); Set V4; \
	RANGE(16); RANGE(32); RANGE(48); RANGE(64); RANGE(80); RANGE(96); RANGE(112); \
	SPREAD(V3, F32x4Pmin); \
	SPREAD(V4, F32x4Pmax)

// FIRSTLARGEST makes V3 of EXTREMES the first value of the largest magnitude, +0
// for zeros. Where −smallest is the largest the first of the two is looked for.
#define FIRSTLARGEST \
	Get V3; F32x4Neg; Get V4; F32x4Eq; V128AnyTrue; \
	If; \
		FIRST; \
	Else; \
		Get V4; Get V3; \
		Get V4; Get V3; F32x4Neg; F32x4Gt; V128Bitselect; Set V3; \
	End; \
	Get V3; V128Const $0, $0; F32x4Add; Set V3
