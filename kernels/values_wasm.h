// Codes to values: macros of the kernels that read blocks.
//
// R0 is where values go. A code q is put into the top byte of a 32-bit lane,
// where it counts 2^24 times, and V3 is its scale times 2^-24. Both are exact for
// scales that are products of a half float and a small integer, and so
// the product rounds as scale·q does. Constants stand in V before a loop
// begins: in one, V8 would make them anew each time.

// TOPS sets V12 … V15: with V(12+k), I8x16Swizzle puts bytes 4k … 4k+3 of a vector at
// the top of lanes 0 … 3.
#define TOPS \
	V128Const $0x0180808000808080, $0x0380808002808080; Set V12; \
	V128Const $0x0580808004808080, $0x0780808006808080; Set V13; \
	V128Const $0x0980808008808080, $0x0b8080800a808080; Set V14; \
	V128Const $0x0d8080800c808080, $0x0f8080800e808080; Set V15

// EACHBYTE pushes a vector with the byte c in all lanes.
#define EACHBYTE(c) V128Const $((c)*0x0101010101010101), $((c)*0x0101010101010101)

// SETSCALE makes V3 of the scale F0.
#define SETSCALE Get F0; F32Const $0x1p-24; F32Mul; F32x4Splat; Set V3

// VALUES stores at R0 + off four of the codes in V5 as values, those that top picks.
#define VALUES(off, top) \
	ADDR(R0); Get V5; Get top; I8x16Swizzle; F32x4ConvertI32x4S; Get V3; F32x4Mul; V128Store $0, $off

// VALUES16 stores the signed codes on top as 16 values at R0 + off.
#define VALUES16(off) \
	Set V5; VALUES(off, V12); VALUES((off+16), V13); VALUES((off+32), V14); VALUES((off+48), V15)

// VALUESLOW and VALUESLOW16 add V4 to each value.
#define VALUESLOW(off, top) \
	ADDR(R0); Get V5; Get top; I8x16Swizzle; F32x4ConvertI32x4S; Get V3; F32x4Mul; Get V4; F32x4Add; \
	V128Store $0, $off
#define VALUESLOW16(off) \
	Set V5; VALUESLOW(off, V12); VALUESLOW((off+16), V13); VALUESLOW((off+32), V14); VALUESLOW((off+48), V15)

// SIXBITS pushes eight numbers of 6 bits: four are the low bits of the four bytes
// of low, the others have their low halves in both and their high 2 bits over
// in low.
#define SIXBITS(low, both) \
	Get low; I64Const $0x3f3f3f3f; I64And; \
	Get both; I64Const $0x0f0f0f0f; I64And; \
	Get low; I64Const $2; I64ShrU; I64Const $0x30303030; I64And; I64Or; \
	I64Const $32; I64Shl; I64Or; I64x2Splat
