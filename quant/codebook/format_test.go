package codebook

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
)

func inf(sign int) float32 { return float32(math.Inf(sign)) }

func TestInfo(t *testing.T) {
	for i, f := range Formats() {
		info := f.Info()
		if want := []string{"NF4", "FP4"}[i]; info.Name != want || info.Family != quant.FamilyCodebook || info.RowLocal || info.Summary == "" {
			t.Errorf("%+v", info)
		}
		p, _ := pack(t, f, tensor(t, []int{4, 64}, make([]float32, 256)), quant.Options{})
		if got := p.BitsPerWeight(); got != info.BitsPerWeight || len(p.Bytes) != 4*info.BlockBytes {
			t.Errorf("%s takes %v bits a weight, %d bytes", info.Name, got, len(p.Bytes))
		}
		if p.Format != info.Name || p.Options.Block != 64 || p.Options.Nested {
			t.Errorf("packed as %s, %+v", p.Format, p.Options)
		}
	}
}

// TestBits: what double quantization saves is what the paper says it does.
func TestBits(t *testing.T) {
	for _, c := range []struct {
		o    quant.Options
		want float64
	}{
		{quant.Options{}, 4.5},
		{quant.Options{Block: 32}, 5},
		{quant.Options{Block: 4096}, 4 + 32./4096},
		{quant.Options{Nested: true}, 4 + 8./64 + 32./64/256 + 32./(1<<17)},
	} {
		p, _ := pack(t, nf4, tensor(t, nil, make([]float32, 1<<17)), c.o)
		if got := p.BitsPerWeight(); got != c.want {
			t.Errorf("%v: %v bits a weight, want %v", c.o.Map(), got, c.want)
		}
	}
}

func TestEdges(t *testing.T) {
	const denormal = 1e-40
	fill := func(n int, v float32) []float32 { return slices.Repeat([]float32{v}, n) }
	for _, c := range []struct {
		name   string
		x      []float32
		absmax float32
		want   float32 // of every value
	}{
		{"zeros", fill(64, 0), 0, 0},
		{"zeros in a short block", fill(5, 0), 1e-38, 0},
		{"denormal: 1/absmax would be infinite", fill(64, denormal), denormal, 0},
		{"denormal in a short block", fill(5, denormal), 1e-38, 0},
		{"largest", fill(64, math.MaxFloat32), math.MaxFloat32, math.MaxFloat32},
		{"smallest", fill(64, -math.MaxFloat32), math.MaxFloat32, -math.MaxFloat32},
		{"one value", fill(1, -7), 7, -7},
	} {
		for _, f := range []*format{nf4, fp4} {
			p, parts := pack(t, f, tensor(t, nil, c.x), quant.Options{})
			if got := parts.Scale(0); got != c.absmax {
				t.Errorf("%s %s: absmax %v, want %v", f.name, c.name, got, c.absmax)
			}
			for i, got := range unpacked(t, f, p) {
				if got != c.want && !(f == fp4 && c.want == 0 && got == f.values[1]*c.absmax) {
					t.Errorf("%s %s: value %d became %v, want %v", f.name, c.name, i, got, c.want)
				}
			}
		}
	}
}

// TestNestedEdges: absmax that are all alike, or whose sum overflows float32,
// come back.
func TestNestedEdges(t *testing.T) {
	for _, f := range []*format{nf4, fp4} {
		for _, v := range []float32{0, 3, math.MaxFloat32} {
			for _, n := range []int{64, 300 * 64, 256 * 64} {
				_, parts := pack(t, f, tensor(t, nil, slices.Repeat([]float32{v}, n)), quant.Options{Nested: true})
				for b := range parts.Blocks {
					if got := parts.Scale(b); got != v {
						t.Fatalf("%s: absmax %d of %d is %v, want %v", f.name, b, parts.Blocks, got, v)
					}
				}
			}
		}
	}
}

// TestNestedReference holds nested absmax of many blocks against a direct
// transcription of quantize_blockwise.
func TestNestedReference(t *testing.T) {
	for _, blocks := range []int{1, 7, 8, 9, 255, 256, 257, 700} {
		for name, x := range inputs(blocks*32 - 5) {
			_, parts := pack(t, nf4, tensor(t, nil, x), quant.Options{Block: 32, Nested: true})
			_, absmaxes := reference(nf4, x, 32)
			offset := float(parts.Offset, 0)
			exact := 0.0
			for _, a := range absmaxes {
				exact += float64(a) / float64(len(absmaxes))
			}
			if d := math.Abs(float64(offset) - exact); d > 1e-6*exact+1e-44 {
				t.Errorf("%s: the offset of %d absmax is %v, want about %v", name, blocks, offset, exact)
			}
			for b, a := range absmaxes {
				group := absmaxes[b/256*256 : min(b/256*256+256, blocks)]
				scale := float32(0)
				for _, a := range group {
					scale = max(scale, float32(math.Abs(float64(a-offset))))
				}
				y := (a - offset) * (1 / max(scale, 1e-38))
				if len(group) < 256 {
					scale = max(scale, 1e-38)
					y = (a - offset) / scale
				}
				code := 0
				for i := 1; i < 256; i++ {
					if y > (dynamic[i-1]+dynamic[i])/2 {
						code = i
					}
				}
				if got := float(parts.NestedAbsmax, b/256); got != scale {
					t.Fatalf("%s: nested absmax %d is %v, want %v", name, b/256, got, scale)
				}
				if got := int(parts.Absmax[b]); got != code {
					t.Fatalf("%s: absmax %d of %d has code %d, want %d", name, b, blocks, got, code)
				}
			}
		}
	}
}

// TestMean: sums of whole numbers are exact in any order; every value counts once.
func TestMean(t *testing.T) {
	for _, n := range []int{1, 3, 7, 8, 9, 31, 32, 33, 63, 64, 500, 511, 512, 513, 2048, 4097, 40000, 300001} {
		x := make([]float32, n)
		want := 0
		for i := range x {
			x[i] = float32(i % 23)
			want += i % 23
		}
		if got := sum(x); got != float32(want) {
			t.Errorf("the sum of %d values is %v, want %d", n, got, want)
		}
	}
	if got := mean(nil); got != 0 {
		t.Errorf("the mean of nothing is %v", got)
	}
	if got := mean([]float32{math.MaxFloat32, math.MaxFloat32, 0}); got != math.MaxFloat32/3*2 {
		t.Errorf("the mean of the largest numbers is %v", got)
	}
}

func TestNonFinite(t *testing.T) {
	for _, bad := range []float32{inf(1), inf(-1), float32(math.NaN())} {
		for _, at := range []int{0, 63, 64, 129} {
			x := make([]float32, 130)
			x[at] = bad
			_, err := nf4.Quantize(tensor(t, []int{10, 13}, x), quant.Options{})
			var e *quant.NonFiniteError
			if !errors.As(err, &e) || e.Row != at/13 || e.Col != at%13 || e.NaN+e.Inf != 1 {
				t.Errorf("%v at %d: %v", bad, at, err)
			}
		}
	}
}

func TestWrongInput(t *testing.T) {
	x := tensor(t, []int{2, 65}, make([]float32, 130))
	for _, block := range []int{-1, 1, 16, 48, 63, 96, 8192, math.MaxInt} {
		if _, err := nf4.Quantize(x, quant.Options{Block: block}); err == nil || !strings.Contains(err.Error(), "32, 64, 128 … or 4096") {
			t.Errorf("a block of %d: %v", block, err)
		}
	}
	for _, bad := range []quant.Tensor{{Name: "x", Shape: []int{7}, Data: make([]float32, 6)}, {Name: "x", Shape: []int{-1}}} {
		if _, err := nf4.Quantize(bad, quant.Options{}); err == nil {
			t.Errorf("Quantize took %d values of shape %v", len(bad.Data), bad.Shape)
		}
	}
	for _, nested := range []bool{false, true} {
		p, _ := pack(t, nf4, x, quant.Options{Nested: nested})
		short, long, negative, block, huge := *p, *p, *p, *p, *p
		short.Bytes = p.Bytes[1:]
		long.Bytes = append(slices.Clone(p.Bytes), 0)
		negative.Shape = []int{-2, 65}
		block.Options.Block = 5
		huge.Shape = []int{1 << 20, 1 << 20}
		for _, bad := range []*quant.Packed{&short, &long, &negative, &block, &huge} {
			if nf4.Dequantize(bad, make([]float32, 130)) == nil {
				t.Errorf("Dequantize took %d bytes of shape %v", len(bad.Bytes), bad.Shape)
			}
			if _, err := nf4.Params(bad, true); err == nil {
				t.Errorf("Params took %d bytes of shape %v", len(bad.Bytes), bad.Shape)
			}
			if _, err := nf4.Open(bad, 0); err == nil {
				t.Errorf("Open took %d bytes of shape %v", len(bad.Bytes), bad.Shape)
			}
		}
		var size *quant.SizeError
		if err := nf4.Dequantize(p, make([]float32, 129)); !errors.As(err, &size) || size.Want != 130 {
			t.Errorf("Dequantize into 129 values: %v", err)
		}
		for _, i := range []int{-1, 130} {
			if _, err := nf4.Open(p, i); err == nil || !strings.Contains(err.Error(), "holds 130") {
				t.Errorf("Open of value %d: %v", i, err)
			}
		}
	}
}

// TestShapes: only the run of values counts, and blocks cross rows.
func TestShapes(t *testing.T) {
	x := inputs(120)["normal"]
	flat, _ := pack(t, nf4, tensor(t, nil, x), quant.Options{})
	for _, shape := range [][]int{{10, 12}, {2, 3, 20}, {120, 1}} {
		if p, _ := pack(t, nf4, tensor(t, shape, x), quant.Options{}); !bytes.Equal(p.Bytes, flat.Bytes) {
			t.Errorf("shape %v makes other bytes", shape)
		}
	}
	for _, shape := range [][]int{{}, {0}, {3, 0}, {0, 64}} {
		n, _ := quant.Count(shape)
		for _, nested := range []bool{false, true} {
			p, _ := pack(t, nf4, tensor(t, shape, make([]float32, n)), quant.Options{Nested: nested})
			unpacked(t, nf4, p)
			if m, err := nf4.Params(p, true); err != nil || len(m.Codes) != n {
				t.Errorf("shape %v: %v", shape, err)
			}
		}
	}
}

// TestAgreement: Params, Open and Dequantize tell the same story.
func TestAgreement(t *testing.T) {
	for _, f := range []*format{nf4, fp4} {
		for _, shape := range [][]int{{3, 128}, {5, 77}, {1, 64}, {129}, {2, 2, 64}, {1}} {
			for _, o := range []quant.Options{{}, {Block: 32}, {Nested: true}, {Block: 128, Nested: true}} {
				n, _ := quant.Count(shape)
				p, parts := pack(t, f, tensor(t, shape, inputs(n)["normal"]), o)
				y := unpacked(t, f, p)
				m, err := f.Params(p, true)
				if err != nil {
					t.Fatal(err)
				}
				if flat := quant.Cols(shape)%parts.Block != 0; m.Flat != flat || m.Rows*m.Cols != n || m.Rows*m.Groups != len(m.Scales) || len(m.GroupIndex) != m.Cols {
					t.Fatalf("%v: %d × %d, %d groups, flat %v", shape, m.Rows, m.Cols, m.Groups, m.Flat)
				}
				for i, v := range y {
					scale := m.Scales[i/m.Cols*m.Groups+int(m.GroupIndex[i%m.Cols])]
					if want := f.values[m.Codes[i]] * scale; v != want {
						t.Fatalf("%v: value %d is %v, its parameters make %v", shape, i, v, want)
					}
					opened, err := f.Open(p, i)
					if err != nil {
						t.Fatal(err)
					}
					checkOpened(t, p, opened, v, m.Codes[i])
				}
			}
		}
	}
}

func checkOpened(t *testing.T, p *quant.Packed, o *quant.Opened, value float32, code int32) {
	t.Helper()
	if o.Value != value || o.Code != code {
		t.Fatalf("value %d opened as %v, code %d, want %v, %d", o.Index, o.Value, o.Code, value, code)
	}
	if !bytes.Equal(o.Bytes, p.Bytes[o.Offset:int(o.Offset)+len(o.Bytes)]) {
		t.Fatalf("value %d: the block is not at %d", o.Index, o.Offset)
	}
	if !slices.IsSorted(o.Levels) || !slices.Contains(o.Levels, value) || len(o.Levels) > 16 {
		t.Fatalf("value %d: %v is not among the levels %v", o.Index, value, o.Levels)
	}
	covered := make([]bool, 8*len(o.Bytes))
	for _, f := range o.Fields {
		for _, s := range f.Spans {
			for b := s.First; b < s.First+s.Bits; b++ {
				if covered[b] {
					t.Fatalf("value %d: the field %q overlaps another", o.Index, f.Name)
				}
				covered[b] = true
			}
		}
		for _, s := range f.Mine {
			if got := o.Bytes[s.First/8] >> (s.First % 8) & 15; s.Bits != 4 || int32(got) != code {
				t.Fatalf("value %d: %v of the block holds %d, want %d", o.Index, s, got, code)
			}
		}
	}
	if slices.Contains(covered, false) {
		t.Fatalf("value %d: the fields do not cover the block", o.Index)
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
	x := make([]float32, 67)
	x[0], x[1], x[2], x[3], x[66] = 0.02, -0.0088, 0.0001, -0.00001, 0.5
	for _, c := range []struct {
		f             *format
		nested        bool
		i             int
		fields        string
		formula, rule string
		levels        int
	}{
		{nf4, false, 1, "64 codes of 4 bits, the high half first = 3; absmax, FP32, kept apart = 0.02",
			"x̂ = NF4[q] · absmax = NF4[3] · 0.02 = −0.3949 · 0.02 = −0.007898", "q = 3 where −0.46 < x / absmax ≤ −0.3397", 16},
		{nf4, false, 0, "64 codes of 4 bits, the high half first = 15; absmax, FP32, kept apart = 0.02",
			"x̂ = NF4[q] · absmax = NF4[15] · 0.02 = 1 · 0.02 = 0.02", "q = 15 where 0.8615 < x / absmax", 16},
		{nf4, false, 66, "3 codes of 4 bits, the high half first = 15; unused = 7; absmax, FP32, kept apart = 0.5",
			"x̂ = NF4[q] · absmax = NF4[15] · 0.5 = 1 · 0.5 = 0.5", "q = 15 where 0.8615 < x / absmax", 16},
		{nf4, true, 1, "64 codes of 4 bits, the high half first = 3; absmax, 8-bit code, kept apart = 0; absmax of 256 absmax, FP32, kept apart = 0.24; mean absmax, FP32, kept apart = 0.26",
			"x̂ = NF4[q] · absmax = NF4[3] · (map[0] · 0.24 + 0.26) = −0.3949 · 0.02169 = −0.008565", "q = 3 where −0.46 < x / absmax ≤ −0.3397", 16},
		{fp4, false, 2, "64 codes of 4 bits, the high half first = 1; absmax, FP32, kept apart = 0.02",
			"x̂ = FP4[q] · absmax = FP4[1] · 0.02 = 0.005208 · 0.02 = 0.0001042", "q = 1 where 0.002604 < x / absmax ≤ 0.08594", 15},
		{fp4, false, 3, "64 codes of 4 bits, the high half first = 8; absmax, FP32, kept apart = 0.02",
			"x̂ = FP4[q] · absmax = FP4[8] · 0.02 = 0 · 0.02 = 0", "q = 8 where −0.002604 < x / absmax < 0", 15},
		{fp4, false, 4, "64 codes of 4 bits, the high half first = 0; absmax, FP32, kept apart = 0.02",
			"x̂ = FP4[q] · absmax = FP4[0] · 0.02 = 0 · 0.02 = 0", "q = 0 where 0 ≤ x / absmax ≤ 0.002604", 15},
	} {
		p, _ := pack(t, c.f, tensor(t, nil, x), quant.Options{Nested: c.nested})
		o, err := c.f.Open(p, c.i)
		if err != nil {
			t.Fatal(err)
		}
		var fields []string
		for _, f := range o.Fields {
			fields = append(fields, f.Name+" = "+f.Text)
		}
		if got := strings.Join(fields, "; "); got != c.fields {
			t.Errorf("%s %d: fields\n%s, want\n%s", c.f.name, c.i, got, c.fields)
		}
		if got := join(o.Formula); got != c.formula {
			t.Errorf("%s %d: formula\n%s, want\n%s", c.f.name, c.i, got, c.formula)
		}
		if got := join(o.Rule); got != c.rule {
			t.Errorf("%s %d: rule %q, want %q", c.f.name, c.i, got, c.rule)
		}
		if len(o.Levels) != c.levels {
			t.Errorf("%s %d: %d levels, want %d", c.f.name, c.i, len(o.Levels), c.levels)
		}
	}
}

// TestLevelsZero: a block of zeros has one level, and not a negative zero.
func TestLevelsZero(t *testing.T) {
	if got := nf4.levels(0); len(got) != 1 || math.Signbit(float64(got[0])) {
		t.Errorf("the levels of a zero block are %v", got)
	}
}

// FuzzRead takes arbitrary bytes apart: what Split accepts, all methods read
// alike, and finite values can be packed again.
func FuzzRead(f *testing.F) {
	f.Add([]byte{0x12, 0x34, 0, 0, 0x80, 0x3f}, 4, 0, false)
	f.Add(bytes.Repeat([]byte{0xff}, 60), 65, 64, true)
	f.Fuzz(func(t *testing.T, b []byte, cols, block int, nested bool) {
		for _, format := range []*format{nf4, fp4} {
			p := &quant.Packed{Format: format.name, Shape: []int{cols}, Options: quant.Options{Block: block, Nested: nested}, Bytes: b}
			parts, err := Split(p)
			if err != nil {
				if _, err := format.Params(p, true); err == nil {
					t.Fatal("Params took what Split refused")
				}
				continue
			}
			y := unpacked(t, format, p)
			m, err := format.Params(p, true)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range y {
				o, err := format.Open(p, i)
				if err != nil {
					t.Fatal(err)
				}
				if o.Value != v && v == v || o.Code != m.Codes[i] {
					t.Fatalf("value %d is %v, opened %v", i, v, o.Value)
				}
			}
			if quant.CheckFinite(quant.Tensor{Shape: p.Shape, Data: y}) != nil {
				continue
			}
			again, err := format.Quantize(quant.Tensor{Shape: p.Shape, Data: y}, p.Options)
			if err != nil {
				t.Fatal(err)
			}
			if len(again.Bytes) != len(b) || parts.Len != len(y) {
				t.Fatalf("%d bytes became %d", len(b), len(again.Bytes))
			}
		}
	})
}
