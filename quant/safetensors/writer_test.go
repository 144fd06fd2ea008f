package safetensors

import (
	"bytes"
	"errors"
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

// TestWrite holds the writer to bytes put down by hand.
func TestWrite(t *testing.T) {
	tests := []struct {
		name   string
		meta   []quant.Meta
		plans  []TensorPlan
		header string
	}{
		{"nothing", nil, nil, `{}      `},
		{"empty metadata", []quant.Meta{}, nil, `{"__metadata__":{}}     `},
		{"one", nil, []TensorPlan{{"test", []int{2, 2}, "I32"}}, `{"test":{"dtype":"I32","shape":[2,2],"data_offsets":[0,16]}}    `},
		{
			"several", []quant.Meta{{Key: "format", Value: "pt"}, {Key: "é\x01\"", Value: "a\nb\\\x7f/"}},
			[]TensorPlan{{"s", nil, "F64"}, {"e", []int{0, 3}, "F32"}, {"b", []int{3}, "BOOL"}, {"e2", []int{0}, "U8"}},
			`{"__metadata__":{"format":"pt","é\u0001\"":"a\nb\\` + "\x7f" + `/"},"s":{"dtype":"F64","shape":[],"data_offsets":[0,8]},"e":{"dtype":"F32","shape":[0,3],"data_offsets":[8,8]},"b":{"dtype":"BOOL","shape":[3],"data_offsets":[8,11]},"e2":{"dtype":"U8","shape":[0],"data_offsets":[11,11]}}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			w, err := NewWriter(&out, tt.meta, tt.plans)
			if err != nil {
				t.Fatal(err)
			}
			var data []byte
			for i := range tt.plans {
				for range w.TensorBytes(i) { // a byte at a time
					data = append(data, byte(len(data)))
					if err := w.WriteTensor(i, data[len(data)-1:]); err != nil {
						t.Fatal(err)
					}
				}
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			header := tt.header
			for len(header)%8 != 0 {
				header += " "
			}
			if want := file(header, len(data)); !bytes.Equal(out.Bytes(), want) {
				t.Errorf("wrote\n%q\nwant\n%q", out.Bytes(), want)
			}
			if w.Size() != int64(out.Len()) || w.Written() != w.Size() {
				t.Errorf("size %d, written %d, but %d bytes came", w.Size(), w.Written(), out.Len())
			}
			f, err := open(out.Bytes())
			if err != nil {
				t.Fatal(err)
			}
			if len(f.Metadata()) != len(tt.meta) || (f.Metadata() == nil) != (tt.meta == nil) {
				t.Errorf("metadata %v", f.Metadata())
			}
			for i, m := range f.Metadata() {
				if m.Key != tt.meta[i].Key || m.Value != tt.meta[i].Value {
					t.Errorf("metadata %q", m)
				}
			}
		})
	}
}

// TestEveryType writes a tensor of each type and reads the list back.
func TestEveryType(t *testing.T) {
	var plans []TensorPlan
	for _, d := range dtypes {
		plans = append(plans, TensorPlan{"t." + d.name, []int{2, 4}, d.name})
	}
	slices.SortFunc(plans, Compare)
	if plans[0].Type != "U64" || plans[len(plans)-1].Type != "BOOL" {
		t.Errorf("order %v", plans)
	}
	var out bytes.Buffer
	w, err := NewWriter(&out, nil, plans)
	if err != nil {
		t.Fatal(err)
	}
	for i := range plans {
		if err := w.WriteTensor(i, make([]byte, w.TensorBytes(i))); err != nil {
			t.Fatal(err)
		}
	}
	f, err := open(out.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	unreadable := 0
	for i, info := range f.Tensors() {
		if info.Name != plans[i].Name || info.Type != plans[i].Type || !reflect.DeepEqual(info.Shape, plans[i].Shape) {
			t.Errorf("%+v, want %+v", info, plans[i])
		}
		if !info.Readable {
			unreadable++
		}
	}
	if unreadable != 4 { // F4, two F6, C64
		t.Errorf("%d types are unreadable", unreadable)
	}
}

// TestRealFiles reads files that others wrote and writes them again. Those
// that the reference library wrote, in its order, come out as they were.
func TestRealFiles(t *testing.T) {
	const trailing = "5 bytes follow the last tensor"
	tests := map[string]struct {
		tensors int
		same    bool   // a rewrite has the same bytes
		refused string // why the file is refused
	}{
		"burn_multi_layer.safetensors":     {tensors: 9, same: true},
		"encodec_jfk_codes.safetensors":    {tensors: 1, same: true},
		"hadamards.safetensors":            {tensors: 66, same: true},
		"inkling_tiny.safetensors":         {tensors: 1, same: true},
		"lora_imdb_distilbert.safetensors": {tensors: 28, same: true},
		"mnist_denograd.safetensors":       {tensors: 20},
		"mnist_dfdx.safetensors":           {tensors: 8, same: true},
		"mnist_fluent.safetensors":         {tensors: 4},
		"mnist_tinygrad.safetensors":       {tensors: 2, same: true},
		"nutllm_tiny.safetensors":          {tensors: 21},
		"retsim.safetensors":               {tensors: 23, same: true},
		"silero_vad_16k.safetensors":       {tensors: 15},
		"syoyo_model.safetensors":          {tensors: 2, same: true},
		"ttm_v1.safetensors":               {tensors: 134, same: true},
		"weightinspect_tiny.safetensors":   {refused: trailing},
	}
	paths, err := filepath.Glob(testdata.File(t, "safetensors", "*"))
	if err != nil || len(paths) < len(tests) {
		t.Errorf("%d files, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			tt := tests[filepath.Base(path)]
			f, err := open(b)
			if tt.refused != "" {
				if err == nil || !strings.Contains(err.Error(), tt.refused) {
					t.Errorf("error %v, want %q", err, tt.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got := rewrite(t, f)
			if len(f.Tensors()) != tt.tensors || bytes.Equal(got, b) != tt.same {
				t.Errorf("%d tensors, rewrite equal: %t", len(f.Tensors()), bytes.Equal(got, b))
			}
		})
	}
}

// rewrite copies a file through NewWriter, its tensors in the reference's order.
func rewrite(t *testing.T, f *File) []byte {
	t.Helper()
	var plans []TensorPlan
	index := map[string]int{}
	for i, info := range f.Tensors() {
		plans = append(plans, TensorPlan{info.Name, info.Shape, info.Type})
		index[info.Name] = i
	}
	slices.SortFunc(plans, Compare)
	var out bytes.Buffer
	w, err := NewWriter(&out, f.Metadata(), plans)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range plans {
		raw := make([]byte, w.TensorBytes(i))
		if err := f.ReadRaw(index[p.Name], 0, raw); err != nil {
			t.Fatal(err)
		}
		if err := w.WriteTensor(i, raw); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := open(out.Bytes()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestMalformedFiles(t *testing.T) {
	tests := map[string]struct {
		tensors int
		fault   Fault
	}{
		"inkling_shard09_header_only.safetensors":    {fault: Truncated},
		"safetensors_abuse_attempt_1.safetensors":    {fault: Truncated},
		"modelaudit_malicious_import.safetensors":    {tensors: 3},
		"modelaudit_multiple_patterns.safetensors":   {tensors: 3},
		"modelaudit_obfuscated_metadata.safetensors": {tensors: 3},
		"modelaudit_safe_model.safetensors":          {tensors: 3},
		"modelaudit_script_injection.safetensors":    {tensors: 3},
		"modelaudit_shell_commands.safetensors":      {tensors: 3},
		"modelaudit_suspicious_url.safetensors":      {tensors: 3},
	}
	paths, err := filepath.Glob(testdata.File(t, "malformed", "safetensors", "*"))
	if err != nil || len(paths) != len(tests) {
		t.Errorf("%d files, %v", len(paths), err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			tt := tests[filepath.Base(path)]
			f, err := open(b)
			if tt.fault != "" {
				if !errors.Is(err, tt.fault) {
					t.Errorf("error %v, want %s", err, tt.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if len(f.Tensors()) != tt.tensors || !bytes.Equal(rewrite(t, f), b) {
				t.Errorf("%d tensors, or a rewrite differs", len(f.Tensors()))
			}
		})
	}
}

// TestStatistics holds values to what was measured of them by other means
// (data/README.md).
func TestStatistics(t *testing.T) {
	tests := []struct {
		file, tensor  string
		shape         []int
		mean, std, ab float64
	}{
		{"safetensors/mnist_denograd.safetensors", "layers.8.weight", []int{64, 64, 3, 3}, -0.001033, 0.03393, 0.1164},
		{"safetensors/retsim.safetensors", "gau_layers.0.proj1.weight", []int{640, 256}, -0.136, 2.254, 28.41},
		{"safetensors/silero_vad_16k.safetensors", "stft_conv.weight", []int{258, 1, 256}, math.NaN(), 0.433, 1},
		{"malformed/safetensors/modelaudit_safe_model.safetensors", "weights", []int{768, 256}, -0.001421, 0.9988, 4.53},
	}
	for _, tt := range tests {
		b, err := os.ReadFile(testdata.File(t, tt.file))
		if err != nil {
			t.Fatal(err)
		}
		f, err := open(b)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(f.Tensors(), func(info quant.TensorInfo) bool { return info.Name == tt.tensor })
		if i < 0 {
			t.Errorf("%s has no %s", tt.file, tt.tensor)
			continue
		}
		x, err := quant.ReadTensor(f, i)
		if err != nil {
			t.Fatal(err)
		}
		var sum, squares, largest float64
		for _, v := range x.Data {
			sum += float64(v)
			squares += float64(v) * float64(v)
			largest = max(largest, math.Abs(float64(v)))
		}
		n := float64(len(x.Data))
		mean := sum / n
		std := math.Sqrt(squares/n - mean*mean)
		near := func(a, b float64) bool { return math.IsNaN(b) || math.Abs(a-b) <= math.Abs(b)*2e-3 }
		if !near(mean, tt.mean) || !near(std, tt.std) || !near(largest, tt.ab) || !slices.Equal(x.Shape, tt.shape) {
			t.Errorf("%s %v: mean %v, std %v, largest %v, want %+v", tt.tensor, x.Shape, mean, std, largest, tt)
		}
	}
}

func TestWriterRefuses(t *testing.T) {
	ok := []TensorPlan{{"w", []int{2}, "F32"}}
	meta := func(v any) []quant.Meta { return []quant.Meta{{Key: "k", Value: v}} }
	tests := []struct {
		name string
		meta []quant.Meta
		plan []TensorPlan
		want string
	}{
		{"number in metadata", meta(1), ok, "holds strings only"},
		{"metadata key twice", append(meta("a"), meta("a")...), ok, "there twice"},
		{"metadata not UTF-8", meta("\xff"), ok, "UTF-8"},
		{"type", nil, []TensorPlan{{"w", []int{2}, "Q4_0"}}, `"Q4_0" is unknown`},
		{"reserved name", nil, []TensorPlan{{"__metadata__", []int{2}, "F32"}}, "belongs to the metadata"},
		{"name twice", nil, append(ok, ok...), `tensor 1 "w": the name is there twice`},
		{"name not UTF-8", nil, []TensorPlan{{"\xff", []int{2}, "F32"}}, "UTF-8"},
		{"negative", nil, []TensorPlan{{"w", []int{-2}, "F32"}}, "negative"},
		{"too many", nil, []TensorPlan{{"w", []int{1 << 30, 1 << 30}, "F32"}}, "2^40"},
		{"half a byte", nil, []TensorPlan{{"w", []int{3}, "F4"}}, "whole bytes"},
		{"long header", meta(strings.Repeat("x", maxHeader)), nil, "more than the 100000000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out bytes.Buffer
			_, err := NewWriter(&out, tt.meta, tt.plan)
			if err == nil || !strings.HasPrefix(err.Error(), "safetensors: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if out.Len() > 0 {
				t.Errorf("%d bytes written before the check", out.Len())
			}
		})
	}
}
