// Grids of points: macros shared by the searches of ggml's I-quants.
//
// Rows of tries are 32 values of 16 bits. Where a row is gone through, its
// changes are a mask in an i64: bit t is set where try t is not as the one
// before, bit 0 always, and beyond the tries the one bit that END pushes.

// FLOAT pushes the float at r + off.
#define FLOAT(r, off) Get r; I32WrapI64; F32Load $off

// SPREADFLOAT pushes the float at r + off in all lanes.
#define SPREADFLOAT(r, off) FLOAT(r, off); F32x4Splat

// SUM sets f to the sum of the lanes of v.
#define SUM(v, f) \
	Get v; F32x4ExtractLane $0, $0; Get v; F32x4ExtractLane $0, $1; F32Add; \
	Get v; F32x4ExtractLane $0, $2; F32Add; Get v; F32x4ExtractLane $0, $3; F32Add; Set f

// DIFFER pushes −1 in the lanes of the eight tries at row + off that are not as
// the one before.
#define DIFFER(row, off) LOAD(row, off); Get row; I64Const $2; I64Sub; I32WrapI64; V128Load $off; I16x8Ne

// CHANGES sets mask to the changes in the lanes that a, b, c and d push.
#define CHANGES(mask, a, b, c, d) \
	a; b; I8x16NarrowI16x8S; I8x16Bitmask; I64ExtendI32U; \
	c; d; I8x16NarrowI16x8S; I8x16Bitmask; I64ExtendI32U; I64Const $16; I64Shl; I64Or; \
	I64Const $1; I64Or; END; I64Const $1; I64Sub; I64And; END; I64Or; Set mask

// TAKE sets r to the lowest bit of mask and takes it from there; the bit of END
// stays.
#define TAKE(mask, r) \
	Get mask; I64Ctz; Set r; \
	Get mask; Get mask; I64Const $1; I64Sub; I64And; END; I64Or; Set mask
