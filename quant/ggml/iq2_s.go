package ggml

import "fewbits/quant"

// iq2S is IQ2_S: x̂ = ±d · (0.5 + sc) / 4 · g. Eight weights share a grid
// point of which g is one coordinate; sixteen share sc.
//
//	d      FP16            bytes 0 … 1
//	qs     32 × 8 bits     bytes 2 … 33; low bits of the grid points
//	signs  256 × 1 bit     bytes 34 … 65
//	qh     32 × 2 bits     bytes 66 … 73; high bits of the grid points
//	scales 16 × 4 bits     bytes 74 … 81; the low half first
var iq2S = &format{
	id: 22, title: titleIQ, bits: 2, group: 16, importance: quant.Optional, grid: form2S,
	summary:  "Eight weights are one of 1,024 points of a grid, with eight signs; a scale of 4 bits for 16.",
	quantize: quantizeRowIQ2S,
	decode:   decodeIQ2S,
	read:     readRowIQ2S,
	layout: []part{
		{name: nameD, role: quant.RoleScale, kind: half, count: 1, spans: at(0)},
		{name: "bits 0 to 7 of 32 grid points", role: quant.RoleCode, count: 32, group: 8, spans: each(8*2, 8)},
		{name: "256 signs", role: quant.RoleSign, kind: sign, count: 256, group: 1, spans: each(8*34, 1)},
		{name: "bits 8 and 9 of 32 grid points", role: quant.RoleCode, count: 32, group: 8, shift: 8, spans: each(8*66, 2)},
		{name: "16 scales of 4 bits", role: quant.RoleScale, count: 16, group: 16, spans: each(8*74, 4)},
	},
}

var searchIQ2S = gridSearch{
	grid: grid2x1024, top: 3, group: 16, sigma: 2, plain: plainTempered, eps: 1e-8, tries: 19, levels: levelsAround(3, 9, 0.1),
}

// quantizeRowIQ2S packs x into dst, 82 bytes for 256 values. Source:
// quantize_row_iq2_s_impl.
func quantizeRowIQ2S(dst []byte, x, importance []float32) string {
	s := &searchIQ2S
	var g gridBlock
	var codes [16]uint8
	for i := 0; i+superBlock <= len(x); i += superBlock {
		b := (*[82]byte)(dst[i/superBlock*82:])
		if why := s.block(x[i:i+superBlock], part256(importance, i), i, &g); why != "" {
			return why
		}
		clear(b[:])
		// Points and signs are written even where no scale is above 0.
		for j, p := range g.places[:32] {
			b[2+j], b[34+j] = byte(p), g.signs[j]
			b[66+j/4] |= byte(p>>8) << (j % 4 * 2)
		}
		if g.most == 0 {
			continue
		}
		putHalf(b[:], float32(g.scaleCodes(codes[:])*0.9875))
		for j := range 8 {
			b[74+j] = codes[2*j] | codes[2*j+1]<<4
		}
	}
	return ""
}

// part256 is the importance of the super-block at column i, nil where there is none.
func part256(importance []float32, i int) []float32 {
	if importance == nil {
		return nil
	}
	return importance[i : i+superBlock]
}

func decodeIQ2S(b []byte, s *block) {
	d := getHalf(b)
	for j := range 16 {
		s.scale[j] = form2S.step(d, b[74+j/2]>>(j%2*4)&15)
	}
	for j := range 32 {
		place := int(b[2+j]) | int(b[66+j/4]>>(j%4*2)&3)<<8
		form2S.put(s.code[8*j:], place, b[34+j])
	}
}
