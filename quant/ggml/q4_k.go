package ggml

import (
	"fewbits/kernels"
	"fewbits/quant"
)

// q4K is Q4_K: x̂ = d · sc · q − dmin · m with q from 0 to 15; sc and m are of
// 6 bits, one of each for 32 weights.
//
//	d      FP16            bytes 0 … 1
//	dmin   FP16            bytes 2 … 3
//	scales 8 × (6 + 6) bits bytes 4 … 15, see putScales
//	qs     256 × 4 bits    bytes 16 … 143, see putHalves
var q4K = &format{
	id: 12, title: titleK, bits: 4, group: 32, importance: quant.Optional,
	summary:  "Eight groups of 32 with a scale and a minimum of 6 bits each. The usual choice for language models.",
	quantize: quantizeRowQ4K,
	decode:   decodeQ4K,
	read:     kernels.DequantizeQ4_K,
	layout: []part{
		{name: nameD, role: quant.RoleScale, kind: half, count: 1, spans: at(0)},
		{name: nameDMin, role: quant.RoleMin, kind: half, count: 1, spans: at(16)},
		{name: "8 scales of 6 bits", role: quant.RoleScale, count: 8, group: 32, spans: scaleSpans(4, 0)},
		{name: "8 minimums of 6 bits", role: quant.RoleMin, count: 8, group: 32, spans: scaleSpans(4, 4)},
		{name: "256 codes of 4 bits", role: quant.RoleCode, count: 256, group: 1, spans: strided(16, 4, 32)},
	},
	rule: ruleGroup,
}

var (
	searchQ4K         = kernels.MinSearch{Top: 15, From: -1, By: 0.1, Last: 20, Weights: kernels.WeightsTypical}
	searchQ4KWeighted = kernels.MinSearch{Top: 15, From: -0.9, By: 0.05, Last: 36}
)

// quantizeRowQ4K packs x into dst, 144 bytes for 256 values. Source:
// quantize_row_q4_K_ref and quantize_row_q4_K_impl.
func quantizeRowQ4K(dst []byte, x, importance []float32) string {
	var q [superBlock]uint8
	for i := 0; i+superBlock <= len(x); i += superBlock {
		v, b := (*[superBlock]float32)(x[i:]), (*[144]byte)(dst[i/superBlock*144:])
		if importance == nil {
			groups32(b[:16], v, &q, &searchQ4K)
		} else {
			groups32Weighted(b[:16], v, (*[superBlock]float32)(importance[i:]), &q, &searchQ4KWeighted, false)
		}
		putHalves((*[128]byte)(b[16:]), &q)
	}
	return ""
}

func decodeQ4K(b []byte, s *block) {
	decode32(b, s)
	getHalves(&s.code, (*[128]byte)(b[16:]))
}

// groups32 settles the scales and the codes of a super-block of eight groups
// (Q4_K, Q5_K) without importance: weights are √(mean x²) + |x|, and the
// groups' scales and minimums are 63rds of the largest. It writes d, dmin and
// the packed scales to b.
func groups32(b []byte, x *[superBlock]float32, q *[superBlock]uint8, search *kernels.MinSearch) {
	var scales, mins [8]float32
	kernels.SearchMin(q[:], scales[:], mins[:], x[:], nil, 32, search)
	var topScale, topMin float32
	for j := range scales {
		if scales[j] > topScale {
			topScale = scales[j]
		}
		if mins[j] > topMin {
			topMin = mins[j]
		}
	}
	var inverseScale, inverseMin float32
	if topScale > 0 {
		inverseScale = 63 / topScale
	}
	if topMin > 0 {
		inverseMin = 63 / topMin
	}
	var codes, minCodes [8]uint8
	for j := range scales {
		codes[j] = min(63, uint8(nearest(float32(inverseScale*scales[j]))))
		minCodes[j] = min(63, uint8(nearest(float32(inverseMin*mins[j]))))
	}
	finish32(b, x, q, topScale/63, topMin/63, &codes, &minCodes, int32(search.Top))
}

// groups32Weighted is groups32 with importance: d and dmin are searched for,
// too, each group counting by the sum of its weights. A code that wrapped
// around in searchPositive is held to 63 for Q5_K and spills over for Q4_K, as
// in the reference.
func groups32Weighted(b []byte, x, importance *[superBlock]float32, q *[superBlock]uint8, search *kernels.MinSearch, hold bool) {
	var scales, mins, sums [8]float32
	var w [superBlock]float32
	weigh(w[:], x[:], importance[:], float32(2*sumSquares(x[:])/superBlock))
	for j := range sums {
		sums[j] = total(w[32*j : 32*j+32])
	}
	kernels.SearchMin(q[:], scales[:], mins[:], x[:], w[:], 32, search)
	var codes, minCodes [8]uint8
	d := searchPositive(scales[:], sums[:], 63, codes[:])
	dmin := searchPositive(mins[:], sums[:], 63, minCodes[:])
	if hold {
		for j := range codes {
			codes[j], minCodes[j] = min(codes[j], 63), min(minCodes[j], 63)
		}
	}
	finish32(b, x, q, d, dmin, &codes, &minCodes, int32(search.Top))
}

// finish32 stores d, dmin and the scales of groups, and rounds the codes anew
// with what was stored.
func finish32(b []byte, x *[superBlock]float32, q *[superBlock]uint8, d, dmin float32, scales, mins *[8]uint8, top int32) {
	d, dmin = putHalf(b, d), putHalf(b[2:], dmin)
	packed := (*[12]byte)(b[4:])
	putScales(packed, scales, mins)
	var s, m [8]float32
	sc, mn := getScales(packed)
	for j := range s {
		s[j], m[j] = float32(d*float32(sc[j])), float32(dmin*float32(mn[j]))
	}
	kernels.RoundGroups(q[:], x[:], s[:], m[:], 32, 0, top)
}

// decode32 reads what finish32 stored.
func decode32(b []byte, s *block) {
	d, dmin := getHalf(b), getHalf(b[2:])
	scales, mins := getScales((*[12]byte)(b[4:]))
	for j := range scales {
		s.scale[j] = float32(d * float32(scales[j]))
		s.min[j] = -float32(dmin * float32(mins[j]))
	}
}
