package convert

import (
	"bytes"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/testdata"
)

// TestGGUFToGGUF converts a real model and looks into the result.
func TestGGUFToGGUF(t *testing.T) {
	src, _ := stories(t)
	f := openGGUF(t, toGGUF(t, src, "Q8_0"))
	for _, m := range src.Metadata() {
		got, ok := f.Get(m.Key)
		if m.Key != keyFileType && m.Key != keyQuantizationVersion && (!ok || !reflect.DeepEqual(got, m.Value)) {
			t.Errorf("%s is %v, was %v", m.Key, got, m.Value)
		}
	}
	if v, _ := f.Get(keyFileType); v != uint32(7) {
		t.Errorf("file type %v", v)
	}
	if v, _ := f.Get(keyQuantizationVersion); v != uint32(2) {
		t.Errorf("quantization version %v", v)
	}
	index := map[string]int{}
	for i, info := range src.Tensors() {
		index[info.Name] = i
	}
	for i, info := range f.Tensors() {
		was, err := quant.ReadTensor(src, index[info.Name])
		if err != nil {
			t.Fatal(err)
		}
		is, err := quant.ReadTensor(f, i)
		if err != nil {
			t.Fatal(err)
		}
		switch info.Type {
		case "F32":
			if !same(was.Data, is.Data) {
				t.Errorf("%s changed", info.Name)
			}
		case "Q8_0":
			for r := range was.Rows() {
				largest, worst := 0.0, 0.0
				for c, v := range was.Slice(r, r+1).Data {
					largest = max(largest, math.Abs(float64(v)))
					worst = max(worst, math.Abs(float64(v-is.Slice(r, r+1).Data[c])))
				}
				if worst > largest/127 {
					t.Fatalf("%s row %d: error %v at magnitude %v", info.Name, r, worst, largest)
				}
			}
		case "F16":
			if info.Shape[1] != 172 {
				t.Errorf("%s is F16", info.Name)
			}
		}
	}
	// Once more to the same type: every tensor is copied.
	again := toGGUF(t, f, "Q8_0")
	if plan, _ := PlanPure(f, "Q8_0"); plan[0].Copied() != true {
		t.Errorf("%+v", plan[0])
	}
	if first := toGGUF(t, src, "Q8_0"); !bytes.Equal(first, again) {
		t.Error("converting twice is not converting once")
	}
}

// TestPartsKeysAreDropped: what is written is whole, whichever part of a split
// model its source says that it was.
func TestPartsKeysAreDropped(t *testing.T) {
	src := &memory{container: "gguf", meta: []quant.Meta{
		{Key: "general.architecture", Type: "string", Value: "llama"},
		{Key: "split.no", Type: "u16", Value: uint16(0)},
		{Key: "split.count", Type: "u16", Value: uint16(0)}, // as gguf-split --merge leaves it
		{Key: "split.tensors.count", Type: "i32", Value: int32(9)},
		{Key: "split.other", Type: "u32", Value: uint32(1)},
	}}
	src.add("w", "F32", normal(64, 1), 2, 32)
	var keys []string
	for _, m := range openGGUF(t, toGGUF(t, src, "Q8_0")).Metadata() {
		keys = append(keys, m.Key)
	}
	want := []string{"general.architecture", "split.other", keyQuantizationVersion, keyFileType}
	if !reflect.DeepEqual(keys, want) {
		t.Errorf("keys %q, want %q", keys, want)
	}
}

// TestSafetensorsToGGUF converts real files and reads the values back.
func TestSafetensorsToGGUF(t *testing.T) {
	for _, name := range []string{"mnist_dfdx", "nutllm_tiny", "syoyo_model", "encodec_jfk_codes", "mnist_fluent"} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(testdata.File(t, "safetensors", name+".safetensors"))
			if err != nil {
				t.Fatal(err)
			}
			src := openSafetensors(t, b)
			f := openGGUF(t, toGGUF(t, src, "FP32"))
			if v, _ := f.Text(keyArchitecture); v != "unknown" || len(f.Metadata()) != 3 {
				t.Errorf("metadata %v", f.Metadata())
			}
			for i, info := range src.Tensors() {
				was, err := quant.ReadTensor(src, i)
				if err != nil {
					t.Fatal(err)
				}
				is, err := quant.ReadTensor(f, i)
				if err != nil {
					t.Fatal(err)
				}
				if out := f.Tensors()[i]; out.Name != info.Name || !slices.Equal(out.Shape, info.Shape) || !same(was.Data, is.Data) {
					t.Errorf("%+v came out as %+v", info, out)
				}
			}
		})
	}
}

// TestGGUFToSafetensors unpacks a GGUF file and packs it again: F32 out and
// back is the same model.
func TestGGUFToSafetensors(t *testing.T) {
	src, _ := stories(t)
	plan, err := PlanCast(src, "FP32")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := ToSafetensors(t.Context(), &out, src, plan, options); err != nil {
		t.Fatal(err)
	}
	f := openSafetensors(t, out.Bytes())
	if m := f.Metadata(); len(m) != 1 || m[0].Key != "format" || m[0].Value != "pt" {
		t.Errorf("metadata %v", m)
	}
	back, err := PlanPure(f, "F32")
	if err != nil {
		t.Fatal(err)
	}
	var again bytes.Buffer
	if err := ToGGUF(t.Context(), &again, f, back, Options{Formats: lookup, Meta: src.Metadata()}); err != nil {
		t.Fatal(err)
	}
	g := openGGUF(t, again.Bytes())
	if v, _ := g.Text(keyArchitecture); v != "llama" {
		t.Errorf("architecture %q", v)
	}
	if len(g.Tensors()) != len(src.Tensors()) {
		t.Fatalf("%d tensors", len(g.Tensors()))
	}
	index := map[string]int{}
	for i, info := range g.Tensors() {
		index[info.Name] = i
	}
	for i, info := range src.Tensors() {
		a, b := make([]byte, info.Bytes), make([]byte, info.Bytes)
		if err := errors.Join(src.ReadRaw(i, 0, a), g.ReadRaw(index[info.Name], 0, b)); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s changed on its way", info.Name)
		}
	}
}

// TestCasts casts a real file to each type and compares with casting each
// value alone.
func TestCasts(t *testing.T) {
	b, err := os.ReadFile(testdata.File(t, "safetensors", "lora_imdb_distilbert.safetensors"))
	if err != nil {
		t.Fatal(err)
	}
	src := openSafetensors(t, b)
	for _, format := range []string{"FP32", "FP16", "BF16", "FP8_E4M3", "FP8_E5M2"} {
		plan, err := PlanCast(src, format)
		if err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		if err := ToSafetensors(t.Context(), &out, src, plan, options); err != nil {
			t.Fatal(err)
		}
		if format == "FP32" {
			if !bytes.Equal(out.Bytes(), b) {
				t.Error("a copy differs from the original")
			}
			continue
		}
		f := openSafetensors(t, out.Bytes())
		if !reflect.DeepEqual(f.Metadata(), src.Metadata()) {
			t.Errorf("metadata %v", f.Metadata())
		}
		caster, _ := lookup(format)
		for i, s := range plan {
			was, err := quant.ReadTensor(src, s.Tensor)
			if err != nil {
				t.Fatal(err)
			}
			want, err := caster.Quantize(was, quant.Options{})
			if err != nil {
				t.Fatal(err)
			}
			if s.Copied() {
				continue
			}
			got := make([]byte, s.Bytes)
			if err := f.ReadRaw(i, 0, got); err != nil || !bytes.Equal(got, want.Bytes) {
				t.Errorf("%s: %s differs, %v", format, s.Name, err)
			}
		}
	}
}

// TestSlices converts a tensor of several slices: the bytes are those of the
// whole, and no read is longer than a slice.
func TestSlices(t *testing.T) {
	src := &memory{container: "safetensors"}
	src.add("w", "F32", normal(200*512, 1), 200, 512)
	src.add("copied", "I8", make([]float32, 3<<14), 3<<14)
	src.add("widened", "U8", make([]float32, 3<<14), 3<<14)
	for i := range src.raw[1] {
		src.raw[1][i], src.raw[2][i] = byte(i*7>>3), byte(i*11>>2)
	}
	f := openGGUF(t, toGGUF(t, src, "Q5_K"))
	want := quantized1(t, "Q5_K", quant.Tensor{Name: "w", Shape: []int{200, 512}, Data: src.values[0]}, quant.Options{})
	got := make([]byte, len(want))
	if err := f.ReadRaw(0, 0, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("slices differ from the whole, %v", err)
	}
	got = make([]byte, 3<<14)
	if err := f.ReadRaw(1, 0, got); err != nil || !bytes.Equal(got, src.raw[1]) {
		t.Errorf("the copy differs, %v", err)
	}
	got = make([]byte, 6<<14)
	if err := f.ReadRaw(2, 0, got); err != nil {
		t.Fatal(err)
	}
	for i, b := range src.raw[2] {
		if got[2*i] != b || got[2*i+1] != 0 {
			t.Fatalf("value %d: %d became %d %d", i, b, got[2*i], got[2*i+1])
		}
	}
	if src.longest > slice {
		t.Errorf("a read of %d values", src.longest)
	}
}

func quantized1(t *testing.T, format string, x quant.Tensor, o quant.Options) []byte {
	t.Helper()
	f, ok := lookup(format)
	if !ok {
		t.Fatalf("no %s", format)
	}
	p, err := f.Quantize(x, o)
	if err != nil {
		t.Fatal(err)
	}
	return p.Bytes
}

// TestImportance gives a tensor one weight a column, or one a column for each
// expert.
func TestImportance(t *testing.T) {
	const experts, rows, cols = 3, 5, 256
	x := normal(experts*rows*cols, 1)
	weights := make([]float32, experts*cols)
	for i, v := range normal(len(weights), 2) {
		weights[i] = v * v
	}
	var want []byte
	for e := range experts {
		slice := quant.Tensor{Name: "w.weight", Shape: []int{rows, cols}, Data: x[e*rows*cols : (e+1)*rows*cols]}
		want = append(want, quantized1(t, "Q4_K", slice, quant.Options{Importance: weights[e*cols : (e+1)*cols]})...)
	}
	src := &memory{container: "safetensors"}
	src.add("w.weight", "F32", x, experts, rows, cols)
	plan, err := PlanPure(src, "Q4_K")
	if err != nil {
		t.Fatal(err)
	}
	plan[0].Options.Importance = weights
	var out bytes.Buffer
	if err := ToGGUF(t.Context(), &out, src, plan, options); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if err := openGGUF(t, out.Bytes()).ReadRaw(0, 0, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("experts differ, %v", err)
	}
	plain := quantized1(t, "Q4_K", quant.Tensor{Name: "w.weight", Shape: []int{experts * rows, cols}, Data: x}, quant.Options{})
	if bytes.Equal(plain, want) {
		t.Error("the weights change nothing: the test shows nothing")
	}
	// In parts, across the border between two experts.
	each := len(want) / (experts * rows)
	m, err := NewMaker(src, plan, options)
	if err != nil {
		t.Fatal(err)
	}
	p, err := m.Part(t.Context(), nil, 0, int64(3*each), int64(9*each))
	if err != nil || !bytes.Equal(p, want[3*each:12*each]) {
		t.Errorf("rows 3 to 12 differ, %v", err)
	}
	plan[0].Options.Importance = weights[:cols+1]
	if err := ToGGUF(t.Context(), io.Discard, src, plan, options); err == nil {
		t.Error("257 weights for 256 columns: no error")
	}
}

// TestRealFilesConvert converts what others wrote to every type there is.
func TestRealFilesConvert(t *testing.T) {
	paths, err := filepath.Glob(testdata.File(t, "safetensors", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(path)
		if name == "weightinspect_tiny.safetensors" { // refused
			continue
		}
		src := openSafetensors(t, b)
		for _, format := range []string{"Q4_0", "Q4_K", "F16"} {
			plan, err := PlanPure(src, format)
			if err == nil {
				err = ToGGUF(t.Context(), io.Discard, src, plan, options)
			}
			// Names of a Hugging Face model may be longer than llama.cpp takes.
			if err != nil && !strings.Contains(err.Error(), "the name has") {
				t.Errorf("%s to %s: %v", name, format, err)
			}
		}
		for _, format := range casts {
			plan, err := PlanCast(src, format)
			if err == nil {
				err = ToSafetensors(t.Context(), io.Discard, src, plan, options)
			}
			if err != nil {
				t.Errorf("%s to %s: %v", name, format, err)
			}
		}
	}
}
