package ggml

import "fewbits/quant"

// iq3S is IQ3_S: x̂ = ±d · (1 + 2 · sc) · g. Four weights share a grid point
// of which g is one coordinate; thirty-two share sc.
//
//	d      FP16            bytes 0 … 1
//	qs     64 × 8 bits     bytes 2 … 65; low bits of the grid points
//	qh     64 × 1 bit      bytes 66 … 73; bit 8 of the grid points
//	signs  256 × 1 bit     bytes 74 … 105
//	scales 8 × 4 bits      bytes 106 … 109; the low half first
var iq3S = &format{
	id: 21, title: titleIQ, bits: 3, group: 32, importance: quant.Optional, grid: form3S,
	summary:  "Four weights are one of 512 points of a grid, with eight signs for eight; a scale of 4 bits for 32.",
	quantize: quantizeRowIQ3S,
	decode:   decodeIQ3S,
	read:     readRowIQ3S,
	layout: []part{
		{name: nameD, role: quant.RoleScale, kind: half, count: 1, spans: at(0)},
		{name: "bits 0 to 7 of 64 grid points", role: quant.RoleCode, count: 64, group: 4, spans: each(8*2, 8)},
		{name: "bit 8 of 64 grid points", role: quant.RoleCode, count: 64, group: 4, shift: 8, spans: each(8*66, 1)},
		{name: "256 signs", role: quant.RoleSign, kind: sign, count: 256, group: 1, spans: each(8*74, 1)},
		{name: "8 scales of 4 bits", role: quant.RoleScale, count: 8, group: 32, spans: each(8*106, 4)},
	},
}

var searchIQ3S = gridSearch{
	grid: grid3x512, top: 8, group: 32, sigma: 2, plain: plainSquare, tries: 19, levels: levelsAround(8, 9, 0.2), settle: settleAll,
}

// quantizeRowIQ3S packs x into dst, 110 bytes for 256 values.
//
// A group of nothing but zeros takes no room in qs and signs, as in the
// reference: what follows it moves up, so that a block which holds such a
// group and others after it does not read back as what it was.
//
// Source: quantize_row_iq3_s_impl.
func quantizeRowIQ3S(dst []byte, x, importance []float32) string {
	s := &searchIQ3S
	var g gridBlock
	var codes [8]uint8
	for i := 0; i+superBlock <= len(x); i += superBlock {
		b := (*[110]byte)(dst[i/superBlock*110:])
		if why := s.block(x[i:i+superBlock], part256(importance, i), i, &g); why != "" {
			return why
		}
		clear(b[:])
		// Points and signs are written even where no scale is above 0.
		at := 0
		for j, zero := range g.zero[:8] {
			if zero {
				continue
			}
			for k, p := range g.places[8*j : 8*j+8] {
				b[2+8*at+k] = byte(p)
				b[66+j] |= byte(p>>8) << k
			}
			copy(b[74+4*at:], g.signs[4*j:4*j+4])
			at++
		}
		if g.most == 0 {
			continue
		}
		putHalf(b[:], float32(g.scaleCodes(codes[:])*1.033))
		for j := range 4 {
			b[106+j] = codes[2*j] | codes[2*j+1]<<4
		}
	}
	return ""
}

func decodeIQ3S(b []byte, s *block) {
	d := getHalf(b)
	for j := range 8 {
		s.scale[j] = form3S.step(d, b[106+j/2]>>(j%2*4)&15)
	}
	for j := range 64 {
		place := int(b[2+j]) | int(b[66+j/8]>>(j%8)&1)<<8
		form3S.put(s.code[4*j:], place, b[74+j/2]>>(j%2*4))
	}
}
