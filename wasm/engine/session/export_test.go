package session

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/npy"
	"fewbits/wasm/wire"
)

func TestWindow(t *testing.T) {
	const rows, cols = 5, 7
	x := make([]float32, rows*cols)
	for i := range x {
		x[i] = float32(i)
	}
	s := loaded(t, []int{rows, cols}, x)
	call := func(a wire.RowsArgs) (x, y []float32, err error) {
		args, err := wire.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		r, err := s.Call(wire.OpRows, args, Attachment{})
		if err != nil {
			return nil, nil, err
		}
		return r.Arrays["values"].([]float32), r.Arrays["reconstructed"].([]float32), nil
	}
	if got, y, err := call(wire.RowsArgs{Row: 3, Rows: 2, Col: 5, Cols: 2}); err != nil || !slices.Equal(got, []float32{26, 27, 33, 34}) || len(y) != 0 {
		t.Errorf("got %v, %v, %v", got, y, err)
	}
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "FP32"})
	if _, y, err := call(wire.RowsArgs{Row: 0, Rows: 2, Col: 0, Cols: 1}); err != nil || !slices.Equal(y, []float32{0, 7}) {
		t.Errorf("got %v, %v", y, err)
	}
	if got, _, err := call(wire.RowsArgs{Row: 5, Col: 7}); err != nil || len(got) != 0 {
		t.Errorf("nothing at the end: %v, %v", got, err)
	}
	mustAnalyze(t, s, wire.AnalyzeArgs{Format: "FP32", Sample: 7})
	if _, y, err := call(wire.RowsArgs{Rows: 1, Cols: 1}); err != nil || len(y) != 0 {
		t.Errorf("a sample has no row of each: %v, %v", y, err)
	}
	for _, a := range []wire.RowsArgs{
		{Row: -1, Rows: 1, Cols: 1}, {Col: -1, Rows: 1, Cols: 1}, {Rows: -1, Cols: 1}, {Rows: 1, Cols: -1},
		{Row: 4, Rows: 2, Cols: 1}, {Rows: 1, Col: 6, Cols: 2}, {Rows: 6, Cols: 1}, {Rows: 1, Cols: 8},
		{Row: math.MaxInt, Rows: math.MaxInt, Cols: 1}, {Rows: math.MaxInt, Cols: math.MaxInt},
	} {
		if _, _, err := call(a); err == nil || !strings.Contains(err.Error(), "outside the tensor of 5 × 7") {
			t.Errorf("%+v: %v", a, err)
		}
	}
}

func TestExport(t *testing.T) {
	const rows, cols = 4, 64
	x := bell(rows * cols)
	var s Session
	var st wire.TensorStats
	src := wire.Source{Kind: "values", Name: "../blk 0/é.weight", Shape: []int{rows, cols}}
	if err := request(&s, wire.OpLoad, src, Attachment{Values: x}, &st); err != nil {
		t.Fatal(err)
	}
	mustAnalyze(t, &s, wire.AnalyzeArgs{Format: "Q4_0"})
	p, y := plain(t, "Q4_0", nil, []int{rows, cols}, x)
	export := func(as string) (wire.Export, []byte, error) {
		r, err := s.Call(wire.OpExport, []byte(fmt.Sprintf(`{"as":%q}`, as)), Attachment{})
		if err != nil {
			return wire.Export{}, nil, err
		}
		return r.JSON.(wire.Export), r.Arrays["bytes"].([]byte), nil
	}
	values := func(b []byte) []float32 {
		f, err := npy.Open(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		got, err := quant.ReadTensor(f, 0)
		if err != nil || !slices.Equal(got.Shape, []int{rows, cols}) {
			t.Fatalf("shape %v, %v", got.Shape, err)
		}
		return got.Data
	}
	for as, check := range map[string]func(wire.Export, []byte) bool{
		"bin": func(e wire.Export, b []byte) bool {
			return e.Name == "_blk_0__.weight-q4_0.bin" && bytes.Equal(b, p.Bytes)
		},
		"npy": func(e wire.Export, b []byte) bool {
			return e.Name == "_blk_0__.weight-q4_0.npy" && slices.Equal(values(b), y)
		},
		"original": func(e wire.Export, b []byte) bool {
			return e.Name == "_blk_0__.weight.npy" && slices.Equal(values(b), x)
		},
		"json": func(e wire.Export, b []byte) bool {
			var d struct {
				Codes          [][]int     `json:"codes"`
				Reconstruction [][]float32 `json:"reconstruction"`
			}
			err := json.Unmarshal(b, &d)
			return err == nil && e.Name == "_blk_0__.weight-q4_0.json" && e.Type == "application/json" && len(d.Codes) == rows && len(d.Codes[0]) == cols && slices.Equal(slices.Concat(d.Reconstruction...), y)
		},
	} {
		if e, b, err := export(as); err != nil || !check(e, b) {
			t.Errorf("%s: %+v, %d bytes, %v", as, e, len(b), err)
		}
	}
	if _, _, err := export("pdf"); err == nil || !strings.Contains(err.Error(), `kind "pdf"`) {
		t.Errorf("pdf: %v", err)
	}
	mustAnalyze(t, &s, wire.AnalyzeArgs{Format: "Q4_0", Sample: cols})
	if _, _, err := export("bin"); err == nil || !strings.Contains(err.Error(), "no exact result") {
		t.Errorf("of a sample: %v", err)
	}
}

func TestQuantize(t *testing.T) {
	const rows, cols = 2, 256
	x, shape := bell(rows*cols), []int{rows, cols}
	importance := make([]float32, cols)
	for i := range importance {
		importance[i] = float32(i%7) + 0.5
	}
	for _, c := range []struct {
		format              string
		options             map[string]string
		importance          []float32
		scales, zeros, mins int
	}{
		{"Q4_K", nil, nil, 16, 0, 16},
		{"Q4_K", nil, importance, 16, 0, 16},
		{"INT4", map[string]string{"group": "32"}, nil, 16, 16, 0},
		{"NF4", nil, nil, 8, 0, 0},
		{"Q4_0", nil, nil, 16, 16, 0},
		{"FP16", nil, nil, 0, 0, 0},
	} {
		args, err := wire.Marshal(wire.QuantizeArgs{Format: c.format, Shape: shape, Options: c.options, Importance: c.importance})
		if err != nil {
			t.Fatal(err)
		}
		r, err := new(Session).Call(wire.OpQuantize, args, Attachment{Values: x})
		if err != nil {
			t.Fatal(err)
		}
		p, y := plain(t, c.format, c.options, shape, x)
		same := bytes.Equal(r.Arrays["bytes"].([]byte), p.Bytes)
		if same != (c.importance == nil) || same && !slices.Equal(r.Arrays["reconstructed"].([]float32), y) {
			t.Errorf("%s: as without importance: %v", c.format, same)
		}
		n := func(name string) int { return len(r.Arrays[name].([]float32)) }
		q := r.JSON.(wire.Quantized)
		if n("scales") != c.scales || n("zeros") != c.zeros || n("mins") != c.mins || q.Rows*q.Groups != c.scales || !(q.Metrics.SQNR > 10) {
			t.Errorf("%s: %d scales, %d zeros, %d mins, %+v", c.format, n("scales"), n("zeros"), n("mins"), q)
		}
	}
	for args, want := range map[string]string{
		`{"format":"Q4_K","shape":[4,128]}`:                                              "not a multiple of the 256",
		`{"format":"Q4_K","shape":[3,256]}`:                                              "holds 768 values, but 512",
		`{"format":"Q4_K","shape":[2,256],"importance":[1,2]}`:                           "256 columns",
		`{"format":"INT4","options":{"bits":"x"}}`:                                       "option bits=x",
		`{"format":"INT4","shape":[2,256],"options":{"granularity":"g"},"importance":1}`: "cannot be read",
	} {
		if _, err := new(Session).Call(wire.OpQuantize, []byte(args), Attachment{Values: x}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", args, err)
		}
	}
}
