package checkpoint

import (
	"context"
	"encoding/binary"
	"fmt"

	"fewbits/quant"
)

// What compressed-tensors' layouts share. Sources: compressors/ and
// quantization/quant_{args,scheme,config}.py of compressed-tensors.

// compressedConfig is the configuration of a format: weights and, where
// activations is not nil, what is done to what goes in. Keys beyond these are
// refused there.
func compressedConfig(format string, weights, activations any, skipped []string) object {
	return object{{"quantization_config", object{
		{"quant_method", "compressed-tensors"}, {"format", format}, {"quantization_status", "compressed"},
		{"global_compression_ratio", nil}, {"kv_cache_scheme", nil}, {"ignore", append([]string{"lm_head"}, skipped...)},
		{"config_groups", object{{"group_0", object{
			{"targets", []string{"Linear"}}, {"weights", weights}, {"input_activations", activations}, {"output_activations", nil},
		}}}},
	}}}
}

// args are the arguments of one quantization.
func args(bits int, typ string, symmetric bool, strategy string, group any, dynamic bool) object {
	var observer any = "minmax"
	if dynamic {
		observer = nil
	}
	return object{
		{"num_bits", bits}, {"type", typ}, {"symmetric", symmetric}, {"strategy", strategy}, {"group_size", group}, {"dynamic", dynamic},
		{"actorder", nil}, {"block_structure", nil}, {"observer", observer}, {"observer_kwargs", object{}},
	}
}

// packed is pack-quantized, integers of 4 and 8 bits that only weights take
// (compressors/quantized_compressors/pack_quantized.py):
//
//	weight_packed      I32 [out, in·b/32]      codes along a row, low bits first
//	weight_scale       [out, groups]
//	weight_zero_point  I32 [out·b/32, groups]  along the outputs; absent where symmetric
//	weight_shape       I64 [2]
//
// Codes and zero points are signed there and stored with 2^(b−1) added, which
// is what they are here.
type packed struct{}

func (packed) Name(s Scheme) string { return named("compressed-tensors packed", s) }

func (packed) Parts(s Scheme, rows, cols int) (Parts, error) {
	if s.Bits != 4 && s.Bits != 8 {
		return nil, fmt.Errorf("compressed-tensors packs codes of 4 and 8 bits, not of %d", s.Bits)
	}
	if cols%s.group(cols) != 0 {
		return nil, fmt.Errorf("rows of %d values do not divide into groups of %d; choose another group=", cols, s.Group)
	}
	n, per := s.of(cols), 32/s.Bits
	p := Parts{
		{Suffix: ".weight_packed", Type: "I32", Shape: []int{rows, (cols + per - 1) / per}},
		{Suffix: ".weight_scale", Type: s.Type, Shape: []int{rows, n}, Floats: true},
		{Suffix: ".weight_shape", Type: "I64", Shape: []int{2}, Free: true},
	}
	if !s.Symmetric {
		p = append(p, Part{Suffix: ".weight_zero_point", Type: "I32", Shape: []int{(rows + per - 1) / per, n}})
	}
	if s.ActOrder {
		p = append(p, Part{Suffix: ".weight_g_idx", Type: "I32", Shape: []int{cols}})
	}
	return p, nil
}

func (packed) Find(s Scheme, has Parts) (Scheme, int, int, bool) {
	w, sc, shape := has.get(".weight_packed"), has.get(".weight_scale"), has.get(".weight_shape")
	if w == nil || sc == nil || shape == nil || w.Type != "I32" || !matrix(w, sc) {
		return s, 0, 0, false
	}
	size := integers(shape)
	if len(size) != 2 || size[0] != w.Shape[0] || size[1] < 1 {
		return s, 0, 0, false
	}
	cols := size[1]
	if s.Bits != 8 || (cols+3)/4 != w.Shape[1] {
		s.Bits = 4
		if (cols+7)/8 != w.Shape[1] {
			s.Bits = 8
		}
	}
	s.Group, s.Type = groupOf(s.Group, cols, sc.Shape[1]), sc.Type
	s.Symmetric, s.ActOrder = has.get(".weight_zero_point") == nil, has.get(".weight_g_idx") != nil
	return s, size[0], cols, true
}

// integers are the values of a small part of whole numbers; nil where one is
// negative or past 2^30.
func integers(p *Part) []int {
	var list []int
	width := map[string]int{"I64": 8, "I32": 4, "U8": 1}[p.Type]
	if width == 0 {
		return nil
	}
	for i := 0; i+width <= len(p.Data); i += width {
		n := int64(0)
		switch b := p.Data[i:]; width {
		case 8:
			n = int64(binary.LittleEndian.Uint64(b))
		case 4:
			n = int64(int32(binary.LittleEndian.Uint32(b)))
		default:
			n = int64(b[0])
		}
		if n < 0 || n > 1<<30 {
			return nil
		}
		list = append(list, int(n))
	}
	return list
}

func (l packed) Round(ctx context.Context, s Scheme, w quant.Tensor, parts Parts) error {
	r := rounder{bits: s.Bits, group: s.Group, symmetric: s.Symmetric, typ: s.Type}
	return r.each(ctx, w, func(row int, m *Matrix) error { return l.Pack(s, m, w.Rows(), row, parts) })
}

func (packed) Pack(s Scheme, m *Matrix, rows, row int, parts Parts) error {
	codes, scales, zeros := parts.get(".weight_packed"), parts.get(".weight_scale"), parts.get(".weight_zero_point")
	n := codes.Shape[1]
	for r := range m.Rows {
		line(codes.Data, row+r, n).fill(0, 0, s.Bits, m.Codes[r*m.Cols:(r+1)*m.Cols])
		for k := range m.Groups {
			z := m.Zeros[r*m.Groups+k]
			if zeros != nil {
				words{zeros.Data, m.Groups}.put(k, (row+r)*s.Bits, s.Bits, uint32(z))
			} else if z != float32(int(1)<<(s.Bits-1)) {
				return fmt.Errorf("row %d has the zero point %v, and a symmetric layout has none", row+r, z)
			}
		}
	}
	if index := parts.get(".weight_g_idx"); index != nil {
		for c, k := range m.Index {
			binary.LittleEndian.PutUint32(index.Data[4*c:], uint32(k))
		}
	}
	shape := parts.get(".weight_shape").Data
	binary.LittleEndian.PutUint64(shape, uint64(rows))
	binary.LittleEndian.PutUint64(shape[8:], uint64(m.Cols))
	return scales.set(row*m.Groups, m.Scales)
}

func (packed) Unpack(s Scheme, parts Parts, rows, cols, row, n int) (*Matrix, error) {
	m := &Matrix{Rows: n, Cols: cols, Bits: s.Bits, Groups: s.of(cols), Codes: make([]uint8, n*cols)}
	codes, zeros := parts.get(".weight_packed"), parts.get(".weight_zero_point")
	var err error
	if m.Index, err = indexOf(parts.get(".weight_g_idx"), cols, s.group(cols), m.Groups); err != nil {
		return nil, err
	}
	if m.Scales, err = parts.get(".weight_scale").floats(row*m.Groups, n*m.Groups); err != nil {
		return nil, err
	}
	m.Zeros = make([]float32, n*m.Groups)
	for r := range n {
		line(codes.Data, row+r, codes.Shape[1]).take(m.Codes[r*cols:(r+1)*cols], 0, s.Bits)
		for k := range m.Groups {
			z := uint32(1) << (s.Bits - 1)
			if zeros != nil {
				z = words{zeros.Data, m.Groups}.get(k, (row+r)*s.Bits, s.Bits)
			}
			m.Zeros[r*m.Groups+k] = float32(z)
		}
	}
	return m, nil
}

func (packed) Config(s Scheme, skipped []string) object {
	strategy, group := "group", any(s.Group)
	if s.Group < 0 {
		strategy, group = "channel", nil
	}
	weights := args(s.Bits, "int", s.Symmetric, strategy, group, false)
	if s.ActOrder {
		weights.set("actorder", "group")
	}
	return compressedConfig("pack-quantized", weights, nil, skipped)
}
