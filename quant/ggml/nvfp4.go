package ggml

import (
	"math"

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
	var q [16]uint8
	for i := 0; i+16 <= len(x); i += 16 {
		v, b, g := x[i:i+16], (*[36]byte)(dst[i/64*36:]), i/16%4
		_, top := largest(v)
		b[g] = toUE4M3(top / 6)
		codesFP4(q[:], v, halfUE4M3(b[g]), top)
		putPairsFP4(b[4+8*g:12+8*g], q[:])
	}
	return ""
}

// toUE4M3 is v ≥ 0 rounded to 4 bits of exponent and 3 of mantissa, halves up.
// As in the reference, what rounds to 256 or more becomes 448, and what is
// below 2^−6 is rounded to 7·2^−9 at most. Source: ggml_fp32_to_ue4m3 in
// src/ggml-impl.h.
func toUE4M3(v float32) uint8 {
	const step = 1 << 20 // of the mantissa's 3 bits, in those of float32
	switch {
	case v >= 256:
		return 0x7e
	case v < 0x1p-6: // steps of 2^−9
		return uint8(min(float32(v*512)+0.5, 7))
	}
	// The carry of rounding runs into the exponent.
	u := (math.Float32bits(v) - 120<<23 + step/2) / step
	if u >= 15<<3 {
		return 0x7e
	}
	return uint8(u)
}

func decodeNVFP4(b []byte, s *block) {
	for g := range 4 {
		s.scale[g] = halfUE4M3(b[g])
		q := (*[16]int8)(s.code[16*g:])
		for j, v := range b[4+8*g : 12+8*g] {
			q[j], q[j+8] = int8(v&15), int8(v>>4)
		}
	}
}
