package kernels

// CountAbove writes how many of at most 255 thresholds a scaled value is above:
// dst[i] = |{t : x[i]·scale > t}|. With the midpoints of a codebook in rising
// order this is the index of the nearest level, a tie going to the lower one.
// NaN is above nothing. Thresholds past the 255th are ignored.
func CountAbove(dst []uint8, x []float32, scale float32, thresholds []float32) {
	n := min(len(dst), len(x))
	countAbove(dst[:n], x[:n], scale, thresholds[:min(len(thresholds), 255)])
}

// Lookup16 writes the levels that codes stand for: dst[i] = levels[codes[i]&15]·scale.
func Lookup16(dst []float32, codes []uint8, levels *[16]float32, scale float32) {
	n := min(len(dst), len(codes))
	lookup16(dst[:n], codes[:n], levels, scale)
}

func countAboveGeneric(dst []uint8, x []float32, scale float32, thresholds []float32) {
	x = x[:len(dst)]
	for i := range dst {
		v, n := x[i]*scale, uint8(0)
		for _, t := range thresholds {
			if v > t {
				n++
			}
		}
		dst[i] = n
	}
}

func lookup16Generic(dst []float32, codes []uint8, levels *[16]float32, scale float32) {
	codes = codes[:len(dst)]
	for i := range dst {
		dst[i] = levels[codes[i]&15] * scale
	}
}
