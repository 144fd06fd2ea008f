package ggml

import (
	"fewbits/kernels"
	"fewbits/quant"
)

// q41 is Q4_1: x̂ = d · q + m with q from 0 to 15.
//
//	d  FP16          bytes 0 … 1
//	m  FP16          bytes 2 … 3
//	qs 32 × 4 bits   bytes 4 … 19; weight j in the low half of byte j, j + 16 in the high half
var q41 = &format{
	id: 3, title: titleLegacy, bits: 4, group: 32, importance: quant.Optional,
	summary:  "32 weights share a scale and a minimum: sixteen even steps from the least to the greatest.",
	quantize: quantizeRowQ41,
	decode:   decodeQ41,
	read:     kernels.DequantizeQ4_1,
	layout: []part{
		{name: "scale d, FP16", role: quant.RoleScale, kind: half, count: 1, spans: at(0)},
		{name: "minimum m, FP16", role: quant.RoleMin, kind: half, count: 1, spans: at(16)},
		{name: "32 codes of 4 bits", role: quant.RoleCode, count: 32, group: 1, spans: strided(4, 4, 16)},
	},
	rule: ruleRange,
}

// quantizeRowQ41 packs x into dst, 20 bytes for 32 values. Without importance
// m = min x, d = (max x − m)/15 and the codes are ⌊(x − m) · 1/d + 0.5⌋.
// Source: quantize_row_q4_1_ref and quantize_row_q4_1_impl.
func quantizeRowQ41(dst []byte, x, importance []float32) string {
	if importance != nil {
		weightedRow(x, importance, searchMins(&searchQ41), func(i int, d, m float32, q *[legacyBlock]uint8) {
			b := (*[20]byte)(dst[20*i:])
			putHalf(b[:], d)
			putHalf(b[2:], -m)
			putNibbles((*[16]byte)(b[4:]), q)
		})
		return ""
	}
	kernels.QuantizeQ4_1(dst, x)
	return checkRange(dst, x, 20, 15)
}

func decodeQ41(b []byte, s *block) {
	s.scale[0], s.min[0] = getHalf(b), getHalf(b[2:])
	getNibbles((*[legacyBlock]int8)(s.code[:]), (*[16]byte)(b[4:]))
}
