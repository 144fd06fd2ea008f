package speed

import (
	"fmt"
	"math/rand/v2"
	"time"

	"fewbits/kernels"
	"fewbits/quant"
	"fewbits/quant/dtype"
	"fewbits/quant/ggml"
	"fewbits/quant/linear"
)

// Case is a product to time.
type Case struct {
	Type               string // one of ggml's, or INT8
	Way                string // Exact, Relaxed or Integers
	Tokens, Rows, Cols int    // activations are Tokens × Cols, weights Rows × Cols
}

// The ways of a product. INT8 has Integers alone, F32 the others; Integers are there for the
// types of linear.Integers.
const (
	Exact    = "exact"    // in float32, as forward passes have it
	Relaxed  = "relaxed"  // with products that may be fused, where kernels.Relaxed is set
	Integers = "integers" // with activations of 8 bits, which are quantized each time
)

// most bounds each number of a Case, mostValues the weights, the activations and the sums.
const (
	most       = 1 << 16
	mostValues = 1 << 26
)

func (c Case) check() error {
	for name, n := range map[string]int{"tokens": c.Tokens, "rows": c.Rows, "columns": c.Cols} {
		if n < 1 || n > most {
			return fmt.Errorf("speed: %d %s are asked for, and 1 to %d are possible", n, name, most)
		}
	}
	if c.Rows*c.Cols > mostValues || c.Tokens*c.Cols > mostValues || c.Tokens*c.Rows > mostValues {
		return fmt.Errorf("speed: %d tokens and %d × %d weights take more than %d values; choose fewer", c.Tokens, c.Rows, c.Cols, mostValues)
	}
	return nil
}

// Len is how many weights a pass multiplies, one for each token.
func (c Case) Len() int { return c.Tokens * c.Rows * c.Cols }

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

// repeated is rows rows of which the first ones are those of b.
func repeated[T any](b []T, rows int) []T {
	size := len(b) / min(rows, distinct)
	all := make([]T, rows*size)
	for at := 0; at < len(all); at += len(b) {
		copy(all[at:], b)
	}
	return all
}

// Pass makes what the product takes and returns what multiplies once. It fails for a type or
// a way that there is not.
func (c Case) Pass() (func() error, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if c.Type == "INT8" {
		if c.Way != Integers {
			return nil, fmt.Errorf("speed: INT8 has no products of the kind %q", c.Way)
		}
		return c.int8(), nil
	}
	x, y := Activations(c.Tokens*c.Cols), make([]float32, c.Tokens*c.Rows)
	if c.Type == "F32" {
		w := repeated(normals(min(c.Rows, distinct)*c.Cols, 0.05), c.Rows)
		mul := kernels.MatMulF32
		switch {
		case c.Way == Relaxed && kernels.Relaxed:
			mul = kernels.MatMulF32Relaxed
		case c.Way != Exact:
			return nil, fmt.Errorf("speed: F32 has no products of the kind %q in this build", c.Way)
		}
		return func() error { mul(y, x, w, c.Tokens, c.Rows, c.Cols); return nil }, nil
	}
	t, data, err := c.Weights()
	if err != nil {
		return nil, err
	}
	m, err := linear.New(t, c.Rows, c.Cols, data)
	if err != nil {
		return nil, err
	}
	s := new(linear.Scratch)
	switch c.Way {
	case Exact:
		return func() error { return m.Multiply(y, x, c.Tokens, s) }, nil
	case Integers:
		return func() error { return m.MultiplyInts(y, x, c.Tokens, s) }, nil
	}
	return nil, fmt.Errorf("speed: %s has no products of the kind %q", c.Type, c.Way)
}

// int8 is a product of INT8 with one scale for each token: activations are quantized,
// integers multiplied.
func (c Case) int8() func() error {
	x, codes := Activations(c.Tokens*c.Cols), make([]int8, c.Tokens*c.Cols)
	w8, y := make([]int8, min(c.Rows, distinct)*c.Cols), make([]int32, c.Tokens*c.Rows)
	kernels.QuantizeAffine(w8, normals(len(w8), 0.05), 0.2/127, 0, -127, 127)
	w := repeated(w8, c.Rows)
	return func() error {
		for t := 0; t < len(x); t += c.Cols {
			row := x[t : t+c.Cols]
			kernels.QuantizeAffine(codes[t:t+c.Cols], row, max(kernels.AbsMax(row), 1e-30)/127, 0, -127, 127)
		}
		kernels.MatMulInt8(y, codes, w, c.Tokens, c.Rows, c.Cols)
		return nil
	}
}

// Weights are the rows of a type of ggml's that Pass multiplies with.
func (c Case) Weights() (ggml.Type, []byte, error) {
	t, ok := ggml.TypeByName(c.Type)
	if !ok {
		return t, nil, fmt.Errorf("speed: ggml has no type %q", c.Type)
	}
	if err := c.check(); err != nil {
		return t, nil, err
	}
	n := min(c.Rows, distinct)
	x := normals(n*c.Cols, 0.05)
	if d, ok := dtype.Lookup(c.Type); ok {
		b := make([]byte, len(x)*d.Size)
		err := d.Encode(b, x)
		return t, repeated(b, c.Rows), err
	}
	for _, f := range ggml.Formats() {
		if f.Info().Name != t.Name {
			continue
		}
		p, err := f.Quantize(quant.Tensor{Name: "weights", Shape: []int{n, c.Cols}, Data: x}, quant.Options{})
		if err != nil {
			return t, nil, err
		}
		return t, repeated(p.Bytes, c.Rows), nil
	}
	return t, nil, fmt.Errorf("speed: weights of type %s are not made", c.Type)
}

// Best is the shortest of the passes that fit into span, of one at least. What V8 runs is
// compiled anew while it runs, so the first call of a page does not count.
func Best(span time.Duration, pass func() error) (time.Duration, error) {
	least := time.Duration(1<<63 - 1)
	for start := time.Now(); ; {
		t := time.Now()
		if err := pass(); err != nil {
			return 0, err
		}
		least = min(least, time.Since(t))
		if time.Since(start) >= span {
			return least, nil
		}
	}
}
