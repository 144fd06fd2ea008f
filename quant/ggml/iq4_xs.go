package ggml

import (
	"encoding/binary"

	"fewbits/kernels"
	"fewbits/quant"
)

// iq4XS is IQ4_XS: x̂ = d · (sc − 32) · v[q], v being the 16 values of IQ4_NL,
// see iq4; sc is of 6 bits, one for 32 weights.
//
//	d        FP16         bytes 0 … 1
//	scales_h 8 × 2 bits   bytes 2 … 3; bits 4 and 5 of each sc
//	scales_l 8 × 4 bits   bytes 4 … 7; bits 0 to 3
//	qs       256 × 4 bits bytes 8 … 135; of each 32 as in IQ4_NL
var iq4XS = &format{
	id: 23, title: titleIQ, bits: 4, group: 32, table: iq4, scaleZero: 32, importance: quant.Optional,
	summary:  "IQ4_NL in super-blocks: eight groups of 32, each with a signed scale of 6 bits.",
	quantize: quantizeRowIQ4XS,
	decode:   decodeIQ4XS,
	read:     iq4.reader(kernels.DequantizeIQ4_XS),
	layout: []part{
		{name: nameD, role: quant.RoleScale, kind: half, count: 1, spans: at(0)},
		{name: "8 scales of 6 bits", role: quant.RoleScale, count: 8, group: 32, spans: func(j int) []quant.Span {
			return []quant.Span{{First: 32 + 4*j, Bits: 4}, {First: 16 + 2*j, Bits: 2}}
		}},
		{name: "256 codes of 4 bits", role: quant.RoleCode, count: 256, group: 1, spans: strided(8, 4, 16)},
	},
	rule: func(r *reading, _ bool) []quant.Term {
		return r.nearestEntry("(d · (sc − 32))", "; d is searched for, not yet rounded to 16 bits")
	},
}

// quantizeRowIQ4XS packs x into dst, 136 bytes for 256 values. The scale of
// greatest magnitude takes code 0, which is −32. Source: quantize_iq4_xs.
func quantizeRowIQ4XS(dst []byte, x, importance []float32) string {
	for i := 0; i+superBlock <= len(x); i += superBlock {
		v, b := (*[superBlock]float32)(x[i:]), (*[136]byte)(dst[i/superBlock*136:])
		var scales [8]float32
		if importance == nil {
			scalesIQ4XS(v, nil, &scales)
		} else {
			scalesIQ4XS(v, importance[i:], &scales)
		}
		top, _ := largest(scales[:])
		d := -top / 32
		putHalf(b[:], d)
		inverse := reciprocal(d)
		var low uint32
		var high uint16
		for j, s := range scales {
			sc := min(max(nearest(float32(inverse*s)), -32), 31)
			packIQ4((*[16]byte)(b[8+16*j:]), (*[32]float32)(v[32*j:]), reciprocal(float32(d*float32(sc))))
			low |= uint32(sc+32) & 15 << (4 * j)
			high |= uint16(sc+32) >> 4 << (2 * j)
		}
		binary.LittleEndian.PutUint16(b[2:], high)
		binary.LittleEndian.PutUint32(b[4:], low)
	}
	return ""
}

// scalesIQ4XS finds the scale of each group.
func scalesIQ4XS(x *[superBlock]float32, importance []float32, scales *[8]float32) {
	var w [32]float32
	sigma2 := float32(sumSquares(x[:]) * (2. / superBlock))
	for j := range scales {
		group := (*[32]float32)(x[32*j:])
		if importance == nil {
			weighIQ4(&w, group, nil, sigma2)
		} else {
			weighIQ4(&w, group, importance[32*j:], sigma2)
		}
		scales[j] = searchIQ4(group, &w)
	}
}

func decodeIQ4XS(b []byte, s *block) {
	d, high, low := getHalf(b), binary.LittleEndian.Uint16(b[2:]), binary.LittleEndian.Uint32(b[4:])
	for j := range 8 {
		sc := int32(low>>(4*j)&15) | int32(high>>(2*j)&3)<<4
		s.scale[j] = float32(d * float32(sc-32))
		getNibbles((*[32]int8)(s.code[32*j:]), (*[16]byte)(b[8+16*j:]))
	}
}
