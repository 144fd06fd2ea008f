package ggml

// iq4 are the values of IQ4_NL and IQ4_XS, closer to each other near zero.
// Source: kvalues_iq4nl in src/ggml-common.h.
var iq4 = &table{
	before: "IQ4_NL[", after: "]",
	values: []int8{-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113},
}

// The middles between neighbouring values are multiples of 0.5, so cells of
// 0.5 decide which value is nearest. They begin at iq4From, below the lowest
// middle, and end at iq4To, the highest; one more is for all above.
const (
	iq4From = -116
	iq4To   = 101
	iq4Last = 2 * (iq4To - iq4From)
)

// iq4Codes is the code of each cell, iq4Values its value.
var iq4Codes, iq4Values = func() (codes [iq4Last + 1]uint8, values [iq4Last + 1]float32) {
	code := 0
	for i := range codes {
		for twice := 2*iq4From + i; code < 15 && int(iq4.values[code])+int(iq4.values[code+1]) <= twice; {
			code++
		}
		codes[i], values[i] = uint8(code), float32(iq4.values[code])
	}
	return codes, values
}()

// cellIQ4 is the cell of x: it leads to the value nearest x, of two as near to
// the higher, and for NaN to the highest. Source: best_index_int8.
func cellIQ4(x float32) uint32 {
	switch {
	case !(x < iq4To):
		return iq4Last
	case x < iq4From:
		return 0
	}
	return uint32((float64(x) - iq4From) * 2)
}

// searchIQ4 finds the scale d, so that x ≈ d·v[q] with a small sum of
// w·(x − d·v[q])². The value of greatest magnitude is tried at the lowest of
// v, with fifteen slightly different steps; of each, d follows by least
// squares: d = Σw·v·x / Σw·v².
//
// Source: quantize_row_iq4_nl_impl.
func searchIQ4(x, w *[32]float32) float32 {
	top, magnitude := largest(x[:])
	if magnitude < groupEps {
		return 0
	}
	var d float32
	sumVX, sumV2 := correlateIQ4(x, w, 1/(-top/-127))
	if sumV2 > 0 {
		d = sumVX / sumV2
	}
	best := float32(d * sumVX)
	for try := -7; try <= 7; try++ {
		sumVX, sumV2 = correlateIQ4(x, w, float32(try-127)/top)
		if sumV2 > 0 && float32(sumVX*sumVX) > float32(best*sumV2) {
			d = sumVX / sumV2
			best = float32(d * sumVX)
		}
	}
	return d
}

// correlateIQ4 is Σw·v·x and Σw·v² for the values v nearest x · inverse.
func correlateIQ4(x, w *[32]float32, inverse float32) (sumVX, sumV2 float32) {
	for i, x := range x {
		v := iq4Values[cellIQ4(float32(inverse*x))]
		wv := float32(w[i] * v)
		sumVX += float32(wv * x)
		sumV2 += float32(wv * v)
	}
	return sumVX, sumV2
}

// weighIQ4 writes the weights of a group: x², or with importance what weigh
// makes of it.
func weighIQ4(w, x *[32]float32, importance []float32, sigma2 float32) {
	if importance != nil {
		weigh(w[:], x[:], importance, sigma2)
		return
	}
	for i, x := range x {
		w[i] = float32(x * x)
	}
}

// packIQ4 packs the codes of the values nearest x · inverse as putNibbles does.
func packIQ4(b *[16]byte, x *[32]float32, inverse float32) {
	for j := range b {
		b[j] = iq4Codes[cellIQ4(float32(inverse*x[j]))] | iq4Codes[cellIQ4(float32(inverse*x[j+16]))]<<4
	}
}
