package decision

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"fewbits/quant"
	"fewbits/quant/npy"
)

// Array is one part of a decision as NumPy takes it: Ints or Floats, in C order.
type Array struct {
	Name   string // "codes", "scales", …
	Type   string // as NumPy names it: "|u1", "<i2", "<f4"
	Shape  []int  // outermost first
	About  string // one sentence: what it holds, and what its dimensions are
	Ints   []int32
	Floats []float32
}

// Len is the number of values.
func (a *Array) Len() int { return len(a.Ints) + len(a.Floats) }

// width is the bytes of a value.
func (a *Array) width() int { return int(a.Type[2] - '0') }

// Size is the bytes of a, without a header.
func (a *Array) Size() int64 { return int64(a.Len()) * int64(a.width()) }

// Decision is what quantizing one tensor decided, taken apart.
type Decision struct {
	format quant.Format
	packed *quant.Packed
	params *quant.Params
	Arrays []Array
}

// Of takes apart p, which f packed. Original are the values that p was made of;
// without them there is no array "error". With codes false there are neither
// codes nor values, which is quick.
func Of(f quant.Format, p *quant.Packed, original []float32, codes bool) (*Decision, error) {
	if original != nil && len(original) != p.Len() {
		return nil, fmt.Errorf("decision: tensor %q holds %d values, and %d originals are given", p.Name, p.Len(), len(original))
	}
	m, err := f.Params(p, codes)
	if err != nil {
		return nil, err
	}
	d := &Decision{format: f, packed: p, params: m}
	if codes {
		d.ints("codes", m.Codes, p.Shape, codesAbout(m))
	}
	rows := []int{m.Rows, m.Groups}
	each := "rows × groups: one a group of each row"
	if m.Flat {
		rows, each = []int{m.Groups}, "groups: blocks run on across rows, and this is one a block"
	}
	d.floats("scales", m.Scales, rows, each+"; a scale shared more widely is repeated, one of two levels is multiplied out")
	d.floats("zeros", m.Zeros, rows, each+"; the code that means 0")
	d.floats("mins", m.Mins, rows, each+"; the value of code 0")
	d.index(m)
	d.ints("permutation", m.Permutation, []int{len(m.Permutation)}, "the columns in the order that they were quantized in")
	d.floats("input_scales", m.InputScales, []int{len(m.InputScales)}, "one a column: codes are of the weights times it")
	d.ints("outlier_columns", m.Outliers, []int{len(m.Outliers)}, "columns that are kept in 16 bits; their values do not come from their codes")
	d.floats("importance", p.Options.Importance, []int{len(p.Options.Importance)}, "one weight a column, or one a column for each outermost index")
	if codes {
		return d, d.values(original)
	}
	return d, nil
}

// codesAbout says what a code is.
func codesAbout(m *quant.Params) string {
	const shape = "the tensor's own shape; "
	switch {
	case m.Table:
		return shape + "indexes of the format's table"
	case m.Scales == nil:
		return shape + "the bit pattern of each value"
	}
	return shape + "whole numbers, signed where the format's are"
}

// index adds the group of each column.
func (d *Decision) index(m *quant.Params) {
	shape, about := []int{len(m.GroupIndex)}, "columns: the group of each, a place in the last dimension of scales"
	if m.Flat {
		about = "values, in C order: the block of each, a place in scales"
	}
	d.ints("group_index", m.GroupIndex, shape, about)
}

// values adds the reconstruction, and the error where the original is known.
func (d *Decision) values(original []float32) error {
	back := make([]float32, d.packed.Len())
	if err := d.format.Dequantize(d.packed, back); err != nil {
		return err
	}
	d.floats("reconstruction", back, d.packed.Shape, "the tensor's own shape; what the codes stand for")
	if original == nil {
		return nil
	}
	e := make([]float32, len(back))
	for i, x := range original {
		e[i] = back[i] - x
	}
	d.floats("error", e, d.packed.Shape, "the tensor's own shape; reconstruction − original")
	return nil
}

func (d *Decision) floats(name string, x []float32, shape []int, about string) {
	if x != nil {
		d.Arrays = append(d.Arrays, Array{Name: name, Type: "<f4", Shape: shape, About: about, Floats: x})
	}
}

func (d *Decision) ints(name string, x []int32, shape []int, about string) {
	if x != nil {
		d.Arrays = append(d.Arrays, Array{Name: name, Type: fitting(x), Shape: shape, About: about, Ints: x})
	}
}

// fitting is the narrowest type that holds all of x.
func fitting(x []int32) string {
	var lo, hi int32
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
	}
	switch {
	case lo >= 0 && hi <= math.MaxUint8:
		return "|u1"
	case lo >= math.MinInt8 && hi <= math.MaxInt8:
		return "|i1"
	case lo >= 0 && hi <= math.MaxUint16:
		return "<u2"
	case lo >= math.MinInt16 && hi <= math.MaxInt16:
		return "<i2"
	}
	return "<i4"
}

// Array is the one of that name, nil where there is none.
func (d *Decision) Array(name string) *Array {
	for i := range d.Arrays {
		if d.Arrays[i].Name == name {
			return &d.Arrays[i]
		}
	}
	return nil
}

// WriteTo writes a as an npy file.
func (a *Array) WriteTo(w io.Writer) (int64, error) {
	n := &counting{w: w}
	if err := npy.WriteHeaderOf(n, a.Type, a.Shape); err != nil {
		return n.n, err
	}
	return n.n, a.data(n)
}

// counting counts what is written.
type counting struct {
	w io.Writer
	n int64
}

func (c *counting) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// data writes the values, little-endian.
func (a *Array) data(w io.Writer) error {
	const chunk = 1 << 14
	width := a.width()
	buf := make([]byte, 0, width*min(chunk, a.Len()))
	for at := 0; at < a.Len(); {
		end := min(a.Len(), at+chunk)
		buf = buf[:0]
		for ; at < end; at++ {
			switch {
			case a.Floats != nil:
				buf = binary.LittleEndian.AppendUint32(buf, math.Float32bits(a.Floats[at]))
			case width == 1:
				buf = append(buf, byte(a.Ints[at]))
			case width == 2:
				buf = binary.LittleEndian.AppendUint16(buf, uint16(a.Ints[at]))
			default:
				buf = binary.LittleEndian.AppendUint32(buf, uint32(a.Ints[at]))
			}
		}
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}
