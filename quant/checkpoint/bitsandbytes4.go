package checkpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"

	"fewbits/quant"
	"fewbits/quant/codebook"
	"fewbits/quant/internal/json"
)

// bnb4 is the layout of bitsandbytes' Linear4bit (functional.py, QuantState):
//
//	weight               U8 [n/2, 1]   two codes a byte, the first in the high half
//	weight.absmax        F32 [blocks], or U8 where nested
//	weight.quant_map     F32 [16]      the table
//	weight.nested_absmax F32 [blocks/256]
//	weight.nested_quant_map F32 [256]
//	weight.quant_state.bitsandbytes__nf4  U8: a text in JSON
//
// Blocks run on across rows. Package codebook has the formats. The text is
// padded with spaces, which JSON ignores: its length must be known before the
// offset in it is.
type bnb4 struct{}

// offsetLength is room for a number in the text.
const offsetLength = 26

func (bnb4) Name(s Scheme) string {
	name := "bitsandbytes NF4"
	if s.Table == "fp4" {
		name = "bitsandbytes FP4"
	}
	if s.Nested {
		name += " nested"
	}
	return fmt.Sprintf("%s, blocks of %d", name, s.Group)
}

// state is the text of quant_state.
func (bnb4) state(s Scheme, rows, cols int, offset float32) []byte {
	types := map[string]string{"F16": "float16", "BF16": "bfloat16", "F32": "float32"}
	b := fmt.Appendf(nil, `{"quant_type": "%s", "blocksize": %d, "dtype": "%s", "shape": [%d, %d]`, s.Table, s.Group, types[s.Type], rows, cols)
	if s.Nested {
		b = append(b, `, "nested_blocksize": 256, "nested_dtype": "float32", "nested_offset": `...)
		n := len(b)
		b = strconv.AppendFloat(b, float64(offset), 'g', -1, 64)
		b = append(b, '}')
		return append(b, bytes.Repeat([]byte{' '}, n+offsetLength-len(b))...)
	}
	return append(b, '}')
}

func (l bnb4) Parts(s Scheme, rows, cols int) (Parts, error) {
	if b := s.Group; b < 32 || b > 4096 || b&(b-1) != 0 {
		return nil, fmt.Errorf("bitsandbytes has blocks of 32, 64, 128 … 4096 values, not of %d", b)
	}
	if s.Table != "nf4" && s.Table != "fp4" {
		return nil, fmt.Errorf("bitsandbytes has the tables nf4 and fp4, and no %.20q", s.Table)
	}
	n := rows * cols
	blocks := (n + s.Group - 1) / s.Group
	p := Parts{
		{Suffix: ".weight", Type: "U8", Shape: []int{(n + 1) / 2, 1}},
		{Suffix: ".weight.absmax", Type: "F32", Shape: []int{blocks}},
		{Suffix: ".weight.quant_map", Type: "F32", Shape: []int{16}},
		{Suffix: ".weight.quant_state.bitsandbytes__" + s.Table, Type: "U8", Shape: []int{len(l.state(s, rows, cols, 0))}, Free: true},
	}
	if s.Nested {
		p[1].Type = "U8"
		p = append(p,
			Part{Suffix: ".weight.nested_absmax", Type: "F32", Shape: []int{(blocks + 255) / 256}},
			Part{Suffix: ".weight.nested_quant_map", Type: "F32", Shape: []int{256}})
	}
	return p, nil
}

func (bnb4) Find(s Scheme, has Parts) (Scheme, int, int, bool) {
	for _, table := range []string{"nf4", "fp4"} {
		if p := has.get(".weight.quant_state.bitsandbytes__" + table); p != nil {
			s.Table, s.Bits, s.Symmetric = table, 4, true
			m := stateOf(p)
			shape, _ := m["shape"].([]any)
			if len(shape) != 2 {
				return s, 0, 0, false
			}
			rows, cols := wholeOf(shape[0]), wholeOf(shape[1])
			s.Group = wholeOf(m["blocksize"])
			s.Nested = has.get(".weight.nested_absmax") != nil
			s.Type = "F16"
			if m["dtype"] == "bfloat16" {
				s.Type = "BF16"
			}
			return s, rows, cols, rows > 0 && cols > 0
		}
	}
	return s, 0, 0, false
}

// stateOf is the text of quant_state as a tree; empty where it is none.
func stateOf(p *Part) map[string]any {
	r := json.New(p.Suffix[1:], bytes.NewReader(p.Data), 0, int64(len(p.Data)))
	v, err := r.Value()
	m, _ := v.(map[string]any)
	if err != nil {
		return nil
	}
	return m
}

// wholeOf is a whole number of JSON up to 2^30; else 0.
func wholeOf(v any) int {
	n, _ := v.(json.Number)
	if i, ok := n.Int(); ok && i > 0 && i <= 1<<30 {
		return int(i)
	}
	return 0
}

func (l bnb4) Round(_ context.Context, s Scheme, w quant.Tensor, parts Parts) error {
	var format quant.Format
	for _, f := range codebook.Formats() {
		if f.Info().Name == map[string]string{"nf4": "NF4", "fp4": "FP4"}[s.Table] {
			format = f
		}
	}
	p, err := format.Quantize(w, quant.Options{Block: s.Group, Nested: s.Nested})
	if err != nil {
		return err
	}
	split, err := codebook.Split(p)
	if err != nil {
		return err
	}
	copy(parts.get(".weight").Data, split.Codes)
	copy(parts.get(".weight.absmax").Data, split.Absmax)
	offset := float32(0)
	if s.Nested {
		copy(parts.get(".weight.nested_absmax").Data, split.NestedAbsmax)
		table := codebook.DynamicMap()
		if err := parts.get(".weight.nested_quant_map").set(0, table[:]); err != nil {
			return err
		}
		offset = math.Float32frombits(binary.LittleEndian.Uint32(split.Offset))
	}
	copy(parts.get(".weight.quant_state.bitsandbytes__"+s.Table).Data, l.state(s, w.Rows(), w.Cols(), offset))
	table := l.table(s)
	return parts.get(".weight.quant_map").set(0, table[:])
}

func (bnb4) table(s Scheme) [16]float32 {
	if s.Table == "fp4" {
		return codebook.FP4()
	}
	return codebook.NF4()
}

// Unpack takes the tables as they are stored.
func (bnb4) Unpack(s Scheme, parts Parts, rows, cols, row, n int) (*Matrix, error) {
	m := &Matrix{Rows: n, Cols: cols, Bits: 4, Codes: make([]uint8, n*cols)}
	first, packed := row*cols, parts.get(".weight").Data
	for i := range m.Codes {
		b := packed[(first+i)/2]
		if (first+i)%2 == 0 {
			b >>= 4 // the first of two is in the high half
		}
		m.Codes[i] = b & 15
	}
	var err error
	if m.Levels, err = parts.get(".weight.quant_map").floats(0, 16); err != nil {
		return nil, err
	}
	from, to := first/s.Group, (first+n*cols+s.Group-1)/s.Group
	absmax := parts.get(".weight.absmax")
	if m.Scales, err = absmax.floats(from, to-from); err != nil {
		return nil, err
	}
	if s.Nested {
		if err := unnest(parts, absmax, from, m.Scales); err != nil {
			return nil, err
		}
	}
	if cols%s.Group == 0 {
		m.Groups, m.Index = cols/s.Group, along(cols, s.Group)
		return m, nil
	}
	m.Groups, m.Index = to-from, make([]int32, n*cols)
	for i := range m.Index {
		m.Index[i] = int32((first+i)/s.Group - from)
	}
	return m, nil
}

// unnest is absmax as map[code] · nested absmax + offset, from block from on.
func unnest(parts Parts, codes *Part, from int, dst []float32) error {
	table, err := parts.get(".weight.nested_quant_map").floats(0, 256)
	if err != nil {
		return err
	}
	offset := float32(0)
	for i := range parts {
		if strings.HasPrefix(parts[i].Suffix, ".weight.quant_state") {
			n, _ := stateOf(&parts[i])["nested_offset"].(json.Number)
			v, ok := n.Float()
			if !ok {
				return fmt.Errorf("%s: there is no nested_offset, which absmax of 8 bits want", parts[i].Suffix[1:])
			}
			offset = float32(v)
		}
	}
	nested, err := parts.get(".weight.nested_absmax").floats(0, parts.get(".weight.nested_absmax").Shape[0])
	if err != nil {
		return err
	}
	for i := range dst {
		dst[i] = float32(table[codes.Data[from+i]]*nested[(from+i)/256]) + offset
	}
	return nil
}

func (bnb4) Config(s Scheme, skipped []string) object {
	return bnbConfig(s, true, skipped)
}

// bnbConfig is what transformers' BitsAndBytesConfig writes.
func bnbConfig(s Scheme, four bool, skipped []string) object {
	table, dtype := s.Table, "float16"
	if table == "" {
		table = "fp4"
	}
	if s.Type == "BF16" {
		dtype = "bfloat16"
	}
	return object{{"quantization_config", object{
		{"quant_method", "bitsandbytes"}, {"_load_in_4bit", four}, {"_load_in_8bit", !four}, {"load_in_4bit", four}, {"load_in_8bit", !four},
		{"bnb_4bit_compute_dtype", dtype}, {"bnb_4bit_quant_storage", "uint8"}, {"bnb_4bit_quant_type", table},
		{"bnb_4bit_use_double_quant", s.Nested}, {"llm_int8_enable_fp32_cpu_offload", false}, {"llm_int8_has_fp16_weight", false},
		{"llm_int8_skip_modules", append([]string{"lm_head"}, skipped...)}, {"llm_int8_threshold", 6.0},
	}}}
}
