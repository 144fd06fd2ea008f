package ggml

import (
	"encoding/binary"
	"math"

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
	grid1x2048.ready()
	var weights [superBlock]float32
	for i := 0; i+superBlock <= len(x); i += superBlock {
		b := (*[56]byte)(dst[i/superBlock*56:])
		clear(b[:])
		v := x[i : i+superBlock]
		if importance != nil {
			weigh(weights[:], v, importance[i:], float32(2*sumSquares(v))/superBlock)
		} else {
			for j, v := range v {
				weights[j] = float32(v * v)
			}
		}
		var groups [16]splitGroup
		var scales [16]float32
		var shifts [16]uint8
		var most float32
		for j := range groups {
			g := &groups[j]
			g.x, g.w = v[16*j:16*j+16], weights[16*j:16*j+16]
			if greatest(g.x) < 1e-7 {
				continue
			}
			scale, shift, any := g.search16()
			if !any {
				continue
			}
			var ok bool
			if scale, ok = g.settle(scale, &[4]bool{shift&2 != 0, shift&1 != 0}); !ok {
				return offGrid(i + 16*j)
			}
			if scale != scale {
				return noScale(i + 16*j)
			}
			b[2*j], b[2*j+1] = byte(g.places[0]), byte(g.places[1])
			b[32+j] = byte(g.places[0]>>8) | byte(g.places[1]>>8)<<4
			scales[j], shifts[j] = scale, shift
			if scale > most {
				most = scale
			}
		}
		if most > 0 {
			finishIQ1M(b, &groups, &scales, &shifts, most)
		}
	}
	return ""
}

// finishIQ1M writes the scales and shifts of a block, and d, which follows by
// least squares over the block.
func finishIQ1M(b *[56]byte, groups *[16]splitGroup, scales *[16]float32, shifts *[16]uint8, most float32) {
	d := most / 15
	inverse := 1 / d
	var qx, q2 float32
	var words [4]uint16
	for j := range groups {
		g, s := &groups[j], shifts[j]
		code := odds(inverse, scales[j])
		words[j/4] |= uint16(code) << (j % 4 * 3)
		b[32+j] |= s>>1<<3 | s&1<<7
		g.moments(0, &shifted[s>>1], float32(2*code+1), &qx, &q2)
		g.moments(1, &shifted[s&1], float32(2*code+1), &qx, &q2)
	}
	if q2 > 0 {
		d = qx / q2
	}
	h := toHalf(float32(d * 1.1125))
	for j, w := range words {
		binary.LittleEndian.PutUint16(b[48+2*j:], w|h>>(4*j)&15<<12)
	}
}

// search16 finds where to cut a group of 16, which of its two runs to shift
// down (bit 1 the first, bit 0 the second), and its scale, so that
// (Σw·q·x)² / Σw·q² is greatest. any is false where no cut has a Σw·q² above 0.
//
// With S and W the sums of w·x and of w over a run's values in order of size,
// the run adds S(16)·l₂ − S(first) − S(second) to Σw·q·x, as the levels l are 1
// apart, and W(16)·l₂² + (l₀² − l₁²)·W(first) + (l₁² − l₂²)·W(second) to Σw·q².
//
// Builds of ggml from before September 2026 sum in another order, and differ
// where two cuts are equally good but for rounding.
func (g *splitGroup) search16() (scale float32, shift uint8, any bool) {
	g.sort()
	var sumX, sumW [2][17]float32 // of each run
	for j, i := range g.order[:16] {
		run := i / 8
		sumX[run][j+1] = sumX[run][j] + float32(g.w[i]*g.x[i])
		sumW[run][j+1] = sumW[run][j] + g.w[i]
		sumX[1-run][j+1], sumW[1-run][j+1] = sumX[1-run][j], sumW[1-run][j]
	}
	var allX, allW [2][2]float32 // of each run, shifted up and down
	var outer, inner [2]float32  // l₀² − l₁² and l₁² − l₂²
	for s, l := range shifted {
		middle := float32(l[1] * l[1])
		outer[s], inner[s] = float32(l[0]*l[0])-middle, middle-float32(l[2]*l[2])
		for run := range allX {
			allX[run][s] = float32(sumX[run][16] * l[2])
			allW[run][s] = float32(float32(sumW[run][16]*l[2]) * l[2])
		}
	}
	best := float32(-math.MaxFloat32)
	for first := range 17 {
		var w [2][2]float32
		for run := range w {
			w[run][0] = float32(outer[0]*sumW[run][first]) + allW[run][0]
			w[run][1] = float32(outer[1]*sumW[run][first]) + allW[run][1]
		}
		for second := first; second <= 16; second++ {
			x0, x1 := sumX[0][second]+sumX[0][first], sumX[1][second]+sumX[1][first]
			w0, w1 := sumW[0][second], sumW[1][second]
			up0, down0 := allX[0][0]-x0, allX[0][1]-x0
			up1, down1 := allX[1][0]-x1, allX[1][1]-x1
			wUp0, wDown0 := float32(inner[0]*w0)+w[0][0], float32(inner[1]*w0)+w[0][1]
			wUp1, wDown1 := float32(inner[0]*w1)+w[1][0], float32(inner[1]*w1)+w[1][1]
			qx := [4]float32{up0 + up1, up0 + down1, down0 + up1, down0 + down1}
			q2 := [4]float32{wUp0 + wUp1, wUp0 + wDown1, wDown0 + wUp1, wDown0 + wDown1}
			for s, q2 := range q2 {
				if q2 > 0 && float32(qx[s]*qx[s]) > float32(best*q2) {
					scale = qx[s] / q2
					best = float32(scale * qx[s])
					g.first, g.second, shift, any = first, second, uint8(s), true
				}
			}
		}
	}
	flip := scale < 0
	if flip {
		scale, shift = -scale, 3-shift
	}
	g.cut(flip)
	return scale, shift, any
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
