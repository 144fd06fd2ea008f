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
	values        [16]float32 // by code
	codes         [16]uint8   // rising by value
	bounds        [15]float32 // between those
	cells         *cells
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
	for i := range f.codes {
		f.codes[i] = uint8(i)
	}
	// Of two zeros the one with the higher code, its sign bit set, is the lower.
	slices.SortFunc(f.codes[:], func(a, b uint8) int {
		switch {
		case values[a] < values[b]:
			return -1
		case values[a] > values[b]:
			return 1
		}
		return int(b) - int(a)
	})
	rising := make([]float32, 16)
	for i, c := range f.codes {
		rising[i] = values[c]
	}
	f.bounds = [15]float32(middles(rising))
	for i := range f.bounds {
		if rising[i] == rising[i+1] {
			f.bounds[i] = belowZero
		}
	}
	f.cells = newCells(f.codes, f.bounds)
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
	for b := range scales {
		x := t.Data[b*l.block : min((b+1)*l.block, l.n)]
		scale := kernels.AbsMax(x)
		codes := parts.Codes[b*l.block/2:]
		if len(x) == l.block {
			f.pack(codes[:l.block/2], x, 1/max(scale, tiny))
		} else {
			scale = max(scale, tiny)
			f.packShort(codes, x, scale)
		}
		scales[b] = scale
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

// pack writes the codes of x · inverse, two a byte. x has an even length.
func (f *format) pack(dst []byte, x []float32, inverse float32) {
	x = x[:2*len(dst)]
	t := f.cells
	for i := range dst {
		y := x[2*i] * inverse
		c := &t[cell(y)]
		high := c.lo
		if y > c.edge {
			high = c.hi
		}
		y = x[2*i+1] * inverse
		c = &t[cell(y)]
		low := c.lo
		if y > c.edge {
			low = c.hi
		}
		dst[i] = high<<4 | low
	}
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
	c := &f.cells[cell(y)]
	if y > c.edge {
		return c.hi
	}
	return c.lo
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
	for b := range parts.Blocks {
		var scaled [16]float32
		scale := parts.Scale(b)
		for code, v := range f.values {
			scaled[code] = v * scale
		}
		first := b * parts.Block
		unpack(dst[first:min(first+parts.Block, parts.Len)], parts.Codes[first/2:], &scaled)
	}
	return nil
}

// unpack writes the values of the codes of one block.
func unpack(dst []float32, codes []byte, scaled *[16]float32) {
	codes = codes[:(len(dst)+1)/2]
	for i := range len(dst) / 2 {
		c := codes[i]
		dst[2*i] = scaled[c>>4]
		dst[2*i+1] = scaled[c&15]
	}
	if n := len(dst); n%2 == 1 {
		dst[n-1] = scaled[codes[n/2]>>4]
	}
}
