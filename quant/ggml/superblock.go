package ggml

import (
	"fewbits/kernels"
	"fewbits/quant"
)

// superBlock is how many values a block of the K-quants holds.
const superBlock = 256

// atOnce is how many blocks of the K-quants are searched in one go.
const atOnce = 8

// settling is what the scales of atOnce blocks of sixteen groups are settled with.
type settling struct {
	scales, steps [atOnce * 16]float32
	codes         [atOnce * 16]uint8
	of            [atOnce]kernels.Settled
}

// lost says whether a group of x that is not zeros has a step of 0, as the bits tell: it
// keeps the codes that it was searched with.
func lost(x *[superBlock]float32, noSteps uint16) bool {
	for j := 0; noSteps>>j != 0; j++ {
		if noSteps>>j&1 == 0 {
			continue
		}
		if _, top := largest(x[16*j : 16*j+16]); top >= groupEps {
			return true
		}
	}
	return false
}

// The names of the scales of a super-block.
const (
	nameD    = "scale d, FP16"
	nameDMin = "scale of the minimums dmin, FP16"
)

// noMins are the minimums of types that have none.
var noMins [16]float32

// putPairs packs codes of 2 bits: of each 128 values, value j stands in byte
// j mod 32, bits 2·(j/32) and up.
func putPairs(b *[64]byte, q *[superBlock]uint8) { kernels.PackBits(b[:], q[:], 2, 32, 0) }

func getPairs(q *[superBlock]int8, b *[64]byte) { kernels.UnpackBits(q[:], b[:], 2, 32, 0) }

// putHalves packs codes of 4 bits: of each 64 values, value j stands in byte
// j mod 32, the first 32 in the low halves. High bits of a code are dropped.
func putHalves(b *[128]byte, q *[superBlock]uint8) { kernels.PackBits(b[:], q[:], 4, 32, 0) }

func getHalves(q *[superBlock]int8, b *[128]byte) { kernels.UnpackBits(q[:], b[:], 4, 32, 0) }

// putPlane packs bit n of the codes: value j in byte j mod 32, bit j/32.
func putPlane(b *[32]byte, q *[superBlock]uint8, n int) { kernels.PackBits(b[:], q[:], 1, 32, n) }

// addPlane sets bit n of the codes, and those above to 0, as putPlane packed it.
func addPlane(q *[superBlock]int8, b *[32]byte, n int) { kernels.UnpackBits(q[:], b[:], 1, 32, n) }

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
