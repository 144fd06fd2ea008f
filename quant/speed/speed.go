package speed

import (
	"fmt"
	"math/rand/v2"
	"time"
	"unsafe"

	"fewbits/kernels"
	"fewbits/quant"
	"fewbits/quant/dtype"
	"fewbits/quant/ggml"
	"fewbits/quant/linear"
)

// Case is a product to time.
type Case struct {
	Type               string // one of ggml's, or INT8
	Way                string // Exact, Integers, or one of these where kernels.Relaxed is set
	Tokens, Rows, Cols int    // activations are Tokens × Cols, weights Rows × Cols
}

// The ways of a product. INT8 has integers alone; other types have them that are among
// linear.Integers. Relaxed there is for F32 and F16.
const (
	Exact           = "exact"            // in float32, as forward passes have it
	Integers        = "integers"         // with activations of 8 bits, which are quantized each time
	Relaxed         = "relaxed"          // Exact with products that may be fused
	RelaxedIntegers = "relaxed-integers" // Integers with relaxed SIMD
)

// most bounds each number of a Case, mostValues the activations and the sums, mostWeights the
// weights and mostBytes what they take.
const (
	most        = 1 << 16
	mostValues  = 1 << 26
	mostWeights = 1 << 30
	mostBytes   = 1 << 28
)

func (c Case) check() error {
	for name, n := range map[string]int{"tokens": c.Tokens, "rows": c.Rows, "columns": c.Cols} {
		if n < 1 || n > most {
			return fmt.Errorf("speed: %d %s are asked for, and 1 to %d are possible", n, name, most)
		}
	}
	if c.Rows*c.Cols > mostWeights || c.Tokens*c.Cols > mostValues || c.Tokens*c.Rows > mostValues {
		return fmt.Errorf("speed: %d tokens and %d × %d weights are too many; choose fewer", c.Tokens, c.Rows, c.Cols)
	}
	return nil
}

// Len is how many weights a pass multiplies, one for each token.
func (c Case) Len() int { return c.Tokens * c.Rows * c.Cols }

// Bytes is what the weights take. It fails as RowBytes does, and for too many.
func (c Case) Bytes() (int, error) {
	if err := c.check(); err != nil {
		return 0, err
	}
	n, err := RowBytes(c.Type, c.Cols)
	if err == nil && c.Rows*n > mostBytes {
		err = fmt.Errorf("speed: %d × %d weights of type %s take more than %d bytes; choose fewer", c.Rows, c.Cols, c.Type, mostBytes)
	}
	return c.Rows * n, err
}

// distinct is how many rows of weights are made; they stand in memory again and
// again, so that none comes out of a cache that a real matrix would not fit.
const distinct = 32

// Activations are n values of a Gaussian.
func Activations(n int) []float32 { return normals(n, 1) }

func normals(n int, scale float32) []float32 {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	x := make([]float32, n)
	for i := range x {
		x[i] = scale * float32(r.NormFloat64())
	}
	return x
}

// Pass fills the memory with weights and returns what multiplies once. It fails for a type or
// a way that there is not, and where the memory has no room.
func (c Case) Pass(m *Memory) (func() error, error) {
	w, err := c.Weights(m)
	if err != nil {
		return nil, err
	}
	if !kernels.Relaxed && (c.Way == Relaxed || c.Way == RelaxedIntegers) {
		return nil, fmt.Errorf("speed: this build has no products of the kind %q", c.Way)
	}
	none := fmt.Errorf("speed: %s has no products of the kind %q", c.Type, c.Way)
	if c.Type == "INT8" {
		switch c.Way {
		case Integers:
			return c.int8(w, kernels.MatMulInt8), nil
		case RelaxedIntegers:
			return c.int8(w, kernels.MatMulInt8Relaxed), nil
		}
		return nil, none
	}
	x, y := Activations(c.Tokens*c.Cols), make([]float32, c.Tokens*c.Rows)
	t, _ := ggml.TypeByName(c.Type) // there is one: it has weights
	matrix, err := linear.New(t, c.Rows, c.Cols, w)
	if err != nil {
		return nil, err
	}
	switch c.Way {
	case Exact:
		if c.Type == "F32" { // which lies there as it is multiplied
			return func() error { kernels.MatMulF32(y, x, m.words, c.Tokens, c.Rows, c.Cols); return nil }, nil
		}
		return func() error { return matrix.Multiply(y, x, c.Tokens, &m.scratch) }, nil
	case Integers:
		return func() error { return matrix.MultiplyInts(y, x, c.Tokens, &m.scratch) }, nil
	}
	if pass := c.relaxed(m, w, y, x); pass != nil {
		return func() error { pass(); return nil }, nil
	}
	return nil, none
}

// int8 is a product of INT8 with one scale for each token: activations are quantized,
// integers multiplied.
func (c Case) int8(w []byte, multiply func(y []int32, x, w []int8, tokens, rows, cols int)) func() error {
	x, codes, y := Activations(c.Tokens*c.Cols), make([]int8, c.Tokens*c.Cols), make([]int32, c.Tokens*c.Rows)
	return func() error {
		for t := 0; t < len(x); t += c.Cols {
			row := x[t : t+c.Cols]
			kernels.QuantizeAffine(codes[t:t+c.Cols], row, max(kernels.AbsMax(row), 1e-30)/127, 0, -127, 127)
		}
		multiply(y, codes, signed(w), c.Tokens, c.Rows, c.Cols)
		return nil
	}
}

func signed(b []byte) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(b))), len(b))
}

// Weights fills the memory with the rows that Pass multiplies with. It fails as Pass does.
func (c Case) Weights(m *Memory) ([]byte, error) {
	size, err := c.Bytes()
	if err != nil {
		return nil, err
	}
	if size > m.Len() {
		return nil, fmt.Errorf("speed: %d × %d weights of type %s take %d bytes; the memory has %d", c.Rows, c.Cols, c.Type, size, m.Len())
	}
	n := min(c.Rows, distinct)
	all := m.bytes()[:size]
	first := all[:size/c.Rows*n]
	if err := c.encode(first, normals(n*c.Cols, 0.05), n); err != nil {
		return nil, err
	}
	repeat(all, len(first))
	return all, nil
}

// encode writes rows rows of x as the case's type.
func (c Case) encode(dst []byte, x []float32, rows int) error {
	if c.Type == "INT8" {
		kernels.QuantizeAffine(signed(dst), x, 0.2/127, 0, -127, 127)
		return nil
	}
	if d, ok := dtype.Lookup(c.Type); ok {
		return d.Encode(dst, x)
	}
	for _, f := range ggml.Formats() {
		if f.Info().Name != c.Type {
			continue
		}
		p, err := f.Quantize(quant.Tensor{Name: "weights", Shape: []int{rows, c.Cols}, Data: x}, quant.Options{})
		if err != nil {
			return err
		}
		if len(p.Bytes) != len(dst) {
			return &quant.SizeError{What: "weights", Format: c.Type, Got: len(p.Bytes), Want: len(dst)}
		}
		copy(dst, p.Bytes)
		return nil
	}
	return fmt.Errorf("speed: weights of type %s are not made", c.Type)
}

// Best is the shortest of the passes that fit into span: of at most so many, and of two at
// least, as what V8 runs is compiled anew while it runs.
func Best(span time.Duration, most int, pass func() error) (time.Duration, error) {
	least := time.Duration(1<<63 - 1)
	for n, start := 1, time.Now(); ; n++ {
		t := time.Now()
		if err := pass(); err != nil {
			return 0, err
		}
		least = min(least, time.Since(t))
		if n > 1 && (n >= most || time.Since(start) >= span) {
			return max(least, time.Microsecond), nil // what a browser's clock may be as coarse as
		}
	}
}
