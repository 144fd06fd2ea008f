package ggml

import (
	"fewbits/kernels"
	"fewbits/quant"
)

// q20 is Q2_0: x̂ = d · (q − 1) with q from 0 to 3; 3, which is 2d, is not
// written.
//
//	d  FP16          bytes 0 … 1
//	qs 64 × 2 bits   bytes 2 … 17; four neighbours a byte, low bits first
var q20 = &format{
	id: 42, title: titleTernary, bits: 2, group: 64, zero: 1,
	summary:  "64 weights share one scale; each is −1, 0 or 1 in 2 bits.",
	quantize: quantizeRowQ20,
	decode:   decodeQ20,
	read:     kernels.DequantizeQ2_0,
	layout: []part{
		{name: "scale d, FP16", role: quant.RoleScale, kind: half, count: 1, spans: at(0)},
		{name: "64 codes of 2 bits", role: quant.RoleCode, count: 64, group: 1, spans: each(16, 2)},
	},
	rule: ruleTernary,
}

// quantizeRowQ20 packs x into dst, 18 bytes for 64 values. Source:
// quantize_row_q2_0_ref.
func quantizeRowQ20(dst []byte, x, _ []float32) string {
	kernels.QuantizeQ2_0(dst, x)
	return checkTernary(dst, x, 64, 18, 0)
}

func decodeQ20(b []byte, s *block) {
	s.scale[0] = getHalf(b)
	for j, v := range b[2:18] {
		q := (*[4]int8)(s.code[4*j:])
		q[0], q[1], q[2], q[3] = int8(v&3), int8(v>>2&3), int8(v>>4&3), int8(v>>6)
	}
}
