package ggml

import (
	"fewbits/kernels"
	"fewbits/quant"
)

// q51 is Q5_1: x̂ = d · q + m with q from 0 to 31.
//
//	d  FP16          bytes 0 … 1
//	m  FP16          bytes 2 … 3
//	qh 32 × 1 bit    bytes 4 … 7; bit 4 of each code
//	qs 32 × 4 bits   bytes 8 … 23; weight j in the low half of byte j, j + 16 in the high half
var q51 = &format{
	id: 7, title: titleLegacy, bits: 5, group: 32, importance: quant.Optional,
	summary:  "Q4_1 with a fifth bit, kept apart from the other four.",
	quantize: quantizeRowQ51,
	decode:   decodeQ51,
	read:     kernels.DequantizeQ5_1,
	layout: []part{
		{name: "scale d, FP16", role: quant.RoleScale, kind: half, count: 1, spans: at(0)},
		{name: "minimum m, FP16", role: quant.RoleMin, kind: half, count: 1, spans: at(16)},
		{name: "bit 4 of 32 codes", role: quant.RoleCode, count: 32, group: 1, shift: 4, spans: each(32, 1)},
		{name: "bits 0 to 3 of 32 codes", role: quant.RoleCode, count: 32, group: 1, spans: strided(8, 4, 16)},
	},
	rule: ruleRange,
}

// quantizeRowQ51 packs x into dst, 24 bytes for 32 values. Without importance
// m = min x, d = (max x − m)/31 and the codes are ⌊(x − m) · 1/d + 0.5⌋.
// Source: quantize_row_q5_1_ref and quantize_row_q5_1_impl.
func quantizeRowQ51(dst []byte, x, importance []float32) string {
	if importance != nil {
		weightedRow(x, importance, searchMins(&searchQ51), func(i int, d, m float32, q *[legacyBlock]uint8) {
			b := (*[24]byte)(dst[24*i:])
			putHalf(b[:], d)
			putHalf(b[2:], -m)
			putFifth((*[4]byte)(b[4:]), q)
			putNibbles((*[16]byte)(b[8:]), q)
		})
		return ""
	}
	kernels.QuantizeQ5_1(dst, x)
	return checkRange(dst, x, 24, 31)
}

func decodeQ51(b []byte, s *block) {
	s.scale[0], s.min[0] = getHalf(b), getHalf(b[2:])
	q := (*[legacyBlock]int8)(s.code[:])
	getNibbles(q, (*[16]byte)(b[8:]))
	addFifth(q, (*[4]byte)(b[4:]))
}
