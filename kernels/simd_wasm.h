// Macros shared by the kernels.
//
// Go's assembler for wasm writes a stack machine: each instruction pops its
// operands and pushes its result. R0–R15 are i64 locals, V0–V15 are vectors.
// Pointers and counts are kept in R.
//
// Two spellings in Go 1.27 that look odd and must stay (internal/pins holds
// them): a lane, and the offset of V128Store, are the SECOND operand.

// ADDR pushes the address in r, for a load or, before the value, for a store.
#define ADDR(r) Get r; I32WrapI64

// LOAD pushes the 16 bytes at r + off.
#define LOAD(r, off) Get r; I32WrapI64; V128Load $off

// ADVANCE is r += by.
#define ADVANCE(r, by) Get r; I64Const $by; I64Add; Set r

// WHILE(n) … NEXT(n, by) runs its body, then n -= by, until n is 0.
// n must be a multiple of by.
#define WHILE(n) Block; Loop; Get n; I64Eqz; BrIf $1
#define NEXT(n, by) ADVANCE(n, -by); Br $0; End; End

// SPLAT32 pushes a 32-bit constant in all four lanes, SPLAT16 a 16-bit constant
// in all eight.
#define SPLAT32(c) V128Const $((c)<<32|(c)), $((c)<<32|(c))
#define SPLAT16(c) V128Const $((c)<<48|(c)<<32|(c)<<16|(c)), $((c)<<48|(c)<<32|(c)<<16|(c))

// SWAPHALVES pushes v with its 64-bit halves exchanged, SWAPPAIRS with its
// neighbouring 32-bit lanes exchanged.
#define SWAPHALVES(v) Get v; V128Const $0x0f0e0d0c0b0a0908, $0x0706050403020100; I8x16Swizzle
#define SWAPPAIRS(v) Get v; V128Const $0x0302010007060504, $0x0b0a09080f0e0d0c; I8x16Swizzle

// SPREAD makes every lane of v the op of all four: op is F32x4Pmin, F32x4Pmax …
#define SPREAD(v, op) \
	Get v; SWAPHALVES(v); op; Set v; \
	Get v; SWAPPAIRS(v); op; Set v

// A constant in a loop is made anew in each round, in V8 with three to five
// instructions. So loops that are short keep theirs in V: SWAPS sets a and b to what
// exchanges halves and neighbouring lanes, and SPREADBY is SPREAD with these.
#define SWAPS(a, b) \
	V128Const $0x0f0e0d0c0b0a0908, $0x0706050403020100; Set a; \
	V128Const $0x0302010007060504, $0x0b0a09080f0e0d0c; Set b
#define SPREADBY(v, a, b, op) \
	Get v; Get v; Get a; I8x16Swizzle; op; Set v; \
	Get v; Get v; Get b; I8x16Swizzle; op; Set v
