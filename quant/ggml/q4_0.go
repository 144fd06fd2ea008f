package ggml

import (
	"fewbits/kernels"
	"fewbits/quant"
)

// q40 is Q4_0: x̂ = d · (q − 8) with q from 0 to 15.
//
//	d  FP16          bytes 0 … 1
//	qs 32 × 4 bits   bytes 2 … 17; weight j in the low half of byte j, j + 16 in the high half
var q40 = &format{
	id: 2, title: titleLegacy, bits: 4, group: 32, zero: 8, importance: quant.Optional,
	summary:  "32 weights share one scale; the largest of them is met exactly.",
	quantize: quantizeRowQ40,
	decode:   decodeQ40,
	read:     kernels.DequantizeQ4_0,
	layout: []part{
		{name: "scale d, FP16", role: quant.RoleScale, kind: half, count: 1, spans: at(0)},
		{name: "32 codes of 4 bits", role: quant.RoleCode, count: 32, group: 1, spans: strided(2, 4, 16)},
	},
	rule: func(r *reading, importance bool) []quant.Term {
		if importance {
			return nil
		}
		return r.rounded("q = ⌊x / d + 8.5⌋ = ⌊x / ", " + 8.5⌋, at most 15", "d = the weight of greatest magnitude / −8")
	},
}

// quantizeRowQ40 packs x into dst, 18 bytes for 32 values. Without importance
// the value of greatest magnitude takes code 0: d = value/−8, and the codes
// are ⌊x · 1/d + 8.5⌋, 15 at most. Source: quantize_row_q4_0_ref and
// quantize_row_q4_0_impl.
func quantizeRowQ40(dst []byte, x, importance []float32) string {
	if importance != nil {
		rowQ40Weighted(dst, x, importance)
		return ""
	}
	kernels.QuantizeQ4_0(dst, x)
	return checkInverse(dst, x, 18, 8)
}

func rowQ40Weighted(dst []byte, x, importance []float32) {
	weightedRow(x, importance, searchScales(8), func(i int, d, _ float32, q *[legacyBlock]uint8) {
		b := (*[18]byte)(dst[18*i:])
		putHalf(b[:], d)
		putNibbles((*[16]byte)(b[2:]), q)
	})
}

func decodeQ40(b []byte, s *block) {
	s.scale[0] = getHalf(b)
	getNibbles((*[legacyBlock]int8)(s.code[:]), (*[16]byte)(b[2:]))
}
