package gguf

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/testdata"
)

// everyType is metadata with each type alone and in an array.
var everyType = []quant.Meta{
	{Key: "u8", Type: "u8", Value: uint8(255)},
	{Key: "i8", Type: "i8", Value: int8(-128)},
	{Key: "u16", Type: "u16", Value: uint16(65535)},
	{Key: "i16", Type: "i16", Value: int16(-32768)},
	{Key: "u32", Type: "u32", Value: uint32(math.MaxUint32)},
	{Key: "i32", Type: "i32", Value: int32(math.MinInt32)},
	{Key: "u64", Type: "u64", Value: uint64(math.MaxUint64)},
	{Key: "i64", Type: "i64", Value: int64(math.MinInt64)},
	{Key: "f32", Type: "f32", Value: float32(1e-45)},
	{Key: "f64", Type: "f64", Value: math.Pi},
	{Key: "true", Type: "bool", Value: true},
	{Key: "false", Type: "bool", Value: false},
	{Key: "string", Type: "string", Value: "a\x00b\xffč"},
	{Key: "", Type: "string", Value: ""},
	{Key: "[u8]", Type: "[u8]", Value: []uint8{0, 255}},
	{Key: "[i8]", Type: "[i8]", Value: []int8{-128, 127}},
	{Key: "[u16]", Type: "[u16]", Value: []uint16{1, 65535}},
	{Key: "[i16]", Type: "[i16]", Value: []int16{-32768, 1}},
	{Key: "[u32]", Type: "[u32]", Value: []uint32{1, math.MaxUint32}},
	{Key: "[i32]", Type: "[i32]", Value: []int32{math.MinInt32, 1}},
	{Key: "[u64]", Type: "[u64]", Value: []uint64{math.MaxUint64, 1}},
	{Key: "[i64]", Type: "[i64]", Value: []int64{math.MinInt64, 1}},
	{Key: "[f32]", Type: "[f32]", Value: []float32{float32(math.Inf(-1)), 1.5}},
	{Key: "[f64]", Type: "[f64]", Value: []float64{math.Inf(1), math.SmallestNonzeroFloat64}},
	{Key: "[bool]", Type: "[bool]", Value: []bool{true, false, true}},
	{Key: "[string]", Type: "[string]", Value: []string{"", "x", strings.Repeat("long", 1000)}},
	{Key: "no u16", Type: "[u16]", Value: []uint16{}},
	{Key: "no string", Type: "[string]", Value: []string{}},
	{Key: "nested", Type: "[array]", Value: Nested{[]uint8{1}, []string{"a", "b"}, Nested{[]bool{true}, []int64{}}}},
	{Key: "no array", Type: "[array]", Value: Nested{}},
	{Key: "many", Type: "[u32]", Value: make([]uint32, 300_000)},
}

// TestRoundTrip writes every type of value and several tensors, and reads
// them back.
func TestRoundTrip(t *testing.T) {
	meta := append([]quant.Meta(nil), everyType...)
	for i, m := range meta {
		if m.Key == "" {
			meta[i].Key = "empty string"
		}
	}
	for _, alignment := range []uint32{1, 8, 32, 64, 4096} {
		meta := append([]quant.Meta{{Key: keyAlignment, Type: "u32", Value: alignment}}, meta...)
		plans := []TensorPlan{
			{"one", []int{}, "F32"},
			{"two", []int{2, 3}, "F16"},
			{"three", []int{2, 3, 64}, "Q4_0"},
			{"four", []int{1, 2, 1, 5}, "I8"},
		}
		data := [][]byte{{1, 2, 3, 4}, fill(12, 5), fill(2*3*2*18, 6), fill(10, 7)}
		var out bytes.Buffer
		w, err := NewWriter(&out, meta, plans)
		if err != nil {
			t.Fatal(err)
		}
		for i, d := range data {
			for len(d) > 0 { // in uneven pieces
				n := min(7, len(d))
				if err := w.WriteTensor(i, d[:n]); err != nil {
					t.Fatal(err)
				}
				d = d[n:]
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if w.Size() != int64(out.Len()) || w.Written() != w.Size() {
			t.Errorf("size %d, written %d, but %d bytes came", w.Size(), w.Written(), out.Len())
		}
		f, err := open(out.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		if f.Alignment != int64(alignment) || !reflect.DeepEqual(f.Metadata(), meta) {
			t.Errorf("alignment %d: metadata differs", f.Alignment)
		}
		for i, info := range f.Tensors() {
			got := make([]byte, info.Bytes)
			if err := f.ReadRaw(i, 0, got); err != nil || !bytes.Equal(got, data[i]) {
				t.Errorf("tensor %s: %x, %v", info.Name, got, err)
			}
			if info.Name != plans[i].Name || !reflect.DeepEqual(info.Shape, plans[i].Shape) || info.Type != plans[i].Type {
				t.Errorf("tensor %+v, want %+v", info, plans[i])
			}
		}
	}
}

func fill(n int, seed byte) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i)*7 + seed
	}
	return p
}

// TestSignallingNaN keeps the bits of a NaN in metadata.
func TestSignallingNaN(t *testing.T) {
	f32, f64 := math.Float32frombits(0x7fa12345), math.Float64frombits(0x7ff0_0000_1234_5678)
	var out bytes.Buffer
	if _, err := NewWriter(&out, []quant.Meta{{Key: "a", Value: f32}, {Key: "b", Value: []float64{f64}}}, nil); err != nil {
		t.Fatal(err)
	}
	f, err := open(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	a, _ := f.Get("a")
	b, _ := f.Get("b")
	if math.Float32bits(a.(float32)) != 0x7fa12345 || math.Float64bits(b.([]float64)[0]) != 0x7ff0_0000_1234_5678 {
		t.Errorf("%x %x", math.Float32bits(a.(float32)), math.Float64bits(b.([]float64)[0]))
	}
}

// rewrite copies a file through Open and NewWriter.
func rewrite(t *testing.T, b []byte) []byte {
	t.Helper()
	f, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	var plans []TensorPlan
	for _, info := range f.Tensors() {
		plans = append(plans, TensorPlan{info.Name, info.Shape, info.Type})
	}
	var out bytes.Buffer
	w, err := NewWriter(&out, f.Metadata(), plans)
	if err != nil {
		t.Fatal(err)
	}
	for i, info := range f.Tensors() {
		p := make([]byte, info.Bytes)
		if err := f.ReadRaw(i, 0, p); err != nil {
			t.Fatal(err)
		}
		if err := w.WriteTensor(i, p); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// TestRewriteRealFiles reads files that llama.cpp and others wrote and writes
// them again: the bytes are the same, but for the padding that a file without
// tensors may lack.
func TestRewriteRealFiles(t *testing.T) {
	paths, err := filepath.Glob(testdata.File(t, "gguf", "*.gguf"))
	if err != nil || len(paths) < 10 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		if name == "weightinspect_tiny.gguf" {
			continue // its data is missing
		}
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			got := rewrite(t, b)
			if name == "stories260K.gguf" {
				if !bytes.Equal(got, b) {
					t.Fatalf("%d bytes differ from the original's %d", len(got), len(b))
				}
				return
			}
			if len(got)-len(b) >= 32 || !bytes.HasPrefix(got, b) {
				t.Errorf("%d bytes, original %d", len(got), len(b))
			}
		})
	}
}

func TestWriterRefuses(t *testing.T) {
	ok := []TensorPlan{{"w", []int{2}, "F32"}}
	key := func(k string, v any) []quant.Meta { return []quant.Meta{{Key: k, Value: v}} }
	plan := func(name, typ string, shape ...int) []TensorPlan { return []TensorPlan{{name, shape, typ}} }
	tests := []struct {
		name string
		meta []quant.Meta
		plan []TensorPlan
		want string
	}{
		{"empty key", key("", uint8(1)), ok, "1 to 65535"},
		{"long key", key(strings.Repeat("k", 65536), uint8(1)), ok, "65536"},
		{"zero byte in key", key("a\x00b", uint8(1)), ok, "zero byte"},
		{"key twice", append(key("a", uint8(1)), key("a", uint8(1))...), ok, `key 1 "a": the key is there twice`},
		{"int", key("a", 1), ok, "Go type int"},
		{"nil", key("a", nil), ok, "nil"},
		{"[]int", key("a", []int{1}), ok, "[]int"},
		{"nested scalar", key("a", Nested{uint8(1)}), ok, "uint8"},
		{"nested too deep", key("a", Nested{Nested{Nested{Nested{[]uint8{}}}}}), ok, "nested"},
		{"alignment 0", key(keyAlignment, uint32(0)), ok, "power of two"},
		{"alignment 24", key(keyAlignment, uint32(24)), ok, "power of two"},
		{"alignment 2^31", key(keyAlignment, uint32(1<<31)), ok, "power of two"},
		{"alignment u64", key(keyAlignment, uint64(32)), ok, "power of two"},
		{"type", nil, plan("w", "Q9_9", 2), `no type "Q9_9"`},
		{"no name", nil, plan("", "F32", 2), "0 bytes"},
		{"name of 64", nil, plan(strings.Repeat("n", 64), "F32", 2), "64 bytes"},
		{"zero byte in name", nil, plan("a\x00", "F32", 2), "zero byte"},
		{"name twice", nil, append(ok, ok...), `tensor 1 "w": the name is there twice`},
		{"5 dimensions", nil, plan("w", "F32", 1, 1, 1, 1, 1), "5 dimensions"},
		{"no values", nil, plan("w", "F32", 2, 0), "holds no values"},
		{"negative", nil, plan("w", "F32", -2), "negative"},
		{"too many", nil, plan("w", "F32", 1<<30, 1<<30), "2^40"},
		{"row of 33", nil, plan("w", "Q4_0", 2, 33), "not a multiple of the 32"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			_, err := NewWriter(&out, tt.meta, tt.plan)
			if err == nil || !strings.HasPrefix(err.Error(), "gguf: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if out.Len() > 0 {
				t.Errorf("%d bytes written before the check", out.Len())
			}
		})
	}
}

func TestGetters(t *testing.T) {
	var out bytes.Buffer
	meta := []quant.Meta{{Key: "i", Value: int16(-3)}, {Key: "u", Value: uint64(math.MaxUint64)}, {Key: "f", Value: float32(0.5)}, {Key: "s", Value: "x"}}
	if _, err := NewWriter(&out, meta, nil); err != nil {
		t.Fatal(err)
	}
	f, err := open(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := f.Int("i"); v != -3 || !ok {
		t.Errorf("i: %d %t", v, ok)
	}
	if _, ok := f.Int("u"); ok {
		t.Error("u does not fit an int64")
	}
	if v, ok := f.Float("f"); v != 0.5 || !ok {
		t.Errorf("f: %v %t", v, ok)
	}
	if v, ok := f.Text("s"); v != "x" || !ok {
		t.Errorf("s: %q %t", v, ok)
	}
	for _, key := range []string{"s", "none"} {
		if _, ok := f.Int(key); ok {
			t.Errorf("%q is no integer", key)
		}
	}
	if _, ok := f.Text("i"); ok {
		t.Error("i is no string")
	}
}
