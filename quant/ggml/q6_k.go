package ggml

import (
	"encoding/binary"

	"fewbits/kernels"
	"fewbits/quant"
)

// q6K is Q6_K: x̂ = d · sc · (q − 32) with q from 0 to 63; sc is a signed byte,
// one for 16 weights.
//
//	ql     256 × 4 bits  bytes 0 … 127; bits 0 to 3 of each code
//	qh     256 × 2 bits  bytes 128 … 191; bits 4 and 5, as putPairs packs them
//	scales 16 × int8     bytes 192 … 207
//	d      FP16          bytes 208 … 209
//
// Of each 128 weights, weight j has its low bits in byte j mod 64 of 64, the
// first 64 in the low halves.
var q6K = &format{
	id: 14, title: titleK, bits: 6, group: 16, zero: 32, importance: quant.Optional,
	summary:  "Sixteen groups of 16 with a scale of 8 bits each and no minimum. Hard to tell from the original.",
	quantize: quantizeRowQ6K,
	decode:   decodeQ6K,
	read:     kernels.DequantizeQ6_K,
	layout: []part{
		{name: "bits 0 to 3 of 256 codes", role: quant.RoleCode, count: 256, group: 1, spans: strided(0, 4, 64)},
		{name: "bits 4 and 5 of 256 codes", role: quant.RoleCode, count: 256, group: 1, shift: 4, spans: strided(128, 2, 32)},
		{name: "16 scales of 8 bits", role: quant.RoleScale, kind: signed, count: 16, group: 16, spans: each(1536, 8)},
		{name: nameD, role: quant.RoleScale, kind: half, count: 1, spans: at(1664)},
	},
	rule: ruleGroup,
}

// quantizeRowQ6K packs x into dst, 210 bytes for 256 values. The scale of
// greatest magnitude takes −128. Weights are x², or the importance alone.
// Source: quantize_row_q6_K_ref and quantize_row_q6_K_impl.
func quantizeRowQ6K(dst []byte, x, importance []float32) string {
	for len(x) >= superBlock {
		n := min(len(x)/superBlock, atOnce)
		if importance == nil {
			quantizeQ6K(dst[:n*210], x[:n*superBlock], nil, kernels.WeightsSquare)
		} else {
			quantizeQ6K(dst[:n*210], x[:n*superBlock], importance[:n*superBlock], kernels.WeightsGiven)
			importance = importance[n*superBlock:]
		}
		dst, x = dst[n*210:], x[n*superBlock:]
	}
	return ""
}

// quantizeQ6K is quantizeRowQ6K of up to atOnce blocks.
func quantizeQ6K(dst []byte, x, w []float32, k kernels.Weights) {
	var s settling
	scales, steps := s.scales[:len(x)/16], s.steps[:len(x)/16]
	kernels.SearchScale(nil, scales, x, w, 16, 32, k)
	kernels.SettleScales(s.of[:], s.codes[:], steps, scales, -128)
	kernels.PackQ6_K(dst, x, steps)
	for i := range len(x) / superBlock {
		b, v, of := (*[210]byte)(dst[i*210:]), (*[superBlock]float32)(x[i*superBlock:]), &s.of[i]
		if abs(of.Top) < groupEps {
			clear(b[:])
			continue
		}
		binary.LittleEndian.PutUint16(b[208:], of.D)
		copy(b[192:208], s.codes[16*i:])
		if lost(v, of.NoSteps) {
			var q [superBlock]uint8
			kernels.SearchScale(q[:], scales[16*i:16*i+16], v[:], w[min(len(w), i*superBlock):], 16, 32, k)
			kernels.RoundGroups(q[:], v[:], steps[16*i:16*i+16], noMins[:], 16, -32, 31)
			putSixes((*[192]byte)(b[:]), &q)
		}
	}
}

// putSixes packs codes of 6 bits: ql, then qh.
func putSixes(b *[192]byte, q *[superBlock]uint8) {
	kernels.PackBits(b[:128], q[:], 4, 64, 0)
	kernels.PackBits(b[128:], q[:], 2, 32, 4)
}

func decodeQ6K(b []byte, s *block) {
	d := getHalf(b[208:])
	for j := range s.scale {
		s.scale[j] = float32(d * float32(int8(b[192+j])))
	}
	kernels.UnpackBits(s.code[:], b[:128], 4, 64, 0)
	kernels.UnpackBits(s.code[:], b[128:192], 2, 32, 4)
}
