//go:build !purego

package kernels

const matMulImpl = "sse"

//go:noescape
func dotFoursAsm(lanes *[4][4]float32, x, w *float32, ws, fours int)

// matMulF32 takes four rows of w at a time, and what is left over one by one.
func matMulF32(y []float32, ys int, x []float32, xs int, w []float32, ws int, tokens, rows, cols int) {
	if cols < 4 || rows < 4 {
		matMulF32Generic(y, ys, x, xs, w, ws, tokens, rows, cols)
		return
	}
	var lanes [4][4]float32
	for t := range tokens {
		a, out := x[t*xs:t*xs+cols], y[t*ys:t*ys+rows]
		r := 0
		for ; r+4 <= rows; r += 4 {
			dotFoursAsm(&lanes, &a[0], &w[r*ws], ws, cols/4)
			for k := range lanes {
				s := &lanes[k]
				if rest := cols &^ 3; rest < cols {
					s[0], s[1], s[2] = dotRest(s[0], s[1], s[2], a[rest:], w[(r+k)*ws+rest:(r+k)*ws+cols])
				}
				out[r+k] = (s[0] + s[2]) + (s[1] + s[3])
			}
		}
		for ; r < rows; r++ {
			out[r] = dotF32Generic(a, w[r*ws:r*ws+cols])
		}
	}
}
