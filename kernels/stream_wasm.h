// Streams of codes of some bits: macros. R9 is bits, R10 twice bits, R12 16 − bits.

// PACKCONST sets V6, which leaves the lowest bits of bytes, V7 their even ones; V8, which is
// 1 and 1<<2·bits in the halves of each lane, and V9, which leaves the low half of 64 bits.
#define PACKCONST \
	I32Const $1; Get R9; I32WrapI64; I32Shl; I32Const $1; I32Sub; I8x16Splat; Set V6; \
	SPLAT16(0x00ff); Set V7; \
	I32Const $0x10000; Get R10; I32WrapI64; I32Shl; I32Const $1; I32Or; I32x4Splat; Set V8; \
	V128Const $0xffffffff, $0xffffffff; Set V9

// PACK16 stores the 16 codes on top at R0, eight of them twice, of which bits bytes count,
// and moves on. Codes are joined to two, to four, to eight. It uses V4.
#define PACK16 \
	Get V6; V128And; Tee V4; \
	Get V7; V128And; \
	Get V4; I32Const $8; I16x8ShrU; Get R9; I32WrapI64; I16x8Shl; V128Or; \
	Get V8; I32x4DotI16x8S; Tee V4; \
	Get V9; V128And; \
	Get V4; I32Const $32; I64x2ShrU; Get R10; I64Const $1; I64Shl; I32WrapI64; I64x2Shl; V128Or; Set V4; \
	ADDR(R0); Get V4; I64x2ExtractLane $0, $0; I64Store $0; \
	Get R0; Get R9; I64Add; Set R0; \
	ADDR(R0); Get V4; I64x2ExtractLane $0, $1; I64Store $0; \
	Get R0; Get R9; I64Add; Set R0

// UNPACKCONST sets V6 and V7, which put the two bytes of codes 0 … 7 and 8 … 15 side by
// side, and V8, the factors, from the way at r.
#define UNPACKCONST(r) \
	I64Const $16; Get R9; I64Sub; Set R12; \
	LOAD(r, 0); Set V6; \
	LOAD(r, 16); Set V7; \
	LOAD(r, 32); Set V8

// UNPACK8 pushes the eight codes whose bytes pick takes from V4, as 16-bit integers: each
// is moved to the top of its lane by a product, and down again with its sign.
#define UNPACK8(pick) Get V4; Get pick; I8x16Swizzle; Get V8; I16x8Mul; Get R12; I32WrapI64; I16x8ShrS
