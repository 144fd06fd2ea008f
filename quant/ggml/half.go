package ggml

import (
	"encoding/binary"
	"math"
)

// toHalf is v as IEEE half precision, to nearest even, past its range to
// infinity. Every NaN becomes the one that x86 makes of an invalid operation,
// so that machines whose own NaN has another sign write the same bytes.
func toHalf(v float32) uint16 {
	b := math.Float32bits(v)
	sign, a := uint16(b>>16&0x8000), b&0x7fffffff
	switch {
	case a > 0x7f800000:
		return 0xfe00
	case a >= 0x477ff000: // 65520 is halfway between 65504 and 65536
		return sign | 0x7c00
	case a < 0x38800000: // below 2^−14: steps of 2^−24, which is the step of float32 just over 0.5
		return sign | uint16(math.Float32bits(math.Float32frombits(a)+0.5)-0x3f000000)
	}
	return sign | uint16((a-0x38000000+0xfff+a>>13&1)>>13)
}

// fromHalf is h as float32, exactly; a NaN becomes a quiet one.
func fromHalf(h uint16) float32 {
	sign, e, m := uint32(h&0x8000)<<16, uint32(h>>10&31), uint32(h&0x3ff)
	switch {
	case e == 31 && m != 0:
		return math.Float32frombits(sign | 0x7fc00000 | m<<13)
	case e == 31:
		return math.Float32frombits(sign | 0x7f800000)
	case e == 0:
		return math.Float32frombits(sign | math.Float32bits(float32(m)*0x1p-24))
	}
	return math.Float32frombits(sign | (e+112)<<23 | m<<13)
}

// putHalf stores v and returns what can be read back of it.
func putHalf(b []byte, v float32) float32 {
	h := toHalf(v)
	binary.LittleEndian.PutUint16(b, h)
	return fromHalf(h)
}

func getHalf(b []byte) float32 { return fromHalf(binary.LittleEndian.Uint16(b)) }

// abs is v without its sign.
func abs(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }

// nearest is v rounded to the nearest integer, ties to even, for |v| < 2^22:
// added to 1.5·2^23, its integer part lands in the low bits of the mantissa.
// Beyond that, for infinities and NaN too, it is whatever those bits hold, as
// in the reference's nearest_int.
func nearest(v float32) int32 {
	return int32(math.Float32bits(v+12582912)&0x007fffff) - 0x00400000
}
