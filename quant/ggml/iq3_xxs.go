package ggml

import (
	"encoding/binary"

	"fewbits/quant"
)

// iq3XXS is IQ3_XXS: x̂ = ±d · (0.5 + sc) / 2 · g. Four weights share a grid
// point of which g is one coordinate; thirty-two share sc.
//
//	d   FP16               bytes 0 … 1
//	qs  64 × 8 bits        bytes 2 … 65; grid points
//	gas 8 × 32 bits        bytes 66 … 97; of each 32 weights 4 × 7 signs, sc of
//	                       4 bits. The eighth sign makes an even number minus.
var iq3XXS = &format{
	id: 18, title: titleIQ, bits: 3, group: 32, importance: quant.Optional, grid: form3XXS,
	summary:  "Four weights are one of 256 points of a grid, with seven signs for eight; a scale of 4 bits for 32.",
	quantize: quantizeRowIQ3XXS,
	decode:   decodeIQ3XXS,
	read:     readRowIQ3XXS,
	layout: []part{
		{name: nameD, role: quant.RoleScale, kind: half, count: 1, spans: at(0)},
		{name: "64 grid points of 8 bits", role: quant.RoleCode, count: 64, group: 4, spans: each(8*2, 8)},
		signsAfter("32 × 7 signs", func(i int) int { return 8*(66+i/4*4) + i%4*7 }),
		{name: "8 scales of 4 bits", role: quant.RoleScale, count: 8, group: 32, spans: func(i int) []quant.Span {
			return []quant.Span{{First: 8*(66+4*i) + 28, Bits: 4}}
		}},
	},
}

var searchIQ3XXS = gridSearch{
	grid: grid3x256, top: 8, group: 32, even: true, sigma: 2, plain: plainSquare, eps: 1e-8, tries: 31, levels: levelsAround(8, 15, 0.2),
}

// quantizeRowIQ3XXS packs x into dst, 98 bytes for 256 values. Source:
// quantize_row_iq3_xxs_impl.
func quantizeRowIQ3XXS(dst []byte, x, importance []float32) string {
	s := &searchIQ3XXS
	var g gridBlock
	var codes [8]uint8
	for i := 0; i+superBlock <= len(x); i += superBlock {
		b := (*[98]byte)(dst[i/superBlock*98:])
		if why := s.block(x[i:i+superBlock], part256(importance, i), i, &g); why != "" {
			return why
		}
		clear(b[:])
		if g.most == 0 {
			continue
		}
		putHalf(b[:], float32(g.scaleCodes(codes[:])*1.0125))
		for j, p := range g.places {
			b[2+j] = byte(p)
		}
		for j, sc := range codes {
			binary.LittleEndian.PutUint32(b[66+4*j:], signsAndScale(g.signs[4*j:], sc))
		}
	}
	return ""
}

func decodeIQ3XXS(b []byte, s *block) {
	d := getHalf(b)
	for j := range 8 {
		word := binary.LittleEndian.Uint32(b[66+4*j:])
		s.scale[j] = form3XXS.step(d, uint8(word>>28))
		for k := range 4 {
			signs := parity(uint8(word >> (7 * k)))
			form3XXS.put(s.code[32*j+8*k:], int(b[2+8*j+2*k]), signs)
			form3XXS.put(s.code[32*j+8*k+4:], int(b[2+8*j+2*k+1]), signs>>4)
		}
	}
}
