package speed

import (
	"fewbits/kernels"
	"fewbits/quant/linear"
)

// relaxedInts are the products of linear.Integers with relaxed SIMD: the blocks of the
// activations, and what quantizes and multiplies.
var relaxedInts = map[string]struct {
	block, bytes int
	quantize     func(dst []byte, x []float32)
	multiply     func(y []float32, x, w []byte, tokens, rows, cols int)
}{
	"Q8_0": {32, 34, kernels.QuantizeQ8_0, kernels.MatMulQ8_0Relaxed},
	"Q4_0": {32, 34, kernels.QuantizeQ8_0, kernels.MatMulQ4_0Relaxed},
	"Q4_K": {256, 292, kernels.QuantizeQ8_K, kernels.MatMulQ4_KRelaxed},
	"Q6_K": {256, 292, kernels.QuantizeQ8_K, kernels.MatMulQ6_KRelaxed},
}

// relaxed is a pass with relaxed SIMD, nil where there is none of the type and the way.
// Results are thrown away: see kernels.MatMulF32Relaxed for what they are.
func (c Case) relaxed(m *Memory, w []byte, y, x []float32) func() {
	if c.Way == RelaxedIntegers {
		k, ok := relaxedInts[c.Type]
		if !ok {
			return nil
		}
		codes := make([]byte, len(x)/k.block*k.bytes)
		return func() {
			k.quantize(codes, x)
			k.multiply(y, codes, w, c.Tokens, c.Rows, c.Cols)
		}
	}
	switch {
	case c.Way != Relaxed:
		return nil
	case c.Type == "F32":
		return func() { kernels.MatMulF32Relaxed(y, x, m.words, c.Tokens, c.Rows, c.Cols) }
	case c.Type == "F16" && c.Tokens == 1:
		return func() { kernels.MatVecF16Relaxed(y, x, w, c.Rows, c.Cols) }
	case c.Type == "F16":
		step, size := linear.Step(c.Rows, c.Cols), 2*c.Cols
		tile := make([]float32, step*c.Cols)
		return func() {
			for r := 0; r < c.Rows; r += step {
				n := min(step, c.Rows-r)
				kernels.F16ToF32(tile[:n*c.Cols], w[r*size:(r+n)*size])
				kernels.MatMulF32StridedRelaxed(y[r:], c.Rows, x, c.Cols, tile, c.Cols, c.Tokens, n, c.Cols)
			}
		}
	}
	return nil
}
