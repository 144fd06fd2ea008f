package llama

// product writes y[t][r] = x[t] · w[r] for tokens t and rows r, where the rows
// of y, x and w, n values of the latter two, begin ys, xs and ws values apart.
//
// Each sum runs in four lanes: product i is rounded and added to lane i mod 4,
// in rising i; the result is (lane 0 + lane 2) + (lane 1 + lane 3). This is
// what four-lane SIMD computes, so that a kernel can take this function's place
// and give the same bits.
func product(y []float32, ys int, x []float32, xs int, w []float32, ws int, tokens, rows, n int) {
	for t := range tokens {
		a := x[t*xs : t*xs+n]
		out := y[t*ys : t*ys+rows]
		r := 0
		for ; r+1 < rows; r += 2 {
			out[r], out[r+1] = dot2(a, w[r*ws:r*ws+n], w[(r+1)*ws:(r+1)*ws+n])
		}
		if r < rows {
			out[r] = dot(a, w[r*ws:r*ws+n])
		}
	}
}

// dot2 is a · b and a · c, which are as long as a.
func dot2(a, b, c []float32) (float32, float32) {
	var b0, b1, b2, b3, c0, c1, c2, c3 float32
	b, c = b[:len(a)], c[:len(a)]
	for len(a) >= 4 && len(b) >= 4 && len(c) >= 4 {
		a0, a1, a2, a3 := a[0], a[1], a[2], a[3]
		b0 += float32(a0 * b[0])
		b1 += float32(a1 * b[1])
		b2 += float32(a2 * b[2])
		b3 += float32(a3 * b[3])
		c0 += float32(a0 * c[0])
		c1 += float32(a1 * c[1])
		c2 += float32(a2 * c[2])
		c3 += float32(a3 * c[3])
		a, b, c = a[4:], b[4:], c[4:]
	}
	b0, b1, b2 = rest(b0, b1, b2, a, b)
	c0, c1, c2 = rest(c0, c1, c2, a, c)
	return (b0 + b2) + (b1 + b3), (c0 + c2) + (c1 + c3)
}

func dot(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	for len(a) >= 4 && len(b) >= 4 {
		s0 += float32(a[0] * b[0])
		s1 += float32(a[1] * b[1])
		s2 += float32(a[2] * b[2])
		s3 += float32(a[3] * b[3])
		a, b = a[4:], b[4:]
	}
	s0, s1, s2 = rest(s0, s1, s2, a, b)
	return (s0 + s2) + (s1 + s3)
}

// rest adds the last values, fewer than four.
func rest(s0, s1, s2 float32, a, b []float32) (float32, float32, float32) {
	if len(a) > 0 {
		s0 += float32(a[0] * b[0])
	}
	if len(a) > 1 {
		s1 += float32(a[1] * b[1])
	}
	if len(a) > 2 {
		s2 += float32(a[2] * b[2])
	}
	return s0, s1, s2
}
