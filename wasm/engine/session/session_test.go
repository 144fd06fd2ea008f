package session

import (
	"bytes"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/formats"
	"fewbits/quant/npy"
	"fewbits/quant/sample"
	"fewbits/wasm/wire"
)

func TestFormats(t *testing.T) {
	var rows []wire.FormatRow
	if err := request(new(Session), wire.OpFormats, struct{}{}, Attachment{}, &rows); err != nil {
		t.Fatal(err)
	}
	all := formats.All()
	if len(rows) != len(all) {
		t.Fatalf("%d formats, want %d", len(rows), len(all))
	}
	for i, f := range all {
		if want := f.Info(); fmt.Sprint(rows[i]) != fmt.Sprint(want) { // no options are an empty list
			t.Errorf("got %+v, want %+v", rows[i], want)
		}
	}
}

func TestCallRefuses(t *testing.T) {
	x := bell(64)
	for _, c := range []struct{ name, op, args, want string }{
		{"unknown operation", "frobnicate", `{}`, `no operation "frobnicate"`},
		{"broken JSON", wire.OpAnalyze, `{"format":`, "the request cannot be read"},
		{"JSON of another type", wire.OpAnalyze, `{"row":"x"}`, "the request cannot be read"},
		{"unknown format", wire.OpAnalyze, `{"format":"Q9_Z"}`, `no format "Q9_Z"`},
		{"unknown option", wire.OpAnalyze, `{"format":"INT4","options":{"colour":"red"}}`, `option "colour" is not known`},
		{"option's value", wire.OpAnalyze, `{"format":"INT4","options":{"group":"-7"}}`, "option group=-7"},
		{"unknown source", wire.OpLoad, `{"kind":"moon"}`, `cannot come from "moon"`},
		{"unknown sample", wire.OpLoad, `{"kind":"sample","name":"moon","rows":1,"cols":1}`, `no sample "moon"`},
		{"huge sample", wire.OpLoad, `{"kind":"sample","name":"normal","rows":1048576,"cols":1048576}`, "cannot be made"},
		{"sample past counting", wire.OpLoad, `{"kind":"sample","name":"normal","rows":4611686018427387904,"cols":8}`, "cannot be made"},
		{"sample of nothing", wire.OpLoad, `{"kind":"sample","name":"normal","rows":0,"cols":8}`, "cannot be made"},
		{"no file", wire.OpLoad, `{"kind":"file"}`, "no file is open"},
		{"no blob", wire.OpOpen, `{"name":"a.npy"}`, "no file came"},
		{"shape", wire.OpLoad, `{"kind":"values","name":"w","shape":[7,9]}`, "shape [7 9] holds 63 values, but 64 are given"},
		{"negative shape", wire.OpLoad, `{"kind":"values","name":"w","shape":[-8,-8]}`, "negative"},
		{"huge shape", wire.OpLoad, `{"kind":"values","name":"w","shape":[1000000000,1000000000,1000000000]}`, "2^40"},
		{"rows that fill no block", wire.OpAnalyze, `{"format":"Q4_K"}`, "rows of 64 values are not a multiple of the 256"},
		{"pick before analyze", wire.OpPick, `{"row":1}`, "nothing is quantized"},
		{"pick a value before analyze", wire.OpPick, `{"value":1}`, "nothing is quantized"},
		{"export before analyze", wire.OpExport, `{"as":"bin"}`, "no exact result"},
		{"quantize to nothing", wire.OpQuantize, `{"format":""}`, "no format"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := loaded(t, []int{1, 64}, x)
			if _, err := s.Call(c.op, []byte(c.args), Attachment{Values: x}); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want something with %q", err, c.want)
			}
			mustAnalyze(t, s, wire.AnalyzeArgs{Format: "INT8"}) // it goes on
		})
	}
}

func TestNothingLoaded(t *testing.T) {
	for op, args := range map[string]string{wire.OpAnalyze: `{"format":"INT4"}`, wire.OpMeasure: `{"format":"INT4"}`, wire.OpRows: `{"rows":1,"cols":1}`} {
		if _, err := new(Session).Call(op, []byte(args), Attachment{}); err == nil || !strings.Contains(err.Error(), "no tensor is loaded") {
			t.Errorf("%s: %v", op, err)
		}
	}
	for _, op := range []string{wire.OpPlan, wire.OpMake} {
		if _, err := new(Session).Call(op, []byte(`{"recipe":"Q4_0"}`), Attachment{}); err == nil || !strings.Contains(err.Error(), "no file is open") {
			t.Errorf("%s: %v", op, err)
		}
	}
}

// TestRefusalKeepsResult wants the last good result to stay when the next
// request is refused.
func TestRefusalKeepsResult(t *testing.T) {
	s := loaded(t, []int{5, 100}, bell(500))
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "INT8"})
	before := slices.Clone(rebuilt(t, s))
	if _, err := analyzed(s, wire.AnalyzeArgs{Format: "Q4_K"}); err == nil {
		t.Fatal("rows of 100 values fit no block of 256")
	}
	if s.last.packed == nil || s.last.packed.Format != "INT8" || !slices.Equal(rebuilt(t, s), before) {
		t.Error("the last result is gone")
	}
	// A sample takes the place of the whole.
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "INT2", Sample: 200})
	if n := len(rebuilt(t, s)); n != 200 || s.last.packed.Format != "INT2" {
		t.Errorf("%d values of %s", n, s.last.packed.Format)
	}
}

// rebuilt is what the latest result stands for.
func rebuilt(t *testing.T, s *Session) []float32 {
	t.Helper()
	y, err := s.reconstructed()
	if err != nil {
		t.Fatal(err)
	}
	return y
}

func TestSamples(t *testing.T) {
	for _, name := range sample.Names() {
		var s, again Session
		var st wire.TensorStats
		src := wire.Source{Kind: "sample", Name: name, Rows: 40, Cols: 200, Seed: 3}
		for _, each := range []*Session{&s, &again} {
			if err := request(each, wire.OpLoad, src, Attachment{}, &st); err != nil {
				t.Fatal(err)
			}
		}
		if !slices.Equal(s.tensor.Data, again.tensor.Data) {
			t.Errorf("%s: a seed gives two tensors", name)
		}
		if st.NonFinite != 0 || !(st.Min < 0 && st.Max > 0 && st.Std > 0) || st.Values != s.tensor.Len() || st.Rows*st.Cols != st.Values {
			t.Errorf("%s: %+v", name, st)
		}
		if name == "example" && (st.Cols != 17 || st.Min != -1 || st.Max != 1 || s.tensor.Data[12] != 0.5) {
			t.Errorf("the worked example is %v", s.tensor.Data)
		}
	}
}

func TestSparks(t *testing.T) {
	r, err := new(Session).Call(wire.OpSparks, nil, Attachment{})
	if err != nil || len(r.Arrays) != len(sample.Names()) {
		t.Fatalf("%d small histograms, %v", len(r.Arrays), err)
	}
	for name, a := range r.Arrays {
		if n := total(a.([]float32)); n != 64*64 && (name != "example" || n != 17) {
			t.Errorf("%s counts %d values", name, n)
		}
	}
}

func TestStats(t *testing.T) {
	var s Session
	var st wire.TensorStats
	r, err := s.Call(wire.OpLoad, []byte(`{"kind":"values","name":"w","shape":[2,2]}`), Attachment{Values: []float32{1, 2, 3, -6}})
	if err != nil {
		t.Fatal(err)
	}
	st = r.JSON.(wire.TensorStats)
	want := wire.TensorStats{Name: "w", Type: "F32", Shape: []int{2, 2}, Rows: 2, Cols: 2, Values: 4, Min: -6, Max: 3, Mean: 0, Std: math.Sqrt(12.5)}
	if !reflect.DeepEqual(st, want) {
		t.Errorf("got %+v, want %+v", st, want)
	}
	if n := total(r.Arrays["hist"].([]float32)); n != 4 {
		t.Errorf("the histogram counts %d", n)
	}
}

func TestParseNumbers(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		text  string
		want  []float32
		shape []int
		err   string
	}{
		{"1 2 3\n4, 5; 6", []float32{1, 2, 3, 4, 5, 6}, []int{2, 3}, ""},
		{"[[1, 2],\n [3, 4]]\n", []float32{1, 2, 3, 4}, []int{2, 2}, ""},
		{"1\n2\n3", []float32{1, 2, 3}, []int{3, 1}, ""},
		{"1 2\n3", []float32{1, 2, 3}, []int{1, 3}, ""},
		{"\r\n 1e-3\t-.5 \r\n\n +2. 0x1p-2 \r\n", []float32{1e-3, -.5, 2, .25}, []int{2, 2}, ""},
		{"−1\u00a0−2e−1", nil, nil, `"−2e−1" is not a number`},
		{"−1\u00a0−2", []float32{-1, -2}, []int{1, 2}, ""},
		{"1e99 -1e99 1e-99 inf", []float32{inf, -inf, 0, inf}, []int{1, 4}, ""},
		{"", nil, nil, "no numbers"},
		{" ,;\n\t[]", nil, nil, "no numbers"},
		{"1 two 3", nil, nil, `line 1: "two" is not a number`},
		{"1\n\n2 out of range", nil, nil, `line 3: "out" is not a number`},
		{"range", nil, nil, `"range" is not a number`},
		{"1,5kg", nil, nil, `"5kg"`},
		{strings.Repeat("é", 30), nil, nil, `"` + strings.Repeat("é", 24) + `…" is not a number`},
	} {
		x, shape, err := parseNumbers(c.text)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%q: %v, want %q", c.text, err, c.err)
			}
			continue
		}
		if err != nil || !slices.Equal(x, c.want) || !slices.Equal(shape, c.shape) {
			t.Errorf("%q: %v %v %v, want %v %v", c.text, x, shape, err, c.want, c.shape)
		}
	}
}

func TestPickValue(t *testing.T) {
	x := []float32{-1, 0.25, 0.5, 2, float32(math.NaN()), 8}
	s := loaded(t, []int{2, 3}, x)
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "FP16"})
	for _, c := range []struct {
		v        float64
		row, col int
	}{{-50, 0, 0}, {0.3, 0, 1}, {0.375, 0, 1}, {0.4, 0, 2}, {2, 1, 0}, {100, 1, 2}} {
		var p wire.Picked
		if err := request(s, wire.OpPick, wire.PickArgs{Value: &c.v}, Attachment{}, &p); err != nil {
			t.Fatal(err)
		}
		if p.Opened.Row != c.row || p.Opened.Col != c.col {
			t.Errorf("%v opens row %d, column %d; want %d, %d", c.v, p.Opened.Row, p.Opened.Col, c.row, c.col)
		}
	}
}

func TestMeasure(t *testing.T) {
	const rows, cols = 300, 64
	x := bell(rows * cols)
	s := loaded(t, []int{rows, cols}, x)
	measure := func(a wire.MeasureArgs) (m wire.Measured) {
		if err := request(s, wire.OpMeasure, a, Attachment{}, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "INT4"})
	p, _ := plain(t, "Q5_1", nil, []int{rows, cols}, x)
	whole := measure(wire.MeasureArgs{Format: "Q5_1", Repeat: 3})
	if whole.Bytes != len(p.Bytes) || whole.Values != len(x) || whole.Sampled || whole.Refused != "" || !(whole.SQNR > 20) {
		t.Errorf("%+v", whole)
	}
	part := measure(wire.MeasureArgs{Format: "Q5_1", Sample: 64 * 30})
	if !part.Sampled || part.Bytes != whole.Bytes || part.Values != whole.Values || math.Abs(float64(part.SQNR-whole.SQNR)) > 1 {
		t.Errorf("%+v", part)
	}
	if m := measure(wire.MeasureArgs{Format: "Q4_K"}); !strings.Contains(m.Refused, "not a multiple") || m.Format != "Q4_K" {
		t.Errorf("%+v", m)
	}
	if s.last.packed.Format != "INT4" {
		t.Error("measuring changed the result")
	}
}

func TestOpenAndLoad(t *testing.T) {
	x := bell(6)
	var b bytes.Buffer
	if err := npy.Write(&b, quant.Tensor{Name: "x", Shape: []int{2, 3}, Data: x}); err != nil {
		t.Fatal(err)
	}
	s, info := opened(t, "x.npy", b.Bytes())
	if info.Container != "npy" || len(info.Tensors) != 1 || !slices.Equal(info.Tensors[0].Shape, []int{2, 3}) || !info.Tensors[0].Readable || info.Size != int64(b.Len()) {
		t.Fatalf("%+v", info)
	}
	var st wire.TensorStats
	if err := request(s, wire.OpLoad, wire.Source{Kind: "file"}, Attachment{}, &st); err != nil || !slices.Equal(s.tensor.Data, x) {
		t.Errorf("%v, %v", s.tensor.Data, err)
	}
	for _, index := range []int{-1, 1} {
		err := request(s, wire.OpLoad, wire.Source{Kind: "file", Index: index}, Attachment{}, &st)
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("x.npy has no tensor %d", index)) {
			t.Errorf("tensor %d: %v", index, err)
		}
	}
	// Neither a file nor a tensor at fault changes what is there.
	junk := []byte("junk")
	if err := request(s, wire.OpOpen, wire.OpenArgs{Name: "j.gguf"}, Attachment{File: bytes.NewReader(junk), Size: 4}, &info); err == nil {
		t.Error("junk was opened")
	}
	if err := request(s, wire.OpLoad, wire.Source{Kind: "file"}, Attachment{}, &st); err != nil || st.Values != 6 {
		t.Errorf("%+v, %v", st, err)
	}
}
