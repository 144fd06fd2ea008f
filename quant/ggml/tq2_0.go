package ggml

import (
	"fewbits/kernels"
	"fewbits/quant"
)

// tq20 is TQ2_0: x̂ = d · (q − 1) with q from 0 to 2; 3 is not written.
//
//	qs 256 × 2 bits  bytes 0 … 63, see putPairs
//	d  FP16          bytes 64 … 65
var tq20 = &format{
	id: 35, title: titleTernary, bits: 2, group: 256, zero: 1,
	summary:  "256 weights share one scale; each is −1, 0 or 1 in 2 bits. For models trained so, as BitNet.",
	quantize: quantizeRowTQ20,
	decode:   decodeTQ20,
	read:     kernels.DequantizeTQ2_0,
	layout: []part{
		{name: "256 codes of 2 bits", role: quant.RoleCode, count: 256, group: 1, spans: strided(0, 2, 32)},
		{name: nameD, role: quant.RoleScale, kind: half, count: 1, spans: at(512)},
	},
	rule: ruleTernary,
}

// quantizeRowTQ20 packs x into dst, 66 bytes for 256 values. Source:
// quantize_row_tq2_0_ref.
func quantizeRowTQ20(dst []byte, x, _ []float32) string {
	kernels.QuantizeTQ2_0(dst, x)
	return checkTernary(dst, x, superBlock, 66, 64)
}

func decodeTQ20(b []byte, s *block) {
	s.scale[0] = getHalf(b[64:])
	getPairs(&s.code, (*[64]byte)(b))
}
