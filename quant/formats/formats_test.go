package formats

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"fewbits/quant"
)

// tensors are what every format must take: its rows suit every block.
func tensors() []quant.Tensor {
	r := rand.New(rand.NewPCG(1, 2))
	make1 := func(name string, rows, cols int, f func(i int) float32) quant.Tensor {
		t := quant.Tensor{Name: name, Shape: []int{rows, cols}, Data: make([]float32, rows*cols)}
		for i := range t.Data {
			t.Data[i] = f(i)
		}
		return t
	}
	return []quant.Tensor{
		make1("normal", 3, 512, func(int) float32 { return float32(r.NormFloat64()) * 0.02 }),
		make1("zeros", 2, 256, func(int) float32 { return 0 }),
		make1("constant", 1, 256, func(int) float32 { return -3.25 }),
		make1("one outlier", 1, 256, func(i int) float32 {
			if i == 77 {
				return 100
			}
			return 0.01 * float32(i%7)
		}),
		make1("negative zero", 1, 256, func(i int) float32 { return float32(math.Copysign(0, -1)) }),
		make1("alternating", 1, 512, func(i int) float32 { return float32(1 - 2*(i&1)) }),
	}
}

func TestEveryFormatKeepsItsPromises(t *testing.T) {
	names := map[string]bool{}
	all := All()
	for _, m := range Methods() {
		all = append(all, m)
	}
	for _, f := range all {
		i := f.Info()
		t.Run(i.Name, func(t *testing.T) {
			if names[i.Name] {
				t.Error("there are two of that name")
			}
			names[i.Name] = true
			checkInfo(t, i)
			if !found(" " + i.Name + " ") {
				t.Error("it is not found by its name, or as a format and as a method")
			}
			for _, x := range tensors() {
				t.Run(x.Name, func(t *testing.T) { checkTensor(t, f, x) })
			}
			for _, x := range oddShapes() {
				checkOddShape(t, f, x)
			}
			checkRefusals(t, f)
			checkConcurrent(t, f)
		})
	}
}

// found says whether a name is that of a format or of a method, and not of both.
func found(name string) bool {
	_, format := Lookup(name)
	_, method := LookupMethod(name)
	return format != method
}

// options are f's defaults, with what it needs for x: an importance matrix,
// activations.
func options(f quant.Format, x quant.Tensor) quant.Options {
	var o quant.Options
	if f.Info().Importance == quant.Required {
		o.Importance = make([]float32, x.Cols())
		for i := range o.Importance {
			o.Importance[i] = 1 + float32(i%5)
		}
	}
	if f.Info().Calibration != quant.Never && x.Cols() > 0 {
		r := rand.New(rand.NewPCG(7, uint64(x.Cols())))
		o.Activations = &quant.Tensor{Name: "x", Shape: []int{20, x.Cols()}, Data: make([]float32, 20*x.Cols())}
		for i := range o.Activations.Data {
			o.Activations.Data[i] = float32(r.NormFloat64()) * (1 + float32(i%11))
		}
	}
	return o
}

// oddShapes need not suit a format: it takes them, or says that rows do not fit.
func oddShapes() []quant.Tensor {
	var all []quant.Tensor
	for _, shape := range [][]int{{}, {1}, {300}, {3, 5}, {2, 3, 77}, {0}, {4, 0}} {
		n, _ := quant.Count(shape)
		t := quant.Tensor{Name: fmt.Sprint(shape), Shape: shape, Data: make([]float32, n)}
		for i := range t.Data {
			t.Data[i] = float32(i%13) - 6
		}
		all = append(all, t)
	}
	return all
}

func checkOddShape(t *testing.T, f quant.Format, x quant.Tensor) {
	p, err := f.Quantize(x, options(f, x))
	var rows *quant.ShapeError
	if errors.As(err, &rows) || x.Len() == 0 && err != nil {
		return
	}
	if err != nil {
		t.Errorf("shape %v: want a *quant.ShapeError or none, got %v", x.Shape, err)
		return
	}
	y := make([]float32, x.Len())
	if err := f.Dequantize(p, y); err != nil {
		t.Errorf("shape %v: %v", x.Shape, err)
		return
	}
	if x.Len() > 0 {
		checkParams(t, f, p, x)
	}
	for i := range y {
		checkOpened(t, f, p, i, y[i])
	}
}

func checkInfo(t *testing.T, i quant.Info) {
	if i.Name == "" || i.Name != strings.ToUpper(i.Name) {
		t.Errorf("Info.Name is %q: names are in capitals, and Lookup takes any case", i.Name)
	}
	if i.Title == "" {
		t.Error("Info.Title is empty: it heads the format's part of the list")
	}
	if i.Summary == "" {
		t.Error("Info.Summary is empty: say in a sentence what the format is")
	}
	if i.Bits < 1 || i.BitsPerWeight < 1 || i.BitsPerWeight > 32 {
		t.Errorf("Info has %d bits of a code and %v bits a weight", i.Bits, i.BitsPerWeight)
	}
	switch i.Family {
	case quant.FamilyAffine, quant.FamilyFloat, quant.FamilyCodebook, quant.FamilyGGML, quant.FamilyMethod:
	default:
		t.Errorf("Info.Family is %q: take quant.FamilyAffine, FamilyFloat, FamilyCodebook, FamilyGGML or FamilyMethod", i.Family)
	}
	if i.BlockBytes > 0 && math.Abs(float64(i.BlockBytes*8)/float64(i.BlockSize)-i.BitsPerWeight) > 1e-9 {
		t.Errorf("blocks of %d weights in %d bytes are not %v bits a weight", i.BlockSize, i.BlockBytes, i.BitsPerWeight)
	}
	for _, o := range i.Options {
		if quant.OptionHelp(o) == "" {
			t.Errorf("there is no option %q", o)
		}
	}
}

func checkTensor(t *testing.T, f quant.Format, x quant.Tensor) {
	before := slices.Clone(x.Data)
	p, err := f.Quantize(x, options(f, x))
	if err != nil {
		t.Fatal(err)
	}
	for i := range before {
		if math.Float32bits(before[i]) != math.Float32bits(x.Data[i]) {
			t.Fatalf("Quantize changed value %d", i)
		}
	}
	i := f.Info()
	if p.Format != i.Name || p.Name != x.Name || !slices.Equal(p.Shape, x.Shape) {
		t.Errorf("packed as %q %q %v", p.Format, p.Name, p.Shape)
	}
	if i.BlockBytes > 0 && math.Abs(p.BitsPerWeight()-i.BitsPerWeight) > 1e-9 {
		t.Errorf("%v bits a weight, want %v", p.BitsPerWeight(), i.BitsPerWeight)
	}
	y := make([]float32, x.Len())
	if err := f.Dequantize(p, y); err != nil {
		t.Fatal(err)
	}
	checkParams(t, f, p, x)
	for i := range y {
		if math.IsNaN(float64(y[i])) || math.IsInf(float64(y[i]), 0) {
			t.Fatalf("value %d, %v, became %v", i, x.Data[i], y[i])
		}
		checkOpened(t, f, p, i, y[i])
	}
	if i.RowLocal && x.Rows() > 1 {
		var parts []byte
		for r := range x.Rows() {
			q, err := f.Quantize(x.Slice(r, r+1), options(f, x))
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, q.Bytes...)
		}
		if !bytes.Equal(parts, p.Bytes) {
			t.Error("rows on their own have other bytes, though the format says RowLocal")
		}
	}
}

func checkParams(t *testing.T, f quant.Format, p *quant.Packed, x quant.Tensor) {
	m, err := f.Params(p, true)
	if err != nil {
		t.Fatal(err)
	}
	rows, cols := x.Rows(), x.Cols()
	if m.Flat {
		rows, cols = 1, x.Len()
	}
	if m.Rows != rows || len(m.Codes) != x.Len() {
		t.Errorf("params of %d rows and %d codes for %v", m.Rows, len(m.Codes), x.Shape)
	}
	for what, list := range map[string][]float32{"scales": m.Scales, "zeros": m.Zeros, "mins": m.Mins} {
		if list != nil && len(list) != m.Rows*m.Groups {
			t.Errorf("%d %s for %d rows of %d groups", len(list), what, m.Rows, m.Groups)
		}
	}
	if m.Groups > 0 {
		if len(m.GroupIndex) != cols {
			t.Fatalf("group index of %d for %d columns", len(m.GroupIndex), cols)
		}
		for _, g := range m.GroupIndex {
			if g < 0 || int(g) >= m.Groups {
				t.Fatalf("group %d of %d", g, m.Groups)
			}
		}
	}
}

// checkOpened holds a block taken apart against the value and the bytes.
func checkOpened(t *testing.T, f quant.Format, p *quant.Packed, i int, want float32) {
	o, err := f.Open(p, i)
	if err != nil {
		t.Fatal(err)
	}
	if math.Float32bits(o.Value) != math.Float32bits(want) && !(o.Value == 0 && want == 0) {
		t.Fatalf("weight %d opens as %v, dequantizes as %v", i, o.Value, want)
	}
	if o.Index != i || o.Offset < 0 || o.Offset+int64(len(o.Bytes)) > int64(len(p.Bytes)) || !bytes.Equal(o.Bytes, p.Bytes[o.Offset:][:len(o.Bytes)]) {
		t.Fatalf("weight %d: %d bytes at %d are not the packed ones", i, len(o.Bytes), o.Offset)
	}
	covered := make([]bool, 8*len(o.Bytes))
	mine := 0
	for _, f := range o.Fields {
		for _, s := range f.Spans {
			for b := s.First; b < s.First+s.Bits; b++ {
				if b < 0 || b >= len(covered) || covered[b] {
					t.Fatalf("weight %d: bit %d of field %q lies outside or in two fields", i, b, f.Name)
				}
				covered[b] = true
			}
		}
		for _, s := range f.Mine {
			mine += s.Bits
			for b := s.First; b < s.First+s.Bits; b++ {
				if !inside(f.Spans, b) {
					t.Fatalf("weight %d: bit %d is not in its field %q", i, b, f.Name)
				}
			}
		}
	}
	if b := slices.Index(covered, false); b >= 0 {
		t.Fatalf("weight %d: bit %d is in no field", i, b)
	}
	if mine < f.Info().Bits {
		t.Fatalf("weight %d uses %d bits, fewer than its code's %d", i, mine, f.Info().Bits)
	}
	if o.Levels != nil {
		if !slices.IsSortedFunc(o.Levels, func(a, b float32) int { return cmp(a, b) }) || !slices.ContainsFunc(o.Levels, func(l float32) bool { return l == want }) {
			t.Fatalf("weight %d: %v is not among the levels %v", i, want, o.Levels)
		}
	}
	if len(o.Formula) == 0 {
		t.Fatalf("weight %d has no formula", i)
	}
}

func cmp(a, b float32) int {
	if a < b {
		return -1
	}
	if a > b {
		return 1
	}
	return 0
}

func inside(spans []quant.Span, bit int) bool {
	return slices.ContainsFunc(spans, func(s quant.Span) bool { return bit >= s.First && bit < s.First+s.Bits })
}

func checkRefusals(t *testing.T, f quant.Format) {
	x := tensors()[0]
	p, err := f.Quantize(x, options(f, x))
	if err != nil {
		t.Fatal(err)
	}
	var size *quant.SizeError
	short := *p
	short.Bytes = p.Bytes[:len(p.Bytes)-1]
	if err := f.Dequantize(&short, make([]float32, x.Len())); !errors.As(err, &size) {
		t.Errorf("a byte too few: %v", err)
	}
	if err := f.Dequantize(p, make([]float32, x.Len()-1)); !errors.As(err, &size) {
		t.Errorf("a value too few: %v", err)
	}
	if _, err := f.Params(&short, true); err == nil {
		t.Error("params of a byte too few")
	}
	for _, i := range []int{-1, x.Len()} {
		if _, err := f.Open(p, i); err == nil {
			t.Errorf("opened weight %d of %d", i, x.Len())
		}
	}
	if f.Info().Family == quant.FamilyFloat {
		return // floats hold NaN and infinity, or say what becomes of them
	}
	for _, v := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
		x.Data[512+33] = float32(v)
		var bad *quant.NonFiniteError
		if _, err := f.Quantize(x, options(f, x)); !errors.As(err, &bad) || bad.Row != 1 || bad.Col != 33 || bad.NaN+bad.Inf != 1 {
			t.Errorf("%v: %v", v, err)
		}
	}
}

// checkConcurrent: a format keeps no state.
func checkConcurrent(t *testing.T, f quant.Format) {
	x := tensors()[0]
	want, err := f.Quantize(x, options(f, x))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			if p, err := f.Quantize(x, options(f, x)); err != nil || !bytes.Equal(p.Bytes, want.Bytes) {
				t.Errorf("side by side: %v", err)
			}
		})
	}
	wg.Wait()
}

func TestLookup(t *testing.T) {
	for name, want := range map[string]string{"q4_k": "Q4_K", "nf4": "NF4", "Int8": "INT8", "f16": "FP16", "F32": "FP32", "bf16": "BF16"} {
		if f, ok := Lookup(name); !ok || f.Info().Name != want {
			t.Errorf("%s is not %s", name, want)
		}
	}
	if _, ok := Lookup("Q4"); ok {
		t.Error("Q4 is no format")
	}
	for name, want := range map[string]string{"gptq": "GPTQ", "LLM.int8()": "LLM.INT8", " SmoothQuant ": "SMOOTHQUANT"} {
		if m, ok := LookupMethod(name); !ok || m.Info().Name != want {
			t.Errorf("%s is not %s", name, want)
		}
	}
	if n := Nearest("Q4K"); n != "Q4_K" {
		t.Errorf("Q4K may mean Q4_K, not %s", n)
	}
}

func ExampleLookup() {
	f, _ := Lookup("int8")
	t, _ := quant.NewTensor("x", nil, []float32{-1, 0.5, 1})
	p, _ := f.Quantize(t, quant.Options{})
	m, _ := f.Params(p, true)
	fmt.Printf("scale %.4f, codes %v\n", m.Scales[0], m.Codes)
	// Output: scale 0.0078, codes [-127 64 127]
}
