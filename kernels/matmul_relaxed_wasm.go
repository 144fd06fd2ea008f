//go:build relaxed && !purego

package kernels

// Relaxed says whether MatMulF32Relaxed may fuse.
const Relaxed = true

//go:noescape
func relaxedF32x1Asm(y, x, w *float32, ws, quads, cols int)

//go:noescape
func relaxedF32x2Asm(y *float32, ys int, x *float32, xs int, w *float32, ws, quads, cols int)

func relaxedF32(y []float32, ys int, x []float32, xs int, w []float32, ws int, tokens, rows, cols int) {
	if cols < 4 || rows < 4 {
		matMulF32(y, ys, x, xs, w, ws, tokens, rows, cols)
		return
	}
	tile := func(t, r, quads int) {
		if t+1 < tokens {
			relaxedF32x2Asm(&y[t*ys+r], ys, &x[t*xs], xs, &w[r*ws], ws, quads, cols)
		} else {
			relaxedF32x1Asm(&y[t*ys+r], &x[t*xs], &w[r*ws], ws, quads, cols)
		}
	}
	for t := 0; t < tokens; t += 2 {
		tile(t, 0, rows/4)
		if rows%4 != 0 {
			tile(t, rows-4, 1)
		}
	}
}
