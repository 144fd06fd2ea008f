// Products of blocks of the K-quants with blocks of Q8_K: macros, and the bodies of the
// kernels. Activations are wideQ8_K, at R1; where a file that includes this one defines
// RELAXED they are the blocks of Q8_K themselves, and products of bytes are added in pairs
// in one instruction. As codes have at most seven bits, these are exact too.

// XCODES and XSUMS are where the codes and their sums are in a block of x, XBYTES its size,
// XSIXTEEN the bytes of sixteen codes.
#ifdef RELAXED
#define XCODES 4
#define XSUMS 260
#define XBYTES 292
#define XSIXTEEN 16
#else
#define XCODES 48
#define XSUMS 16
#define XBYTES 560
#define XSIXTEEN 32
#endif

// SCALECODES sets V4 to the eight scales of the block of Q4_K at R2, V5 to its minimums.
#define SCALECODES \
	ADDR(R2); I64Load32U $4; Set R8; \
	ADDR(R2); I64Load32U $8; Set R7; \
	ADDR(R2); I64Load32U $12; Set R10; \
	SIXBITS(R8, R10); I16x8ExtendLowI8x16U; Set V4; \
	Get R10; I64Const $4; I64ShrU; Set R10; \
	SIXBITS(R7, R10); I16x8ExtendLowI8x16U; Set V5

// LOWSUMS makes V5 the minimums times the sums of x: V14 and V15 take four of them, twice
// each.
#define LOWSUMS \
	Get V5; Get V14; I8x16Swizzle; DOT(XSUMS); \
	Get V5; Get V15; I8x16Swizzle; DOT((XSUMS+16)); \
	I32x4Add; Set V5

// LOWS and HIGHS push the products of the low or the high halves of the bytes of v with the
// nth sixteen codes at R11, in 16 bits, added in pairs. V12 leaves four bits: of bytes where
// they are multiplied, else of 16 bits.
#ifdef RELAXED
#define FOURBITS EACHBYTE(0x0f); Set V12
#define LOWS(v, n) LOAD(R11, (n*XSIXTEEN)); Get v; Get V12; V128And; I16x8RelaxedDotI8x16I7x16S
#define HIGHS(v, n) LOAD(R11, (n*XSIXTEEN)); Get v; SHR16(4); Get V12; V128And; I16x8RelaxedDotI8x16I7x16S
#else
#define FOURBITS SPLAT16(0x000f); Set V12
#define LOWS(v, n) \
	Get v; Get V12; V128And; MUL(R11, (n*XSIXTEEN)); \
	Get v; SHR16(8); Get V12; V128And; MUL(R11, (n*XSIXTEEN+16)); I16x8Add
#define HIGHS(v, n) \
	Get v; SHR16(4); Get V12; V128And; MUL(R11, (n*XSIXTEEN)); \
	Get v; SHR16(12); MUL(R11, (n*XSIXTEEN+16)); I16x8Add
#endif

// SCALED adds to V7 the products on top, of a group, times its scale.
#define SCALED OFSCALE; I32x4DotI16x8S; Get V7; I32x4Add; Set V7

// Q4KROWS is the body of a row of matVecQ4_KGeneric each. V1 is d_x·d_w, V6 −d_x·dmin_w; V7 the
// sums of a block, V5 those of its minimums; V4 its scales. R7 goes through the codes of w, R11
// through those of x; each 32 bytes, V9 and V10, hold two groups.
#define Q4KROWS \
	FOURBITS; \
	SPLAT16(0x0202); Set V11; \
	V128Const $0x0302030201000100, $0x0706070605040504; Set V14; \
	V128Const $0x0b0a0b0a09080908, $0x0f0e0f0e0d0c0d0c; Set V15; \
	ROWS; \
		WHILE(R3); \
			SCALECODES; \
			LOWSUMS; \
			LOADHALF(R2, 0); SCALEBOTH; Set V1; \
			LOADHALF(R2, 2); SCALEBOTH; F32x4Neg; Set V6; \
			Get R1; I64Const $XCODES; I64Add; Set R11; \
			Get R2; I64Const $16; I64Add; Set R7; \
			V128Const $0, $0; Set V7; \
			FIRSTSCALE; \
			I64Const $4; Set R8; \
			WHILE(R8); \
				LOAD(R7, 0); Set V9; \
				LOAD(R7, 16); Set V10; \
				LOWS(V9, 0); LOWS(V10, 1); I16x8Add; SCALED; \
				HIGHS(V9, 2); HIGHS(V10, 3); I16x8Add; SCALED; \
				ADVANCE(R7, 32); \
				ADVANCE(R11, (4*XSIXTEEN)); \
			NEXT(R8, 1); \
			Get V7; TIMES(V1); \
			Get V5; TIMES(V6); \
		NEXTBLOCK(XBYTES, 144); \
	NEXTROW

// LOWHALF and HIGHHALF push the low or the high halves of the bytes of v; V12 leaves four
// bits of eight.
#define LOWHALF(v) Get v; Get V12; V128And
#define HIGHHALF(v) Get v; SHR(4); Get V12; V128And

// FIFTHS pushes what bits 4 and 5 of codes are, in V6 or V15, moved there.
#define FIFTHS(v, moved) Get v; moved; Get V13; V128And
#define NOTMOVED

// GROUP16 adds to V7 the scaled products of sixteen codes, whose low bits are in the bytes
// at R7 + at, with the nth sixteen at R11; V14 leaves eight bits of sixteen.
#define CODES16(half, at, high, moved) LOAD(R7, at); Set V9; half(V9); FIFTHS(high, moved); V128Or
#ifdef RELAXED
#define GROUP16(half, at, high, moved, n) \
	LOAD(R11, (n*XSIXTEEN)); CODES16(half, at, high, moved); I16x8RelaxedDotI8x16I7x16S; SCALED
#else
#define GROUP16(half, at, high, moved, n) \
	CODES16(half, at, high, moved); Tee V2; \
	Get V14; V128And; MUL(R11, (n*XSIXTEEN)); \
	Get V2; SHR16(8); MUL(R11, (n*XSIXTEEN+16)); I16x8Add; SCALED
#endif

// OFFSETS sets V7 to −32 times the scales times the sums of x. V4 and V5 are the scales of
// both halves of the block at R2.
#define OFFSETS \
	LOAD(R2, 192); Tee V2; I16x8ExtendLowI8x16S; Tee V4; DOT(XSUMS); \
	Get V2; I16x8ExtendHighI8x16S; Tee V5; DOT((XSUMS+16)); \
	I32x4Add; I32Const $5; I32x4Shl; I32x4Neg; Set V7

// Q6KROWS is the body of a row of matVecQ6_KGeneric each. V1 is d_x·d_w; V7 the sums of a
// block; V4 the scales of half of it, V5 those of the other; V6 and V15 the high bits, of which
// V13 leaves two. R7 goes through the low bits of w, R10 through the high ones, R11 through x.
#define Q6KROWS \
	EACHBYTE(0x0f); Set V12; \
	EACHBYTE(0x30); Set V13; \
	SPLAT16(0x00ff); Set V14; \
	SPLAT16(0x0202); Set V11; \
	ROWS; \
		WHILE(R3); \
			LOADHALF(R2, 208); SCALEBOTH; Set V1; \
			OFFSETS; \
			Get R2; Set R7; \
			Get R2; I64Const $128; I64Add; Set R10; \
			Get R1; I64Const $XCODES; I64Add; Set R11; \
			I64Const $2; Set R8; \
			WHILE(R8); \
				LOAD(R10, 0); Set V6; \
				LOAD(R10, 16); Set V15; \
				FIRSTSCALE; \
				GROUP16(LOWHALF, 0, V6, SHL(4), 0); \
				GROUP16(LOWHALF, 16, V15, SHL(4), 1); \
				GROUP16(LOWHALF, 32, V6, SHL(2), 2); \
				GROUP16(LOWHALF, 48, V15, SHL(2), 3); \
				GROUP16(HIGHHALF, 0, V6, NOTMOVED, 4); \
				GROUP16(HIGHHALF, 16, V15, NOTMOVED, 5); \
				GROUP16(HIGHHALF, 32, V6, SHR(2), 6); \
				GROUP16(HIGHHALF, 48, V15, SHR(2), 7); \
				Get V5; Set V4; \
				ADVANCE(R7, 64); \
				ADVANCE(R10, 32); \
				ADVANCE(R11, (8*XSIXTEEN)); \
			NEXT(R8, 1); \
			Get V7; TIMES(V1); \
		NEXTBLOCK(XBYTES, 210); \
	NEXTROW
