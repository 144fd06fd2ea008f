//go:build !wasm || purego

package kernels

func dotF32(x, w []float32) float32 { return dotF32Generic(x, w) }

func matVecF16(y, x []float32, w []byte)  { matVecF16Generic(y, x, w) }
func matVecBF16(y, x []float32, w []byte) { matVecBF16Generic(y, x, w) }

func matMulInt8(y []int32, ys int, x, w []int8, tokens, rows, cols int) {
	matMulInt8Generic(y, ys, x, w, tokens, rows, cols)
}

func quantizeQ8_K(dst []byte, x []float32) { quantizeQ8_KGeneric(dst, x) }
func matVecQ8_0(y []float32, x, w []byte)  { matVecQ8_0Generic(y, x, w) }
func matVecQ4_0(y []float32, x, w []byte)  { matVecQ4_0Generic(y, x, w) }
func matVecQ4_K(y []float32, x, w []byte)  { matVecQ4_KGeneric(y, x, w) }
func matVecQ6_K(y []float32, x, w []byte)  { matVecQ6_KGeneric(y, x, w) }
