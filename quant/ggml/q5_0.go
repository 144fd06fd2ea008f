package ggml

import (
	"fewbits/kernels"
	"fewbits/quant"
)

// q50 is Q5_0: x̂ = d · (q − 16) with q from 0 to 31.
//
//	d  FP16          bytes 0 … 1
//	qh 32 × 1 bit    bytes 2 … 5; bit 4 of each code
//	qs 32 × 4 bits   bytes 6 … 21; weight j in the low half of byte j, j + 16 in the high half
var q50 = &format{
	id: 6, title: titleLegacy, bits: 5, group: 32, zero: 16, importance: quant.Optional,
	summary:  "Q4_0 with a fifth bit, kept apart from the other four.",
	quantize: quantizeRowQ50,
	decode:   decodeQ50,
	read:     kernels.DequantizeQ5_0,
	layout: []part{
		{name: "scale d, FP16", role: quant.RoleScale, kind: half, count: 1, spans: at(0)},
		{name: "bit 4 of 32 codes", role: quant.RoleCode, count: 32, group: 1, shift: 4, spans: each(16, 1)},
		{name: "bits 0 to 3 of 32 codes", role: quant.RoleCode, count: 32, group: 1, spans: strided(6, 4, 16)},
	},
	rule: func(r *reading, importance bool) []quant.Term {
		if importance {
			return nil
		}
		return r.rounded("q = ⌊x / d + 16.5⌋ = ⌊x / ", " + 16.5⌋, at most 31", "d = the weight of greatest magnitude / −16")
	},
}

// quantizeRowQ50 packs x into dst, 22 bytes for 32 values. Without importance
// the value of greatest magnitude takes code 0: d = value/−16, and the codes
// are ⌊x · 1/d + 16.5⌋, 31 at most. Source: quantize_row_q5_0_ref and
// quantize_row_q5_0_impl.
func quantizeRowQ50(dst []byte, x, importance []float32) string {
	if importance != nil {
		weightedRow(x, importance, searchScales(16), func(i int, d, _ float32, q *[legacyBlock]uint8) {
			b := (*[22]byte)(dst[22*i:])
			putHalf(b[:], d)
			putFifth((*[4]byte)(b[2:]), q)
			putNibbles((*[16]byte)(b[6:]), q)
		})
		return ""
	}
	kernels.QuantizeQ5_0(dst, x)
	return checkInverse(dst, x, 22, 16)
}

func decodeQ50(b []byte, s *block) {
	s.scale[0] = getHalf(b)
	q := (*[legacyBlock]int8)(s.code[:])
	getNibbles(q, (*[16]byte)(b[6:]))
	addFifth(q, (*[4]byte)(b[2:]))
}
