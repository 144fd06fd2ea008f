package linear

import (
	"fmt"

	"fewbits/kernels"
	"fewbits/quant"
	"fewbits/quant/ggml"
)

// Matrix is weights as a file holds them.
type Matrix struct {
	Type       ggml.Type
	Rows, Cols int
	Data       []byte // Rows rows of Type, each of Cols values
}

// Scratch is memory that products use again. One is for one goroutine.
type Scratch struct {
	tile  []float32 // rows of weights
	codes []byte    // activations
}

// tileValues is how many weights are dequantized at a time: what stays in a
// core's first caches beside the activations.
const tileValues = 1 << 13

// New is a matrix over data, which it keeps. It fails where data is not what
// rows × cols values of t take, or t cannot be read.
func New(t ggml.Type, rows, cols int, data []byte) (*Matrix, error) {
	size, err := t.RowSize(cols)
	switch {
	case err != nil:
		return nil, err
	case !t.Readable():
		return nil, fmt.Errorf("linear: values of type %s cannot be read", t.Name)
	case rows < 1 || cols < 1 || len(data)%rows != 0 || len(data)/rows != size:
		return nil, fmt.Errorf("linear: %d × %d values of type %s do not take %d bytes", rows, cols, t.Name, len(data))
	}
	return &Matrix{Type: t, Rows: rows, Cols: cols, Data: data}, nil
}

// check says whether y and x have room for tokens.
func (m *Matrix) check(y, x []float32, tokens int) error {
	if tokens < 0 || len(x)%m.Cols != 0 || len(x)/m.Cols != tokens {
		return &quant.SizeError{What: "activations", Format: m.Type.Name, Got: len(x), Want: tokens * m.Cols}
	}
	if len(y)%m.Rows != 0 || len(y)/m.Rows != tokens {
		return &quant.SizeError{What: "sums", Format: m.Type.Name, Got: len(y), Want: tokens * m.Rows}
	}
	return nil
}

// Multiply writes y = x·wᵀ for tokens rows of x: to the bit what MatMulF32 of
// kernels gives for the dequantized weights. y is tokens × Rows, x tokens × Cols.
func (m *Matrix) Multiply(y, x []float32, tokens int, s *Scratch) error {
	if err := m.check(y, x, tokens); err != nil || tokens == 0 {
		return err
	}
	if tokens == 1 && Vector(m.Type, y, x, m.Data) {
		return nil
	}
	size := len(m.Data) / m.Rows
	step := Step(m.Rows, m.Cols)
	if len(s.tile) < step*m.Cols {
		s.tile = make([]float32, step*m.Cols)
	}
	for r := 0; r < m.Rows; r += step {
		n := min(step, m.Rows-r)
		tile := s.tile[:n*m.Cols]
		if err := Unpack(m.Type, m.Data[r*size:(r+n)*size], tile); err != nil {
			return fmt.Errorf("linear: %w", err)
		}
		kernels.MatMulF32Strided(y[r:], m.Rows, x, m.Cols, tile, m.Cols, tokens, n, m.Cols)
	}
	return nil
}

// Unpack is ggml.Dequantize, with the kernels for halves.
func Unpack(t ggml.Type, src []byte, dst []float32) error {
	switch {
	case t.Name == "F16" && len(src) == 2*len(dst):
		kernels.F16ToF32(dst, src)
	case t.Name == "BF16" && len(src) == 2*len(dst):
		kernels.BF16ToF32(dst, src)
	default:
		return ggml.Dequantize(t, src, dst)
	}
	return nil
}

// Step is how many rows of a matrix to dequantize at a time.
func Step(rows, cols int) int { return min(rows, max(4, tileValues/max(1, cols)&^3)) }

// Vector writes y = w·x for weights whose bytes a kernel multiplies without
// unpacking them first, F16 and BF16, and says whether it did: w is len(y) rows
// of len(x) values. The sums are those of Multiply.
func Vector(t ggml.Type, y, x []float32, w []byte) bool {
	if len(x)%8 != 0 { // the kernels are slow there
		return false
	}
	switch t.Name {
	case "F16":
		kernels.MatVecF16(y, x, w, len(y), len(x))
	case "BF16":
		kernels.MatVecBF16(y, x, w, len(y), len(x))
	default:
		return false
	}
	return true
}
