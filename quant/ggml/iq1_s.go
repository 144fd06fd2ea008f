package ggml

import (
	"encoding/binary"
	"math"

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
	grid1x2048.ready()
	var weights [32]float32
	for i := 0; i+superBlock <= len(x); i += superBlock {
		b := (*[50]byte)(dst[i/superBlock*50:])
		clear(b[:])
		sigma2 := float32(2*sumSquares(x[i:i+superBlock])) / superBlock
		var scales [8]float32
		var down [8]bool
		var most float32
		for j := range scales {
			from := i + 32*j
			g := splitGroup{x: x[from : from+32], w: weights[:]}
			weigh(g.w, g.x, importance[from:], sigma2)
			if greatest(g.x) < 1e-12 {
				continue
			}
			scale, isDown, any := g.search32()
			if !any {
				continue
			}
			var ok bool
			if scale, ok = g.settle(scale, &[4]bool{isDown, isDown, isDown, isDown}); !ok {
				return offGrid(from)
			}
			if scale != scale {
				return noScale(from)
			}
			var high uint16
			for k, p := range g.places {
				b[2+4*j+k] = byte(p)
				high |= p >> 8 << (3 * k)
			}
			binary.LittleEndian.PutUint16(b[34+2*j:], high)
			scales[j], down[j] = scale, isDown
			if scale > most {
				most = scale
			}
		}
		if most == 0 {
			continue
		}
		d := most / 15
		putHalf(b[:], float32(d*1.125))
		inverse := 1 / d
		for j, scale := range scales {
			b[34+2*j+1] |= odds(inverse, scale)<<4 | b2u(down[j])<<7
		}
	}
	return ""
}

// search32 finds where to cut a group of 32, whether to shift its levels down,
// and its scale, so that (Σw·q·x)² / Σw·q² is greatest. any is false where no
// cut has a Σw·q² above 0.
func (g *splitGroup) search32() (scale float32, down, any bool) {
	g.sort()
	var sumX, sumW [33]float32
	for j, i := range g.order {
		sumX[j+1] = sumX[j] + float32(g.w[i]*g.x[i])
		sumW[j+1] = sumW[j] + g.w[i]
	}
	best := float32(-math.MaxFloat32)
	for first := range 33 {
		for second := first; second <= 32; second++ {
			x0, x1, x2 := sumX[first], sumX[second]-sumX[first], sumX[32]-sumX[second]
			w0, w1, w2 := sumW[first], sumW[second]-sumW[first], sumW[32]-sumW[second]
			for s := range shifted {
				l := &shifted[s]
				qx := float32(x0*l[0]) + float32(x1*l[1]) + float32(x2*l[2])
				q2 := float32(float32(w0*l[0])*l[0]) + float32(float32(w1*l[1])*l[1]) + float32(float32(w2*l[2])*l[2])
				if q2 > 0 && float32(qx*qx) > float32(best*q2) {
					scale = qx / q2
					best = float32(scale * qx)
					g.first, g.second, down, any = first, second, s == 1, true
				}
			}
		}
	}
	flip := scale < 0
	if flip {
		scale, down = -scale, !down
	}
	g.cut(flip)
	return scale, down, any
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
