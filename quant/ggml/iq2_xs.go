package ggml

import (
	"encoding/binary"

	"fewbits/quant"
)

// iq2XS is IQ2_XS: x̂ = ±d · (0.5 + sc) / 4 · g. Eight weights share a grid
// point of which g is one coordinate; sixteen share sc.
//
//	d      FP16            bytes 0 … 1
//	qs     32 × 16 bits    bytes 2 … 65; a grid point of 9 bits, 7 signs. The
//	                       eighth sign makes an even number minus.
//	scales 16 × 4 bits     bytes 66 … 73; the low half first
var iq2XS = &format{
	id: 17, title: titleIQ, bits: 2, group: 16, importance: quant.Required, grid: form2XS,
	summary:  "Eight weights are one of 512 points of a grid, with seven signs; a scale of 4 bits for 16. Needs an importance matrix.",
	quantize: quantizeRowIQ2XS,
	decode:   decodeIQ2XS,
	read:     readRowIQ2XS,
	layout: []part{
		{name: nameD, role: quant.RoleScale, kind: half, count: 1, spans: at(0)},
		{name: "32 grid points of 9 bits", role: quant.RoleCode, count: 32, group: 8, spans: func(i int) []quant.Span {
			return []quant.Span{{First: 8 * (2 + 2*i), Bits: 9}}
		}},
		signsAfter("32 × 7 signs", func(i int) int { return 8*(2+2*i) + 9 }),
		{name: "16 scales of 4 bits", role: quant.RoleScale, count: 16, group: 16, spans: each(8*66, 4)},
	},
}

var searchIQ2XS = gridSearch{
	grid: grid2x512, top: 3, group: 16, even: true, sigma: 1, eps: groupEps, tries: 19, levels: levelsAround(3, 9, 0.1),
}

// quantizeRowIQ2XS packs x into dst, 74 bytes for 256 values. Source:
// quantize_row_iq2_xs_impl.
func quantizeRowIQ2XS(dst []byte, x, importance []float32) string {
	s := &searchIQ2XS
	var g gridBlock
	var codes [16]uint8
	for i := 0; i+superBlock <= len(x); i += superBlock {
		b := (*[74]byte)(dst[i/superBlock*74:])
		if why := s.block(x[i:i+superBlock], importance[i:i+superBlock], i, &g); why != "" {
			return why
		}
		clear(b[:])
		if g.most == 0 {
			continue
		}
		putHalf(b[:], g.scaleCodes(codes[:]))
		for j, p := range g.places[:32] {
			binary.LittleEndian.PutUint16(b[2+2*j:], p|uint16(g.signs[j]&127)<<9)
		}
		for j := range 8 {
			b[66+j] = codes[2*j] | codes[2*j+1]<<4
		}
	}
	return ""
}

func decodeIQ2XS(b []byte, s *block) {
	d := getHalf(b)
	for j := range 16 {
		s.scale[j] = form2XS.step(d, b[66+j/2]>>(j%2*4)&15)
	}
	for j := range 32 {
		word := binary.LittleEndian.Uint16(b[2+2*j:])
		form2XS.put(s.code[8*j:], int(word&511), parity(uint8(word>>9)))
	}
}
