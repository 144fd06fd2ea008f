package ggml

import (
	"encoding/binary"

	"fewbits/quant"
)

// iq1S is IQ1_S: x̂ = d · (1 + 2 · sc) · (g ± 1/8) with g −1, 0 or 1. Eight
// weights share a grid point of which g is one coordinate; thirty-two share sc
// and the sign of the eighth. Codes count eighths: 8 · g ± 1.
//
//	d   FP16            bytes 0 … 1
//	qs  32 × 8 bits     bytes 2 … 33; low bits of the grid points
//	qh  8 × 16 bits     bytes 34 … 49; 4 × 3 high bits, sc of 3 bits, bit 15
//	                    for − 1/8
var iq1S = &format{
	id: 19, title: titleIQ, bits: 1, group: 32, importance: quant.Required, grid: form1,
	summary:  "Eight weights are one of 2,048 points of three levels; a scale of 3 bits and a shift for 32. Needs an importance matrix.",
	quantize: quantizeRowIQ1S,
	decode:   decodeIQ1S,
	read:     readRowIQ1S,
	layout: []part{
		{name: nameD, role: quant.RoleScale, kind: half, count: 1, spans: at(0)},
		{name: "bits 0 to 7 of 32 grid points", role: quant.RoleCode, count: 32, group: 8, spans: each(8*2, 8)},
		{name: "bits 8 to 10 of 32 grid points", role: quant.RoleCode, count: 32, group: 8, shift: 8, spans: func(i int) []quant.Span {
			return []quant.Span{{First: 8*(34+i/4*2) + i%4*3, Bits: 3}}
		}},
		{name: "8 scales of 3 bits", role: quant.RoleScale, count: 8, group: 32, spans: func(i int) []quant.Span {
			return []quant.Span{{First: 8*(34+i*2) + 12, Bits: 3}}
		}},
		{name: "8 signs of the shift by 1/8", role: quant.RoleZero, kind: sign, count: 8, group: 32, spans: func(i int) []quant.Span {
			return []quant.Span{{First: 8*(34+i*2) + 15, Bits: 1}}
		}},
	},
}

// quantizeRowIQ1S packs x into dst, 50 bytes for 256 values. Source:
// quantize_row_iq1_s_impl.
func quantizeRowIQ1S(dst []byte, x, importance []float32) string {
	var g splitBlock
	g.begin(32, 1e-12)
	for i := 0; i+superBlock <= len(x); i += superBlock {
		b := (*[50]byte)(dst[i/superBlock*50:])
		v := x[i : i+superBlock]
		weigh(g.w[:], v, importance[i:], float32(2*sumSquares(v))/superBlock)
		if why := g.search(v, i); why != "" {
			return why
		}
		clear(b[:])
		// Points are written even where no scale is above 0.
		for j := range 8 {
			var high uint16
			for k, p := range g.places[4*j : 4*j+4] {
				b[2+4*j+k] = byte(p)
				high |= p >> 8 << (3 * k)
			}
			binary.LittleEndian.PutUint16(b[34+2*j:], high)
		}
		if g.most == 0 {
			continue
		}
		d := g.most / 15
		putHalf(b[:], float32(d*1.125))
		inverse := 1 / d
		for j, scale := range g.scales[:8] {
			b[34+2*j+1] |= odds(inverse, scale)<<4 | g.s.Down[j]<<7
		}
	}
	return ""
}

func decodeIQ1S(b []byte, s *block) {
	d := getHalf(b)
	for j := range 8 {
		high := binary.LittleEndian.Uint16(b[34+2*j:])
		s.scale[j] = form1.step(d, uint8(high>>12&7))
		for k := range 4 {
			place := int(b[2+4*j+k]) | int(high>>(3*k)&7)<<8
			form1.putShifted(s.code[32*j+8*k:], place, shift(high&0x8000 != 0))
		}
	}
}
