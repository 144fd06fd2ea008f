package ggml

import (
	"fewbits/kernels"
	"fewbits/quant"
)

// iq4NL is IQ4_NL: x̂ = d · v[q], v being 16 values, see iq4.
//
//	d  FP16          bytes 0 … 1
//	qs 32 × 4 bits   bytes 2 … 17; weight j in the low half of byte j, j + 16 in the high half
var iq4NL = &format{
	id: 20, title: titleIQ, bits: 4, group: 32, table: iq4, importance: quant.Optional,
	summary:  "32 weights share one scale; its 16 levels lie closer to each other near zero, where most weights are.",
	quantize: quantizeRowIQ4NL,
	decode:   decodeIQ4NL,
	read:     iq4.reader(kernels.DequantizeIQ4_NL),
	layout: []part{
		{name: "scale d, FP16", role: quant.RoleScale, kind: half, count: 1, spans: at(0)},
		{name: "32 codes of 4 bits", role: quant.RoleCode, count: 32, group: 1, spans: strided(2, 4, 16)},
	},
	rule: func(r *reading, _ bool) []quant.Term {
		return r.nearestEntry("d", "; d is searched for, not yet rounded to 16 bits")
	},
}

// quantizeRowIQ4NL packs x into dst, 18 bytes for 32 values. Source:
// quantize_iq4_nl.
func quantizeRowIQ4NL(dst []byte, x, importance []float32) string {
	var w [legacyBlock]float32
	for i := 0; i+legacyBlock <= len(x); i += legacyBlock {
		v, b := (*[legacyBlock]float32)(x[i:]), (*[18]byte)(dst[i/legacyBlock*18:])
		if importance == nil {
			weighIQ4(&w, v, nil, 0)
		} else {
			weighIQ4(&w, v, importance[i:], float32(sumSquares(v[:])*(2./legacyBlock)))
		}
		d := searchIQ4(v, &w)
		putHalf(b[:], d)
		packIQ4((*[16]byte)(b[2:]), v, reciprocal(d))
	}
	return ""
}

func decodeIQ4NL(b []byte, s *block) {
	s.scale[0] = getHalf(b)
	getNibbles((*[legacyBlock]int8)(s.code[:]), (*[16]byte)(b[2:]))
}
