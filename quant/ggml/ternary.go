package ggml

import "fewbits/quant"

// checkTernary looks for blocks that tooSmall is about in a packed row of n values to
// a block of size bytes, where d, the largest magnitude, stands at a byte. They have
// a stored d of 0, and hardly any other block has.
func checkTernary(b []byte, x []float32, n, size, at int) string {
	for i := 0; i+n <= len(x); i += n {
		if h := b[i/n*size+at:]; h[0] != 0 || h[1]&0x7f != 0 {
			continue
		}
		if _, d := largest(x[i : i+n]); infinite(reciprocal(d)) {
			return tooSmall(i, d)
		}
	}
	return ""
}

// ruleTernary is the rule of the types with levels −d, 0 and d.
func ruleTernary(r *reading, _ bool) []quant.Term {
	return r.rounded("q = round(x / d) + 1 = round(x / ", ") + 1", "d = max|x|")
}
