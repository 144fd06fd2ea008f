// Products of blocks in integers: macros. R1 are the blocks of x, widened, R2 those of w,
// R3 how many are left of a row. R12 is where the row begins, R9 its bytes to the next, R6
// how many rows; R0 the four lanes of its sum, which are V0 inside.

// ROWS begins a kernel and each of its rows; NEXTBLOCK moves on by so many bytes of x and of
// w, NEXTROW stores the lanes.
#define ROWS \
	MOVD lanes+0(FP), R0; \
	MOVD w+16(FP), R12; \
	MOVD ws+24(FP), R9; \
	MOVD rows+32(FP), R6; \
	WHILE(R6); \
		MOVD x+8(FP), R1; \
		MOVD blocks+40(FP), R3; \
		Get R12; Set R2; \
		LOAD(R0, 0); Set V0
#define NEXTBLOCK(xBytes, wBytes) ADVANCE(R1, xBytes); ADVANCE(R2, wBytes); NEXT(R3, 1)
#define NEXTROW \
		ADDR(R0); Get V0; V128Store $0, $0; \
		ADVANCE(R0, 16); \
		Get R12; Get R9; I64Add; Set R12; \
	NEXT(R6, 1)

// TIMES multiplies the four integers on top by scale and adds them to the lanes.
#define TIMES(scale) F32x4ConvertI32x4S; Get scale; F32x4Mul; Get V0; F32x4Add; Set V0

// SCALEBOTH pushes, in four lanes, the scale of the block of x times F0.
#define SCALEBOTH ADDR(R1); F32Load $0; Get F0; F32Mul; F32x4Splat

// EVEN and ODD push bytes 0, 2, 4 … and 1, 3, 5 … of v as signed 16-bit integers.
#define EVEN(v) Get v; I32Const $8; I16x8Shl; I32Const $8; I16x8ShrS
#define ODD(v) Get v; I32Const $8; I16x8ShrS

// SHR16 shifts each 16-bit lane of the top, filling with zeros.
#define SHR16(n) I32Const $n; I16x8ShrU

// DOT and MUL multiply the top with eight codes of x, at R1 + off or r + off: DOT adds the
// products in pairs, to 32 bits, MUL leaves 16 bits.
#define DOT(off) LOAD(R1, off); I32x4DotI16x8S
#define MUL(r, off) LOAD(r, off); I16x8Mul

// OFSCALE pushes the next of the eight 16-bit scales in V4 in all lanes. V8 picks it, V11
// moves on; FIRSTSCALE begins.
#define OFSCALE Get V4; Get V8; I8x16Swizzle; Get V8; Get V11; I16x8Add; Set V8
#define FIRSTSCALE SPLAT16(0x0100); Set V8
