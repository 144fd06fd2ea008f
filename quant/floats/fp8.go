package floats

import (
	"math"
	"slices"

	"fewbits/kernels"
)

// infinity is the bit pattern of a float32; NaN lies above it.
const infinity = 0x7f800000

var e4m3 = &format{
	name:    "FP8_E4M3",
	summary: "8 bits for weights: 4 exponent and 3 mantissa bits, no infinity; what lies beyond ±448 is clipped to it.",
	exp:     4,
	man:     3,
	bias:    7,
	noInf:   true,
	encode:  F32ToE4M3,
	decode:  E4M3ToF32,
	levels:  finite(&e4m3Values),
	rule:    "the nearest E4M3 number to x, ties to the even mantissa; ±448 beyond that",
}

var e5m2 = &format{
	name:    "FP8_E5M2",
	summary: "8 bits with the range of FP16: 5 exponent and 2 mantissa bits; what lies beyond ±57344 is clipped to it.",
	exp:     5,
	man:     2,
	bias:    15,
	encode:  F32ToE5M2,
	decode:  E5M2ToF32,
	levels:  finite(&e5m2Values),
	rule:    "the nearest E5M2 number to x, ties to the even mantissa; ±57344 beyond that; ±∞ stays",
}

// The values of all patterns.
var (
	e4m3Values = table(4, 3, 7, true)
	e5m2Values = table(5, 2, 15, false)
)

// table is the value of each pattern of an 8-bit float.
func table(exp, man, bias int, noInf bool) (values [256]float32) {
	for code := range values {
		e, m := code>>man&(1<<exp-1), code&(1<<man-1)
		v := math.Ldexp(float64(m), 1-bias-man)
		switch {
		case e == 1<<exp-1 && (!noInf && m != 0 || m == 1<<man-1):
			v = math.NaN()
		case e == 1<<exp-1 && !noInf:
			v = math.Inf(1)
		case e > 0:
			v = math.Ldexp(float64(m+1<<man), e-bias-man)
		}
		values[code] = float32(math.Copysign(v, float64(127-code)))
	}
	return values
}

// finite is the distinct finite values of a table, rising.
func finite(values *[256]float32) []float32 {
	var levels []float32
	for code, v := range values {
		if code != 0x80 && v-v == 0 {
			levels = append(levels, v)
		}
	}
	slices.Sort(levels)
	return levels
}

// E4M3Value is the value of an E4M3 pattern.
func E4M3Value(code uint8) float32 { return e4m3Values[code] }

// E5M2Value is the value of an E5M2 pattern.
func E5M2Value(code uint8) float32 { return e5m2Values[code] }

// E4M3Bits is the E4M3 number nearest to x, ties to even, ±448 beyond that.
//
// An integer add rounds the mantissa of a normal number; adding 2^14, whose
// last bit is 2^-9, rounds to a subnormal one.
func E4M3Bits(x float32) uint8 {
	const minNormal, maxFinite = 0x3c800000, 0x43e00000 // 2^-6, 448
	u := math.Float32bits(x)
	a := u & 0x7fffffff
	var h uint32
	switch {
	case a-minNormal < maxFinite-minNormal:
		h = (a - (127-7)<<23 + 0x7ffff + a>>20&1) >> 20
	case a < minNormal:
		h = math.Float32bits(math.Float32frombits(a)+0x1p14) - 0x46800000
	case a > infinity:
		h = 0x7f
	default:
		h = 0x7e
	}
	return uint8(u>>24&0x80 | h)
}

// E5M2Bits is the E5M2 number nearest to x, ties to even, ±57344 beyond that.
// Infinities stay. Adding 2^7, whose last bit is 2^-16, rounds to a subnormal
// number.
func E5M2Bits(x float32) uint8 {
	const minNormal, maxFinite = 0x38800000, 0x47600000 // 2^-14, 57344
	u := math.Float32bits(x)
	a := u & 0x7fffffff
	var h uint32
	switch {
	case a-minNormal < maxFinite-minNormal:
		h = (a - (127-15)<<23 + 0xfffff + a>>21&1) >> 21
	case a < minNormal:
		h = math.Float32bits(math.Float32frombits(a)+0x1p7) - 0x43000000
	case a > infinity:
		h = 0x7f
	case a == infinity:
		h = 0x7c
	default:
		h = 0x7b
	}
	return uint8(u>>24&0x80 | h)
}

// F32ToE4M3 is E4M3Bits of each value, a byte each.
func F32ToE4M3(dst []byte, src []float32) { kernels.F32ToE4M3(dst, src) }

// F32ToE5M2 is E5M2Bits of each value, a byte each.
func F32ToE5M2(dst []byte, src []float32) { kernels.F32ToE5M2(dst, src) }

// E4M3ToF32 is E4M3Value of each byte.
func E4M3ToF32(dst []float32, src []byte) { kernels.E4M3ToF32(dst, src) }

// E5M2ToF32 is E5M2Value of each byte.
func E5M2ToF32(dst []float32, src []byte) { kernels.E5M2ToF32(dst, src) }
