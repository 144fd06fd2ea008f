package ggml

import (
	"encoding/binary"

	"fewbits/quant"
)

// iq2XXS is IQ2_XXS: x̂ = ±d · (0.5 + sc) / 4 · g. Eight weights share a grid
// point of which g is one coordinate; thirty-two share sc.
//
//	d   FP16               bytes 0 … 1
//	qs  8 × 64 bits        bytes 2 … 65; of each 32 weights four grid points of
//	                       8 bits, 4 × 7 signs, sc of 4 bits. The eighth sign
//	                       makes an even number minus.
var iq2XXS = &format{
	id: 16, title: titleIQ, bits: 2, group: 32, importance: quant.Required, grid: form2XXS,
	summary:  "Eight weights are one of 256 points of a grid, with seven signs; a scale of 4 bits for 32. Needs an importance matrix.",
	quantize: quantizeRowIQ2XXS,
	decode:   decodeIQ2XXS,
	read:     readRowIQ2XXS,
	layout: []part{
		{name: nameD, role: quant.RoleScale, kind: half, count: 1, spans: at(0)},
		{name: "32 grid points of 8 bits", role: quant.RoleCode, count: 32, group: 8, spans: func(i int) []quant.Span {
			return []quant.Span{{First: 8 * (2 + i/4*8 + i%4), Bits: 8}}
		}},
		signsAfter("32 × 7 signs", func(i int) int { return 8*(2+i/4*8+4) + i%4*7 }),
		{name: "8 scales of 4 bits", role: quant.RoleScale, count: 8, group: 32, spans: func(i int) []quant.Span {
			return []quant.Span{{First: 8*(2+8*i+4) + 28, Bits: 4}}
		}},
	},
}

// signsAfter is the part with seven signs for each eight weights.
func signsAfter(name string, first func(run int) int) part {
	all, own := evenSigns(first)
	return part{name: name, role: quant.RoleSign, kind: sign, count: 32, group: 8, spans: all, mine: own}
}

var searchIQ2XXS = gridSearch{
	grid: grid2x256, top: 3, group: 32, even: true, sigma: 1, eps: groupEps,
	start: true, tries: 13, levels: levelsAround(3, 6, 0.1), settle: settleAlways,
}

// quantizeRowIQ2XXS packs x into dst, 66 bytes for 256 values. Source:
// quantize_row_iq2_xxs_impl.
func quantizeRowIQ2XXS(dst []byte, x, importance []float32) string {
	s := &searchIQ2XXS
	var g gridBlock
	var codes [8]uint8
	for i := 0; i+superBlock <= len(x); i += superBlock {
		b := (*[66]byte)(dst[i/superBlock*66:])
		if why := s.block(x[i:i+superBlock], importance[i:i+superBlock], i, &g); why != "" {
			return why
		}
		clear(b[:])
		if g.most == 0 {
			continue
		}
		putHalf(b[:], g.scaleCodes(codes[:]))
		for j, sc := range codes {
			for k, p := range g.places[4*j : 4*j+4] {
				b[2+8*j+k] = byte(p)
			}
			binary.LittleEndian.PutUint32(b[2+8*j+4:], signsAndScale(g.signs[4*j:], sc))
		}
	}
	return ""
}

// signsAndScale is four times seven signs and a scale of 4 bits in a word.
func signsAndScale(signs []uint8, sc uint8) uint32 {
	word := uint32(sc) << 28
	for k, s := range signs[:4] {
		word |= uint32(s&127) << (7 * k)
	}
	return word
}

func decodeIQ2XXS(b []byte, s *block) {
	d := getHalf(b)
	for j := range 8 {
		word := binary.LittleEndian.Uint32(b[2+8*j+4:])
		s.scale[j] = form2XXS.step(d, uint8(word>>28))
		for k := range 4 {
			form2XXS.put(s.code[32*j+8*k:], int(b[2+8*j+k]), parity(uint8(word>>(7*k))))
		}
	}
}
