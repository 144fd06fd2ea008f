package ggml

import (
	"math"

	"fewbits/quant"
)

// mxfp4 is MXFP4: x̂ = 2^(e − 127) · v[q], v being the values of FP4, see e2m1.
//
//	e  E8M0          byte 0
//	qs 32 × 4 bits   bytes 1 … 16; weight j in the low half of byte j, j + 16 in the high half
//
// ggml reads e = 255, which is NaN elsewhere, as 2^128.
var mxfp4 = &format{
	id: 39, title: titleFP4, bits: 4, group: 32, table: e2m1,
	summary:  "4-bit floats (E2M1); 32 of them share a power of two. The microscaling format of the OCP, as ggml packs it.",
	quantize: quantizeRowMXFP4,
	decode:   decodeMXFP4,
	layout: []part{
		{name: "scale d, E8M0", role: quant.RoleScale, kind: e8m0, count: 1, spans: each(0, 8)},
		{name: "32 codes of 4 bits", role: quant.RoleCode, count: 32, group: 1, spans: strided(1, 4, 16)},
	},
	rule: func(r *reading, _ bool) []quant.Term {
		return r.nearestEntry("d", "; d = 2^(⌊log2 max|x|⌋ − 2)")
	},
}

// quantizeRowMXFP4 packs x into dst, 17 bytes for 32 values. Where the largest
// of a block is below 2^−125 but not 0, the reference converts a negative
// float to an unsigned byte, which C leaves open; e is 0 there. Source:
// quantize_row_mxfp4_ref.
func quantizeRowMXFP4(dst []byte, x, _ []float32) string {
	var q [32]uint8
	for i := 0; i+32 <= len(x); i += 32 {
		v, b := x[i:i+32], (*[17]byte)(dst[i/32*17:])
		_, top := largest(v)
		b[0] = 0
		if top > 0 {
			b[0] = uint8(max(floorLog2(top)+125, 0))
		}
		codesFP4(q[:], v, halfE8M0(b[0]), top)
		putPairsFP4(b[1:], q[:])
	}
	return ""
}

// floorLog2 is the floor of log2 x rounded to float32. Rounding alone lifts x
// just below a power of two to that power.
func floorLog2(x float32) int {
	if b := math.Float32bits(x); b>>23 != 0 && b&0x7fff00 != 0x7fff00 {
		return int(b>>23) - 127
	}
	return int(math.Floor(float64(float32(math.Log2(float64(x))))))
}

func decodeMXFP4(b []byte, s *block) {
	s.scale[0] = halfE8M0(b[0])
	getNibbles((*[32]int8)(s.code[:]), (*[16]byte)(b[1:]))
}
