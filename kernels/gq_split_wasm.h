// Groups cut into three: macros shared by groups of 32 and of 16. Throughout, R0 is
// the Splits, R1 and R2 the values and weights of the group, R4 the scratch, a
// splitLanes, R13 the number of the group. Places in the order of values are
// offsets of 4 bytes each: R6 is the first cut, R7 the second; R8, R9 and R10 are
// the cuts and the shift that are kept, R11 says whether there are any. F3 is the
// best and F4 its scale.

// RANK adds to v how many values are below those of x: the value F0 or not.
#define RANK(v, x) Get v; Get F0; F32x4Splat; Get x; F32x4Lt; I32x4Sub; Set v

// PUTRANKS stores the ranks in v from R4 + off.
#define PUTRANKS(v, off) ADDR(R4); Get v; V128Store $0, $(splitLanes_rank+off)

// PLACED sets R15 to 4 times the place of value i, R5 bytes on: its rank, or where
// equals before it stand the next that is free. R12 are those taken.
#define PLACED \
	Get R4; Get R5; I64Add; I32WrapI64; I64Load32U $splitLanes_rank; Set R15; \
	Loop; \
		Get R12; Get R15; I64ShrU; I64Const $1; I64And; I32WrapI64; \
		If; \
			ADVANCE(R15, 1); \
			Br $1; \
		End; \
	End; \
	Get R12; I64Const $1; Get R15; I64Shl; I64Or; Set R12; \
	Get R4; Get R5; I64Const $2; I64ShrU; I64Add; I32WrapI64; Get R15; I64Store8 $splitLanes_place; \
	Get R15; I64Const $2; I64Shl; Get R4; I64Add; Set R15

// VALUE pushes w·x of the value R5 bytes on, WEIGHT its weight.
#define WEIGHT Get R2; Get R5; I64Add; I32WrapI64; F32Load $0
#define VALUE WEIGHT; Get R1; Get R5; I64Add; I32WrapI64; F32Load $0; F32Mul

// ADDUP makes of the n floats at R4 + at the sums of those up to them.
#define ADDONE(off) ADDR(R5); Get F0; FLOAT(R5, off); F32Add; Tee F0; F32Store $off
#define ADDUP(at, n) \
	Get R4; Set R5; \
	I64Const $n; Set R15; \
	F32Const $0.0; Set F0; \
	WHILE(R15); \
		ADDONE((at)); ADDONE((at+4)); ADDONE((at+8)); ADDONE((at+12)); \
		ADVANCE(R5, 16); \
	NEXT(R15, 4)

// BETTER pushes the lanes in which qx² > best·q2, the best being V6.
#define BETTER(qx, q2) qx; Tee V15; Get V15; F32x4Mul; Get V6; q2; F32x4Mul; F32x4Gt

// PUTTRY stores the sums of a shift, four cuts.
#define PUTTRY(qx, q2, shift) \
	ADDR(R4); qx; V128Store $0, $(splitLanes_qx+16*shift); \
	ADDR(R4); q2; V128Store $0, $(splitLanes_q2+16*shift)

// TRY keeps the cut R15 bytes on if it is better.
#define TRY(shift) \
	FLOAT(R5, (splitLanes_qx+16*shift)); Set F1; \
	FLOAT(R5, (splitLanes_q2+16*shift)); Set F2; \
	Get F2; F32Const $0.0; F32Gt; \
	Get F1; Get F1; F32Mul; Get F3; Get F2; F32Mul; F32Gt; I32And; \
	If; \
		Get F1; Get F2; F32Div; Tee F4; Get F1; F32Mul; Set F3; \
		Get R6; Set R8; \
		Get R7; Get R15; I64Add; Set R9; \
		I64Const $shift; Set R10; \
		I64Const $1; Set R11; \
	End

// TRYALL goes through four cuts in turn, and each through the shifts.
#define TRYALL(tries) \
	I64Const $0; Set R15; \
	Loop; \
		Get R4; Get R15; I64Add; Set R5; \
		tries; \
		ADVANCE(R15, 4); \
		Get R15; I64Const $16; I64LtU; BrIf $0; \
	End; \
	Get F3; F32x4Splat; Set V6

// RATIO keeps in V15 the largest qx²/q2.
#define RATIO(qx, q2) Get V15; qx; qx; F32x4Mul; q2; F32x4Div; F32x4Pmax; Set V15

// SEED makes V15, the largest qx²/q2 of some cuts, less 1/256, the best to begin
// with: no cut that is not better than that can be the one that is kept, nor, at the
// most of 2^11 roundings, change which. Where sums of weights, of which one is total,
// or ratios are so small or large that floats may not tell, the best is −MaxFloat.
#define SEED(total) \
	SPREAD(V15, F32x4Pmax); \
	Get V15; F32x4ExtractLane $0, $0; Set F3; \
	INRANGE(F3); total; Set F0; INRANGE(F0); I32And; \
	If; \
		Get F3; F32Const $0.99609375; F32Mul; Set F3; \
	Else; \
		F32Const $-0x1.fffffep127; Set F3; \
	End; \
	Get F3; F32x4Splat; Set V6
#define INRANGE(f) Get f; F32Const $0x1p-40; F32Gt; Get f; F32Const $0x1p40; F32Lt; I32And

// CODES stores the codes of 16 values, of the places at R4 + off, as two points at
// R14 + at: 0 below the first cut, 2 from the second on; V0 and V1 are their places
// less 1. R12 says whether 0 and 2 change places.
#define CODES(off, at) \
	LOAD(R4, (splitLanes_place+off)); Tee V2; Get V0; I8x16GtS; Set V3; \
	Get V2; Get V1; I8x16GtS; Set V4; \
	Get R12; I32WrapI64; \
	If; \
		Get V3; V128Not; Get V4; V128Not; Set V3; Set V4; \
	End; \
	Get V3; Get V4; V128Andnot; Set V3; \
	ADDR(R14); TWOBITS(I16x8ExtendLowI8x16S); I64Store16 $at; \
	ADDR(R14); TWOBITS(I16x8ExtendHighI8x16S); I64Store16 $(at+2)

// TWOBITS pushes the point of half of the codes 1 in V3 and 2 in V4.
#define TWOBITS(half) \
	Get V4; half; Get V3; half; SPLAT16(0xff00); V128Bitselect; I8x16Bitmask; I64ExtendI32U

// FINISH writes what was found of the group, of which codes stores the points at R14;
// shifts is what a shift and its opposite add up to.
#define FINISH(codes, shifts) \
	Get R11; I32WrapI64; \
	If; \
		Get F4; F32Const $0.0; F32Lt; I64ExtendI32U; Tee R12; \
		I32WrapI64; \
		If; \
			Get F4; F32Neg; Set F4; \
			I64Const $shifts; Get R10; I64Sub; Set R10; \
		End; \
		Get R8; I64Const $2; I64ShrU; I64Const $1; I64Sub; I32WrapI64; I8x16Splat; Set V0; \
		Get R9; I64Const $2; I64ShrU; I64Const $1; I64Sub; I32WrapI64; I8x16Splat; Set V1; \
		codes; \
	End; \
	Get R0; Get R13; I64Add; Set R5; \
	ADDR(R5); Get R11; I64Store8 $Splits_Found; \
	ADDR(R5); Get R10; I64Store8 $Splits_Down; \
	Get R0; Get R13; I64Const $2; I64Shl; I64Add; Set R5; \
	ADDR(R5); Get F4; F32Store $Splits_Scale

// EACHGROUP goes through n groups of some bytes; search looks through one, of which
// greatest pushes the largest magnitudes in four lanes.
#define EACHGROUP(n, bytes, greatest, search, codes, shifts) \
	MOVD s+0(FP), R0; \
	MOVD x+8(FP), R1; \
	MOVD w+16(FP), R2; \
	MOVD lanes+24(FP), R4; \
	I64Const $0; Set R13; \
	Loop; \
		Get R0; Get R13; I64Const $(bytes/16); I64Mul; I64Add; I64Const $Splits_Points; I64Add; Set R14; \
		NOCODES; \
		I64Const $0; Tee R10; Set R11; \
		F32Const $0.0; Set F4; \
		greatest; Set V0; \
		SPREAD(V0, F32x4Pmax); \
		Get V0; F32x4ExtractLane $0, $0; FLOAT(R0, Splits_Eps); F32Ge; \
		If; \
			search; \
		End; \
		FINISH(codes, shifts); \
		ADVANCE(R1, bytes); \
		ADVANCE(R2, bytes); \
		ADVANCE(R13, 1); \
		Get R13; I64Const $n; I64LtU; BrIf $0; \
	End

// LARGER pushes the larger magnitudes of eight values.
#define LARGER(off) LOAD(R1, off); F32x4Abs; LOAD(R1, (off+16)); F32x4Abs; F32x4Pmax

// EACHCUT runs body for four second cuts at a time, those at R7 and on, R5 being
// R4 + R7, up to the last at end.
#define EACHCUT(end, body) \
	Get R6; Set R7; \
	Loop; \
		Get R4; Get R7; I64Add; Set R5; \
		body; \
		ADVANCE(R7, 16); \
		Get R7; I64Const $end; I64LeU; BrIf $0; \
	End

// EACHFIRST runs body for each first cut, up to the last at end.
#define EACHFIRST(end, body) \
	I64Const $0; Set R6; \
	Loop; \
		body; \
		ADVANCE(R6, 4); \
		Get R6; I64Const $end; I64LeU; BrIf $0; \
	End
