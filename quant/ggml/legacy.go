package ggml

import (
	"encoding/binary"
	"fmt"
	"math"

	"fewbits/kernels"
)

// legacyBlock is how many values a block of the legacy types holds.
const legacyBlock = 32

// Searches of the legacy types that have a minimum, for an importance matrix.
var (
	searchQ41 = kernels.MinSearch{Top: 15, From: -0.9, By: 0.05, Last: 36}
	searchQ51 = kernels.MinSearch{Top: 31, From: -0.9, By: 0.05, Last: 36}
)

// weightedRow searches in the blocks of a row, eight at a time, weighed by
// importance, and hands each block's number, scale, minimum and codes to put.
func weightedRow(x, importance []float32, search func(q []uint8, d, m, x, w []float32), put func(i int, d, m float32, q *[legacyBlock]uint8)) {
	const most = 8
	var q [most * legacyBlock]uint8
	var w [most * legacyBlock]float32
	var d, m [most]float32
	sigma2 := meanSquare(x)
	for at := 0; at+legacyBlock <= len(x); at += most * legacyBlock {
		part := x[at:min(at+most*legacyBlock, len(x))]
		n := len(part) / legacyBlock
		weigh(w[:len(part)], part, importance[at:], sigma2)
		search(q[:], d[:n], m[:n], part, w[:])
		for g := range n {
			put(at/legacyBlock+g, d[g], m[g], (*[legacyBlock]uint8)(q[legacyBlock*g:]))
		}
	}
}

// searchMins is a search of weightedRow for a scale and a minimum.
func searchMins(c *kernels.MinSearch) func(q []uint8, d, m, x, w []float32) {
	return func(q []uint8, d, m, x, w []float32) { kernels.SearchMin(q, d, m, x, w, legacyBlock, c) }
}

// searchScales is a search of weightedRow for a scale, half being the code of 0.
func searchScales(half int32) func(q []uint8, d, m, x, w []float32) {
	return func(q []uint8, d, m, x, w []float32) {
		kernels.SearchScale(q, d, x, w, legacyBlock, half, kernels.WeightsGiven)
	}
}

// reciprocal is 1/d, 0 for 0. It is infinite for d below 2^−128.
func reciprocal(d float32) float32 {
	if d == 0 {
		return 0
	}
	return 1 / d
}

func infinite(v float32) bool { return math.Float32bits(v)&0x7fffffff == 0x7f800000 }

// tooSmall says why a block is refused whose scale has no finite inverse: the
// reference multiplies by it and converts the product to an integer.
func tooSmall(column int, d float32) string {
	return fmt.Sprintf("the values of the block at column %d are so near each other or 0 that the inverse of its scale %g is past float32's range, and what ggml writes is undefined: set them to 0, or scale the tensor up", column, d)
}

// checkInverse looks for blocks that tooSmall is about in a packed row whose
// blocks begin with d, where d is the largest magnitude over steps. They have
// a stored d of 0, and hardly any other block has.
func checkInverse(b []byte, x []float32, size int, steps float32) string {
	for i := 0; i+legacyBlock <= len(x); i += legacyBlock {
		at := i / legacyBlock * size
		if b[at] != 0 || b[at+1]&0x7f != 0 {
			continue
		}
		_, top := largest(x[i : i+legacyBlock])
		if d := top / steps; infinite(reciprocal(d)) {
			return tooSmall(i, d)
		}
	}
	return ""
}

// tooWide says why a block is refused whose range overflows.
func tooWide(column int) string {
	return fmt.Sprintf("the values of the block at column %d are further apart than float32 can say, and what ggml writes is undefined: scale the tensor down", column)
}

// extremes is the least and the greatest of a block.
func extremes(x *[legacyBlock]float32) (low, high float32) {
	low, high = math.MaxFloat32, -math.MaxFloat32
	for _, v := range x {
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
	}
	return low, high
}

// checkRange looks for blocks that tooWide and tooSmall are about in a packed
// row whose blocks begin with d, the range over steps. They have a stored d of 0
// or infinity.
func checkRange(b []byte, x []float32, size int, steps float32) string {
	for i := 0; i+legacyBlock <= len(x); i += legacyBlock {
		at := i / legacyBlock * size
		if h := uint16(b[at]) | uint16(b[at+1])<<8; h != 0 && h != 0x7c00 {
			continue
		}
		low, high := extremes((*[legacyBlock]float32)(x[i:]))
		d := (high - low) / steps
		switch {
		case infinite(d):
			return tooWide(i)
		case infinite(reciprocal(d)):
			return tooSmall(i, d)
		}
	}
	return ""
}

// putNibbles packs codes of 4 bits: value j in the low half of byte j, value
// j + 16 in its high half. High bits of q are dropped.
func putNibbles(b *[16]byte, q *[legacyBlock]uint8) { kernels.PackBits(b[:], q[:], 4, 16, 0) }

func getNibbles(q *[legacyBlock]int8, b *[16]byte) { kernels.UnpackBits(q[:], b[:], 4, 16, 0) }

// putFifth packs bit 4 of the codes: value j in bit j of a 32-bit word.
func putFifth(b *[4]byte, q *[legacyBlock]uint8) {
	var h uint32
	for j, v := range q {
		h |= uint32(v>>4&1) << j
	}
	binary.LittleEndian.PutUint32(b[:], h)
}

func addFifth(q *[legacyBlock]int8, b *[4]byte) {
	h := binary.LittleEndian.Uint32(b[:])
	for j := range q {
		q[j] |= int8(h>>j&1) << 4
	}
}
