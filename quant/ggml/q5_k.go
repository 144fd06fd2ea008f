package ggml

import (
	"fewbits/kernels"
	"fewbits/quant"
)

// q5K is Q5_K: x̂ = d · sc · q − dmin · m with q from 0 to 31; sc and m are of
// 6 bits, one of each for 32 weights.
//
//	d      FP16            bytes 0 … 1
//	dmin   FP16            bytes 2 … 3
//	scales 8 × (6 + 6) bits bytes 4 … 15, see putScales
//	qh     256 × 1 bit     bytes 16 … 47; bit 4 of each code, see putPlane
//	qs     256 × 4 bits    bytes 48 … 175, see putHalves
var q5K = &format{
	id: 13, title: titleK, bits: 5, group: 32, importance: quant.Optional,
	summary:  "Q4_K with a fifth bit, kept apart from the other four.",
	quantize: quantizeRowQ5K,
	decode:   decodeQ5K,
	read:     kernels.DequantizeQ5_K,
	layout: []part{
		{name: nameD, role: quant.RoleScale, kind: half, count: 1, spans: at(0)},
		{name: nameDMin, role: quant.RoleMin, kind: half, count: 1, spans: at(16)},
		{name: "8 scales of 6 bits", role: quant.RoleScale, count: 8, group: 32, spans: scaleSpans(4, 0)},
		{name: "8 minimums of 6 bits", role: quant.RoleMin, count: 8, group: 32, spans: scaleSpans(4, 4)},
		{name: "bit 4 of 256 codes", role: quant.RoleCode, count: 256, group: 1, shift: 4, spans: strided(16, 1, 32)},
		{name: "bits 0 to 3 of 256 codes", role: quant.RoleCode, count: 256, group: 1, spans: strided(48, 4, 32)},
	},
	rule: ruleGroup,
}

var (
	searchQ5K         = kernels.MinSearch{Top: 31, From: -0.5, By: 0.1, Last: 15, Weights: kernels.WeightsTypical}
	searchQ5KWeighted = kernels.MinSearch{Top: 31, From: -0.9, By: 0.05, Last: 36}
)

// quantizeRowQ5K packs x into dst, 176 bytes for 256 values. Source:
// quantize_row_q5_K_ref and quantize_row_q5_K_impl.
func quantizeRowQ5K(dst []byte, x, importance []float32) string {
	var q [superBlock]uint8
	for i := 0; i+superBlock <= len(x); i += superBlock {
		v, b := (*[superBlock]float32)(x[i:]), (*[176]byte)(dst[i/superBlock*176:])
		if importance == nil {
			groups32(b[:16], v, &q, &searchQ5K)
		} else {
			groups32Weighted(b[:16], v, (*[superBlock]float32)(importance[i:]), &q, &searchQ5KWeighted, true)
		}
		putPlane((*[32]byte)(b[16:]), &q, 4)
		putHalves((*[128]byte)(b[48:]), &q)
	}
	return ""
}

func decodeQ5K(b []byte, s *block) {
	decode32(b, s)
	getHalves(&s.code, (*[128]byte)(b[48:]))
	addPlane(&s.code, (*[32]byte)(b[16:]), 4)
}
