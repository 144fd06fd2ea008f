package kernels

import "math"

// F16ToF32 widens little-endian IEEE half floats: dst[i] = src[2i:2i+2].
// It is exact. A NaN stays NaN and is made quiet; its payload is kept.
func F16ToF32(dst []float32, src []byte) {
	n := min(len(dst), len(src)/2)
	f16ToF32(dst[:n], src[:2*n])
}

// F32ToF16 rounds to little-endian IEEE half floats, dst[2i:2i+2] = src[i], to
// nearest with ties to even, subnormal halves included; from 65520 on the
// result is infinite. A NaN is made quiet and keeps the top ten bits of its
// payload, as x86 and x448/float16 do (ggml's C writes 0x7e00 with the sign).
func F32ToF16(dst []byte, src []float32) {
	n := min(len(dst)/2, len(src))
	f32ToF16(dst[:2*n], src[:n])
}

// BF16ToF32 widens little-endian bfloat16: dst[i] = src[2i:2i+2], the upper
// half of a float32. All bits are kept.
func BF16ToF32(dst []float32, src []byte) {
	n := min(len(dst), len(src)/2)
	bf16ToF32(dst[:n], src[:2*n])
}

// F32ToBF16 rounds to little-endian bfloat16, dst[2i:2i+2] = src[i], to nearest
// with ties to even. A NaN is cut to its upper half and made quiet
// (ggml_compute_fp32_to_bf16 in ggml-impl.h).
func F32ToBF16(dst []byte, src []float32) {
	n := min(len(dst)/2, len(src))
	f32ToBF16(dst[:2*n], src[:n])
}

// The bits of some float32 that the conversions turn on.
const (
	f32Inf     = 0x7f800000
	f32Half    = 0x3f000000 // 0.5
	f32MinHalf = 0x38800000 // 2^-14, the smallest normal half
	f32PastF16 = 0x47800000 // 2^16, past every half
	f32Rebias  = 112 << 23  // float32's exponent bias less half's
)

// halfToFloat widens one half float.
func halfToFloat(h uint16) float32 {
	sign, m := uint32(h&0x8000)<<16, uint32(h&0x7fff)
	u := m<<13 + f32Rebias
	switch {
	case m > 0x7c00:
		u += f32Rebias
		u |= 0x00400000
	case m == 0x7c00:
		u += f32Rebias
	case m < 0x0400:
		u = math.Float32bits(float32(m) * (1.0 / (1 << 24)))
	}
	return math.Float32frombits(sign | u)
}

// floatToHalf rounds to half float.
func floatToHalf(f float32) uint16 {
	u := math.Float32bits(f)
	sign := uint16(u>>16) & 0x8000
	u &^= 1 << 31
	switch {
	case u > f32Inf:
		return sign | 0x7e00 | uint16(u>>13)&0x03ff
	case u >= f32PastF16:
		return sign | 0x7c00
	case u < f32MinHalf:
		// A unit of 0.5's last place is a unit of the subnormal halves, so this
		// sum rounds as they do.
		return sign | uint16(math.Float32bits(math.Float32frombits(u)+0.5)-f32Half)
	}
	// Add half a unit, less one where the last bit kept is even, and cut.
	return sign | uint16((u-f32Rebias+0x0fff+(u>>13)&1)>>13)
}

func f16ToF32Generic(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = halfToFloat(uint16(src[2*i]) | uint16(src[2*i+1])<<8)
	}
}

func f32ToF16Generic(dst []byte, src []float32) {
	for i, v := range src {
		h := floatToHalf(v)
		dst[2*i], dst[2*i+1] = byte(h), byte(h>>8)
	}
}

func bf16ToF32Generic(dst []float32, src []byte) {
	for i := range dst {
		dst[i] = math.Float32frombits(uint32(src[2*i])<<16 | uint32(src[2*i+1])<<24)
	}
}

func f32ToBF16Generic(dst []byte, src []float32) {
	for i, v := range src {
		u := math.Float32bits(v)
		if u&^(1<<31) > f32Inf {
			u |= 0x00400000
		} else {
			u += 0x7fff + (u>>16)&1
		}
		dst[2*i], dst[2*i+1] = byte(u>>16), byte(u>>24)
	}
}
