package kernels

// MatMulF32 writes y = x·wᵀ: y[t·rows+r] = Σ_i x[t·cols+i]·w[r·cols+i], for tokens
// rows of x and rows rows of w, each of cols values.
//
// Each sum runs in four lanes: product i is rounded to float32 and added to lane i mod
// 4, in rising i; the result is (lane 0 + lane 2) + (lane 1 + lane 3). So a result
// depends on its two rows alone, whatever is computed beside it.
//
// Tokens and rows that do not fit into the slices are left alone. Infinities and NaN
// go through as IEEE 754 has it. Nothing is allocated.
func MatMulF32(y, x, w []float32, tokens, rows, cols int) {
	MatMulF32Strided(y, rows, x, cols, w, cols, tokens, rows, cols)
}

// MatMulF32Strided is MatMulF32 on parts of matrices: the rows of y, x and w, of which
// rows, cols and cols values count, begin ys, xs and ws values apart.
func MatMulF32Strided(y []float32, ys int, x []float32, xs int, w []float32, ws int, tokens, rows, cols int) {
	matMulRows(y, ys, x, xs, w, ws, tokens, rows, cols, matMulF32)
}

// strided is a product of parts of matrices that have all that is asked for.
type strided func(y []float32, ys int, x []float32, xs int, w []float32, ws int, tokens, rows, cols int)

// matMulRows calls mul for as many rows of w at a time as stay in a core's first cache, with
// all tokens.
func matMulRows(y []float32, ys int, x []float32, xs int, w []float32, ws int, tokens, rows, cols int, mul strided) {
	rows = min(rows, rowsIn(len(w), ws, cols))
	tokens = min(tokens, rowsIn(len(x), xs, cols), rowsIn(len(y), ys, rows))
	if tokens <= 0 || rows <= 0 {
		return
	}
	step := rows
	if tokens > 1 {
		step = max(4, blockValues/max(1, cols)&^3)
	}
	for r := 0; r < rows; r += step {
		mul(y[r:], ys, x, xs, w[r*ws:], ws, tokens, min(step, rows-r), cols)
	}
}

// DotF32 is Σ x[i]·w[i] in the order of MatMulF32.
func DotF32(x, w []float32) float32 {
	n := min(len(x), len(w))
	return dotF32(x[:n], w[:n])
}

// blockValues is how many values of w all tokens pass over before the next.
const blockValues = 1 << 13

// rowsIn is how many rows of n values that begin stride apart a slice of length size has.
func rowsIn(size, stride, n int) int {
	if n < 0 || n > size || stride <= 0 {
		return 0
	}
	return (size-n)/stride + 1
}

func matMulF32Generic(y []float32, ys int, x []float32, xs int, w []float32, ws int, tokens, rows, cols int) {
	for t := range tokens {
		a := x[t*xs : t*xs+cols]
		out := y[t*ys : t*ys+rows]
		r := 0
		for ; r+1 < rows; r += 2 {
			out[r], out[r+1] = dotPair(a, w[r*ws:r*ws+cols], w[(r+1)*ws:(r+1)*ws+cols])
		}
		if r < rows {
			out[r] = dotF32Generic(a, w[r*ws:r*ws+cols])
		}
	}
}

// dotPair is a·b and a·c, which are as long as a.
func dotPair(a, b, c []float32) (float32, float32) {
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
	b0, b1, b2 = dotRest(b0, b1, b2, a, b)
	c0, c1, c2 = dotRest(c0, c1, c2, a, c)
	return (b0 + b2) + (b1 + b3), (c0 + c2) + (c1 + c3)
}

func dotF32Generic(a, b []float32) float32 {
	var s0, s1, s2, s3 float32
	b = b[:len(a)]
	for len(a) >= 4 && len(b) >= 4 {
		s0 += float32(a[0] * b[0])
		s1 += float32(a[1] * b[1])
		s2 += float32(a[2] * b[2])
		s3 += float32(a[3] * b[3])
		a, b = a[4:], b[4:]
	}
	s0, s1, s2 = dotRest(s0, s1, s2, a, b)
	return (s0 + s2) + (s1 + s3)
}

// dotRest adds the last values, fewer than four.
func dotRest(s0, s1, s2 float32, a, b []float32) (float32, float32, float32) {
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
