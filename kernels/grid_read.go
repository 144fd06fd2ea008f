package kernels

import (
	"encoding/binary"
	"math/bits"
)

// Bytes of a block of 256 values of ggml's types that store points of a grid.
const (
	iq2XXSBytes = 66
	iq2XSBytes  = 74
	iq2SBytes   = 82
	iq3XXSBytes = 98
	iq3SBytes   = 110
	iq1SBytes   = 50
	iq1MBytes   = 56
)

// A point is eight, or four, signed bytes, the first the lowest. The scales of the
// groups are exact products of a half float and a small number.

// DequantizeIQ2_XXS reads whole blocks of ggml's IQ2_XXS (dequantize_row_iq2_xxs): x
// = ±(d·(0.5 + sc)/4)·p, eight values p to a point of 8 bits, with seven signs and an
// eighth that makes an even number minus; 32 share a scale sc of 4 bits.
func DequantizeIQ2_XXS(dst []float32, src []byte, points *[256]uint64) {
	src, dst = superBlocks(src, dst, iq2XXSBytes)
	dequantizeIQ2_XXS(dst, src, points)
}

// DequantizeIQ2_XS reads whole blocks of ggml's IQ2_XS (dequantize_row_iq2_xs): as
// IQ2_XXS, with points of 9 bits, and a scale for 16.
func DequantizeIQ2_XS(dst []float32, src []byte, points *[512]uint64) {
	src, dst = superBlocks(src, dst, iq2XSBytes)
	dequantizeIQ2_XS(dst, src, points)
}

// DequantizeIQ2_S reads whole blocks of ggml's IQ2_S (dequantize_row_iq2_s): as
// IQ2_XS, with points of 10 bits, and eight signs.
func DequantizeIQ2_S(dst []float32, src []byte, points *[1024]uint64) {
	src, dst = superBlocks(src, dst, iq2SBytes)
	dequantizeIQ2_S(dst, src, points)
}

// DequantizeIQ3_XXS reads whole blocks of ggml's IQ3_XXS (dequantize_row_iq3_xxs): x
// = ±(d·(0.5 + sc)/2)·p, four values p to a point of 8 bits, with signs and scales as
// of IQ2_XXS.
func DequantizeIQ3_XXS(dst []float32, src []byte, points *[256]uint32) {
	src, dst = superBlocks(src, dst, iq3XXSBytes)
	dequantizeIQ3_XXS(dst, src, points)
}

// DequantizeIQ3_S reads whole blocks of ggml's IQ3_S (dequantize_row_iq3_s): x =
// ±(d·(1 + 2·sc))·p, four values p to a point of 9 bits, with eight signs; 32 share
// a scale sc of 4 bits.
func DequantizeIQ3_S(dst []float32, src []byte, points *[512]uint32) {
	src, dst = superBlocks(src, dst, iq3SBytes)
	dequantizeIQ3_S(dst, src, points)
}

// DequantizeIQ1_S reads whole blocks of ggml's IQ1_S (dequantize_row_iq1_s): x =
// (d·(1 + 2·sc)/8)·p, eight values p to a point of 11 bits and a twelfth, the
// shift, that 32 share with a scale sc of 3 bits.
func DequantizeIQ1_S(dst []float32, src []byte, points *[4096]uint64) {
	src, dst = superBlocks(src, dst, iq1SBytes)
	dequantizeIQ1_S(dst, src, points)
}

// DequantizeIQ1_M reads whole blocks of ggml's IQ1_M (dequantize_row_iq1_m): as
// IQ1_S, with a shift for each point, and a scale for 16.
func DequantizeIQ1_M(dst []float32, src []byte, points *[4096]uint64) {
	src, dst = superBlocks(src, dst, iq1MBytes)
	dequantizeIQ1_M(dst, src, points)
}

// putPoint writes the values of a point, those negative whose sign is set.
func putPoint(dst []float32, point uint64, signs uint8, step float32) {
	for i := range dst {
		q := int8(point >> (8 * i))
		if signs>>i&1 != 0 {
			q = -q
		}
		dst[i] = step * float32(q)
	}
}

// evenSigns are the low seven bits and an eighth, so that an even number is set.
func evenSigns(s uint32) uint8 { return uint8(s&127 | uint32(bits.OnesCount32(s&127)&1)<<7) }

func dequantizeIQ2_XXSGeneric(dst []float32, src []byte, points *[256]uint64) {
	for ; len(src) >= iq2XXSBytes; src = src[iq2XXSBytes:] {
		d := halfAt(src)
		for b := src[2:iq2XXSBytes]; len(b) > 0; b = b[8:] {
			word := binary.LittleEndian.Uint32(b[4:])
			step := d * (0.5 + float32(word>>28)) * 0.25
			for k, p := range b[:4] {
				putPoint(dst[:8], points[p], evenSigns(word>>(7*k)), step)
				dst = dst[8:]
			}
		}
	}
}

func dequantizeIQ2_XSGeneric(dst []float32, src []byte, points *[512]uint64) {
	for ; len(src) >= iq2XSBytes; src = src[iq2XSBytes:] {
		d := halfAt(src)
		for k := range 32 {
			step := d * (0.5 + float32(src[66+k/4]>>(k/2%2*4)&15)) * 0.25
			word := uint32(binary.LittleEndian.Uint16(src[2+2*k:]))
			putPoint(dst[:8], points[word&511], evenSigns(word>>9), step)
			dst = dst[8:]
		}
	}
}

func dequantizeIQ2_SGeneric(dst []float32, src []byte, points *[1024]uint64) {
	for ; len(src) >= iq2SBytes; src = src[iq2SBytes:] {
		d := halfAt(src)
		for k := range 32 {
			step := d * (0.5 + float32(src[74+k/4]>>(k/2%2*4)&15)) * 0.25
			p := uint32(src[2+k]) | uint32(src[66+k/4]>>(k%4*2)&3)<<8
			putPoint(dst[:8], points[p], src[34+k], step)
			dst = dst[8:]
		}
	}
}

func dequantizeIQ3_XXSGeneric(dst []float32, src []byte, points *[256]uint32) {
	for ; len(src) >= iq3XXSBytes; src = src[iq3XXSBytes:] {
		d := halfAt(src)
		for k := range 32 {
			word := binary.LittleEndian.Uint32(src[66+k/4*4:])
			step, signs := d*(0.5+float32(word>>28))*0.5, evenSigns(word>>(k%4*7))
			putPoint(dst[:4], uint64(points[src[2+2*k]]), signs, step)
			putPoint(dst[4:8], uint64(points[src[3+2*k]]), signs>>4, step)
			dst = dst[8:]
		}
	}
}

func dequantizeIQ3_SGeneric(dst []float32, src []byte, points *[512]uint32) {
	for ; len(src) >= iq3SBytes; src = src[iq3SBytes:] {
		d := halfAt(src)
		for k := range 64 {
			step := d * float32(1+2*(src[106+k/16]>>(k/8%2*4)&15))
			p := uint32(src[2+k]) | uint32(src[66+k/8]>>(k%8)&1)<<8
			putPoint(dst[:4], uint64(points[p]), src[74+k/2]>>(k%2*4), step)
			dst = dst[4:]
		}
	}
}

func dequantizeIQ1_SGeneric(dst []float32, src []byte, points *[4096]uint64) {
	for ; len(src) >= iq1SBytes; src = src[iq1SBytes:] {
		d := halfAt(src)
		for k := range 32 {
			high := uint32(binary.LittleEndian.Uint16(src[34+k/4*2:]))
			step := d * float32(1+2*(high>>12&7)) * 0.125
			p := uint32(src[2+k]) | high>>(k%4*3)&7<<8 | high>>15<<11
			putPoint(dst[:8], points[p], 0, step)
			dst = dst[8:]
		}
	}
}

func dequantizeIQ1_MGeneric(dst []float32, src []byte, points *[4096]uint64) {
	for ; len(src) >= iq1MBytes; src = src[iq1MBytes:] {
		scales := binary.LittleEndian.Uint64(src[48:]) // 4 × (4 × 3 bits, 4 bits of d)
		d := halfToFloat(uint16(scales>>12&0x000f | scales>>24&0x00f0 | scales>>36&0x0f00 | scales>>48&0xf000))
		for k := range 32 {
			step := d * float32(1+2*(scales>>(k/8*16+k/2%4*3)&7)) * 0.125
			p := uint32(src[k]) | uint32(src[32+k/2]>>(k%2*4)&15)<<8
			putPoint(dst[:8], points[p], 0, step)
			dst = dst[8:]
		}
	}
}
