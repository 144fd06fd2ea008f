package kernels

import "math"

// Two floats of 8 bits, of the Open Compute Project's OFP8: E4M3 has 4 bits of
// exponent and no infinity, E5M2 5 bits, and is the upper half of a half float.

// F32ToE4M3 rounds to E4M3, to nearest with ties to even. What is beyond ±448 becomes
// that, infinity too; NaN is 0x7f with its sign.
func F32ToE4M3(dst []byte, src []float32) {
	n := min(len(dst), len(src))
	f32ToE4M3(dst[:n], src[:n])
}

// F32ToE5M2 rounds to E5M2, to nearest with ties to even. What is beyond ±57344
// becomes that; infinities stay, NaN is 0x7f with its sign.
func F32ToE5M2(dst []byte, src []float32) {
	n := min(len(dst), len(src))
	f32ToE5M2(dst[:n], src[:n])
}

// E4M3ToF32 widens E4M3. It is exact.
func E4M3ToF32(dst []float32, src []byte) {
	n := min(len(dst), len(src))
	e4m3ToF32(dst[:n], src[:n])
}

// E5M2ToF32 widens E5M2. It is exact; NaN stays NaN.
func E5M2ToF32(dst []float32, src []byte) {
	n := min(len(dst), len(src))
	e5m2ToF32(dst[:n], src[:n])
}

// floatToE4M3 rounds one value. An integer add rounds the mantissa of a normal
// number; adding 2^14, whose last bit is 2^-9, rounds to a subnormal one.
func floatToE4M3(x float32) uint8 {
	const minNormal, most = 0x3c800000, 0x7e // 2^-6, 448
	u := math.Float32bits(x)
	a := u &^ (1 << 31)
	h := (a - (127-7)<<23 + 0x7ffff + a>>20&1) >> 20
	switch {
	case a < minNormal:
		h = math.Float32bits(math.Float32frombits(a)+0x1p14) - 0x46800000
	case a > f32Inf:
		h = 0x7f
	case h > most:
		h = most
	}
	return uint8(u>>24&0x80 | h)
}

// floatToE5M2 rounds one value. Adding 2^7, whose last bit is 2^-16, rounds to a
// subnormal number.
func floatToE5M2(x float32) uint8 {
	const minNormal, most = 0x38800000, 0x7b // 2^-14, 57344
	u := math.Float32bits(x)
	a := u &^ (1 << 31)
	h := (a - (127-15)<<23 + 0xfffff + a>>21&1) >> 21
	switch {
	case a < minNormal:
		h = math.Float32bits(math.Float32frombits(a)+0x1p7) - 0x43000000
	case a > f32Inf:
		h = 0x7f
	case a == f32Inf:
		h = 0x7c
	case h > most:
		h = most
	}
	return uint8(u>>24&0x80 | h)
}

func f32ToE4M3Generic(dst []byte, src []float32) {
	for i, v := range src {
		dst[i] = floatToE4M3(v)
	}
}

func f32ToE5M2Generic(dst []byte, src []float32) {
	for i, v := range src {
		dst[i] = floatToE5M2(v)
	}
}

// e4m3ToF32Generic reads E4M3 as a half float of which it has the upper bits but one of
// the exponent, whose unit is 2^8 times smaller.
func e4m3ToF32Generic(dst []float32, src []byte) {
	for i, b := range src {
		v := halfToFloat(uint16(b&0x7f)<<7) * 256
		if b&0x7f == 0x7f {
			v = float32(math.NaN())
		}
		dst[i] = math.Float32frombits(math.Float32bits(v)&^(1<<31) | uint32(b&0x80)<<24)
	}
}

func e5m2ToF32Generic(dst []float32, src []byte) {
	for i, b := range src {
		dst[i] = halfToFloat(uint16(b) << 8)
	}
}
