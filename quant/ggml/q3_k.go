package ggml

import "fewbits/quant"

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
	var q [superBlock]uint8
	var codes [16]uint8
	for i := 0; i+superBlock <= len(x); i += superBlock {
		v, b := (*[superBlock]float32)(x[i:]), (*[110]byte)(dst[i/superBlock*110:])
		var d float32
		if importance == nil {
			d = scalesQ3K(v, &q, &codes)
		} else {
			d = scalesQ3KWeighted(v, (*[superBlock]float32)(importance[i:]), &q, &codes)
		}
		d = putHalf(b[108:], d)
		putScalesQ3K((*[12]byte)(b[96:]), &codes)
		for j, sc := range codes {
			requantizeSym(v[16*j:16*j+16], q[16*j:16*j+16], d*float32(int32(sc)-32), 4)
		}
		putPlane((*[32]byte)(b[:]), &q, 2)
		for j := range q {
			q[j] &= 3
		}
		putPairs((*[64]byte)(b[32:]), &q)
	}
	return ""
}

// scalesQ3K settles the scales without importance. The one of greatest
// magnitude takes code 0, which is −32. It returns d.
func scalesQ3K(x *[superBlock]float32, q *[superBlock]uint8, codes *[16]uint8) float32 {
	var scales [16]float32
	for j := range scales {
		scales[j] = searchSteps((*[16]float32)(x[16*j:]), (*[16]uint8)(q[16*j:]))
	}
	clear(codes[:])
	top, _ := largest(scales[:])
	if top == 0 {
		return 0
	}
	inverse := -32 / top
	for j, s := range scales {
		// The reference holds the code in a byte before it is clamped.
		codes[j] = uint8(min(max(int32(int8(nearest(float32(inverse*s)))), -32), 31) + 32)
	}
	return 1 / inverse
}

// scalesQ3KWeighted is scalesQ3K with importance: d is searched for, too, each
// group counting by the sum of its weights.
func scalesQ3KWeighted(x, importance *[superBlock]float32, q *[superBlock]uint8, codes *[16]uint8) float32 {
	var scales, sums [16]float32
	var w [16]float32
	sigma2 := float32(2 * sumSquares(x[:]) / superBlock)
	for j := range scales {
		v := x[16*j : 16*j+16]
		weigh(w[:], v, importance[16*j:], sigma2)
		sums[j] = total(w[:])
		scales[j] = searchScale(v, w[:], 4, q[16*j:16*j+16])
	}
	return searchScale(scales[:], sums[:], 32, codes[:])
}

// putScalesQ3K packs sixteen scales of 6 bits: the low 4 of scale j in byte
// j mod 8, its half j/8; the high 2 in byte 8 + j mod 4, from bit 2·(j/4).
func putScalesQ3K(b *[12]byte, codes *[16]uint8) {
	clear(b[:])
	for j, c := range codes {
		b[j%8] |= c & 15 << (j / 8 * 4)
		b[8+j%4] |= c >> 4 << (j / 4 * 2)
	}
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
