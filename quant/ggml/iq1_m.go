package ggml

import (
	"encoding/binary"

	"fewbits/quant"
)

// iq1M is IQ1_M: x̂ = d · (1 + 2 · sc) · (g ± 1/8) with g −1, 0 or 1. Eight
// weights share a grid point, of which g is one coordinate, and the sign of
// the eighth; sixteen share sc. Codes count eighths: 8 · g ± 1.
//
//	qs     32 × 8 bits     bytes 0 … 31; low bits of the grid points
//	qh     32 × 4 bits     bytes 32 … 47; high bits of the grid points, bit 3
//	                       for − 1/8
//	scales 4 × 16 bits     bytes 48 … 55; 4 × 3 bits of sc, 4 bits of d (FP16)
var iq1M = &format{
	id: 29, title: titleIQ, bits: 1, group: 16, importance: quant.Optional, grid: form1,
	summary:  "Eight weights are one of 2,048 points of three levels, with a shift; a scale of 3 bits for 16.",
	quantize: quantizeRowIQ1M,
	decode:   decodeIQ1M,
	read:     readRowIQ1M,
	layout: []part{
		{name: "bits 0 to 7 of 32 grid points", role: quant.RoleCode, count: 32, group: 8, spans: each(0, 8)},
		{name: "bits 8 to 10 of 32 grid points", role: quant.RoleCode, count: 32, group: 8, shift: 8, spans: func(i int) []quant.Span {
			return []quant.Span{{First: 8*32 + 4*i, Bits: 3}}
		}},
		{name: "32 signs of the shift by 1/8", role: quant.RoleZero, kind: sign, count: 32, group: 8, spans: func(i int) []quant.Span {
			return []quant.Span{{First: 8*32 + 4*i + 3, Bits: 1}}
		}},
		{name: "16 scales of 3 bits", role: quant.RoleScale, count: 16, group: 16, spans: func(i int) []quant.Span {
			return []quant.Span{{First: 8*(48+i/4*2) + i%4*3, Bits: 3}}
		}},
		{name: nameD, role: quant.RoleScale, kind: half, count: 1, spans: func(int) []quant.Span {
			return []quant.Span{{First: 8*48 + 12, Bits: 4}, {First: 8*50 + 12, Bits: 4}, {First: 8*52 + 12, Bits: 4}, {First: 8*54 + 12, Bits: 4}}
		}},
	},
}

// quantizeRowIQ1M packs x into dst, 56 bytes for 256 values. Source:
// quantize_row_iq1_m_impl.
func quantizeRowIQ1M(dst []byte, x, importance []float32) string {
	var g splitBlock
	g.begin(16, 1e-7)
	for i := 0; i+superBlock <= len(x); i += superBlock {
		b := (*[56]byte)(dst[i/superBlock*56:])
		v := x[i : i+superBlock]
		if importance != nil {
			weigh(g.w[:], v, importance[i:], float32(2*sumSquares(v))/superBlock)
		} else {
			for j, v := range v {
				g.w[j] = float32(v * v)
			}
		}
		if why := g.search(v, i); why != "" {
			return why
		}
		clear(b[:])
		// Points are written even where no scale is above 0.
		for r, p := range g.places {
			b[r] = byte(p)
			b[32+r/2] |= byte(p>>8) << (r % 2 * 4)
		}
		if g.most > 0 {
			g.finishIQ1M(b)
		}
	}
	return ""
}

// finishIQ1M writes the scales and shifts of a block, and d, which follows by
// least squares over the block.
func (g *splitBlock) finishIQ1M(b *[56]byte) {
	d := g.most / 15
	inverse := 1 / d
	var times [16]float32
	var words [4]uint16
	for j, scale := range g.scales {
		code, s := odds(inverse, scale), g.s.Down[j]
		words[j/4] |= uint16(code) << (j % 4 * 3)
		b[32+j] |= s>>1<<3 | s&1<<7
		times[j] = float32(2*code + 1)
	}
	g.sum(&times, true)
	if g.q2[15] > 0 {
		d = g.qx[15] / g.q2[15]
	}
	h := toHalf(float32(d * 1.1125))
	for j, w := range words {
		binary.LittleEndian.PutUint16(b[48+2*j:], w|h>>(4*j)&15<<12)
	}
}

func decodeIQ1M(b []byte, s *block) {
	var h uint16
	for j := range 4 {
		h |= binary.LittleEndian.Uint16(b[48+2*j:]) >> 12 << (4 * j)
	}
	d := fromHalf(h)
	for j := range 16 {
		word := binary.LittleEndian.Uint16(b[48+j/4*2:])
		s.scale[j] = form1.step(d, uint8(word>>(j%4*3)&7))
		for k := range 2 {
			high := b[32+j] >> (4 * k) & 15
			form1.putShifted(s.code[16*j+8*k:], int(b[2*j+k])|int(high&7)<<8, shift(high&8 != 0))
		}
	}
}
