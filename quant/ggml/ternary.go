package ggml

import "fewbits/quant"

// scaleTernary is the greatest magnitude of a block, the scale of the types
// with levels −d, 0 and d, and its inverse. why says what is wrong with it.
func scaleTernary(x []float32, column int) (d, inverse float32, why string) {
	_, d = largest(x)
	inverse = reciprocal(d)
	if infinite(inverse) {
		return d, inverse, tooSmall(column, d)
	}
	return d, inverse, ""
}

// trit is y, from −1 to 1, rounded to the nearest integer, halves away from
// zero, plus 1.
func trit(y float32) uint8 {
	q := uint8(1)
	if y >= 0.5 {
		q = 2
	}
	if y <= -0.5 {
		q = 0
	}
	return q
}

// ruleTernary is the rule of the types with levels −d, 0 and d.
func ruleTernary(r *reading, _ bool) []quant.Term {
	return r.rounded("q = round(x / d) + 1 = round(x / ", ") + 1", "d = max|x|")
}
