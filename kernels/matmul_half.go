package kernels

// MatVecF16 writes y = w·x for rows rows of w, each of cols little-endian half floats:
// y[r] = Σ_i float32(w[r·cols+i])·x[i], to the bit what F16ToF32 and MatMulF32 give for
// one token. Rows that do not fit into the slices are left alone. Nothing is allocated.
func MatVecF16(y, x []float32, w []byte, rows, cols int) {
	if rows = halfRows(y, x, w, rows, cols); rows > 0 {
		matVecF16(y[:rows], x[:cols], w)
	}
}

// MatVecBF16 is MatVecF16 for bfloat16.
func MatVecBF16(y, x []float32, w []byte, rows, cols int) {
	if rows = halfRows(y, x, w, rows, cols); rows > 0 {
		matVecBF16(y[:rows], x[:cols], w)
	}
}

// halfRows is how many rows of the product fit, 0 where x is too short.
func halfRows(y, x []float32, w []byte, rows, cols int) int {
	if cols <= 0 || cols > len(x) {
		return 0
	}
	return min(rows, len(y), len(w)/2/cols)
}

func matVecF16Generic(y, x []float32, w []byte) {
	matVecHalf(y, x, w, false)
}

func matVecBF16Generic(y, x []float32, w []byte) {
	matVecHalf(y, x, w, true)
}

// matVecHalf widens 64 weights at a time, which are bfloat16 or half floats.
func matVecHalf(y, x []float32, w []byte, brain bool) {
	var wide [64]float32
	for r := range y {
		row := w[r*len(x)*2:][:len(x)*2]
		var s0, s1, s2, s3 float32
		for from := 0; from < len(x); from += len(wide) {
			a := x[from:min(from+len(wide), len(x))]
			b := wide[:len(a)]
			if brain {
				bf16ToF32Generic(b, row[2*from:])
			} else {
				f16ToF32Generic(b, row[2*from:])
			}
			for len(a) >= 4 && len(b) >= 4 {
				s0 += float32(a[0] * b[0])
				s1 += float32(a[1] * b[1])
				s2 += float32(a[2] * b[2])
				s3 += float32(a[3] * b[3])
				a, b = a[4:], b[4:]
			}
			s0, s1, s2 = dotRest(s0, s1, s2, a, b)
		}
		y[r] = (s0 + s2) + (s1 + s3)
	}
}
