package ggml

import (
	"fewbits/kernels"
	"fewbits/quant"
)

// q2K is Q2_K: x̂ = d · sc · q − dmin · m with q from 0 to 3; sc and m are of
// 4 bits, one of each for 16 weights.
//
//	scales 16 × (4 + 4) bits bytes 0 … 15; sc in the low half, m in the high half
//	qs     256 × 2 bits      bytes 16 … 79, see putPairs
//	d      FP16              bytes 80 … 81
//	dmin   FP16              bytes 82 … 83
var q2K = &format{
	id: 10, title: titleK, bits: 2, group: 16, importance: quant.Optional,
	summary:  "Sixteen groups of 16 with a scale and a minimum of 4 bits each; four levels a group.",
	quantize: quantizeRowQ2K,
	decode:   decodeQ2K,
	read:     kernels.DequantizeQ2_K,
	layout: []part{
		{name: "16 scales of 4 bits", role: quant.RoleScale, count: 16, group: 16, spans: halfOf(0, 0)},
		{name: "16 minimums of 4 bits", role: quant.RoleMin, count: 16, group: 16, spans: halfOf(0, 1)},
		{name: "256 codes of 2 bits", role: quant.RoleCode, count: 256, group: 1, spans: strided(16, 2, 32)},
		{name: nameD, role: quant.RoleScale, kind: half, count: 1, spans: at(640)},
		{name: nameDMin, role: quant.RoleMin, kind: half, count: 1, spans: at(656)},
	},
	rule: ruleGroup,
}

var (
	searchQ2K         = kernels.MinSearch{Top: 3, From: -0.5, By: 0.1, Last: 15, Absolute: true, Weights: kernels.WeightsMagnitude}
	searchQ2KWeighted = kernels.MinSearch{Top: 3, From: -0.9, By: 0.05, Last: 36}
)

// quantizeRowQ2K packs x into dst, 84 bytes for 256 values. Source:
// quantize_row_q2_K_ref and quantize_row_q2_K_impl.
func quantizeRowQ2K(dst []byte, x, importance []float32) string {
	var q [superBlock]uint8
	for i := 0; i+superBlock <= len(x); i += superBlock {
		v, b := (*[superBlock]float32)(x[i:]), (*[84]byte)(dst[i/superBlock*84:])
		if importance == nil {
			scalesQ2K(b, v, &q)
		} else {
			scalesQ2KWeighted(b, v, (*[superBlock]float32)(importance[i:]), &q)
		}
		d, dmin := getHalf(b[80:]), getHalf(b[82:])
		var s, m [16]float32
		for j, sc := range b[:16] {
			s[j], m[j] = float32(d*float32(sc&15)), float32(dmin*float32(sc>>4))
		}
		kernels.RoundGroups(q[:], v[:], s[:], m[:], 16, 0, 3)
		putPairs((*[64]byte)(b[16:]), &q)
	}
	return ""
}

// scalesQ2K settles d, dmin and the scales without importance: weights are
// |x|, and the groups' scales and minimums are 15ths of the largest.
func scalesQ2K(b *[84]byte, x *[superBlock]float32, q *[superBlock]uint8) {
	var scales, mins [16]float32
	kernels.SearchMin(q[:], scales[:], mins[:], x[:], nil, 16, &searchQ2K)
	var topScale, topMin float32
	for j := range scales {
		if scales[j] > topScale {
			topScale = scales[j]
		}
		if mins[j] > topMin {
			topMin = mins[j]
		}
	}
	clear(b[:16])
	if topScale > 0 {
		inverse := 15 / topScale
		for j, s := range scales {
			b[j] = uint8(nearest(float32(inverse * s)))
		}
	}
	if topMin > 0 {
		inverse := 15 / topMin
		for j, m := range mins {
			b[j] |= uint8(nearest(float32(inverse*m)) << 4)
		}
	}
	putHalf(b[80:], topScale/15)
	putHalf(b[82:], topMin/15)
}

// scalesQ2KWeighted is scalesQ2K with importance: d and dmin are searched for,
// too, each group counting by the sum of its weights.
func scalesQ2KWeighted(b *[84]byte, x, importance *[superBlock]float32, q *[superBlock]uint8) {
	var scales, mins, sums [16]float32
	var w [superBlock]float32
	weigh(w[:], x[:], importance[:], float32(sumSquares(x[:])/superBlock))
	for j := range sums {
		sums[j] = total(w[16*j : 16*j+16])
	}
	kernels.SearchMin(q[:], scales[:], mins[:], x[:], w[:], 16, &searchQ2KWeighted)
	var codes, minCodes [16]uint8
	putHalf(b[80:], searchPositive(scales[:], sums[:], 15, codes[:]))
	putHalf(b[82:], searchPositive(mins[:], sums[:], 15, minCodes[:]))
	for j := range codes {
		b[j] = codes[j] | minCodes[j]<<4
	}
}

func decodeQ2K(b []byte, s *block) {
	d, dmin := getHalf(b[80:]), getHalf(b[82:])
	for j, sc := range b[:16] {
		s.scale[j] = float32(d * float32(sc&15))
		s.min[j] = -float32(dmin * float32(sc>>4))
	}
	getPairs(&s.code, (*[64]byte)(b[16:]))
}
