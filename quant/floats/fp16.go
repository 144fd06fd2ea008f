package floats

import (
	"github.com/x448/float16"

	"fewbits/kernels"
)

var fp16 = &format{
	name:    "FP16",
	summary: "IEEE half precision: 5 exponent and 10 mantissa bits; what lies beyond ±65504 becomes infinite.",
	exp:     5,
	man:     10,
	bias:    15,
	encode:  F32ToF16,
	decode:  F16ToF32,
	rule:    "the nearest FP16 number to x, ties to the even mantissa; ±∞ from ±65520 on",
}

// F16Bits is the half nearest to x, ties to even; NaN is made quiet and keeps
// its upper ten bits.
func F16Bits(x float32) uint16 { return float16.Fromfloat32(x).Bits() }

// F16Value is the value of a half; NaN is made quiet.
func F16Value(h uint16) float32 { return float16.Frombits(h).Float32() }

// F32ToF16 is F16Bits of each value, 2 bytes each.
func F32ToF16(dst []byte, src []float32) { kernels.F32ToF16(dst, src) }

// F16ToF32 is F16Value of each value, 2 bytes each.
func F16ToF32(dst []float32, src []byte) { kernels.F16ToF32(dst, src) }
