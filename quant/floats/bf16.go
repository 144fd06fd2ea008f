package floats

import (
	"math"

	"fewbits/kernels"
)

var bf16 = &format{
	name:    "BF16",
	summary: "The upper half of a 32-bit float: all of its range, with 7 mantissa bits.",
	exp:     8,
	man:     7,
	bias:    127,
	encode:  F32ToBF16,
	decode:  BF16ToF32,
	rule:    "the nearest BF16 number to x, ties to the even mantissa",
}

// BF16Bits is the bfloat16 nearest to x, ties to even; NaN is made quiet and
// keeps its upper seven bits.
func BF16Bits(x float32) uint16 {
	u := math.Float32bits(x)
	if u&0x7fffffff > infinity {
		return uint16(u>>16 | 0x40)
	}
	return uint16((u + 0x7fff + u>>16&1) >> 16)
}

// BF16Value is the value of a bfloat16.
func BF16Value(b uint16) float32 { return math.Float32frombits(uint32(b) << 16) }

// F32ToBF16 is BF16Bits of each value, 2 bytes each.
func F32ToBF16(dst []byte, src []float32) { kernels.F32ToBF16(dst, src) }

// BF16ToF32 is BF16Value of each value, 2 bytes each.
func BF16ToF32(dst []float32, src []byte) { kernels.BF16ToF32(dst, src) }
