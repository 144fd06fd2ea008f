package ggml

import (
	"fewbits/kernels"
	"fewbits/quant"
)

// nvfp4 is NVFP4: x̂ = d · v[q], v being the values of FP4, see e2m1; d is one
// for 16 weights. There is no scale of the whole tensor.
//
//	d  4 × UE4M3     bytes 0 … 3
//	qs 64 × 4 bits   bytes 4 … 35; of each 16, weight j in the low half of byte j, j + 8 in the high half
var nvfp4 = &format{
	id: 40, title: titleFP4, bits: 4, group: 16, table: e2m1,
	summary:  "4-bit floats (E2M1); 16 of them share a scale that is a float of 8 bits. NVIDIA's format, as ggml packs it: without a scale of the whole tensor.",
	quantize: quantizeRowNVFP4,
	decode:   decodeNVFP4,
	read:     e2m1.reader(kernels.DequantizeNVFP4),
	layout: []part{
		{name: "4 scales d, UE4M3", role: quant.RoleScale, kind: ue4m3, count: 4, group: 16, spans: each(0, 8)},
		{name: "64 codes of 4 bits", role: quant.RoleCode, count: 64, group: 1, spans: strided(4, 4, 8)},
	},
	rule: func(r *reading, _ bool) []quant.Term {
		return r.nearestEntry("d", "; d = max|x| / 6, rounded to UE4M3; 448 from 256 on")
	},
}

// quantizeRowNVFP4 packs x into dst, 36 bytes for 64 values. Source:
// quantize_row_nvfp4_ref.
func quantizeRowNVFP4(dst []byte, x, _ []float32) string {
	groupsNVFP4.row(dst, x)
	return ""
}

var groupsNVFP4 = kindFP4{n: 16, per: 4, reach: 24 * 448 / 2, scales: func(stored []uint8, d, top []float32) {
	kernels.ScalesUE4M3(stored, d, top, 6)
}}

func decodeNVFP4(b []byte, s *block) {
	for g := range 4 {
		s.scale[g] = halfUE4M3(b[g])
		q := (*[16]int8)(s.code[16*g:])
		for j, v := range b[4+8*g : 12+8*g] {
			q[j], q[j+8] = int8(v&15), int8(v>>4)
		}
	}
}
