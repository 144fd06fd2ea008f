package ggml

import "fewbits/quant"

// superBlock is how many values a block of the K-quants holds.
const superBlock = 256

// The names of the scales of a super-block.
const (
	nameD    = "scale d, FP16"
	nameDMin = "scale of the minimums dmin, FP16"
)

// requantize rounds a group anew once its scale s and minimum m are what
// will be read back: q = round((x + m)/s), from 0 to top. A group whose scale
// is 0 keeps the codes of the search.
func requantize(x []float32, q []uint8, s, m float32, top int32) {
	if s == 0 {
		return
	}
	q = q[:len(x)]
	for i, v := range x {
		q[i] = uint8(max(min(nearest((v+m)/s), top), 0))
	}
}

// requantizeSym is requantize for types without a minimum: half stands for 0.
func requantizeSym(x []float32, q []uint8, s float32, half int32) {
	if s == 0 {
		return
	}
	q = q[:len(x)]
	for i, v := range x {
		q[i] = uint8(half + max(min(nearest(v/s), half-1), -half))
	}
}

// putPairs packs codes of 2 bits: of each 128 values, value j stands in byte
// j mod 32, bits 2·(j/32) and up. Bits past a code's own spill upwards.
func putPairs(b *[64]byte, q *[superBlock]uint8) {
	for j := range b {
		k := j/32*128 + j%32
		b[j] = q[k] | q[k+32]<<2 | q[k+64]<<4 | q[k+96]<<6
	}
}

func getPairs(q *[superBlock]int8, b *[64]byte) {
	for j, v := range b {
		k := j/32*128 + j%32
		q[k], q[k+32], q[k+64], q[k+96] = int8(v&3), int8(v>>2&3), int8(v>>4&3), int8(v>>6)
	}
}

// putHalves packs codes of 4 bits: of each 64 values, value j stands in byte
// j mod 32, the first 32 in the low halves. High bits of a code are dropped.
func putHalves(b *[128]byte, q *[superBlock]uint8) {
	for j := range b {
		k := j/32*64 + j%32
		b[j] = q[k]&15 | q[k+32]<<4
	}
}

func getHalves(q *[superBlock]int8, b *[128]byte) {
	for j, v := range b {
		k := j/32*64 + j%32
		q[k], q[k+32] = int8(v&15), int8(v>>4)
	}
}

// putPlane packs bit n of the codes: value j in byte j mod 32, bit j/32.
func putPlane(b *[32]byte, q *[superBlock]uint8, n int) {
	for j := range b {
		var v uint8
		for i := 7; i >= 0; i-- {
			v = v<<1 | q[32*i+j]>>n&1
		}
		b[j] = v
	}
}

// addPlane sets bit n of the codes as putPlane packed it.
func addPlane(q *[superBlock]int8, b *[32]byte, n int) {
	for j, v := range b {
		for i := range 8 {
			q[32*i+j] |= int8(v>>i&1) << n
		}
	}
}

// Twelve bytes hold eight scales and eight minimums of 6 bits each (Q4_K,
// Q5_K). The first four scales stand in the low bits of bytes 0 … 3, the first
// four minimums in those of bytes 4 … 7. Of the other four, bytes 8 … 11 hold
// the low 4 bits, scale below minimum, and the two bits over in bytes 0 … 7
// the high ones.
//
// Source: get_scale_min_k4.

// putScales packs scales and minimums of 6 bits each. Where higher bits are
// set, they spill over as in the reference.
func putScales(b *[12]byte, scales, mins *[8]uint8) {
	for j := range 4 {
		s, m := scales[j+4], mins[j+4]
		b[j] = scales[j] | s>>4<<6
		b[j+4] = mins[j] | m>>4<<6
		b[j+8] = s&15 | m<<4
	}
}

func getScales(b *[12]byte) (scales, mins [8]uint8) {
	for j := range 4 {
		scales[j], mins[j] = b[j]&63, b[j+4]&63
		scales[j+4] = b[j+8]&15 | b[j]>>6<<4
		mins[j+4] = b[j+8]>>4 | b[j+4]>>6<<4
	}
	return scales, mins
}

// scaleSpans are the bits of scale j of those that begin at a byte, and with
// next 4 those of minimum j.
func scaleSpans(firstByte, next int) func(j int) []quant.Span {
	return func(j int) []quant.Span {
		if j < 4 {
			return []quant.Span{{First: 8 * (firstByte + j + next), Bits: 6}}
		}
		return []quant.Span{
			{First: 8*(firstByte+j+4) + next, Bits: 4},
			{First: 8*(firstByte+j-4+next) + 6, Bits: 2},
		}
	}
}
