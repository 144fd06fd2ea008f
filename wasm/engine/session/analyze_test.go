package session

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/formats"
	"fewbits/wasm/wire"
)

// loaded is a session that holds x in a shape.
func loaded(t *testing.T, shape []int, x []float32) *Session {
	t.Helper()
	var s Session
	var stats wire.TensorStats
	if err := request(&s, wire.OpLoad, wire.Source{Kind: "values", Name: "w", Shape: shape}, Attachment{Values: x}, &stats); err != nil {
		t.Fatal(err)
	}
	if stats.Values != len(x) {
		t.Fatalf("%d values are loaded, want %d", stats.Values, len(x))
	}
	return &s
}

// bell is n values of a normal distribution.
func bell(n int) []float32 {
	g, x := generator{7}, make([]float32, n)
	fill(x, func() float64 { return 0.05 * g.normal() })
	return x
}

// answer is a Reply as the page reads it.
type answer struct {
	wire.Analysis
	text   string
	arrays map[string][]float32
}

func analyzed(s *Session, a wire.AnalyzeArgs) (answer, error) {
	var out answer
	args, err := wire.Marshal(a)
	if err != nil {
		return out, err
	}
	r, err := s.Call(wire.OpAnalyze, args, Attachment{})
	if err != nil {
		return out, err
	}
	return answerOf(r)
}

func answerOf(r Reply) (out answer, err error) {
	text, err := wire.Marshal(r.JSON)
	if err != nil {
		return out, err
	}
	out.text, out.arrays = string(text), map[string][]float32{}
	for name, a := range r.Arrays {
		out.arrays[name] = a.([]float32)
	}
	return out, wire.Unmarshal(text, &out.Analysis)
}

func mustAnalyze(t *testing.T, s *Session, a wire.AnalyzeArgs) answer {
	t.Helper()
	out, err := analyzed(s, a)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// plain quantizes and reconstructs with the core alone.
func plain(t *testing.T, name string, options map[string]string, shape []int, x []float32) (*quant.Packed, []float32) {
	t.Helper()
	f, ok := formats.Lookup(name)
	if !ok {
		t.Fatalf("there is no format %q", name)
	}
	var o quant.Options
	for k, v := range options {
		if err := o.Set(k, v); err != nil {
			t.Fatal(err)
		}
	}
	p, err := f.Quantize(quant.Tensor{Name: "w", Shape: shape, Data: x}, o)
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float32, len(x))
	if err := f.Dequantize(p, y); err != nil {
		t.Fatal(err)
	}
	return p, y
}

func total(x []float32) (n int) {
	for _, v := range x {
		n += int(v)
	}
	return n
}

// checkArrays holds the arrays of an answer against what its JSON says of them.
func checkArrays(t *testing.T, a answer) {
	t.Helper()
	for name, want := range map[string]int{
		"hist": a.Hist.Bins, "err": a.Err.Bins, "heat": a.Heat.W * a.Heat.H, "levels": a.Levels.Drawn,
		"scaleRow": a.Scale.Groups, "scaleLo": a.Scale.Groups, "scaleHi": a.Scale.Groups,
		"zeroRow": a.Zero.Groups, "zeroLo": a.Zero.Groups, "zeroHi": a.Zero.Groups,
	} {
		if x, ok := a.arrays[name]; !ok || len(x) != want || x == nil {
			t.Errorf("array %s has %d values (there: %v), want %d", name, len(x), ok, want)
		}
	}
	if len(a.arrays) != 10 {
		t.Errorf("there are %d arrays", len(a.arrays))
	}
	for _, of := range []string{"scale", "zero"} {
		row, lo, hi := a.arrays[of+"Row"], a.arrays[of+"Lo"], a.arrays[of+"Hi"]
		for g := range row {
			if !(lo[g] <= row[g] && row[g] <= hi[g]) {
				t.Errorf("%s of group %d is %v, outside its band %v … %v", of, g, row[g], lo[g], hi[g])
			}
		}
	}
	if (a.Zero.Kind == "") != (a.Zero.Groups == 0) {
		t.Errorf("%d zeros of kind %q", a.Zero.Groups, a.Zero.Kind)
	}
	if !slices.IsSorted(a.arrays["levels"]) || a.Levels.Drawn > a.Levels.Count {
		t.Errorf("levels %+v: %v", a.Levels, a.arrays["levels"])
	}
	m := a.Metrics
	if !(m.Clipping >= 0 && m.Clipping <= 1 && m.Rounding >= 0 && m.Rounding <= 1) || math.Abs(m.Clipping+m.Rounding-1) > 1e-12 {
		t.Errorf("the shares of clipping and rounding are %v and %v", m.Clipping, m.Rounding)
	}
}

// checkOpened holds the opened weight against x, what is packed, and x̂.
func checkOpened(t *testing.T, a answer, row, col int, x []float32, p *quant.Packed, y []float32) {
	t.Helper()
	o, i := a.Opened, row*a.Cols+col
	if o.Row != row || o.Col != col {
		t.Fatalf("row %d, column %d is opened, want %d, %d", o.Row, o.Col, row, col)
	}
	if float32(o.X) != x[i] || float32(o.XHat) != y[i] {
		t.Errorf("the opened weight went from %v to %v, want %v to %v", o.X, o.XHat, x[i], y[i])
	}
	b, err := hex.DecodeString(o.Hex)
	if err != nil || len(b) == 0 || o.Offset+int64(len(b)) > int64(len(p.Bytes)) || string(b) != string(p.Bytes[o.Offset:][:len(b)]) {
		t.Errorf("the %d bytes of the block at %d are not those that are packed: %v", len(b), o.Offset, err)
	}
	if o.Lo < 0 || o.Lo > col || o.Hi <= col || o.Hi > a.Cols {
		t.Errorf("columns %d to %d of the block are without column %d", o.Lo, o.Hi, col)
	}
	if a.Scale.Groups > 0 && (o.Group < 0 || o.Group >= a.Scale.Groups) {
		t.Errorf("group %d of %d", o.Group, a.Scale.Groups)
	}
	if o.Step != 0 && o.Step != math.Abs(float64(a.arrays["scaleRow"][o.Group])) {
		t.Errorf("a step of %v where the scale is %v", o.Step, a.arrays["scaleRow"][o.Group])
	}
	if a.Levels.Drawn > 0 && !slices.Contains(a.arrays["levels"], float32(o.XHat)) {
		t.Errorf("%v is not among the levels", o.XHat)
	}
	if len(o.Fields) == 0 || len(o.Formula) == 0 {
		t.Error("there are no fields or no formula")
	}
}

func TestAnalyzeEveryFormat(t *testing.T) {
	const rows, cols, row, col = 6, 256, 3, 100
	x := bell(rows * cols)
	x[row*cols+17] = 0.9 // something for the bands to enclose
	s := loaded(t, []int{rows, cols}, x)
	for _, f := range formats.All() {
		info := f.Info()
		t.Run(info.Name, func(t *testing.T) {
			a, err := analyzed(s, wire.AnalyzeArgs{Format: strings.ToLower(info.Name), Row: row, Col: col})
			if info.Importance == quant.Required {
				if err == nil || !strings.Contains(err.Error(), "importance") {
					t.Fatalf("without the importance that it needs: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			p, y := plain(t, info.Name, nil, []int{rows, cols}, x)
			checkArrays(t, a)
			checkOpened(t, a, row, col, x, p, y)

			var sum, most float64
			for i := range x {
				e := float64(y[i]) - float64(x[i])
				sum, most = sum+e*e, max(most, math.Abs(e))
			}
			m := a.Metrics
			if mse := sum / float64(len(x)); math.Abs(m.MSE-mse) > 1e-9*mse || math.Abs(m.MaxAbs-most) > 1e-6*most {
				t.Errorf("MSE %v and largest error %v, want %v and %v", m.MSE, m.MaxAbs, mse, most)
			}
			if m.Values != len(x) || m.Bytes != len(p.Bytes) || m.NonFinite != 0 || a.Sampled || a.Rows != rows || a.Cols != cols {
				t.Errorf("%+v", a)
			}
			if n := total(a.arrays["hist"]); n != len(x) {
				t.Errorf("the histogram counts %d values", n)
			}
			if n := total(a.arrays["err"]); n != len(x) {
				t.Errorf("the error's histogram counts %d values", n)
			}
			if a.Heat.W != cols || a.Heat.H != rows || math.Abs(a.Heat.Max-most) > 1e-6*most {
				t.Errorf("heat %+v where the largest error is %v", a.Heat, most)
			}
			if a.Label == "" || a.Format != info.Name || a.Kernel == "" || a.Name != "w" {
				t.Errorf("label %q, format %q, kernel %q, name %q", a.Label, a.Format, a.Kernel, a.Name)
			}
		})
	}
}

func TestAnalyzeOptions(t *testing.T) {
	const rows, cols, row, col = 9, 96, 4, 50
	shape, x := []int{rows, cols}, bell(rows*cols)
	s := loaded(t, shape, x)
	for _, c := range []struct {
		format, options string
		label           string
		groups, lo, hi  int
		clips           bool
	}{
		{"INT8", "", "INT8 per tensor", 1, 0, 96, false},
		{"INT4", "granularity=channel", "INT4 per row", 1, 0, 96, false},
		{"INT4", "granularity=channel axis=1", "INT4 per column", 96, 50, 51, false},
		{"INT4", "group=32 sym=true", "INT4 group 32", 3, 32, 64, false},
		{"INT3", "group=40 scale=f16", "INT3 group 40", 3, 40, 80, false},
		{"INT4", "group=-1 range=percentile percentile=90", "INT4 per row", 1, 0, 96, true},
		{"INT4", "group=32 rounding=stochastic seed=5", "INT4 group 32", 3, 32, 64, false},
		{"NF4", "block=32", "NF4 block 32", 3, 32, 64, false},
		{"NF4", "block=32 nested=true", "NF4 block 32, nested", 3, 32, 64, false},
		{"Q4_0", "", "Q4_0", 3, 32, 64, true},
		{"FP16", "", "FP16", 0, 50, 51, false},
	} {
		t.Run(c.format+" "+c.options, func(t *testing.T) {
			options := map[string]string{}
			for _, kv := range strings.Fields(c.options) {
				k, v, _ := strings.Cut(kv, "=")
				options[k] = v
			}
			a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: c.format, Options: options, Row: row, Col: col})
			p, y := plain(t, c.format, options, shape, x)
			checkArrays(t, a)
			checkOpened(t, a, row, col, x, p, y)
			if a.Label != c.label {
				t.Errorf("label %q, want %q", a.Label, c.label)
			}
			if a.Scale.Groups != c.groups || a.Opened.Lo != c.lo || a.Opened.Hi != c.hi {
				t.Errorf("%d groups, columns %d to %d; want %d, %d to %d", a.Scale.Groups, a.Opened.Lo, a.Opened.Hi, c.groups, c.lo, c.hi)
			}
			if (a.Metrics.Clipping > 0) != c.clips {
				t.Errorf("clipping is %v of the error", a.Metrics.Clipping)
			}
		})
	}
}

func TestStochasticRounding(t *testing.T) {
	s := loaded(t, []int{8, 64}, bell(512))
	run := func(seed string) answer {
		return mustAnalyze(t, s, wire.AnalyzeArgs{Format: "INT4", Options: map[string]string{"rounding": "stochastic", "seed": seed}})
	}
	one, again, other := run("1"), run("1"), run("2")
	if one.Metrics.MSE != again.Metrics.MSE {
		t.Error("the same seed gave another result")
	}
	if one.Metrics.MSE == other.Metrics.MSE {
		t.Error("another seed gave the same result")
	}
	even := mustAnalyze(t, s, wire.AnalyzeArgs{Format: "INT4"})
	if !(one.Metrics.MSE > 1.5*even.Metrics.MSE) {
		t.Errorf("a mean squared error of %v where rounding to even has %v", one.Metrics.MSE, even.Metrics.MSE)
	}
}

// TestFlat opens weights of a format whose blocks run on across rows.
func TestFlat(t *testing.T) {
	const rows, cols = 5, 100
	x := bell(rows * cols)
	s := loaded(t, []int{rows, cols}, x)
	p, y := plain(t, "NF4", nil, []int{rows, cols}, x)
	for _, c := range []struct{ row, col, group, lo, hi int }{
		{0, 0, 0, 0, 64}, {0, 99, 1, 64, 100}, {1, 0, 1, 0, 28}, {1, 28, 2, 28, 92}, {4, 99, 7, 48, 100},
	} {
		a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: "NF4", Row: c.row, Col: c.col})
		checkArrays(t, a)
		checkOpened(t, a, c.row, c.col, x, p, y)
		if !a.Scale.Flat || a.Scale.Groups != 8 || a.Scale.Kind != "absmax" {
			t.Errorf("scales %+v", a.Scale)
		}
		if o := a.Opened; o.Group != c.group || o.Lo != c.lo || o.Hi != c.hi {
			t.Errorf("row %d, column %d: group %d, columns %d to %d; want %d, %d to %d", c.row, c.col, o.Group, o.Lo, o.Hi, c.group, c.lo, c.hi)
		}
	}
}

func TestShapes(t *testing.T) {
	for _, c := range []struct {
		name       string
		shape      []int
		rows, cols int
		formats    string
	}{
		{"one dimension", []int{64}, 1, 64, "INT4 Q4_0 NF4 FP16"},
		{"no shape", nil, 1, 64, "INT4 Q4_0 NF4 FP16"},
		{"1 × 1", []int{1, 1}, 1, 1, "INT4 NF4 FP8_E4M3"},
		{"one row, large", []int{1, 300_000}, 1, 300_000, "INT4 Q8_0 NF4"},
		{"one column", []int{700, 1}, 700, 1, "INT4 NF4 BF16"},
		{"three dimensions", []int{3, 2, 32}, 6, 32, "INT4 Q8_0 NF4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			x := bell(c.rows * c.cols)
			s := loaded(t, c.shape, x)
			shape := c.shape
			if shape == nil {
				shape = []int{len(x)}
			}
			for _, format := range strings.Fields(c.formats) {
				// Rows and columns that are not there stand for the last.
				a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: format, Row: 1 << 40, Col: 1 << 40, Sample: 1 << 30})
				p, y := plain(t, format, nil, shape, x)
				checkArrays(t, a)
				checkOpened(t, a, c.rows-1, c.cols-1, x, p, y)
				a = mustAnalyze(t, s, wire.AnalyzeArgs{Format: format, Row: -5, Col: -5})
				checkOpened(t, a, 0, 0, x, p, y)
			}
		})
	}
	t.Run("a short row is never sampled", func(t *testing.T) {
		s := loaded(t, []int{1, 8000}, bell(8000))
		if a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: "INT4", Sample: 1000}); a.Sampled {
			t.Error("a piece of such a row is no fair sample of it")
		}
	})
	t.Run("a scalar", func(t *testing.T) {
		s := Session{loaded: true, tensor: quant.Tensor{Name: "w", Data: []float32{0.5}}}
		if a := mustAnalyze(t, &s, wire.AnalyzeArgs{Format: "INT8"}); a.Opened.XHat != 0.5 {
			t.Errorf("0.5 became %v", a.Opened.XHat)
		}
	})
	for _, shape := range [][]int{{0}, {0, 5}, {5, 0}} {
		t.Run(fmt.Sprint("empty ", shape), func(t *testing.T) {
			s := loaded(t, shape, []float32{})
			if _, err := analyzed(s, wire.AnalyzeArgs{Format: "INT4", Sample: 10}); err == nil || !strings.Contains(err.Error(), "empty") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestConstantTensor(t *testing.T) {
	for _, v := range []float32{0, 3, -1e-30} {
		x := slices.Repeat([]float32{v}, 512)
		s := loaded(t, []int{2, 256}, x)
		for _, format := range []string{"INT4", "Q4_K", "Q8_0", "NF4", "FP16"} {
			a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: format})
			checkArrays(t, a)
			if a.Hist.Hi <= a.Hist.Lo || a.Err.Step <= 0 || total(a.arrays["hist"]) != 512 {
				t.Errorf("%s of %v: %+v %+v", format, v, a.Hist, a.Err)
			}
		}
	}
}

// TestClippingShare holds the share against its definition, on a range that
// leaves a tenth of the values out.
