package decision

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/formats"
)

// decided is what any reader makes of the JSON.
type decided struct {
	Format         string
	Name           string
	Shape          []int
	Rows, Cols     int
	Options        map[string]string
	Importance     []float32
	BitsPerWeight  float64 `json:"bits_per_weight"`
	Flat           bool
	Codes          [][]int32
	Scales         [][]*float32
	Zeros          [][]*float32
	Mins           [][]*float32
	GroupIndex     []int `json:"group_index"`
	Permutation    []int
	InputScales    []float32 `json:"input_scales"`
	OutlierColumns []int     `json:"outlier_columns"`
	Reconstruction [][]*float32
}

// decide quantizes, writes and reads again. Members that are unknown or
// missing are a fault.
func decide(t *testing.T, format string, x quant.Tensor, o quant.Options) (decided, *quant.Packed, quant.Format) {
	t.Helper()
	f, ok := formats.Lookup(format)
	if m, isMethod := formats.LookupMethod(format); isMethod {
		f, ok = m, true
	}
	if !ok {
		t.Fatalf("no format %s", format)
	}
	p, err := f.Quantize(x, o)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := Write(&b, f, p); err != nil {
		t.Fatal(err)
	}
	if !json.Valid(b.Bytes()) {
		t.Fatalf("no JSON:\n%s", b.Bytes())
	}
	var d decided
	r := json.NewDecoder(&b)
	r.DisallowUnknownFields()
	if err := r.Decode(&d); err != nil {
		t.Fatal(err)
	}
	return d, p, f
}

func randomTensor(shape ...int) quant.Tensor {
	n, _ := quant.Count(shape)
	r := rand.New(rand.NewPCG(1, uint64(n)))
	x := quant.Tensor{Name: "w", Shape: shape, Data: make([]float32, n)}
	for i := range x.Data {
		x.Data[i] = float32(r.NormFloat64())
	}
	return x
}

// TestWorkedExample is the one on the page: −1 to 1 in 256 steps.
func TestWorkedExample(t *testing.T) {
	x := quant.Tensor{Name: "x", Shape: []int{5}, Data: []float32{-1, -0.5, 0, 0.5, 1}}
	d, _, _ := decide(t, "INT8", x, quant.Options{})
	if s := *d.Scales[0][0]; s != float32(2.0/255) {
		t.Errorf("scale %v, want 2/255", s)
	}
	if z := *d.Zeros[0][0]; z != 0 {
		t.Errorf("zero point %v", z)
	}
	// As float32 2/255 is a little more, so −1 is not quite −127.5 of it.
	if want := []int32{-127, -64, 0, 64, 127}; !slices.Equal(d.Codes[0], want) {
		t.Errorf("codes %v, want %v", d.Codes[0], want)
	}
	if d.Rows != 1 || d.Cols != 5 || d.Format != "INT8" || d.Name != "x" || d.Permutation != nil {
		t.Errorf("%+v", d)
	}
}

// TestAgrees wants each format's JSON to say what its Dequantize and its
// formula say.
func TestAgrees(t *testing.T) {
	group := quant.Options{Group: 32}
	weighted := quant.Options{Importance: make([]float32, 256)}
	for i := range weighted.Importance {
		weighted.Importance[i] = float32(i%7) + 0.5
	}
	type one struct {
		name string
		x    quant.Tensor
		o    quant.Options
	}
	tests := []one{
		{"matrix", randomTensor(6, 256), quant.Options{}},
		{"three dimensions", randomTensor(2, 3, 256), quant.Options{}},
		{"group", randomTensor(3, 256), group},
		{"weighted", randomTensor(3, 256), weighted},
		{"a scale a row", randomTensor(3, 256), quant.Options{Granularity: quant.PerChannel}},
		{"a scale a column", randomTensor(3, 256), quant.Options{Granularity: quant.PerChannel, Axis: 1}},
		{"symmetric", randomTensor(3, 256), quant.Options{Symmetric: true, Group: 100}},
		{"nested", randomTensor(5, 256), quant.Options{Nested: true, Block: 128}},
	}
	for _, f := range formats.All() {
		for _, tt := range tests {
			if f.Info().Importance == quant.Required {
				tt.o.Importance = weighted.Importance
			}
			t.Run(f.Info().Name+"/"+tt.name, func(t *testing.T) {
				d, p, f := decide(t, f.Info().Name, tt.x, tt.o)
				agree(t, d, p, f)
			})
		}
	}
	for _, name := range []string{"INT4", "INT3", "NF4", "FP4", "BF16"} {
		for _, x := range []quant.Tensor{randomTensor(7, 13), randomTensor(1), randomTensor(), randomTensor(3, 1)} {
			d, p, f := decide(t, name, x, quant.Options{})
			agree(t, d, p, f)
		}
	}
}

// TestMethods wants the same of what calibrates, and its order and scales said.
func TestMethods(t *testing.T) {
	x := randomTensor(32, 96)
	a := randomTensor(50, 96)
	for i := range a.Data {
		a.Data[i] *= float32(1 + i%96%7)
	}
	for name, o := range map[string]quant.Options{
		"GPTQ": {Group: 32, ActOrder: true}, "AWQ": {Group: 32}, "HQQ": {Group: 32}, "SMOOTHQUANT": {}, "LLM.INT8": {}, "hqq": {Axis0: true, Group: 8}, "gptq": {Group: 32},
	} {
		t.Run(name, func(t *testing.T) {
			o.Activations = &a
			d, p, f := decide(t, name, x, o)
			agree(t, d, p, f)
			if (len(d.Permutation) == 96) != (name == "GPTQ") || (len(d.InputScales) == 96) != (name == "AWQ" || name == "SMOOTHQUANT") || (len(d.OutlierColumns) > 0) != (name == "LLM.INT8") {
				t.Errorf("permutation %v, input scales %v, outliers %v", d.Permutation, d.InputScales, d.OutlierColumns)
			}
		})
	}
}

func agree(t *testing.T, d decided, p *quant.Packed, f quant.Format) {
	t.Helper()
	back := make([]float32, p.Len())
	if err := f.Dequantize(p, back); err != nil {
		t.Fatal(err)
	}
	rows, cols := quant.Rows(p.Shape), quant.Cols(p.Shape)
	if d.Rows != rows || d.Cols != cols || len(d.Codes) != rows || len(d.Reconstruction) != rows || !slices.Equal(d.Shape, p.Shape) {
		t.Fatalf("%d × %d, %d rows of codes, shape %v", d.Rows, d.Cols, len(d.Codes), d.Shape)
	}
	if d.BitsPerWeight != p.BitsPerWeight() || !slices.Equal(d.Importance, p.Options.Importance) {
		t.Errorf("%v bits a weight, importance %v", d.BitsPerWeight, d.Importance)
	}
	for name, v := range p.Options.Map() {
		if d.Options[name] != v {
			t.Errorf("option %s is %q, was %q", name, d.Options[name], v)
		}
	}
	groups, of := 0, cols
	if d.Scales != nil {
		groups = len(d.Scales[0])
		scaleRows := rows
		if d.Flat {
			scaleRows, of = 1, rows*cols
		}
		if len(d.Scales) != scaleRows || len(d.GroupIndex) != of {
			t.Fatalf("%d rows of scales, %d entries of group_index", len(d.Scales), len(d.GroupIndex))
		}
	} else if d.GroupIndex != nil || d.Zeros != nil || d.Mins != nil {
		t.Error("groups without scales")
	}
	m, err := f.Params(p, false)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range back {
		r, c := i/cols, i%cols
		got := *d.Reconstruction[r][c]
		if math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("row %d, column %d: %v, want %v", r, c, got, want)
		}
		if m.Table || m.Scales == nil {
			continue // the code is an index, or the bit pattern
		}
		at, g := r, d.GroupIndex[c]
		if d.Flat {
			at, g = 0, d.GroupIndex[i]
		}
		if g < 0 || g >= groups {
			t.Fatalf("column %d is of group %d of %d", c, g, groups)
		}
		v := float64(d.Codes[r][c])
		if d.Zeros != nil {
			v -= float64(*d.Zeros[at][g])
		}
		v *= float64(*d.Scales[at][g])
		if d.InputScales != nil {
			v /= float64(d.InputScales[c])
		}
		if slices.Contains(d.OutlierColumns, c) {
			continue // kept beside the codes
		}
		if d.Mins != nil {
			v += float64(*d.Mins[at][g])
		}
		if math.Abs(v-float64(want)) > 1e-5*max(1, math.Abs(v)) {
			t.Fatalf("row %d, column %d: the formula gives %v, the reconstruction is %v", r, c, v, want)
		}
	}
}

// TestNull wants what JSON has no form for to be null.
func TestNull(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(-1))
	x := quant.Tensor{Name: "a \"quoted\"\\\n\x01\xff name", Shape: []int{2, 2}, Data: []float32{nan, 1e-7, inf, 3e38}}
	d, _, _ := decide(t, "BF16", x, quant.Options{})
	if d.Reconstruction[0][0] != nil || d.Reconstruction[1][0] != nil || d.Reconstruction[0][1] == nil || d.Reconstruction[1][1] == nil {
		t.Errorf("%v", d.Reconstruction)
	}
	if d.Scales != nil || d.Zeros != nil || d.Mins != nil || d.GroupIndex != nil || d.Importance != nil {
		t.Errorf("%+v", d)
	}
	if d.Name != "a \"quoted\"\\\n\x01\ufffd name" {
		t.Errorf("name %q", d.Name)
	}
}

func TestEmpty(t *testing.T) {
	for _, shape := range [][]int{{0}, {0, 256}, {1 << 40, 0}} {
		for _, name := range []string{"INT8", "NF4", "FP16"} {
			d, _, _ := decide(t, name, quant.Tensor{Name: "none", Shape: shape}, quant.Options{})
			if len(d.Codes) != 0 || len(d.Reconstruction) != 0 || !slices.Equal(d.Shape, shape) {
				t.Errorf("%s %v: %+v", name, shape, d)
			}
		}
	}
}

// full is a disk with room for n bytes.
type full struct{ n int }

var errFull = errors.New("full")

func (w *full) Write(p []byte) (int, error) {
	if len(p) > w.n {
		return 0, errFull
	}
	w.n -= len(p)
	return len(p), nil
}

func TestFaults(t *testing.T) {
	f, _ := formats.Lookup("INT8")
	x := randomTensor(300, 300)
	p, err := f.Quantize(x, quant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{0, 100, 1 << 16, 1 << 20} {
		if err := Write(&full{n}, f, p); !errors.Is(err, errFull) {
			t.Errorf("room for %d bytes: %v", n, err)
		}
	}
	p.Bytes = p.Bytes[1:]
	var b bytes.Buffer
	if err := Write(&b, f, p); err == nil || b.Len() > 0 {
		t.Errorf("a byte too few: %v, %d bytes written", err, b.Len())
	}
}

// TestSmall keeps large packages away: this one is part of a page.
func TestSmall(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Skip(err)
	}
	for _, pkg := range []string{"encoding/json", "regexp", "text/template", "net/http"} {
		if slices.Contains(strings.Fields(string(out)), pkg) {
			t.Errorf("%s is linked in", pkg)
		}
	}
}
