package kernels

// MatMulInt8 writes y = x·wᵀ in integers: y[t·rows+r] = Σ_i x[t·cols+i]·w[r·cols+i], for
// tokens rows of x and rows rows of w. The sums are exact as long as they fit into 32
// bits, which up to 131,071 columns they always do; beyond they wrap.
//
// Tokens and rows that do not fit into the slices are left alone. Nothing is allocated.
func MatMulInt8(y []int32, x, w []int8, tokens, rows, cols int) {
	matMulBytes(y, x, w, tokens, rows, cols, matMulInt8)
}

// matMulBytes calls mul for what fits, some rows of w at a time.
func matMulBytes(y []int32, x, w []int8, tokens, rows, cols int, mul func(y []int32, ys int, x, w []int8, tokens, rows, cols int)) {
	if cols < 0 || rows <= 0 {
		return
	}
	ys := rows
	rows = min(rows, rowsIn(len(w), max(1, cols), cols))
	tokens = min(tokens, rowsIn(len(x), max(1, cols), cols), rowsIn(len(y), ys, rows))
	if tokens <= 0 || rows <= 0 {
		return
	}
	step := rows
	if tokens > 1 {
		step = max(4, 4*blockValues/max(1, cols)&^3)
	}
	for r := 0; r < rows; r += step {
		mul(y[r:], ys, x, w[r*cols:], tokens, min(step, rows-r), cols)
	}
}

func matMulInt8Generic(y []int32, ys int, x, w []int8, tokens, rows, cols int) {
	for t := range tokens {
		a := x[t*cols : (t+1)*cols]
		for r := range rows {
			y[t*ys+r] = dotInt8Generic(a, w[r*cols:(r+1)*cols])
		}
	}
}

func dotInt8Generic(a, b []int8) (sum int32) {
	b = b[:len(a)]
	for len(a) >= 4 && len(b) >= 4 {
		sum += int32(a[0])*int32(b[0]) + int32(a[1])*int32(b[1]) + int32(a[2])*int32(b[2]) + int32(a[3])*int32(b[3])
		a, b = a[4:], b[4:]
	}
	for i, v := range a {
		sum += int32(v) * int32(b[i])
	}
	return sum
}
