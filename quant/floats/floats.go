package floats

import (
	"fmt"

	"fewbits/quant"
)

// Formats are the formats of this package, widest first.
func Formats() []quant.Format {
	return []quant.Format{fp32, fp16, bf16, e4m3, e5m2}
}

// format is a floating-point type of one sign bit, exp exponent bits and man
// mantissa bits, from the highest bit down.
type format struct {
	name, summary string
	exp, man      int
	bias          int
	noInf         bool // the highest exponent holds numbers; all ones is NaN
	encode        func(dst []byte, src []float32)
	decode        func(dst []float32, src []byte)
	bytesOf       func([]float32) []byte // what encode writes, where memory holds it; else nil
	levels        []float32              // rising; nil where there are too many
	rule          string                 // what rounding does, for Opened.Rule
}

// bits is the width of a value.
func (f *format) bits() int { return 1 + f.exp + f.man }

// size is the bytes of a value.
func (f *format) size() int { return f.bits() / 8 }

// Info implements quant.Format.
func (f *format) Info() quant.Info {
	return quant.Info{
		Name:          f.name,
		Family:        quant.FamilyFloat,
		Title:         "Floating point",
		Summary:       f.summary,
		BitsPerWeight: float64(f.bits()),
		BlockSize:     1,
		BlockBytes:    f.size(),
		Bits:          f.bits(),
		RowLocal:      true,
	}
}

// Quantize implements quant.Format. Any value can be held: see the package
// comment for what becomes of those out of range, of infinities and of NaN.
func (f *format) Quantize(t quant.Tensor, _ quant.Options) (*quant.Packed, error) {
	n, err := quant.Count(t.Shape)
	if err != nil {
		return nil, fmt.Errorf("floats: tensor %q: %w", t.Name, err)
	}
	if n != len(t.Data) {
		return nil, fmt.Errorf("floats: tensor %q: %w", t.Name, &quant.SizeError{What: "values", Format: f.name, Got: len(t.Data), Want: n})
	}
	p := &quant.Packed{Format: f.name, Name: t.Name, Shape: t.Shape}
	if f.bytesOf != nil {
		// append does not clear memory before it copies to it, as make does.
		if b := f.bytesOf(t.Data); b != nil {
			p.Bytes = append([]byte(nil), b...)
			return p, nil
		}
	}
	p.Bytes = make([]byte, n*f.size())
	f.encode(p.Bytes, t.Data)
	return p, nil
}

// Dequantize implements quant.Format. It is exact.
func (f *format) Dequantize(p *quant.Packed, dst []float32) error {
	n, err := f.check(p)
	if err != nil {
		return err
	}
	if len(dst) != n {
		return fmt.Errorf("floats: tensor %q: %w", p.Name, &quant.SizeError{What: "values", Format: f.name, Got: len(dst), Want: n})
	}
	f.decode(dst, p.Bytes)
	return nil
}

// Params implements quant.Format. A code is the value's bit pattern (of FP32,
// as a signed number); there are neither groups nor scales.
func (f *format) Params(p *quant.Packed, codes bool) (*quant.Params, error) {
	n, err := f.check(p)
	if err != nil {
		return nil, err
	}
	m := &quant.Params{Rows: quant.Rows(p.Shape), Cols: quant.Cols(p.Shape)}
	if !codes {
		return m, nil
	}
	m.Codes = make([]int32, n)
	size := f.size()
	for i := range m.Codes {
		m.Codes[i] = int32(pattern(p.Bytes[i*size : (i+1)*size]))
	}
	return m, nil
}

// check returns how many values p holds, and fails where its bytes are not as
// many as that asks for.
func (f *format) check(p *quant.Packed) (int, error) {
	n, err := quant.Count(p.Shape)
	if err != nil {
		return 0, fmt.Errorf("floats: tensor %q: %w", p.Name, err)
	}
	if want := n * f.size(); len(p.Bytes) != want {
		return 0, fmt.Errorf("floats: tensor %q: %w", p.Name, &quant.SizeError{What: "bytes", Format: f.name, Got: len(p.Bytes), Want: want})
	}
	return n, nil
}

// pattern is a little-endian number of up to four bytes.
func pattern(b []byte) uint32 {
	var u uint32
	for i, v := range b {
		u |= uint32(v) << (8 * i)
	}
	return u
}
