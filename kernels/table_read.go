package kernels

import (
	"encoding/binary"
	"math"
)

// Blocks of the types whose codes of 4 bits stand for entries of a table, in bytes.
const (
	iq4NLBytes = 18  // d, 16 bytes: byte j is value j in its low and value j+16 in its high half
	iq4XSBytes = 136 // d, high bits of 8 scales, low bits of them, 8 × 16 bytes
	mxfp4Bytes = 17  // a power of two, 16 bytes
	nvfp4Bytes = 36  // 4 scales, 4 × 8 bytes
	nvfp4Len   = 64
)

// DequantizeIQ4_NL reads whole blocks of ggml's IQ4_NL (dequantize_row_iq4_nl):
// x = d · table[q].
func DequantizeIQ4_NL(dst []float32, src []byte, table *[16]int8) {
	src, dst = blocks(src, dst, iq4NLBytes)
	dequantizeIQ4_NL(dst, src, table)
}

// DequantizeIQ4_XS reads whole blocks of ggml's IQ4_XS (dequantize_row_iq4_xs):
// x = (d·(sc − 32)) · table[q], with eight scales sc of 6 bits.
func DequantizeIQ4_XS(dst []float32, src []byte, table *[16]int8) {
	src, dst = superBlocks(src, dst, iq4XSBytes)
	dequantizeIQ4_XS(dst, src, table)
}

// DequantizeMXFP4 reads whole blocks of ggml's MXFP4 (dequantize_row_mxfp4): x =
// 2^(e − 128) · table[q].
func DequantizeMXFP4(dst []float32, src []byte, table *[16]int8) {
	src, dst = blocks(src, dst, mxfp4Bytes)
	dequantizeMXFP4(dst, src, table)
}

// DequantizeNVFP4 reads whole blocks of ggml's NVFP4 (dequantize_row_nvfp4): x =
// scale(s) · table[q], each sixteen with a scale that is half of an unsigned float of 4
// bits of exponent and 3 of mantissa.
func DequantizeNVFP4(dst []float32, src []byte, table *[16]int8) {
	n := min(len(dst)/nvfp4Len, len(src)/nvfp4Bytes)
	dequantizeNVFP4(dst[:n*nvfp4Len], src[:n*nvfp4Bytes], table)
}

// halfE8M0 is 2^(e − 127) / 2.
func halfE8M0(e uint8) float32 {
	if e < 2 {
		return math.Float32frombits(0x00200000 << e)
	}
	return math.Float32frombits(uint32(e-1) << 23)
}

// halvesUE4M3 is, by its bits, half of what an unsigned float is: 2^(e − 7)·(1 + m/8),
// where e is 0 2^−6·m/8, and 0 for 0x7f. Bit 7 is passed over, but for 0xff. Source:
// ggml_ue4m3_to_fp32 in src/ggml-impl.h.
var halvesUE4M3 = func() (values [256]float32) {
	for v := range uint32(128) {
		f := math.Float32frombits(v<<20 + 119<<23)
		if v < 8 {
			f = float32(v) * 0x1p-10
		}
		values[v], values[v+128] = f, f
	}
	values[0x7f] = 0
	return values
}()

// entries are 2·len(b) values: low halves of bytes, then high ones.
func entries(dst []float32, b []byte, scale float32, table *[16]int8) {
	n := len(b)
	for j, v := range b {
		dst[j], dst[j+n] = scale*float32(table[v&15]), scale*float32(table[v>>4])
	}
}

func dequantizeIQ4_NLGeneric(dst []float32, src []byte, table *[16]int8) {
	for ; len(dst) >= blockLen; dst, src = dst[blockLen:], src[iq4NLBytes:] {
		entries(dst[:blockLen], src[2:iq4NLBytes], halfAt(src), table)
	}
}

func dequantizeIQ4_XSGeneric(dst []float32, src []byte, table *[16]int8) {
	for ; len(src) >= iq4XSBytes; src = src[iq4XSBytes:] {
		d, high, low := halfAt(src), binary.LittleEndian.Uint16(src[2:]), binary.LittleEndian.Uint32(src[4:])
		for j := range 8 {
			sc := int32(low>>(4*j)&15) | int32(high>>(2*j)&3)<<4
			entries(dst[:32], src[8+16*j:24+16*j], d*float32(sc-32), table)
			dst = dst[32:]
		}
	}
}

func dequantizeMXFP4Generic(dst []float32, src []byte, table *[16]int8) {
	for ; len(dst) >= blockLen; dst, src = dst[blockLen:], src[mxfp4Bytes:] {
		entries(dst[:blockLen], src[1:mxfp4Bytes], halfE8M0(src[0]), table)
	}
}

func dequantizeNVFP4Generic(dst []float32, src []byte, table *[16]int8) {
	for ; len(src) >= nvfp4Bytes; src = src[nvfp4Bytes:] {
		for g, s := range src[:4] {
			entries(dst[:16], src[4+8*g:12+8*g], halvesUE4M3[s], table)
			dst = dst[16:]
		}
	}
}
