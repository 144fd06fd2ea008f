package linear

import (
	"fmt"

	"fewbits/kernels"
)

// way is how a type is multiplied in integers.
type way struct {
	block, bytes int // of the activations' blocks
	quantize     func(dst []byte, x []float32)
	multiply     func(y []float32, x, w []byte, tokens, rows, cols int)
}

// ways by the weights' type. Which blocks activations go to: type_traits_cpu in
// ggml-cpu.c.
var ways = map[string]way{
	"Q8_0": {32, 34, kernels.QuantizeQ8_0, kernels.MatMulQ8_0},
	"Q4_0": {32, 34, kernels.QuantizeQ8_0, kernels.MatMulQ4_0},
	"Q4_K": {256, 292, kernels.QuantizeQ8_K, kernels.MatMulQ4_K},
	"Q6_K": {256, 292, kernels.QuantizeQ8_K, kernels.MatMulQ6_K},
}

// Integers are the names of the types that MultiplyInts takes, as ggml orders them.
func Integers() []string { return []string{"Q4_0", "Q8_0", "Q4_K", "Q6_K"} }

// MultiplyInts writes y = x·wᵀ for tokens rows of x, which are first quantized to
// Q8_0 or Q8_K: y is tokens × Rows, x tokens × Cols. It fails for a type that
// is not among Integers, and for activations that are not finite. The order of
// the sums is that of MatMulQ8_0, MatMulQ4_K … of kernels.
func (m *Matrix) MultiplyInts(y, x []float32, tokens int, s *Scratch) error {
	w, ok := ways[m.Type.Name]
	if !ok {
		return fmt.Errorf("linear: weights of type %s are not multiplied in integers; use Multiply", m.Type.Name)
	}
	if err := m.check(y, x, tokens); err != nil {
		return err
	}
	if i := kernels.CheckFinite(x); i >= 0 {
		return fmt.Errorf("linear: activation %d is %v; only finite ones can be quantized", i, x[i])
	}
	size := len(x) / w.block * w.bytes
	if len(s.codes) < size {
		s.codes = make([]byte, size)
	}
	codes := s.codes[:size]
	w.quantize(codes, x)
	w.multiply(y, codes, m.Data, tokens, m.Rows, m.Cols)
	return nil
}
