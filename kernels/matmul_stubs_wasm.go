//go:build !purego

package kernels

import "unsafe"

const matMulImpl = active

// The tiles of a product take rows of at least four values, four rows of w at a time
// and one or two tokens. What rows are left over are computed with the last of those
// before, whose results come out the same again.

//go:noescape
func dotF32Asm(x, w *float32, n int) float32

func dotF32(x, w []float32) float32 {
	if len(x) < 4 {
		return dotF32Generic(x, w)
	}
	return dotF32Asm(unsafe.SliceData(x), unsafe.SliceData(w), len(x))
}

//go:noescape
func matMulF32x1Asm(y, x, w *float32, ws, quads, cols int)

//go:noescape
func matMulF32x2Asm(y *float32, ys int, x *float32, xs int, w *float32, ws, quads, cols int)

func matMulF32(y []float32, ys int, x []float32, xs int, w []float32, ws int, tokens, rows, cols int) {
	switch {
	case cols < 4:
		matMulF32Generic(y, ys, x, xs, w, ws, tokens, rows, cols)
		return
	case rows < 4:
		for t := range tokens {
			for r := range rows {
				y[t*ys+r] = dotF32(x[t*xs:t*xs+cols], w[r*ws:r*ws+cols])
			}
		}
		return
	}
	tile := func(t, r, quads int) {
		if t+1 < tokens {
			matMulF32x2Asm(&y[t*ys+r], ys, &x[t*xs], xs, &w[r*ws], ws, quads, cols)
		} else {
			matMulF32x1Asm(&y[t*ys+r], &x[t*xs], &w[r*ws], ws, quads, cols)
		}
	}
	tiles(tokens, rows, tile)
}

//go:noescape
func matVecF16Asm(y, x *float32, w *byte, quads, cols int)

func matVecF16(y, x []float32, w []byte) {
	if len(x)%8 != 0 || len(y) < 4 {
		matVecF16Generic(y, x, w)
		return
	}
	matVecF16Asm(&y[0], &x[0], &w[0], len(y)/4, len(x))
	if r := len(y) - 4; r%4 != 0 {
		matVecF16Asm(&y[r], &x[0], &w[2*r*len(x)], 1, len(x))
	}
}

//go:noescape
func matVecBF16Asm(y, x *float32, w *byte, quads, cols int)

func matVecBF16(y, x []float32, w []byte) {
	if len(x)%8 != 0 || len(y) < 4 {
		matVecBF16Generic(y, x, w)
		return
	}
	matVecBF16Asm(&y[0], &x[0], &w[0], len(y)/4, len(x))
	if r := len(y) - 4; r%4 != 0 {
		matVecBF16Asm(&y[r], &x[0], &w[2*r*len(x)], 1, len(x))
	}
}

// tiles calls tile for every two tokens, or the last one, with four rows at a time
// from row r on: what is over at the end overlaps those before.
func tiles(tokens, rows int, tile func(t, r, quads int)) {
	for t := 0; t < tokens; t += 2 {
		tile(t, 0, rows/4)
		if rows%4 != 0 {
			tile(t, rows-4, 1)
		}
	}
}

//go:noescape
func matMulInt8x1Asm(y *int32, x, w *int8, quads, cols int)

//go:noescape
func matMulInt8x2Asm(y *int32, ys int, x, w *int8, quads, cols int)

func matMulInt8(y []int32, ys int, x, w []int8, tokens, rows, cols int) {
	if cols < 16 || rows < 4 {
		matMulInt8Generic(y, ys, x, w, tokens, rows, cols)
		return
	}
	tile := func(t, r, quads int) {
		if t+1 < tokens {
			matMulInt8x2Asm(&y[t*ys+r], ys, &x[t*cols], &w[r*cols], quads, cols)
		} else {
			matMulInt8x1Asm(&y[t*ys+r], &x[t*cols], &w[r*cols], quads, cols)
		}
	}
	tiles(tokens, rows, tile)
}

//go:noescape
func quantizeQ8_KAsm(dst *byte, x *float32, n int)

func quantizeQ8_K(dst []byte, x []float32) {
	quantizeQ8_KAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(x))
}
