package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/dtype"
	"fewbits/quant/internal/testdata"
)

// stored tensors of any type, without values that matter.
type bytesOf []Part

func (b bytesOf) Container() string      { return "safetensors" }
func (b bytesOf) Metadata() []quant.Meta { return nil }
func (b bytesOf) Tensors() []quant.TensorInfo {
	var infos []quant.TensorInfo
	for _, p := range b {
		infos = append(infos, quant.TensorInfo{Name: p.Suffix, Shape: p.Shape, Type: p.Type, Bytes: size(p.Type, p.Shape), Readable: true})
	}
	return infos
}
func (b bytesOf) ReadRows(i, row, n int, dst []float32) error { return nil }
func (b bytesOf) ReadRaw(i int, off int64, dst []byte) error {
	copy(dst, b[i].Data[min(off, int64(len(b[i].Data))):])
	return nil
}

// named puts a module's name before the suffixes.
func (p Parts) of(module string) bytesOf {
	var list bytesOf
	for _, x := range p {
		x.Suffix = module + x.Suffix
		list = append(list, x)
	}
	return list
}

func configFile(text string) []quant.File {
	return []quant.File{{Name: "config.json", R: strings.NewReader(text), Size: int64(len(text))}}
}

// TestMalformed wants an error that says what is wrong of parts that do not
// belong together.
func TestMalformed(t *testing.T) {
	w := testdata.Weights()
	of := func(l Layout, s Scheme) Parts { return rounded(t, l, s, w) }
	four := Scheme{Bits: 4, Group: 32, Type: "F16", Table: "nf4"}
	nested := Scheme{Bits: 4, Group: 64, Type: "F16", Table: "nf4", Nested: true}
	without := func(p Parts, suffix string) Parts {
		return slices.DeleteFunc(p, func(x Part) bool { return x.Suffix == suffix })
	}
	change := func(p Parts, suffix string, f func(p *Part)) Parts { f(p.get(suffix)); return p }
	for _, tt := range []struct {
		name, method string
		parts        Parts
		want         string
	}{
		{"gptq without scales", "gptq", without(of(gptq{}, four), ".scales"), "fit no layout"},
		{"gptq, another group", "gptq", change(of(gptq{}, four), ".qzeros", func(p *Part) { p.Shape = []int{3, 8} }), "wants qzeros of shape [4 8]"},
		{"gptq, index too short", "gptq", change(of(gptq{}, four), ".g_idx", func(p *Part) { p.Shape = []int{127} }), "wants g_idx of shape [128]"},
		{"gptq, floats", "gptq", change(of(gptq{}, four), ".qweight", func(p *Part) { p.Type = "F32" }), "wants qweight of I32"},
		{"gptq, scales of integers", "gptq", change(of(gptq{}, four), ".scales", func(p *Part) { p.Type = "I32" }), "wants scales of F16"},
		{"awq, zero points missing", "awq", without(of(awq{}, four), ".qzeros"), "fit no layout"},
		{"nf4 without absmax", "bitsandbytes", without(of(bnb4{}, nested), ".weight.nested_absmax"), "wants weight.absmax of F32"},
		{"nf4, no state", "bitsandbytes", without(of(bnb4{}, nested), ".weight.quant_state.bitsandbytes__nf4"), "fit no layout"},
		{"nf4, another shape", "bitsandbytes", change(of(bnb4{}, nested), ".weight", func(p *Part) { p.Shape = []int{4000, 1} }), "wants weight of shape [4096 1]"},
		{"nf4, hostile shape", "bitsandbytes", change(of(bnb4{}, nested), ".weight.quant_state.bitsandbytes__nf4", func(p *Part) {
			p.Data = []byte(`{"blocksize": 64, "shape": [1073741824, 1073741824]}`)
			p.Shape = []int{len(p.Data)}
		}), "wants weight of shape"},
		{"packed, shape", "compressed-tensors", change(of(packed{}, four), ".weight_shape", func(p *Part) { p.Data = pair(64, 1<<40) }), "fit no layout"},
		{"nvfp4 without global", "compressed-tensors", without(of(nvfp4{}, four), ".weight_global_scale"), "fit no layout"},
		{"hqq, group", "hqq", change(of(hqqs{}, four), ".group_size", func(p *Part) { p.Data = []byte{7, 0, 0, 0} }), "do not divide into groups of 7"},
		{"hqq, bits", "hqq", change(of(hqqs{}, four), ".nbits", func(p *Part) { p.Data = []byte{5, 0, 0, 0} }), "not of 5"},
		{"mlx, biases", "mlx", change(of(mlx{}, four), ".biases", func(p *Part) { p.Shape = []int{64, 3} }), "wants biases of shape"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text := fmt.Sprintf(`{"quantization_config": {"quant_method": %q, "format": "pack-quantized", "bits": 4, "group_size": 32}}`, tt.method)
			_, err := Open(configFile(text), tt.parts.of("model.layers.0.x"))
			if err == nil || !strings.HasPrefix(err.Error(), `checkpoint: module "model.layers.0.x": `) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			// Without a word in the configuration such names may be anything, and
			// so may those of a method that is none of these.
			if s, err := Open(configFile(`{"quantization_config": {"quant_method": "modelopt", "group_size": 32}}`), tt.parts.of("model.layers.0.x")); err != nil || s != nil {
				t.Errorf("another method: found %t, error %v", s != nil, err)
			}
			if s, err := Open(nil, tt.parts.of("model.layers.0.x")); err != nil || s != nil {
				t.Errorf("without config.json: found %t, error %v", s != nil, err)
			}
		})
	}
}

// TestDamagedIndex wants a group that there is not named when rows are read.
func TestDamagedIndex(t *testing.T) {
	p := rounded(t, gptq{}, Scheme{Bits: 4, Group: 32, Type: "F16"}, testdata.Weights())
	binary.LittleEndian.PutUint32(p.get(".g_idx").Data[4*9:], 4)
	s, err := Open(nil, p.of("m"))
	if err != nil {
		t.Fatal(err)
	}
	err = s.ReadRows(0, 0, 1, make([]float32, 128))
	if err == nil || !strings.Contains(err.Error(), "column 9 is of group 4, and there are 4") {
		t.Errorf("error %v", err)
	}
	for _, read := range []error{s.ReadRows(1, 0, 1, nil), s.ReadRows(0, 0, 1, make([]float32, 5)), s.ReadRows(0, 64, 1, make([]float32, 128)), s.ReadRaw(0, 4*64*128, make([]byte, 1))} {
		if read == nil {
			t.Error("no error")
		}
	}
}

// TestActOrder wants groups that are not neighbours kept, as GPTQ's act-order
// makes them.
func TestActOrder(t *testing.T) {
	for _, l := range []packer{gptq{}, gptq{v2: true}, packed{}} {
		s := Scheme{Bits: 4, Group: 32, Type: "F32", ActOrder: true}
		m := matrixOf(t, testdata.Weights(), s)
		m.Index = make([]int32, 128)
		for c := range m.Index {
			m.Index[c] = int32(c * 7 % 128 / 32)
		}
		p, err := l.Parts(s, 64, 128)
		if err != nil {
			t.Fatal(err)
		}
		p.allocate()
		if err := l.Pack(s, m, 64, 0, p); err != nil {
			t.Fatal(err)
		}
		source, err := Open(configFile(`{"quantization_config": {"quant_method": "x", "checkpoint_format": "`+map[bool]string{true: "gptq_v2"}[l == gptq{v2: true}]+`"}}`), p.of("m"))
		if err != nil {
			t.Fatal(err)
		}
		back, err := source.Matrix(0, 0, 64)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(back.Index, m.Index) || !slices.Equal(back.Codes, m.Codes) || !slices.Equal(back.Zeros, m.Zeros) || !slices.Equal(back.Scales, m.Scales) {
			t.Errorf("%s: groups, codes, zero points or scales came back otherwise", l.Name(s))
		}
		params := back.Params()
		if params.Codes[700] != int32(m.Codes[700]) || params.Groups != 4 || params.Flat {
			t.Errorf("%s: params %d groups, flat %t", l.Name(s), params.Groups, params.Flat)
		}
	}
}

// TestPlain wants a config.json that does not tell of the quantization.
func TestPlain(t *testing.T) {
	list, err := Plain(configFile(`{"a": [1, {"b": "\u00e9"}], "quantization_config": {"bits": 4}, "quantization": {}, "c": 1e5}`))
	if err != nil {
		t.Fatal(err)
	}
	b, err := read(&list[0])
	if err != nil || string(b) != "{\n  \"a\": [1, {\"b\": \"\\u00e9\"}],\n  \"c\": 1e5\n}" {
		t.Errorf("%s (%v)", b, err)
	}
}

// TestRounding wants scales that are stored used for the codes, and what a type
// cannot hold refused.
func TestRounding(t *testing.T) {
	w := testdata.Weights()
	for _, typ := range []dtype.Type{dtype.F16, dtype.BF16} {
		for _, symmetric := range []bool{false, true} {
			r := rounder{bits: 4, group: 32, symmetric: symmetric, typ: typ.Name}
			err := r.each(t.Context(), w, func(_ int, m *Matrix) error {
				kept, err := stored(typ.Name, m.Scales)
				if err != nil || !slices.Equal(kept, m.Scales) {
					t.Errorf("%s: scales are not what it holds (%v)", typ.Name, err)
				}
				back := make([]float32, len(w.Data))
				if err := m.Dequantize(back); err != nil {
					return err
				}
				for i, v := range w.Data {
					s := m.Scales[i/128*4+i%128/32]
					if q := m.Codes[i]; q > 0 && q < 15 && math.Abs(float64(v-back[i])) > 0.5001*float64(s) {
						t.Fatalf("%s: value %d is %v, came back as %v with the scale %v", typ.Name, i, v, back[i], s)
					}
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		}
	}
	small := quant.Tensor{Name: "w", Shape: []int{32, 32}, Data: make([]float32, 1024)}
	for i := range small.Data {
		small.Data[i] = float32(i) + 1 // no negative value: version 1 has no zero point of 0
	}
	r := rounder{bits: 4, group: -1, typ: "F16", least: 1}
	err := r.each(t.Context(), small, func(_ int, m *Matrix) error {
		back := make([]float32, 1024)
		for g, z := range m.Zeros {
			if z != 1 {
				t.Errorf("zero point %d is %v", g, z)
			}
		}
		err := m.Dequantize(back)
		for i, v := range back {
			if d := math.Abs(float64(v - small.Data[i])); d > 0.51*float64(m.Scales[i/32]) {
				t.Fatalf("value %d is %v, came back as %v", i, small.Data[i], v)
			}
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// FuzzUnpack wants no panic, and no more memory than the file has bytes, of
// any parts.
func FuzzUnpack(f *testing.F) {
	w := testdata.Weights().Slice(0, 32)
	w.Name = "w"
	for i, l := range readers {
		p := rounded(f, l, Scheme{Bits: 4, Group: 64, Type: "F16", Table: "nf4", Nested: true}, w)
		for k := range p {
			f.Add(uint8(i), uint8(k), uint8(0), uint16(3), []byte{1, 2, 3, 4, 5, 6, 7, 8})
		}
	}
	f.Fuzz(func(t *testing.T, layout, part, dim uint8, length uint16, data []byte) {
		l := readers[int(layout)%len(readers)]
		p := rounded(t, l, Scheme{Bits: 4, Group: 64, Type: "F16", Table: "nf4", Nested: true}, w)
		x := &p[int(part)%len(p)]
		x.Data = append(slices.Clone(data), x.Data...)[:max(len(data), len(x.Data))]
		if n := len(x.Shape); n > 0 {
			x.Shape = slices.Clone(x.Shape)
			x.Shape[int(dim)%n] = int(length)
		}
		x.Data = append(x.Data, make([]byte, max(0, size(x.Type, x.Shape)-int64(len(x.Data))))...)
		s, err := Open(configFile(`{"quantization_config": {"quant_method": "gptq", "bits": 4, "group_size": 64}}`), p.of("m"))
		if err != nil || s == nil {
			return
		}
		info := s.Tensors()[0]
		if info.Stored == "" || info.Len() > 1<<24 {
			return
		}
		if _, err := s.Matrix(0, 0, min(3, info.Shape[0])); err == nil {
			_ = s.ReadRows(0, info.Shape[0]-1, 1, make([]float32, info.Shape[1]))
		}
	})
}
