// The kernels that place runs go through the runs of a super-block, and in each
// through the stretches of tries that round to the same packed point. Tries are
// offsets into rows of 16 bits. Throughout,
//
//	R2   the run's row of Rounded, R3 its row of steps
//	R4   the scratch, a placeLanes
//	R6   the first try of what is left of a stretch, R7 its last; R8 and R1 the two
//	     that are looked at
//	R9   the list of neighbours of the stretch, R10 its end, R11 its points
//	R12  the changes that are left of the row, R13 the number of the run
//
// R0, R5, R14 and R15 are free.

#define END ADDR(R4); I64Load $placeLanes_end

// Where roots and points stand from x and from what was rounded.
#define ROOT (GridTrials_Root-GridTrials_X)
#define POINTS (GridTrials_Points-GridTrials_Rounded)

// GROUP pushes the number of the group of the run.
#define GROUP Get R13; ADDR(R4); I64Load $placeLanes_shift; I64ShrU

// BEGINRUN sets R2, R3 and R12.
#define BEGINRUN \
	MOVD t+0(FP), R0; \
	Get R0; I64Const $GridTrials_Rounded; I64Add; Get R13; I64Const $80; I64Mul; I64Add; Set R2; \
	Get R0; I64Const $GridTrials_Step; I64Add; GROUP; I64Const $7; I64Shl; I64Add; Set R3; \
	CHANGES(R12, DIFFER(R2, 0), DIFFER(R2, 16), DIFFER(R2, 32), DIFFER(R2, 48))

// LISTED pushes whether the stretch at R6 is off the grid, and then sets R9, R10
// and R11, else R14 to its point. A block of the list is 64 bytes, and points in
// its points.
#define LISTED(points) \
	MOVD grid+8(FP), R5; \
	Get R2; Get R6; I64Add; I32WrapI64; I64Load16U $0; Set R14; \
	Get R14; I64Const $1; I64Shl; ADDR(R5); I64Load $Grid_place; I64Add; I32WrapI64; I64Load16S $0; Set R15; \
	Get R15; I64Const $0; I64LtS; \
	If; \
		I64Const $-1; Get R15; I64Sub; I64Const $2; I64Shl; ADDR(R5); I64Load $Grid_first; I64Add; Set R0; \
		ADDR(R0); I64Load32U $0; Set R9; \
		ADDR(R0); I64Load32U $4; I64Const $6; I64Shl; ADDR(R5); I64Load $Grid_codes; I64Add; Set R10; \
		Get R9; I64Const $points; I64Mul; ADDR(R5); I64Load $Grid_near; I64Add; Set R11; \
		Get R9; I64Const $6; I64Shl; ADDR(R5); I64Load $Grid_codes; I64Add; Set R9; \
	End; \
	Get R15; I64Const $0; I64LtS

// POINT pushes the point of the try at offset r, PUTPOINT stores v there; SURE and
// PUTSURE are for whether it is ahead by more than floats may be wrong.
#define POINT(r) Get R2; Get r; I64Add; I32WrapI64; I64Load16U $POINTS
#define PUTPOINT(r, v) Get R2; Get r; I64Add; I32WrapI64; v; I64Store16 $POINTS
#define SURE(r) Get R4; Get r; I64Add; I32WrapI64; I64Load16U $placeLanes_sure
#define PUTSURE(r, v) Get R4; Get r; I64Add; I32WrapI64; v; I64Store16 $placeLanes_sure

// WRITE gives the tries from R6 to R7 the point in R14, and up to seven more, which
// a later stretch overwrites.
#define WRITE \
	Get R6; Set R15; \
	Loop; \
		Get R2; Get R15; I64Add; I32WrapI64; Get R14; I32WrapI64; I16x8Splat; V128Store $0, $POINTS; \
		ADVANCE(R15, 16); \
		Get R15; Get R7; I64LeU; BrIf $0; \
	End

// KEEP stores what eval found of the tries at R8 and R1.
#define KEEP \
	PUTPOINT(R8, FOUND(0)); PUTSURE(R8, AHEAD(0)); \
	PUTPOINT(R1, FOUND(8)); PUTSURE(R1, AHEAD(8))
#define FOUND(off) ADDR(R4); I64Load $(placeLanes_found+off)
#define AHEAD(off) ADDR(R4); I64Load $(placeLanes_ahead+off)

// NEXTKNOWN sets R15 to the first try after R6 whose point was found.
#define UNKNOWN I64Const $0xffff
#define NEXTKNOWN \
	Get R6; Set R15; \
	Loop; \
		ADVANCE(R15, 2); \
		POINT(R15); UNKNOWN; I64Eq; BrIf $0; \
	End

// SAME pushes whether the points at R6 and R15 are one, and both sure.
#define SAME \
	POINT(R6); POINT(R15); I64Eq; \
	SURE(R6); SURE(R15); I64And; I32WrapI64; I32And

// FILL gives the tries between R6 and R15 the point of R6, and moves R6 to R15.
#define FILL \
	POINT(R6); Set R14; \
	Loop; \
		ADVANCE(R6, 2); \
		PUTPOINT(R6, Get R14); \
		Get R6; Get R15; I64LtU; BrIf $0; \
	End

// THIRDS sets R8 and R1 to tries a third from R6 and from R15.
#define THIRDS \
	Get R15; Get R6; I64Sub; I64Const $2; I64Add; I64Const $6; I64DivU; I64Const $1; I64Shl; Set R14; \
	Get R6; Get R14; I64Add; Set R8; \
	Get R15; Get R14; I64Sub; Set R1

// Where the points of the tries at R6 and R15 are as close to the values, the step is
// Σroot·x·d / Σroot·d·(1 + c + c′) for levels 2·c + 1 of one and 2·c′ + 1 of the other,
// d = c′ − c. COORDINATES pushes those of the point in r, by shifts to the left that
// stand at off; CLOSER pushes what four values add to the sums, of which V8 and V9
// are the coordinates.
#define COORDINATES(r, off) \
	Get r; I32WrapI64; I32x4Splat; LOAD(R4, off); I32x4Mul; I32Const $9; I32x4ShrU; LOAD(R4, placeLanes_mask); V128And
#define DIFFERENCE Get V9; Get V8; I32x4Sub; F32x4ConvertI32x4S
#define CLOSERX(x, root) DIFFERENCE; x; F32x4Mul; root; F32x4Mul
#define CLOSERL(root) DIFFERENCE; Get V9; Get V8; I32x4Add; SPLAT32(1); I32x4Add; F32x4ConvertI32x4S; F32x4Mul; root; F32x4Mul

// NEXTTO sets R8 and R1 to the tries next to the step F1/F3, between R6 and R15.
#define INVERSES (GridTrials_Step-GridTrials_Inverse)
#define NEXTTO \
	Get R3; I64Const $INVERSES; I64Sub; Set R14; \
	Get F3; Get F1; F32Div; FLOAT(R14, 0); F32Sub; FLOAT(R14, 4); FLOAT(R14, 0); F32Sub; F32Div; I64TruncSatF32S; \
	I64Const $1; I64Shl; Set R8; \
	Get R8; Get R6; Get R8; Get R6; I64GtS; Select; Set R8; \
	Get R8; Get R15; I64Const $2; I64Sub; Tee R14; Get R8; Get R14; I64LtS; Select; Tee R8; \
	I64Const $2; I64Add; Set R1; \
	Get R8; Get R6; I64Eq; \
	If; \
		Get R1; Set R8; \
	Else; \
		Get R1; Get R15; I64Eq; \
		If; \
			Get R8; Set R1; \
		End; \
	End

// STRETCH finds the points of a stretch: of its first and its last try, which are
// mostly one. Else of two between those that are not the same, until none is left.
// eval finds and keeps the points of the tries at R8 and R1, which may be one.
#define STRETCH(eval) \
	Get R6; Set R8; \
	Get R7; Set R1; \
	Block; \
	Loop; \
		eval; \
		Get R1; Get R8; I64Sub; Get R7; Get R6; I64Sub; I64Eq; \
		If; \
			FOUND(0); Set R14; \
			WRITE; \
			Get R14; FOUND(8); I64Eq; AHEAD(0); AHEAD(8); I64And; I32WrapI64; I32And; \
			Get R1; Get R8; I64Eq; I32Or; BrIf $2; \
			UNKNOWN; Set R14; \
			WRITE; \
		End; \
		KEEP; \
		Loop; \
			Get R6; Get R7; I64Eq; BrIf $2; \
			NEXTKNOWN; \
			SAME; \
			If; \
				FILL; \
				Br $1; \
			End; \
			Get R15; Get R6; I64Sub; I64Const $2; I64Eq; \
			If; \
				Get R15; Set R6; \
				Br $1; \
			End; \
			POINT(R6); POINT(R15); I64Eq; \
			If; \
				THIRDS; \
			Else; \
				AIM; \
			End; \
			Br $1; \
		End; \
	End; \
	End

// EACHRUN goes through the runs; points is for LISTED, begin sets what eval needs of
// a run.
#define EACHRUN(points, begin, eval) \
	I64Const $0; Set R13; \
	Loop; \
		MOVD t+0(FP), R0; \
		Get R0; Get R13; I64Add; I32WrapI64; I64Load8U $GridTrials_Done; I64Eqz; \
		If; \
			BEGINRUN; \
			begin; \
			Loop; \
				TAKE(R12, R6); \
				Get R12; I64Ctz; I64Const $1; I64Sub; I64Const $1; I64Shl; Set R7; \
				Get R6; I64Const $1; I64Shl; Set R6; \
				LISTED(points); \
				If; \
					STRETCH(eval); \
				Else; \
					WRITE; \
				End; \
				Get R12; END; I64Ne; BrIf $0; \
			End; \
		End; \
		ADVANCE(R13, 1); \
		Get R13; ADDR(R4); I64Load $placeLanes_runs; I64LtU; BrIf $0; \
	End

// PUTFOUND stores the point v of the first or the second try, PUTAHEAD whether it is
// sure.
#define PUTFOUND(off, v) ADDR(R4); v; I64Store $(placeLanes_found+off)
#define PUTAHEAD(off, v) ADDR(R4); v; I64Store $(placeLanes_ahead+off)

// SECONDTOO makes the second try the first, which it is.
#define SECONDTOO PUTFOUND(8, FOUND(0)); PUTAHEAD(8, AHEAD(0))

// FAILED marks the group of the run; the point is then 0.
#define FAILED(off) \
	MOVD t+0(FP), R0; \
	Get R0; GROUP; I64Add; I32WrapI64; I64Const $1; I64Store8 $GridTrials_Failed; \
	PUTFOUND(off, I64Const $0)

// STEP pushes the step of the try at offset r.
#define STEP(r) Get R3; Get r; I64Const $1; I64Shl; I64Add; I32WrapI64; F32Load $0

// BOUND pushes root·(F0 + |x|)² in four lanes: F0 is the largest step times the
// largest level. With B the sum over a run, the sums of two neighbours are in the
// wrong by no more than 26 roundings of B, and in the tries between by 39 of them
// at most when scaled with the step. So a winner is sure that is ahead by 2^-18·B,
// which is 64 roundings, if B is no number where that may be lost.
#define BOUND(x, root) \
	Get F0; F32x4Splat; x; F32x4Abs; F32x4Add; Tee V4; Get V4; F32x4Mul; root; F32x4Mul
#define BOUNDED(b) Get b; F32Const $0x1p-60; F32Gt; Get b; F32Const $0x1p120; F32Lt; I32And
