package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/npy"
)

// TestRun asks for both sides of a few formats: times are above 0 where there
// are any, and what is missing says why.
func TestRun(t *testing.T) {
	x := quant.Tensor{Name: "x", Shape: []int{8, 256}, Data: make([]float32, 8*256)}
	for i := range x.Data {
		x.Data[i] = float32(math.Sin(float64(i)))
	}
	var file bytes.Buffer
	if err := npy.Write(&file, x); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.npy")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		line        string
		there, back bool
		refused     string
	}{
		{line: `{"format": "Q4_K", "repeat": 2}`, there: true, back: true},
		{line: `{"format": "INT4", "options": {"group": "32"}, "sample": 1024}`, there: true, back: true},
		{line: `{"format": "INT4", "options": {"group": "none"}}`, refused: "group"},
		{line: `{"format": "Q9"}`, refused: "no format"},
		{line: `{"format": "Q4_K", "peer": true}`, there: true, back: true},
		{line: `{"format": "FP32", "peer": true}`, there: true},
		{line: `{"format": "NF4", "peer": true}`, refused: "no type"},
	}
	var in strings.Builder
	for _, tt := range tests {
		in.WriteString(tt.line + "\n")
	}
	var out bytes.Buffer
	if err := run([]string{path}, strings.NewReader(in.String()), &out); err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(&out)
	var h hello
	if err := d.Decode(&h); err != nil || h.Rows != 8 || h.Cols != 256 || h.Go == "" {
		t.Fatalf("hello: %+v, %v", h, err)
	}
	for _, tt := range tests {
		var a answer
		if err := d.Decode(&a); err != nil {
			t.Fatalf("%s: %v", tt.line, err)
		}
		if h.Peer != "" && strings.Contains(tt.line, "peer") {
			continue
		}
		if got := a.QuantizeMs != nil && *a.QuantizeMs > 0; got != tt.there {
			t.Errorf("%s: quantize %v", tt.line, a.QuantizeMs)
		}
		if got := a.DequantizeMs != nil && *a.DequantizeMs > 0; got != tt.back {
			t.Errorf("%s: dequantize %v", tt.line, a.DequantizeMs)
		}
		if !strings.Contains(a.Refused, tt.refused) || tt.refused == "" && a.Refused != "" {
			t.Errorf("%s: refused %q, want %q", tt.line, a.Refused, tt.refused)
		}
	}
}

func TestSampled(t *testing.T) {
	x := quant.Tensor{Shape: []int{6, 2}, Data: []float32{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5}}
	if s := sampled(x, 6); s.Rows() != 3 || s.Data[2] != 2 || s.Data[5] != 4 {
		t.Errorf("three rows of six: %v %v", s.Shape, s.Data)
	}
	if s := sampled(x, 0); s.Len() != 12 {
		t.Errorf("all: %v", s.Shape)
	}
}

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		x    []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{3, 1}, 2}, {[]float64{9, 1, 2}, 2}} {
		if m := median(tt.x); *m != tt.want {
			t.Errorf("median of %v is %v", tt.x, *m)
		}
	}
}
