package kernels

// PackQ3_K writes the codes of whole blocks of ggml's Q3_K: q = clamp(round(x/s), −4, 3) +
// 4, rounded to even, with a step s for each sixteen values; where s is 0 the codes
// are. Bit 2 of them stands in the first 32 bytes of a block, bits 0 and 1 in the next
// 64; what follows is left as it is.
//
// Source: quantize_row_q3_K_ref.
func PackQ3_K(dst []byte, x, s []float32) {
	dst, x = superBlocks(dst, x, q3KBytes)
	n := min(len(x)/superLen, len(s)/superGroups)
	packQ3_K(dst[:n*q3KBytes], x[:n*superLen], s[:n*superGroups])
}

// PackQ6_K writes the codes of whole blocks of ggml's Q6_K: q = clamp(round(x/s), −32, 31)
// + 32, rounded to even, with a step s for each sixteen values; where s is 0 the codes
// are. Their low 4 bits stand in the first 128 bytes of a block, the others in the
// next 64; what follows is left as it is.
//
// Source: quantize_row_q6_K_ref.
func PackQ6_K(dst []byte, x, s []float32) {
	dst, x = superBlocks(dst, x, q6KBytes)
	n := min(len(x)/superLen, len(s)/superGroups)
	packQ6_K(dst[:n*q6KBytes], x[:n*superLen], s[:n*superGroups])
}

// superGroups is how many groups of sixteen a block of the K-quants holds.
const superGroups = superLen / 16

// noMins are the minimums of types that have none.
var noMins [superGroups]float32

func packQ3_KGeneric(dst []byte, x, s []float32) {
	for ; len(dst) >= q3KBytes; dst, x, s = dst[q3KBytes:], x[superLen:], s[superGroups:] {
		var q [superLen]uint8
		roundGroupsGeneric(q[:], x[:superLen], s[:superGroups], noMins[:], 16, -4, 3)
		packBitsGeneric(dst[:q3KLow], q[:], 1, 32, 2)
		packBitsGeneric(dst[q3KLow:q3KScales], q[:], 2, 32, 0)
	}
}

func packQ6_KGeneric(dst []byte, x, s []float32) {
	for ; len(dst) >= q6KBytes; dst, x, s = dst[q6KBytes:], x[superLen:], s[superGroups:] {
		var q [superLen]uint8
		roundGroupsGeneric(q[:], x[:superLen], s[:superGroups], noMins[:], 16, -32, 31)
		packBitsGeneric(dst[:q6KHigh], q[:], 4, 64, 0)
		packBitsGeneric(dst[q6KHigh:q6KScales], q[:], 2, 32, 4)
	}
}
