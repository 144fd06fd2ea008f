package ggml

import (
	"encoding/binary"

	"fewbits/kernels"
	"fewbits/quant"
)

// q3K is Q3_K: x̂ = d · (sc − 32) · (q − 4) with q from 0 to 7; sc is of 6
// bits, one for 16 weights.
//
//	hmask  256 × 1 bit   bytes 0 … 31; bit 2 of each code, see putPlane
//	qs     256 × 2 bits  bytes 32 … 95, see putPairs
//	scales 16 × 6 bits   bytes 96 … 107, see putScalesQ3K
//	d      FP16          bytes 108 … 109
var q3K = &format{
	id: 11, title: titleK, bits: 3, group: 16, zero: 4, scaleZero: 32, importance: quant.Optional,
	summary:  "Sixteen groups of 16 with a signed scale of 6 bits each and no minimum; eight levels a group.",
	quantize: quantizeRowQ3K,
	decode:   decodeQ3K,
	read:     kernels.DequantizeQ3_K,
	layout: []part{
		{name: "bit 2 of 256 codes", role: quant.RoleCode, count: 256, group: 1, shift: 2, spans: strided(0, 1, 32)},
		{name: "bits 0 and 1 of 256 codes", role: quant.RoleCode, count: 256, group: 1, spans: strided(32, 2, 32)},
		{name: "16 scales of 6 bits", role: quant.RoleScale, count: 16, group: 16, spans: func(j int) []quant.Span {
			return []quant.Span{
				{First: 8*(96+j%8) + j/8*4, Bits: 4},
				{First: 8*(104+j%4) + j/4*2, Bits: 2},
			}
		}},
		{name: nameD, role: quant.RoleScale, kind: half, count: 1, spans: at(864)},
	},
	rule: ruleGroup,
}

// quantizeRowQ3K packs x into dst, 110 bytes for 256 values. Source:
// quantize_row_q3_K_ref and quantize_row_q3_K_impl.
func quantizeRowQ3K(dst []byte, x, importance []float32) string {
	if importance == nil {
		for len(x) >= superBlock {
			n := min(len(x)/superBlock, atOnce)
			quantizeQ3K(dst[:n*110], x[:n*superBlock])
			dst, x = dst[n*110:], x[n*superBlock:]
		}
		return ""
	}
	var q [superBlock]uint8
	var s [16]float32
	for i := 0; i+superBlock <= len(x); i += superBlock {
		v, b := (*[superBlock]float32)(x[i:]), (*[110]byte)(dst[i/superBlock*110:])
		scalesQ3KWeighted(b[96:], v, (*[superBlock]float32)(importance[i:]), &q, &s)
		putCodesQ3K(b, v, &q, &s)
	}
	return ""
}

// quantizeQ3K is quantizeRowQ3K without importance, of up to atOnce blocks.
func quantizeQ3K(dst []byte, x []float32) {
	var s settling
	scales, steps := s.scales[:len(x)/16], s.steps[:len(x)/16]
	kernels.SearchSteps(nil, scales, x)
	kernels.SettleScales(s.of[:], s.codes[:], steps, scales, -32)
	kernels.PackQ3_K(dst, x, steps)
	for i := range len(x) / superBlock {
		b, v := (*[110]byte)(dst[i*110:]), (*[superBlock]float32)(x[i*superBlock:])
		putSettledQ3K(b[96:], &s.of[i], s.codes[16*i:16*i+16])
		if lost(v, s.of[i].NoSteps) {
			var q [superBlock]uint8
			kernels.SearchSteps(q[:], scales[16*i:16*i+16], v[:])
			putCodesQ3K(b, v, &q, (*[16]float32)(steps[16*i:]))
		}
	}
}

// putCodesQ3K writes the codes of a block by the steps of its groups; those whose step is
// 0 keep the codes in q.
func putCodesQ3K(b *[110]byte, x *[superBlock]float32, q *[superBlock]uint8, steps *[16]float32) {
	kernels.RoundGroups(q[:], x[:], steps[:], noMins[:], 16, -4, 3)
	putPlane((*[32]byte)(b[:]), q, 2)
	putPairs((*[64]byte)(b[32:]), q)
}

// putSettledQ3K packs scales in two's complement, and d. The one of greatest magnitude is
// −32 and takes code 0.
func putSettledQ3K(b []byte, of *kernels.Settled, codes []uint8) {
	first, last := binary.LittleEndian.Uint64(codes), binary.LittleEndian.Uint64(codes[8:])
	if of.Top != 0 { // else all codes are 0, which is not what stands for 0
		const bits, sign = 0x3f3f3f3f3f3f3f3f, 0x2020202020202020
		first, last = first&bits^sign, last&bits^sign // 32 more, in 6 bits
	}
	putScalesQ3K(b, first, last)
	binary.LittleEndian.PutUint16(b[12:], of.D)
}

// scalesQ3KWeighted settles the scales with importance: d is searched for, too, each
// group counting by the sum of its weights.
func scalesQ3KWeighted(b []byte, x, importance *[superBlock]float32, q *[superBlock]uint8, steps *[16]float32) {
	var scales, sums [16]float32
	var w [superBlock]float32
	var codes [16]uint8
	weigh(w[:], x[:], importance[:], float32(2*sumSquares(x[:])/superBlock))
	for j := range sums {
		sums[j] = total(w[16*j : 16*j+16])
	}
	kernels.SearchScale(q[:], scales[:], x[:], w[:], 16, 4, kernels.WeightsGiven)
	d := putHalf(b[12:], searchScale(scales[:], sums[:], 32, codes[:]))
	for j, sc := range codes {
		steps[j] = d * float32(int32(sc)-32)
	}
	putScalesQ3K(b, binary.LittleEndian.Uint64(codes[:]), binary.LittleEndian.Uint64(codes[8:]))
}

// putScalesQ3K packs sixteen scales of 6 bits, a byte of first and last each: the
// low 4 of scale j in byte j mod 8, its half j/8; the high 2 in byte 8 + j mod 4,
// from bit 2·(j/4).
func putScalesQ3K(b []byte, first, last uint64) {
	const low, high = 0x0f0f0f0f0f0f0f0f, 0x0303030303030303
	binary.LittleEndian.PutUint64(b, first&low|last&low<<4)
	first, last = first>>4&high, last>>4&high
	binary.LittleEndian.PutUint32(b[8:], uint32(first|first>>32<<2|last<<4|last>>32<<6))
}

func decodeQ3K(b []byte, s *block) {
	d, scales := getHalf(b[108:]), b[96:108]
	for j := range s.scale {
		c := scales[j%8]>>(j/8*4)&15 | scales[8+j%4]>>(j/4*2)&3<<4
		s.scale[j] = float32(d * float32(int32(c)-32))
	}
	getPairs(&s.code, (*[64]byte)(b[32:]))
	addPlane(&s.code, (*[32]byte)(b), 2)
}
