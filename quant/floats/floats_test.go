package floats

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
)

func tensor(t testing.TB, shape []int, data []float32) quant.Tensor {
	t.Helper()
	x, err := quant.NewTensor("x", shape, data)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func pack(t testing.TB, f quant.Format, x quant.Tensor) *quant.Packed {
	t.Helper()
	p, err := f.Quantize(x, quant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func inf(sign int) float32 { return float32(math.Inf(sign)) }

func named(t testing.TB, name string) quant.Format {
	t.Helper()
	for _, f := range Formats() {
		if f.Info().Name == name {
			return f
		}
	}
	t.Fatalf("there is no %s", name)
	return nil
}

func TestInfo(t *testing.T) {
	var names []string
	for _, f := range Formats() {
		i := f.Info()
		names = append(names, i.Name)
		if i.Family != quant.FamilyFloat || !i.RowLocal || i.Title == "" || i.Summary == "" {
			t.Errorf("%+v", i)
		}
		if i.BitsPerWeight != float64(i.Bits) || i.BlockBytes*8 != i.Bits || i.BlockSize != 1 {
			t.Errorf("%s: %v bits a weight, %d bytes of a block, %d bits", i.Name, i.BitsPerWeight, i.BlockBytes, i.Bits)
		}
		if p := pack(t, f, tensor(t, []int{2, 3}, make([]float32, 6))); p.BitsPerWeight() != i.BitsPerWeight {
			t.Errorf("%s really takes %v bits a weight", i.Name, p.BitsPerWeight())
		}
	}
	if want := []string{"FP32", "FP16", "BF16", "FP8_E4M3", "FP8_E5M2"}; !slices.Equal(names, want) {
		t.Errorf("the formats are %v, want %v", names, want)
	}
}

// TestBeyond: the table in the package comment.
func TestBeyond(t *testing.T) {
	for _, c := range []struct {
		format  string
		x, want float32
	}{
		{"FP32", math.MaxFloat32, math.MaxFloat32},
		{"FP32", inf(-1), inf(-1)},
		{"FP16", 65504, 65504},
		{"FP16", 65519.99, 65504},
		{"FP16", 65520, inf(1)},
		{"FP16", -70000, inf(-1)},
		{"FP16", inf(1), inf(1)},
		{"FP16", 0x1p-24, 0x1p-24},
		{"FP16", 0x1p-25, 0},
		{"FP16", 0x1.8p-25, 0x1p-24},
		{"BF16", 0x1.fep127, 0x1.fep127},
		{"BF16", math.MaxFloat32, inf(1)},
		{"BF16", inf(-1), inf(-1)},
		{"BF16", 0x1p-133, 0x1p-133},
		{"FP8_E4M3", 448, 448},
		{"FP8_E4M3", 464, 448},
		{"FP8_E4M3", 1e30, 448},
		{"FP8_E4M3", inf(1), 448},
		{"FP8_E4M3", inf(-1), -448},
		{"FP8_E4M3", 0x1p-9, 0x1p-9},
		{"FP8_E4M3", 0x1p-10, 0},
		{"FP8_E5M2", 57344, 57344},
		{"FP8_E5M2", 61440, 57344},
		{"FP8_E5M2", -1e30, -57344},
		{"FP8_E5M2", inf(1), inf(1)},
		{"FP8_E5M2", inf(-1), inf(-1)},
		{"FP8_E5M2", 0x1p-16, 0x1p-16},
		{"FP8_E5M2", 0x1p-17, 0},
	} {
		f := named(t, c.format)
		got := make([]float32, 1)
		if err := f.Dequantize(pack(t, f, tensor(t, nil, []float32{c.x})), got); err != nil {
			t.Fatal(err)
		}
		if got[0] != c.want {
			t.Errorf("%s: %v became %v, want %v", c.format, c.x, got[0], c.want)
		}
	}
	for _, f := range Formats() {
		for _, sign := range []float32{1, -1} {
			got := make([]float32, 2)
			zero := float32(math.Copysign(0, float64(sign)))
			if err := f.Dequantize(pack(t, f, tensor(t, nil, []float32{float32(math.NaN()), zero})), got); err != nil {
				t.Fatal(err)
			}
			if got[0] == got[0] {
				t.Errorf("%s: NaN became %v", f.Info().Name, got[0])
			}
			if math.Float32bits(got[1]) != math.Float32bits(zero) {
				t.Errorf("%s: %v became %v", f.Info().Name, zero, got[1])
			}
		}
	}
}

// TestRoundTrip: what was rounded once is not rounded again, shapes and
// inputs are left alone, and a row's bytes depend on that row alone.
func TestRoundTrip(t *testing.T) {
	for _, f := range Formats() {
		name := f.Info().Name
		for _, shape := range [][]int{{}, {0}, {1}, {7}, {3, 0}, {5, 3}, {2, 3, 4}} {
			n, _ := quant.Count(shape)
			data := make([]float32, n)
			for i := range data {
				data[i] = float32(math.Sin(float64(i)*2.3+1)) * 3
			}
			before := slices.Clone(data)
			x := tensor(t, shape, data)
			p := pack(t, f, x)
			if !slices.Equal(data, before) {
				t.Fatalf("%s changed its input", name)
			}
			if p.Format != name || p.Name != "x" || !slices.Equal(p.Shape, shape) {
				t.Errorf("%s: packed as %s, %q, %v", name, p.Format, p.Name, p.Shape)
			}
			y := make([]float32, n)
			if err := f.Dequantize(p, y); err != nil {
				t.Fatal(err)
			}
			if again := pack(t, f, tensor(t, shape, y)); !bytes.Equal(again.Bytes, p.Bytes) {
				t.Errorf("%s %v: rounding twice is not rounding once", name, shape)
			}
			var rows []byte
			for r := range x.Rows() {
				rows = append(rows, pack(t, f, x.Slice(r, r+1)).Bytes...)
			}
			if !bytes.Equal(rows, p.Bytes) {
				t.Errorf("%s %v: the rows apart make other bytes", name, shape)
			}
		}
	}
}

func TestWrongSizes(t *testing.T) {
	for _, f := range Formats() {
		name := f.Info().Name
		p := pack(t, f, tensor(t, []int{2, 3}, make([]float32, 6)))
		short, negative := *p, *p
		short.Bytes = p.Bytes[1:]
		negative.Shape = []int{-2, 3}
		var size *quant.SizeError
		for _, bad := range []*quant.Packed{&short, &negative} {
			if err := f.Dequantize(bad, make([]float32, 6)); err == nil {
				t.Errorf("%s: Dequantize took %d bytes of shape %v", name, len(bad.Bytes), bad.Shape)
			}
			if _, err := f.Params(bad, true); err == nil {
				t.Errorf("%s: Params took %d bytes of shape %v", name, len(bad.Bytes), bad.Shape)
			}
			if _, err := f.Open(bad, 0); err == nil {
				t.Errorf("%s: Open took %d bytes of shape %v", name, len(bad.Bytes), bad.Shape)
			}
		}
		if err := f.Dequantize(p, make([]float32, 5)); !errors.As(err, &size) || size.Want != 6 {
			t.Errorf("%s: Dequantize into 5 values: %v", name, err)
		}
		for _, i := range []int{-1, 6} {
			if _, err := f.Open(p, i); err == nil || !strings.Contains(err.Error(), "holds 6") {
				t.Errorf("%s: Open of value %d: %v", name, i, err)
			}
		}
		for _, bad := range []quant.Tensor{{Name: "x", Shape: []int{7}, Data: make([]float32, 6)}, {Name: "x", Shape: []int{-1}}} {
			if _, err := f.Quantize(bad, quant.Options{}); err == nil {
				t.Errorf("%s: Quantize took %d values of shape %v", name, len(bad.Data), bad.Shape)
			}
		}
	}
}

// TestOpenAgrees opens every pattern of the short formats, and many of the long.
func TestOpenAgrees(t *testing.T) {
	for _, f := range Formats() {
		i := f.Info()
		t.Run(i.Name, func(t *testing.T) {
			p := &quant.Packed{Format: i.Name, Name: "x"}
			for v := range uint32(1 << 16) {
				if i.Bits == 8 && v >= 1<<8 {
					break
				}
				b := []byte{byte(v), byte(v >> 8), byte(v), byte(v >> 8)}
				p.Bytes = append(p.Bytes, b[:i.BlockBytes]...)
			}
			p.Shape = []int{len(p.Bytes) / i.BlockBytes / 64, 64}
			y := make([]float32, p.Len())
			if err := f.Dequantize(p, y); err != nil {
				t.Fatal(err)
			}
			m, err := f.Params(p, true)
			if err != nil {
				t.Fatal(err)
			}
			if m.Rows != p.Shape[0] || m.Cols != 64 || m.Groups != 0 || m.Scales != nil || len(m.Codes) != p.Len() {
				t.Fatalf("params %d × %d, %d groups, %d codes", m.Rows, m.Cols, m.Groups, len(m.Codes))
			}
			step := 1
			if i.Bits > 8 {
				step = 37
			}
			for k := 0; k < p.Len(); k += step {
				o, err := f.Open(p, k)
				if err != nil {
					t.Fatal(err)
				}
				checkOpened(t, o, y[k], m.Codes[k], i)
			}
		})
	}
}

func checkOpened(t *testing.T, o *quant.Opened, value float32, code int32, i quant.Info) {
	t.Helper()
	if o.Value != value && value == value || o.Code != code || o.Offset != int64(o.Index*i.BlockBytes) || len(o.Bytes) != i.BlockBytes {
		t.Errorf("value %d opened as %v, code %#x, want %v, %#x", o.Index, o.Value, o.Code, value, code)
	}
	var covered uint64
	for _, f := range o.Fields {
		for _, s := range f.Spans {
			bits := uint64(1)<<s.Bits - 1
			if covered&(bits<<s.First) != 0 {
				t.Errorf("value %d: the field %q overlaps another", o.Index, f.Name)
			}
			covered |= bits << s.First
		}
	}
	if covered != 1<<i.Bits-1 {
		t.Errorf("value %d: the fields cover %#x", o.Index, covered)
	}
	if finite := value-value == 0; finite && o.Levels != nil && !slices.Contains(o.Levels, value) {
		t.Errorf("value %d: %v is not a level", o.Index, value)
	}
	if !slices.IsSorted(o.Levels) {
		t.Error("the levels do not rise")
	}
}

func join(terms []quant.Term) string {
	var b strings.Builder
	for _, t := range terms {
		b.WriteString(t.Text)
	}
	return b.String()
}

func TestOpen(t *testing.T) {
	nan := math.Float32frombits(0x7fc00000)
	for _, c := range []struct {
		format  string
		x       float32
		fields  string
		formula string
		levels  int
	}{
		{"FP32", -0.375, "1 125 4194304", "x̂ = (−1)^s · 2^(e−127) · (1 + m/8388608) = (−1)^1 · 2^(125−127) · (1 + 4194304/8388608) = −0.375", 0},
		{"FP16", 0.375, "0 13 512", "x̂ = (−1)^s · 2^(e−15) · (1 + m/1024) = (−1)^0 · 2^(13−15) · (1 + 512/1024) = 0.375", 0},
		{"FP16", -0x1p-24, "1 0 1", "e = 0: x̂ = (−1)^s · 2^(1−15) · (0 + m/1024) = (−1)^1 · 2^(1−15) · (0 + 1/1024) = −5.9604645e−08", 0},
		{"FP16", 0, "0 0 0", "e = 0: x̂ = (−1)^s · 2^(1−15) · (0 + m/1024) = (−1)^0 · 2^(1−15) · (0 + 0/1024) = 0", 0},
		{"FP16", -1e9, "1 31 0", "e = 31, m = 0: x̂ = (−1)^s · ∞ = (−1)^1 · ∞ = −∞", 0},
		{"FP16", nan, "0 31 512", "e = 31, m = 512 ≠ 0: x̂ is not a number", 0},
		{"BF16", 3, "0 128 64", "x̂ = (−1)^s · 2^(e−127) · (1 + m/128) = (−1)^0 · 2^(128−127) · (1 + 64/128) = 3", 0},
		{"FP8_E4M3", 1000, "0 15 6", "x̂ = (−1)^s · 2^(e−7) · (1 + m/8) = (−1)^0 · 2^(15−7) · (1 + 6/8) = 448", 253},
		{"FP8_E4M3", nan, "0 15 7", "e = 15, m = 7: x̂ is not a number", 253},
		{"FP8_E5M2", inf(1), "0 31 0", "e = 31, m = 0: x̂ = (−1)^s · ∞ = (−1)^0 · ∞ = ∞", 247},
		{"FP8_E5M2", nan, "0 31 3", "e = 31, m = 3 ≠ 0: x̂ is not a number", 247},
		{"FP8_E5M2", -57344, "1 30 3", "x̂ = (−1)^s · 2^(e−15) · (1 + m/4) = (−1)^1 · 2^(30−15) · (1 + 3/4) = −57344", 247},
	} {
		f := named(t, c.format)
		o, err := f.Open(pack(t, f, tensor(t, nil, []float32{9, c.x})), 1)
		if err != nil {
			t.Fatal(err)
		}
		var fields []string
		for _, f := range o.Fields {
			fields = append(fields, f.Text)
		}
		if got := strings.Join(fields, " "); got != c.fields {
			t.Errorf("%s %v: fields %s, want %s", c.format, c.x, got, c.fields)
		}
		if got := join(o.Formula); got != c.formula {
			t.Errorf("%s %v: formula\n%s, want\n%s", c.format, c.x, got, c.formula)
		}
		if len(o.Levels) != c.levels || join(o.Rule) == "" {
			t.Errorf("%s: %d levels, rule %q", c.format, len(o.Levels), join(o.Rule))
		}
	}
}
