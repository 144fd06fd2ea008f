package quant

import (
	"fmt"
	"math"
)

// Tensor is a named array of float32 in row-major order.
type Tensor struct {
	Name  string
	Shape []int     // outermost dimension first, as numpy writes it; empty for a scalar
	Data  []float32 // Len() values
}

// NewTensor checks that data fills shape. A nil shape is one row of len(data).
func NewTensor(name string, shape []int, data []float32) (Tensor, error) {
	if shape == nil {
		shape = []int{len(data)}
	}
	n, err := Count(shape)
	if err != nil {
		return Tensor{}, fmt.Errorf("tensor %q: %w", name, err)
	}
	if n != len(data) {
		return Tensor{}, fmt.Errorf("tensor %q: shape %v holds %d values, but %d are given", name, shape, n, len(data))
	}
	return Tensor{Name: name, Shape: shape, Data: data}, nil
}

// Count is the number of values that a shape holds: 1 for the empty shape.
// It fails on a negative dimension and on a product past 2^40.
func Count(shape []int) (int, error) {
	n := int64(1)
	for _, d := range shape {
		if d < 0 {
			return 0, fmt.Errorf("shape %v has a negative dimension", shape)
		}
		if d == 0 {
			return 0, nil
		}
		if n > (1<<40)/int64(d) {
			return 0, fmt.Errorf("shape %v holds more than 2^40 values", shape)
		}
		n *= int64(d)
	}
	if n > math.MaxInt {
		return 0, fmt.Errorf("shape %v holds more values than this machine can count", shape)
	}
	return int(n), nil
}

// Len is the number of values.
func (t Tensor) Len() int { return len(t.Data) }

// Cols is the length of a row: the innermost dimension, 1 for a scalar.
func (t Tensor) Cols() int { return Cols(t.Shape) }

// Rows is the number of rows: every dimension but the innermost, multiplied.
func (t Tensor) Rows() int { return Rows(t.Shape) }

// Cols is the innermost dimension of a shape, 1 for a scalar.
func Cols(shape []int) int {
	if len(shape) == 0 {
		return 1
	}
	return shape[len(shape)-1]
}

// Rows is the product of every dimension of a shape but the innermost.
func Rows(shape []int) int {
	n := 1
	for i := 0; i+1 < len(shape); i++ {
		n *= shape[i]
	}
	return n
}

// Slice is rows [from, to) of t as a two-dimensional tensor that shares t's data.
func (t Tensor) Slice(from, to int) Tensor {
	c := t.Cols()
	return Tensor{Name: t.Name, Shape: []int{to - from, c}, Data: t.Data[from*c : to*c]}
}

// Format turns tensors into fewer bits and back. One format is one file;
// fewbits/quant/formats is the table of all of them.
//
// A Format keeps no state: its methods may be called from several goroutines.
type Format interface {
	// Info says what the format is. It does not depend on any tensor.
	Info() Info

	// Quantize packs t. It fails, naming the row and the column, on what the
	// format cannot hold (see CheckFinite), and where the row length does not
	// suit the block. It never changes t.
	Quantize(t Tensor, o Options) (*Packed, error)

	// Dequantize writes the p.Len() reconstructed values to dst.
	// It fails where len(dst) or len(p.Bytes) is not what p.Shape asks for.
	Dequantize(p *Packed, dst []float32) error

	// Params unpacks what was decided: scales, zero points or minimums, and,
	// where codes is true, the codes. Without them it is quick: a live view
	// asks for it at every move of a slider.
	Params(p *Packed, codes bool) (*Params, error)

	// Open takes apart the block that holds value i (row-major).
	Open(p *Packed, i int) (*Opened, error)
}

// Info is one row of the table of formats, as the command, the page and the
// server give it.
type Info struct {
	Name          string   `json:"name"`          // as its own project writes it: "Q4_K", "NF4", "INT8"
	Family        Family   `json:"family"`        //
	Title         string   `json:"title"`         // what its part of the list is headed with: "ggml, K-quants"
	Summary       string   `json:"summary"`       // one sentence, plain English
	BitsPerWeight float64  `json:"bitsPerWeight"` // with the default options, on rows that fill their blocks
	BlockSize     int      `json:"blockSize"`     // weights that share a scale with the default options; 0 is the whole tensor
	BlockBytes    int      `json:"blockBytes"`    // bytes of such a block; 0 where it depends on the tensor
	Bits          int      `json:"bits"`          // bits of one code
	RowLocal      bool     `json:"rowLocal"`      // a row's bytes depend on that row alone, and rows follow one another
	Importance    Need     `json:"importance"`    // whether an importance matrix is used
	Calibration   Need     `json:"calibration"`   // whether activations are used
	Options       []string `json:"options"`       // names that Options.Set takes and the format reads
}

// Family groups formats by how they work.
type Family string

// The families, in the order that a person reads them.
const (
	FamilyAffine   Family = "affine"
	FamilyFloat    Family = "float"
	FamilyCodebook Family = "codebook"
	FamilyGGML     Family = "ggml"
	FamilyMethod   Family = "method" // integers again, but which ones is more than rounding
)

// Need says whether a format takes some extra input.
type Need string

// The kinds of Need.
const (
	Never    Need = ""
	Optional Need = "optional"
	Required Need = "required"
)

// Packed is a quantized tensor: the bytes that a file would hold, and what is
// needed to read them.
type Packed struct {
	Format  string  // Info.Name
	Name    string  // the tensor's
	Shape   []int   // the tensor's
	Options Options // as used: defaults filled in
	Bytes   []byte
}

// Len is the number of values packed.
func (p *Packed) Len() int { n, _ := Count(p.Shape); return n }

// BitsPerWeight is the real cost, scales and padding included.
func (p *Packed) BitsPerWeight() float64 {
	if p.Len() == 0 {
		return 0
	}
	return float64(len(p.Bytes)) * 8 / float64(p.Len())
}

// Params is a packed tensor taken apart. Scales, Zeros and Mins are
// Rows × Groups, row-major; a scale shared more widely is repeated.
//
// Where blocks run on across rows (Flat), Rows is 1 and Groups counts all
// blocks; Codes then still has one entry a value in row-major order.
type Params struct {
	Rows, Cols int
	Groups     int
	Flat       bool
	Table      bool      // codes index a table whose values the scales multiply: steps are uneven
	GroupIndex []int32   // group of each column (of each value where Flat)
	Scales     []float32 // step between neighbouring codes, or what multiplies the table; nil where a format has none
	Zeros      []float32 // zero point, in codes; nil where a format has none
	Mins       []float32 // value of code 0; nil where a format has none
	Codes      []int32   // Rows × Cols, as numbers, signed where the format's are; nil unless asked for

	// What methods that calibrate keep beside, nil where a format does not.
	Permutation []int32   // the columns in the order that they were quantized in
	InputScales []float32 // one a column: codes are of the weights times it, and what they stand for is divided by it
	Outliers    []int32   // columns that are kept in 16 bits: their values do not come from their codes
}

// Opened is one block taken apart around one of its weights.
type Opened struct {
	Index  int     // of the value, row-major
	Block  int     // of the block
	Offset int64   // of the block, in Packed.Bytes
	Bytes  []byte  // of the block
	Fields []Field // in the order of the layout; together they cover Bytes
	Value  float32 // reconstructed
	Code   int32   // the weight's own
	Levels []float32
	// Levels are the distinct values that this block can represent, rising.
	// nil where there are more than MaxLevels.
	Formula []Term // how Value comes from Code: "x̂ = (q − z) · s = …"
	Rule    []Term // how Code came from the weight: "q = round(x / s) + z = …"; nil where it is a search
}

// MaxLevels bounds Opened.Levels.
const MaxLevels = 4096

// Role says what a field or a number in a formula is, so that the same thing
// is marked alike wherever it stands.
type Role string

// The roles.
const (
	RoleText     Role = ""
	RoleScale    Role = "scale"
	RoleZero     Role = "zero"
	RoleMin      Role = "min"
	RoleCode     Role = "code"
	RoleSign     Role = "sign"
	RoleExponent Role = "exponent"
	RoleMantissa Role = "mantissa"
	RolePad      Role = "pad"
)

// Field is a run of bits in a block. Bit 0 is the lowest bit of byte 0.
type Field struct {
	Name  string // "scale d, FP16", "32 codes of 4 bits"
	Role  Role
	Spans []Span // all the bits of the field
	Mine  []Span // those of them that the opened weight uses
	Text  string // the value that the opened weight uses, printed: "0.008087"
}

// Span is Bits bits from bit First of a block.
type Span struct{ First, Bits int }

// Term is a piece of a formula.
type Term struct {
	Text string
	Role Role
}
