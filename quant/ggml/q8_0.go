package ggml

import (
	"fewbits/kernels"
	"fewbits/quant"
)

// q80 is Q8_0: x̂ = d · q with q from −127 to 127.
//
//	d  FP16       bytes 0 … 1
//	qs 32 × int8  bytes 2 … 33
var q80 = &format{
	id: 8, title: titleLegacy, bits: 8, group: 32, signed: true,
	summary:  "32 weights share one scale; each is a signed byte. Near enough to lossless.",
	quantize: quantizeRowQ80,
	decode:   decodeQ80,
	read:     kernels.DequantizeQ8_0,
	layout: []part{
		{name: "scale d, FP16", role: quant.RoleScale, kind: half, count: 1, spans: at(0)},
		{name: "32 codes of 8 bits", role: quant.RoleCode, kind: signed, count: 32, group: 1, spans: each(16, 8)},
	},
	rule: func(r *reading, _ bool) []quant.Term {
		return r.rounded("q = round(x / d) = round(x / ", ")", "d = max|x| / 127")
	},
}

// quantizeRowQ80 packs x into dst, 34 bytes for 32 values. The codes are
// x · 1/d, halves away from zero, where d = max|x|/127 is not yet rounded to
// half precision. Source: quantize_row_q8_0_ref.
func quantizeRowQ80(dst []byte, x, _ []float32) string {
	kernels.QuantizeQ8_0(dst, x)
	return checkInverse(dst, x, 34, 127)
}

func decodeQ80(b []byte, s *block) {
	s.scale[0] = getHalf(b)
	for j, v := range b[2:34] {
		s.code[j] = int8(v)
	}
}
