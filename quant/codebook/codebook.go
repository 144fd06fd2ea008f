package codebook

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"fewbits/kernels"
	"fewbits/quant"
)

// Formats are the formats of this package.
func Formats() []quant.Format { return []quant.Format{nf4, fp4} }

// format is a table of 16 values, and how to find the nearest.
type format struct {
	name, summary string
	values        [16]float32      // by code
	book          kernels.Codebook // the codes rising by value, and the middles between
}

var (
	nf4 = newFormat("NF4", "16 values spread as a normal distribution is, times the largest magnitude of 64 weights, as bitsandbytes packs them.", NF4())
	fp4 = newFormat("FP4", "4-bit floats (1 sign, 2 exponent, 1 mantissa bit), times the largest magnitude of 64 weights, as bitsandbytes packs them.", FP4())
)

// belowZero is the boundary that every negative number lies under and zero
// does not.
const belowZero = -math.SmallestNonzeroFloat32

func newFormat(name, summary string, values [16]float32) *format {
	f := &format{name: name, summary: summary, values: values}
	codes := &f.book.Codes
	for i := range codes {
		codes[i] = uint8(i)
	}
	// Of two zeros the one with the higher code, its sign bit set, is the lower.
	slices.SortFunc(codes[:], func(a, b uint8) int {
		switch {
		case values[a] < values[b]:
			return -1
		case values[a] > values[b]:
			return 1
		}
		return int(b) - int(a)
	})
	rising := make([]float32, 16)
	for i, c := range codes {
		rising[i] = values[c]
	}
	f.book.Bounds = [15]float32(middles(rising))
	for i := range f.book.Bounds {
		if rising[i] == rising[i+1] {
			f.book.Bounds[i] = belowZero
		}
	}
	return f
}

// Info implements quant.Format.
func (f *format) Info() quant.Info {
	return quant.Info{
		Name:          f.name,
		Family:        quant.FamilyCodebook,
		Title:         "bitsandbytes, 4 bits",
		Summary:       f.summary,
		BitsPerWeight: 4.5,
		BlockSize:     defaultBlock,
		BlockBytes:    defaultBlock/2 + 4,
		Bits:          4,
		Options:       []string{"block", "nested"},
	}
}

// tiny stands for any smaller absmax when dividing by it.
const tiny float32 = 1e-38

// Quantize implements quant.Format. It takes any shape; NaN and infinity are a
// *quant.NonFiniteError.
func (f *format) Quantize(t quant.Tensor, o quant.Options) (*quant.Packed, error) {
	l, err := newLayout(t.Shape, o)
	if err != nil {
		return nil, fmt.Errorf("codebook: tensor %q: %w", t.Name, err)
	}
	if l.n != len(t.Data) {
		return nil, fmt.Errorf("codebook: tensor %q: %w", t.Name, &quant.SizeError{What: "values", Format: f.name, Got: len(t.Data), Want: l.n})
	}
	if kernels.CheckFinite(t.Data) >= 0 {
		return nil, quant.CheckFinite(t)
	}
	p := &quant.Packed{
		Format: f.name, Name: t.Name, Shape: t.Shape,
		Options: quant.Options{Block: l.block, Nested: l.nested},
		Bytes:   make([]byte, l.size()),
	}
	parts := l.split(p.Bytes)
	scales := make([]float32, l.blocks)
	whole := l.n / l.block
	kernels.GroupAbsMax(scales[:whole], t.Data, l.block)
	inverse := make([]float32, whole)
	for b, scale := range scales[:whole] {
		inverse[b] = 1 / max(scale, tiny)
	}
	kernels.PackLevels(parts.Codes, t.Data, inverse, l.block, &f.book)
	if whole < l.blocks {
		x := t.Data[whole*l.block:]
		scales[whole] = max(kernels.AbsMax(x), tiny)
		f.packShort(parts.Codes[whole*l.block/2:], x, scales[whole])
	}
	if l.nested {
		nest(parts, scales)
		return p, nil
	}
	for b, scale := range scales {
		binary.LittleEndian.PutUint32(parts.Absmax[4*b:], math.Float32bits(scale))
	}
	return p, nil
}

// packShort writes the codes of x / scale, and that of 0 after an odd length.
func (f *format) packShort(dst []byte, x []float32, scale float32) {
	for i := range dst {
		pair := [2]float32{x[2*i] / scale, 0}
		if 2*i+1 < len(x) {
			pair[1] = x[2*i+1] / scale
		}
		dst[i] = f.code(pair[0])<<4 | f.code(pair[1])
	}
}

// code is the code of y, from −1 to 1.
func (f *format) code(y float32) uint8 {
	above := 0
	for above < len(f.book.Bounds) && y > f.book.Bounds[above] {
		above++
	}
	return f.book.Codes[above]
}

// Dequantize implements quant.Format: a value is its table entry times the
// absmax of its block, in float32.
func (f *format) Dequantize(p *quant.Packed, dst []float32) error {
	parts, err := Split(p)
	if err != nil {
		return err
	}
	if len(dst) != parts.Len {
		return fmt.Errorf("codebook: tensor %q: %w", p.Name, &quant.SizeError{What: "values", Format: f.name, Got: len(dst), Want: parts.Len})
	}
	var scales [64]float32
	whole := parts.Len / parts.Block
	for b := 0; b < whole; b += len(scales) {
		part := scales[:min(len(scales), whole-b)]
		for i := range part {
			part[i] = parts.Scale(b + i)
		}
		first := b * parts.Block
		kernels.UnpackLevels(dst[first:], parts.Codes[first/2:], part, parts.Block, &f.values)
	}
	if whole < parts.Blocks {
		scale := parts.Scale(whole)
		for i := whole * parts.Block; i < len(dst); i++ {
			dst[i] = f.values[parts.Code(i)] * scale
		}
	}
	return nil
}
