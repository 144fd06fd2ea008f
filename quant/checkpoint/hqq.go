package checkpoint

import (
	"context"
	"encoding/binary"
	"fmt"

	"fewbits/quant"
	"fewbits/quant/hqq"
)

// hqqs is the layout of HQQLinear (hqq/core/quantize.py, state_dict; bitpack.py).
// The matrix is reshaped to lines of one group (axis 1), or to one group a
// column (axis 0); then
//
//	W_q    U8   line l in the high bits, line l + n/2 in the low ones, for 4 bits;
//	            four lines for 2 bits, eight for 1; for 3 ten lines in an I32,
//	            the first from bit 27 on; 8 bits are plain
//	scale  [lines, 1]   zero  [lines, 1]
//
// with ŵ = (q − z)·s, and what else is needed to read that as tensors of one
// number or one text.
type hqqs struct{}

func (hqqs) Name(s Scheme) string {
	if s.Axis0 {
		return named("HQQ", s) + " axis 0"
	}
	return named("HQQ", s)
}

// hqqPacking is how many codes of a width lie in one number, where the first
// of them begins, and the number's type.
func hqqPacking(bits int) (per, first int, typ, name string, ok bool) {
	switch bits {
	case 8:
		return 1, 0, "U8", "8bit_u8", true
	case 4:
		return 2, 4, "U8", "4bit_u8", true
	case 3:
		return 10, 27, "I32", "3bit_32", true
	case 2:
		return 4, 6, "U8", "2bit_u8", true
	case 1:
		return 8, 7, "U8", "1bit_u8", true
	}
	return 0, 0, "", "", false
}

// axis is 1 where groups go along rows.
func (s Scheme) axis() int {
	if s.Axis0 {
		return 0
	}
	return 1
}

// lines is the shape of the matrix before it is packed.
func (s Scheme) lines(rows, cols int) (lines, length int) {
	if s.Axis0 {
		return s.Group, rows * cols / s.Group
	}
	return rows * cols / s.Group, s.Group
}

func (hqqs) Parts(s Scheme, rows, cols int) (Parts, error) {
	per, _, typ, packing, ok := hqqPacking(s.Bits)
	switch {
	case !ok:
		return nil, fmt.Errorf("HQQ has codes of 1, 2, 3, 4 and 8 bits, not of %d", s.Bits)
	case s.Group < 1 || rows*cols%s.Group != 0:
		return nil, fmt.Errorf("%d × %d values do not divide into groups of %d; choose another group=", rows, cols, s.Group)
	}
	lines, length := s.lines(rows, cols)
	if s.Bits != 3 && lines%per != 0 {
		return nil, fmt.Errorf("HQQ packs %d groups together, and the matrix has %d", per, lines)
	}
	scales := []int{lines, 1}
	if s.Axis0 {
		scales = []int{1, length}
	}
	p := Parts{
		{Suffix: ".W_q", Type: typ, Shape: []int{(lines + per - 1) / per, length}},
		{Suffix: ".scale", Type: s.Type, Shape: scales, Floats: true},
		{Suffix: ".zero", Type: s.Type, Shape: scales, Floats: true},
		number(".nbits", s.Bits), number(".group_size", s.Group), number(".axis", s.axis()),
		{Suffix: ".shape", Type: "I64", Shape: []int{2}, Data: pair(rows, cols)},
		text(".packing", packing), text(".unpack_view_dtype", map[string]string{"U8": "torch.uint8", "I32": "torch.int32"}[typ]),
		text(".compute_dtype", map[string]string{"F16": "torch.float16", "BF16": "torch.bfloat16", "F32": "torch.float32"}[s.Type]),
	}
	for _, f := range []struct {
		name string
		is   uint8
	}{
		{".view_as_float", 0}, {".quant_scale", 0}, {".quant_zero", 0}, {".offload_meta", 0}, {".encoded_state_dict", 1},
		{".stores_quant_config", 1}, {".channel_wise", 1}, {".optimize", 1}, {".round_zero", map[bool]uint8{true: 1}[s.Bits == 4]},
	} {
		p = append(p, Part{Suffix: f.name, Type: "U8", Shape: []int{}, Data: []byte{f.is}, Optional: true, Free: true})
	}
	return p, nil
}

// number is a part of one whole number, as it is written.
func number(suffix string, n int) Part {
	return Part{Suffix: suffix, Type: "I32", Shape: []int{}, Data: binary.LittleEndian.AppendUint32(nil, uint32(n)), Free: true}
}

// text is a part that spells something.
func text(suffix, s string) Part {
	return Part{Suffix: suffix, Type: "U8", Shape: []int{len(s)}, Data: []byte(s), Optional: true, Free: true}
}

// pair is two numbers as I64.
func pair(a, b int) []byte {
	return binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, uint64(a)), uint64(b))
}

func (hqqs) Find(s Scheme, has Parts) (Scheme, int, int, bool) {
	w, sc := has.get(".W_q"), has.get(".scale")
	if w == nil || sc == nil || has.get(".zero") == nil {
		return s, 0, 0, false
	}
	one := func(suffix string) int {
		if p := has.get(suffix); p != nil {
			if list := integers(p); len(list) == 1 {
				return list[0]
			}
		}
		return -1
	}
	shape := has.get(".shape")
	if shape == nil || len(integers(shape)) != 2 {
		return s, 0, 0, false
	}
	size := integers(shape)
	s.Bits, s.Group, s.Axis0, s.Type = one(".nbits"), one(".group_size"), one(".axis") == 0, sc.Type
	return s, size[0], size[1], size[0] > 0 && size[1] > 0 && s.Group > 0
}

// place is where the code of line l, column c lies: which number of W_q, and
// from which bit on.
func hqqPlace(bits, lines, length, l, c int) (at, shift int) {
	per, first, _, _, _ := hqqPacking(bits)
	step := (lines + per - 1) / per
	return l%step*length + c, first - l/step*bits
}

func (h hqqs) Round(ctx context.Context, s Scheme, w quant.Tensor, parts Parts) error {
	o := quant.Options{Bits: s.Bits, Group: s.Group, Axis: 1, Axis0: s.Axis0}
	if s.Axis0 {
		o.Axis = 0
	}
	r, err := hqq.Solve(ctx, w, hqq.Default, o)
	if err != nil {
		return err
	}
	q := parts.get(".W_q")
	lines, length := s.lines(w.Rows(), w.Cols())
	for i, code := range r.Codes {
		at, shift := hqqPlace(s.Bits, lines, length, i/length, i%length)
		if q.Type == "I32" {
			word := binary.LittleEndian.Uint32(q.Data[4*at:])
			binary.LittleEndian.PutUint32(q.Data[4*at:], word|uint32(code)<<shift)
		} else {
			q.Data[at] |= code << shift
		}
	}
	if err := parts.get(".scale").set(0, r.Scales); err != nil {
		return err
	}
	return parts.get(".zero").set(0, r.Zeros)
}

func (hqqs) Unpack(s Scheme, parts Parts, rows, cols, row, n int) (*Matrix, error) {
	m := &Matrix{Rows: n, Cols: cols, Bits: s.Bits, Codes: make([]uint8, n*cols)}
	q := parts.get(".W_q")
	lines, length := s.lines(rows, cols)
	first := row * cols
	for i := range m.Codes {
		at, shift := hqqPlace(s.Bits, lines, length, (first+i)/length, (first+i)%length)
		word := uint32(0)
		if q.Type == "I32" {
			word = binary.LittleEndian.Uint32(q.Data[4*at:])
		} else {
			word = uint32(q.Data[at])
		}
		m.Codes[i] = uint8(word >> shift & (1<<s.Bits - 1))
	}
	from, to := 0, length // groups, where they are columns
	if !s.Axis0 {
		from, to = first/s.Group, (first+n*cols+s.Group-1)/s.Group
	}
	var err error
	if m.Scales, err = parts.get(".scale").floats(from, to-from); err != nil {
		return nil, err
	}
	if m.Zeros, err = parts.get(".zero").floats(from, to-from); err != nil {
		return nil, err
	}
	if !s.Axis0 && cols%s.Group == 0 {
		m.Groups, m.Index = cols/s.Group, along(cols, s.Group)
		return m, nil
	}
	m.Groups, m.Index = to-from, make([]int32, n*cols)
	for i := range m.Index {
		if s.Axis0 {
			m.Index[i] = int32((first + i) % length)
		} else {
			m.Index[i] = int32((first+i)/s.Group - from)
		}
	}
	return m, nil
}

// Config is transformers' HqqConfig.
func (hqqs) Config(s Scheme, skipped []string) object {
	return object{{"quantization_config", object{
		{"quant_method", "hqq"},
		{"quant_config", object{
			{"offload_meta", false}, {"scale_quant_params", nil}, {"zero_quant_params", nil},
			{"weight_quant_params", object{
				{"axis", s.axis()}, {"channel_wise", true}, {"group_size", s.Group}, {"nbits", s.Bits}, {"optimize", true},
				{"round_zero", s.Bits == 4}, {"view_as_float", false},
			}},
		}},
		{"skip_modules", append([]string{"lm_head"}, skipped...)},
	}}}
}
