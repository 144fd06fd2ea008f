package ggml

import (
	"fewbits/kernels"
	"fewbits/quant"
)

// tq10 is TQ1_0: x̂ = d · (q − 1) with q from 0 to 2, five of them a byte.
//
//	qs 240 × 1.6 bits  bytes 0 … 47
//	qh 16 × 2 bits     bytes 48 … 51
//	d  FP16            bytes 52 … 53
//
// A byte is the fraction 0.q₀q₁q₂q₃q₄ to the base 3 in 256ths, rounded up, so
// that a code is read with two products and no division; see tritOf. Its five
// weights stand 32 apart (bytes 0 … 31) or 16 apart (32 … 47); bytes 48 … 51
// hold four, 4 apart.
var tq10 = &format{
	id: 34, title: titleTernary, bits: 2, group: 256, zero: 1, states: 3,
	summary:  "256 weights share one scale; each is −1, 0 or 1, and five fit into a byte.",
	quantize: quantizeRowTQ10,
	decode:   decodeTQ10,
	read:     kernels.DequantizeTQ1_0,
	layout: []part{
		{name: "256 codes of 0, 1 or 2, five or four a byte", role: quant.RoleCode, count: 256, group: 1, code: codeTQ10, spans: func(k int) []quant.Span {
			at, _ := placeTQ10(k)
			return []quant.Span{{First: 8 * at, Bits: 8}}
		}},
		{name: nameD, role: quant.RoleScale, kind: half, count: 1, spans: at(416)},
	},
	rule: ruleTernary,
	origin: func(r *reading, e *terms) {
		_, n := placeTQ10(r.k)
		e.text("; q = ⌊3 · (").add(integer(r.shared), quant.RoleCode).text(" · 3^" + integer(int32(n)) + " mod 256) / 256⌋")
	},
}

// pow3 are the powers of 3 that move a code to the top of its byte.
var pow3 = [5]uint8{1, 3, 9, 27, 81}

// placeTQ10 is the byte that holds weight k, and its place there.
func placeTQ10(k int) (at, n int) {
	switch {
	case k < 160:
		return k % 32, k / 32
	case k < 240:
		return 32 + k%16, (k - 160) / 16
	}
	return 48 + k%4, (k - 240) / 4
}

// tritOf is code n of a byte.
func tritOf(b uint8, n int) int8 { return int8(uint16(b*pow3[n]) * 3 >> 8) }

func codeTQ10(k int, b int32) int32 {
	_, n := placeTQ10(k)
	return int32(tritOf(uint8(b), n))
}

// quantizeRowTQ10 packs x into dst, 54 bytes for 256 values. Source:
// quantize_row_tq1_0_ref.
func quantizeRowTQ10(dst []byte, x, _ []float32) string {
	kernels.QuantizeTQ1_0(dst, x)
	return checkTernary(dst, x, superBlock, 54, 52)
}

func decodeTQ10(b []byte, s *block) {
	s.scale[0] = getHalf(b[52:])
	getTrits(s.code[:160], b[:32])
	getTrits(s.code[160:240], b[32:48])
	getTrits(s.code[240:256], b[48:52])
}

func getTrits(q []int8, b []byte) {
	for i := 0; len(q) > 0; i++ {
		for j, v := range b {
			q[j] = tritOf(v, i)
		}
		q = q[len(b):]
	}
}
