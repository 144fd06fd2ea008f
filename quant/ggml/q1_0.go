package ggml

import (
	"fewbits/kernels"
	"fewbits/quant"
)

// q10 is Q1_0: x̂ = d · (2q − 1) with q 0 or 1.
//
//	d  FP16          bytes 0 … 1
//	qs 128 × 1 bit   bytes 2 … 17; eight neighbours a byte, the lowest bit first
var q10 = &format{
	id: 41, title: titleTernary, bits: 1, group: 128,
	table:    &table{before: "(2 · ", after: " − 1)", values: []int8{-1, 1}},
	summary:  "128 weights share one scale; of each, the sign alone is kept.",
	quantize: quantizeRowQ10,
	decode:   decodeQ10,
	read:     kernels.DequantizeQ1_0,
	layout: []part{
		{name: "scale d, FP16", role: quant.RoleScale, kind: half, count: 1, spans: at(0)},
		{name: "128 codes of 1 bit", role: quant.RoleCode, count: 128, group: 1, spans: each(16, 1)},
	},
	rule: func(*reading, bool) []quant.Term {
		return []quant.Term{{Text: "q = 1 where x ≥ 0, else 0; d = the mean of |x|"}}
	},
}

// quantizeRowQ10 packs x into dst, 18 bytes for 128 values. Source:
// quantize_row_q1_0_ref.
func quantizeRowQ10(dst []byte, x, _ []float32) string {
	kernels.QuantizeQ1_0(dst, x)
	return ""
}

func decodeQ10(b []byte, s *block) {
	s.scale[0] = getHalf(b)
	for j, v := range b[2:18] {
		for k := range 8 {
			s.code[8*j+k] = int8(v >> k & 1)
		}
	}
}
