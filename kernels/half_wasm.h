// Half floats and back: halfToFloat and floatToHalf of float16.go in four lanes,
// with selects where those branch. Normal halves are a shift and an add; the
// rest of the work is in the ...RARE macros, left out where no lane needs it.

// MORE pushes −1 in the lanes where v > c as signed integers, LESS where v < c.
#define MORE(v, c) Get v; SPLAT32(c); I32x4GtS
#define LESS(v, c) Get v; SPLAT32(c); I32x4LtS

// MASK clears the bits of the top that are not in c.
#define MASK(c) SPLAT32(c); V128And

// SHL, SHR shift each lane of the top by n, filling with zeros.
#define SHL(n) I32Const $n; I32x4Shl
#define SHR(n) I32Const $n; I32x4ShrU

// Half to float. V0 is four halves, sign-extended; the result is V2.

// HALFNORMAL keeps sign, exponent and mantissa and rebiases the exponent by 112. Its
// constants are V10 and V11, which HALFCONST sets.
#define HALFCONST SPLAT32(0x8fffe000); Set V10; SPLAT32(0x38000000); Set V11
#define HALFNORMAL \
	Get V0; SHL(13); Get V10; V128And; Get V11; I32x4Add; Set V2

// HALFRARE goes on where V2 may be wrong; V1 is m, the halves without signs.
// Infinity and NaN (m > 0x7bff) are rebiased once more, NaN is made quiet; what is
// subnormal (m < 0x400) is m · 2^-24.
#define HALFRARE \
	Get V0; MASK(0x7fff); Set V1; \
	Get V1; F32x4ConvertI32x4S; SPLAT32(0x33800000); F32x4Mul; \
	Get V0; MASK(0x80000000); V128Or; \
	Get V2; MORE(V1, 0x7bff); MASK(0x38000000); I32x4Add; \
	MORE(V1, 0x7c00); MASK(0x00400000); V128Or; \
	LESS(V1, 0x0400); V128Bitselect; Set V2

// LOADHALF sets F0 to the half at r + off as float. One half is quicker in integers
// than in lanes: their constants are part of the instructions. R4 is the half, R5
// without its sign.
#define LOADHALF(r, off) \
	ADDR(r); I64Load16U $off; Tee R4; I64Const $0x7fff; I64And; Set R5; \
	Get R5; I64Const $13; I64Shl; I64Const $0x38000000; I64Add; \
	Get R4; I64Const $0x8000; I64And; I64Const $16; I64Shl; I64Or; \
	I32WrapI64; F32ReinterpretI32; Set F0; \
	Get R5; I64Const $0x0400; I64Sub; I64Const $0x7800; I64GeU; \
	If; \
		LOADRARE; \
	End

// LOADRARE goes on with infinity and NaN (R5 > 0x7bff), NaN made quiet, and with
// what is subnormal: R5 · 2^-24.
#define LOADRARE \
	Get R5; I64Const $0x0400; I64LtU; \
	If; \
		Get R5; F32ConvertI64S; F32Const $0x1p-24; F32Mul; Get F0; F32Copysign; Set F0; \
	Else; \
		Get F0; I32ReinterpretF32; I32Const $0x38000000; I32Add; \
		Get R5; I64Const $0x7c00; I64GtU; I32Const $22; I32Shl; I32Or; \
		F32ReinterpretI32; Set F0; \
	End

// Float to half. V0 is four floats; the result is V2, as 32-bit integers. V1
// is |x|, set by FLOATNORMAL.

// FLOATNORMAL is V2 = (|x| − 112<<23 + 0xfff + bit 13 of |x|) >> 13. Its constants
// are V12, V13 and V14, which FLOATCONST sets.
#define FLOATCONST SPLAT32(0x7fffffff); Set V12; SPLAT32(0xc8000fff); Set V13; SPLAT32(1); Set V14
#define FLOATNORMAL \
	Get V0; Get V12; V128And; Set V1; \
	Get V1; Get V13; I32x4Add; \
	Get V1; SHR(13); Get V14; V128And; I32x4Add; SHR(13); Set V2

// FLOATRARE is V2 = bits(|x| + 0.5) − bits(0.5) where |x| < 2^-14, 0x7c00 where
// |x| ≥ 2^16.
#define FLOATRARE \
	SPLAT32(0x7c00); \
	Get V1; SPLAT32(0x3f000000); F32x4Add; SPLAT32(0x3f000000); I32x4Sub; \
	Get V2; \
	LESS(V1, 0x38800000); V128Bitselect; \
	MORE(V1, 0x477fffff); V128Bitselect; Set V2

// FLOATNAN is V2 = 0x7e00 | |x|>>13 & 0x3ff where x is NaN.
#define FLOATNAN \
	Get V1; SHR(13); MASK(0x03ff); SPLAT32(0x7e00); V128Or; \
	Get V2; \
	MORE(V1, 0x7f800000); V128Bitselect; Set V2

// FLOATSIGN adds the sign.
#define FLOATSIGN Get V2; Get V0; SHR(16); MASK(0x8000); V128Or; Set V2

// STOREHALF stores F0, which is not NaN, as a half at r + off, in integers. R4 are
// its bits, R5 those without the sign.
#define STOREHALF(r, off) \
	Get F0; I32ReinterpretF32; I64ExtendI32U; Tee R4; I64Const $0x7fffffff; I64And; Set R5; \
	Get R5; I64Const $0x38800000; I64Sub; I64Const $0x0f000000; I64LtU; \
	If; \
		Get R5; I64Const $0x37fff001; I64Sub; \
		Get R5; I64Const $13; I64ShrU; I64Const $1; I64And; I64Add; I64Const $13; I64ShrU; Set R5; \
	Else; \
		STORERARE; \
	End; \
	ADDR(r); \
	Get R4; I64Const $16; I64ShrU; I64Const $0x8000; I64And; Get R5; I64Or; I64Store16 $off

// STORERARE sets R5 to 0x7c00 from 2^16 on, else to bits(|x| + 0.5) − bits(0.5).
#define STORERARE \
	Get R5; I64Const $0x38800000; I64LtU; \
	If; \
		Get F0; F32Abs; F32Const $0.5; F32Add; I32ReinterpretF32; I64ExtendI32U; \
		I64Const $0x3f000000; I64Sub; Set R5; \
	Else; \
		I64Const $0x7c00; Set R5; \
	End
