//go:build !purego

#include "textflag.h"

// BINARY is *a = op(*a, *b), vectors.
#define BINARY(op) \
	MOVD a+0(FP), R0; \
	MOVD b+8(FP), R1; \
	Get R0; I32WrapI64; \
	Get R0; I32WrapI64; V128Load $0; \
	Get R1; I32WrapI64; V128Load $0; \
	op; V128Store $0, $0

// UNARY is *a = op(*a), vectors.
#define UNARY(op) \
	MOVD a+0(FP), R0; \
	Get R0; I32WrapI64; \
	Get R0; I32WrapI64; V128Load $0; \
	op; V128Store $0, $0

// func extractSecond(v *[4]float32) float32     v[3]
TEXT ·extractSecond(SB), NOSPLIT, $0-12
	MOVD v+0(FP), R0
	Get SP
	Get R0; I32WrapI64; V128Load $0; F32x4ExtractLane $0, $3
	F32Store ret+8(FP)
	RET

// func extractOnly(v *[4]float32) float32     meant as v[3], is v[0]
TEXT ·extractOnly(SB), NOSPLIT, $0-12
	MOVD v+0(FP), R0
	Get SP
	Get R0; I32WrapI64; V128Load $0; F32x4ExtractLane $3
	F32Store ret+8(FP)
	RET

// func replaceSecond(v *[4]float32)     v[2] = v[0]
TEXT ·replaceSecond(SB), NOSPLIT, $0-8
	MOVD v+0(FP), R0
	Get R0; I32WrapI64
	Get R0; I32WrapI64; V128Load $0
	Get R0; I32WrapI64; F32Load $0
	F32x4ReplaceLane $0, $2
	V128Store $0, $0
	RET

// func storeSecond(p *[12]uint32)     p[4:8] = −1
TEXT ·storeSecond(SB), NOSPLIT, $0-8
	MOVD p+0(FP), R0
	Get R0; I32WrapI64
	V128Const $-1, $-1
	V128Store $0, $16
	RET

// func storeOnly(p *[12]uint32)     meant as p[4:8] = −1, is p[0:4]
TEXT ·storeOnly(SB), NOSPLIT, $0-8
	MOVD p+0(FP), R0
	Get R0; I32WrapI64
	V128Const $-1, $-1
	V128Store $16
	RET

// func loadOnly(p *[12]uint32) uint32     p[4]
TEXT ·loadOnly(SB), NOSPLIT, $0-12
	MOVD p+0(FP), R0
	Get SP
	Get R0; I32WrapI64; V128Load $16; I32x4ExtractLane $0, $0
	I32Store ret+8(FP)
	RET

// func pmin(a, b *[4]float32)     b < a ? b : a
TEXT ·pmin(SB), NOSPLIT, $0-16
	BINARY(F32x4Pmin)
	RET

// func pmax(a, b *[4]float32)     a < b ? b : a
TEXT ·pmax(SB), NOSPLIT, $0-16
	BINARY(F32x4Pmax)
	RET

// func swizzle(a, b *[16]byte)     a[b[i]], 0 from 16 on
TEXT ·swizzle(SB), NOSPLIT, $0-16
	BINARY(I8x16Swizzle)
	RET

// func narrow(a, b *[4]int32)     eight uint16: a, then b, saturated from signed
TEXT ·narrow(SB), NOSPLIT, $0-16
	BINARY(I16x8NarrowI32x4U)
	RET

// func andnot(a, b *[4]uint32)     a &^ b
TEXT ·andnot(SB), NOSPLIT, $0-16
	BINARY(V128Andnot)
	RET

// func bitselect(a, b, mask *[4]uint32)     a&mask | b&^mask
TEXT ·bitselect(SB), NOSPLIT, $0-24
	MOVD a+0(FP), R0
	MOVD b+8(FP), R1
	MOVD mask+16(FP), R2
	Get R0; I32WrapI64
	Get R0; I32WrapI64; V128Load $0
	Get R1; I32WrapI64; V128Load $0
	Get R2; I32WrapI64; V128Load $0
	V128Bitselect; V128Store $0, $0
	RET

// func constant(p *[2]uint64)     the lower half comes first
TEXT ·constant(SB), NOSPLIT, $0-8
	MOVD p+0(FP), R0
	Get R0; I32WrapI64
	V128Const $0x0123456789abcdef, $((0x80000000)<<32|(0x80000000))
	V128Store $0, $0
	RET

// func promote(a *[4]float32)     two float64, of lanes 0 and 1
TEXT ·promote(SB), NOSPLIT, $0-8
	UNARY(F64x2PromoteLowF32x4)
	RET

// func nearest(a *[4]float32)     ties to even
TEXT ·nearest(SB), NOSPLIT, $0-8
	UNARY(F32x4Nearest)
	RET

// func scalars(f float32, i int32, p *[2]float32)     p = {f, float32(i)}
//
// Arguments are loaded from the frame without Get SP.
TEXT ·scalars(SB), NOSPLIT, $0-16
	MOVD p+8(FP), R0
	Get R0; I32WrapI64; F32Load f+0(FP); F32Store $0
	Get R0; I32WrapI64; I32Load i+4(FP); F32ConvertI32S; F32Store $4
	RET
