package torch

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/dtype"
	"fewbits/quant/internal/testdata"
)

func openFile(t testing.TB, path string) (*File, error) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return Open(bytes.NewReader(b), int64(len(b)))
}

// tensors reads every tensor that can be read.
func tensors(t testing.TB, f *File) map[string]quant.Tensor {
	t.Helper()
	all := map[string]quant.Tensor{}
	for i, info := range f.Tensors() {
		if !info.Readable {
			continue
		}
		x, err := quant.ReadTensor(f, i)
		if err != nil {
			t.Fatal(err)
		}
		all[info.Name] = x
	}
	return all
}

// TestPyTorch compares with what PyTorch itself says that its files hold;
// testdata/make.py wrote both.
func TestPyTorch(t *testing.T) {
	for _, tt := range []struct{ file, want string }{
		{"views", "views"}, {"views_protocol4", "views"}, {"training", "training"}, {"script", "script"},
	} {
		t.Run(tt.file, func(t *testing.T) {
			f, err := openFile(t, "testdata/"+tt.file+".pt")
			if err != nil {
				t.Fatal(err)
			}
			b, err := os.ReadFile("testdata/" + tt.want + ".json")
			if err != nil {
				t.Fatal(err)
			}
			var want map[string]struct {
				Shape  []int
				Values []float64
			}
			if err := json.Unmarshal(b, &want); err != nil {
				t.Fatal(err)
			}
			got := tensors(t, f)
			if len(got) != len(want) {
				t.Errorf("got %d tensors, want %d", len(got), len(want))
			}
			for name, w := range want {
				g, ok := got[name]
				if !ok || !slices.Equal(g.Shape, w.Shape) || len(g.Data) != len(w.Values) {
					t.Errorf("%s: got shape %v, %d values, want %v, %d", name, g.Shape, len(g.Data), w.Shape, len(w.Values))
					continue
				}
				for i, v := range w.Values {
					if g.Data[i] != float32(v) {
						t.Errorf("%s: value %d is %v, want %v", name, i, g.Data[i], v)
						break
					}
				}
			}
		})
	}
}

// TestRowByRow reads every run of rows of every view, and compares with the whole.
func TestRowByRow(t *testing.T) {
	f, err := openFile(t, "testdata/views.pt")
	if err != nil {
		t.Fatal(err)
	}
	for i, info := range f.Tensors() {
		whole, err := quant.ReadTensor(f, i)
		if err != nil {
			t.Fatal(err)
		}
		rows, cols := whole.Rows(), whole.Cols()
		for row := 0; row <= rows; row++ {
			for n := 0; row+n <= rows; n++ {
				got := make([]float32, n*cols)
				if err := f.ReadRows(i, row, n, got); err != nil || !slices.Equal(got, whole.Data[row*cols:(row+n)*cols]) {
					t.Fatalf("%s: rows %d to %d: %v, %v", info.Name, row, row+n, got, err)
				}
			}
		}
	}
}

func TestNames(t *testing.T) {
	tests := map[string][]string{
		"tensor": {"tensor"},
		"list":   {"0", "1.x"},
	}
	for file, want := range tests {
		f, err := openFile(t, "testdata/"+file+".pt")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, info := range f.Tensors() {
			got = append(got, info.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %q, want %q", file, got, want)
		}
	}
}

func TestMetadata(t *testing.T) {
	f, err := openFile(t, "testdata/training.pt")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]quant.Meta{}
	for _, m := range f.Metadata() {
		got[m.Key] = m
	}
	tests := []struct {
		key, kind string
		check     func(v any) bool
	}{
		{"epoch", "int", func(v any) bool { return v == int64(7) }},
		{"name", "str", func(v any) bool { return v == "tiny é" }},
		{"done", "bool", func(v any) bool { return v == true }},
		{"none", "NoneType", func(v any) bool { return v == "None" }},
		{"big", "int", func(v any) bool { return strings.HasPrefix(v.(string), "0x400000000000000000") }},
		{"size", "[int]", func(v any) bool { return slices.Equal(v.([]int64), []int64{2, 3}) }},
		{"dtype", "class", func(v any) bool { return v == "torch.bfloat16" }},
		{"device", "device", func(v any) bool { return v == "cpu" }},
		{"bytes", "bytes", func(v any) bool { return v == "\x01\x02" }},
		{"tags", "[str]", func(v any) bool { return slices.Equal(v.([]string), []string{"only"}) }},
		{"history.1.1", "int", func(v any) bool { return v == int64(3) }},
		{"optimizer.param_groups.0.lr", "float", func(v any) bool { return v == 0.25 }},
		{"optimizer.param_groups.0.betas", "[float]", func(v any) bool { return slices.Equal(v.([]float64), []float64{0.9, 0.999}) }},
		{"optimizer.param_groups.0.params", "[int]", func(v any) bool { return slices.Equal(v.([]int64), []int64{0, 1, 2, 3}) }},
	}
	for _, tt := range tests {
		m, ok := got[tt.key]
		if !ok || m.Type != tt.kind || !tt.check(m.Value) {
			t.Errorf("%s: got %+v", tt.key, m)
		}
	}
}

// TestUnreadable wants every kind of tensor that is not read described, with
// its reason, beside the one that is.
func TestUnreadable(t *testing.T) {
	f, err := openFile(t, "testdata/odd.pt")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"complex": "complex64", "quantized": "quint8", "channels": "qint8", "sparse": ".to_dense()",
		"csr": ".to_dense()", "meta": "no values", "fine": "",
	}
	if len(f.Tensors()) != len(want) {
		t.Fatalf("got %+v", f.Tensors())
	}
	for i, info := range f.Tensors() {
		why := want[info.Name]
		if info.Readable != (why == "") || !strings.Contains(info.Why, why) || len(info.Shape) == 0 {
			t.Errorf("%+v, want %q", info, why)
		}
		err := f.ReadRows(i, 0, 0, nil)
		if (err == nil) != info.Readable || err != nil && !strings.Contains(err.Error(), why) {
			t.Errorf("%s: reading says %v", info.Name, err)
		}
	}
}

func TestReadRaw(t *testing.T) {
	f, err := openFile(t, "testdata/views.pt")
	if err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile("testdata/views.pt")
	if err != nil {
		t.Fatal(err)
	}
	for i, info := range f.Tensors() {
		b := make([]byte, info.Bytes)
		err := f.ReadRaw(i, 0, b)
		switch info.Name {
		case "base", "row", "one", "empty":
			if err != nil || !bytes.Equal(b, file[info.Offset:info.Offset+info.Bytes]) {
				t.Errorf("%s: %v", info.Name, err)
			}
			if err := f.ReadRaw(i, 1, b); err == nil && info.Bytes > 0 {
				t.Errorf("%s: read past its end", info.Name)
			}
			if err := f.ReadRaw(i, -1, nil); err == nil {
				t.Errorf("%s: read before its start", info.Name)
			}
		case "transposed", "column", "expanded", "permuted", "channels_last":
			if err == nil || !strings.Contains(err.Error(), "strides") {
				t.Errorf("%s: %v", info.Name, err)
			}
		}
	}
	if err := f.ReadRaw(len(f.Tensors()), 0, nil); err == nil {
		t.Error("read a tensor that is not there")
	}
	if err := f.ReadRows(-1, 0, 0, nil); err == nil {
		t.Error("read tensor -1")
	}
	if err := f.ReadRows(0, 3, 2, make([]float32, 12)); err == nil || !strings.Contains(err.Error(), `torch: tensor 0 "base": rows 3 to 5`) {
		t.Errorf("rows past the end: %v", err)
	}
	if err := f.ReadRows(0, 0, 1, make([]float32, 5)); err == nil {
		t.Error("a buffer of the wrong length was taken")
	}
}

// TestBurnReader reads files that the burn project made with PyTorch 2, with
// the values that its own script and tests name.
func TestBurnReader(t *testing.T) {
	tests := []struct {
		file, name, kind string
		shape            []int
		want             []float32 // nil where the values are random
	}{
		{"float32", "tensor", "float32", []int{4}, []float32{1, 2.5, -3.7, 0}},
		{"float64", "tensor", "float64", []int{3}, []float32{1.1, 2.2, 3.3}},
		{"int64", "tensor", "int64", []int{4}, []float32{100, -200, 300, 0}},
		{"int32", "tensor", "int32", []int{3}, []float32{10, 20, -30}},
		{"int16", "tensor", "int16", []int{3}, []float32{1000, -2000, 3000}},
		{"int8", "tensor", "int8", []int{4}, []float32{127, -128, 0, 50}},
		{"uint8", "tensor", "uint8", []int{4}, []float32{0, 128, 255, 42}},
		{"bool", "tensor", "bool", []int{5}, []float32{1, 0, 1, 1, 0}},
		{"float16", "tensor", "float16", []int{3}, []float32{1.5, -2.25, 3.125}},
		{"bfloat16", "tensor", "bfloat16", []int{3}, []float32{1.5, -2.5, 3.5}},
		{"tensor_2d", "tensor", "float32", []int{3, 2}, []float32{1, 2, 3, 4, 5, 6}},
		{"tensor_3d", "tensor", "float32", []int{2, 3, 4}, nil},
		{"tensor_4d", "tensor", "float32", []int{2, 3, 2, 2}, nil},
		{"empty", "tensor", "float32", []int{0}, []float32{}},
		{"scalar", "tensor", "float32", []int{}, []float32{42}},
		{"special_values", "tensor", "float32", []int{5}, []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0, 1}},
		{"extreme_values", "tensor", "float32", []int{4}, []float32{1e-30, 1e30, -1e-30, -1e30}},
		{"state_dict", "running_var", "float32", []int{3}, []float32{1, 1, 1}},
		{"state_dict", "weight", "float32", []int{3, 4}, nil},
		{"nested_dict", "layer1.weight", "float32", []int{2, 3}, nil},
		{"nested_dict", "layer2.bias", "float32", []int{4}, nil},
		{"checkpoint", "model_state_dict.fc1.weight", "float32", []int{10, 5}, nil},
		{"checkpoint", "optimizer_state_dict.state.0.momentum_buffer", "float32", []int{10, 5}, nil},
		{"mixed_types", "float64", "float64", []int{2}, []float32{1.1, 2.2}},
		{"mixed_types", "bool", "bool", []int{2}, []float32{1, 0}},
		{"parameter", "param", "float32", []int{3, 3}, nil},
		{"buffers", "buffer1", "int32", []int{3}, []float32{1, 2, 3}},
		{"complex_structure", "state.encoder.layer_0.weight", "float32", []int{4, 3}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.file+" "+tt.name, func(t *testing.T) {
			f, err := openFile(t, testdata.File(t, "pt", "burn_reader", tt.file+".pt"))
			if err != nil {
				t.Fatal(err)
			}
			got, ok := tensors(t, f)[tt.name]
			if !ok || !slices.Equal(got.Shape, tt.shape) {
				t.Fatalf("got shape %v of %+v", got.Shape, f.Tensors())
			}
			for _, info := range f.Tensors() {
				if info.Name == tt.name && info.Type != tt.kind {
					t.Errorf("got type %s", info.Type)
				}
			}
			for i, w := range tt.want {
				if g := got.Data[i]; g != w && (g == g || w == w) {
					t.Errorf("value %d is %v, want %v", i, g, w)
				}
			}
		})
	}
}

// TestRealTensors compares the tensors of the real checkpoints with what
// PyTorch reads from them; testdata/real.py wrote the hashes.
func TestRealTensors(t *testing.T) {
	b, err := os.ReadFile("testdata/real.json")
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][2]any
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	read := map[string]map[string]quant.Tensor{}
	for key, w := range want {
		path, name, _ := strings.Cut(key, ":")
		if read[path] == nil {
			f, err := openFile(t, testdata.File(t, filepath.FromSlash(path)))
			if err != nil {
				t.Fatal(err)
			}
			read[path] = tensors(t, f)
		}
		x, ok := read[path][name]
		data := make([]byte, 4*len(x.Data))
		if err := dtype.F32.Encode(data, x.Data); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		if got := hex.EncodeToString(sum[:8]); !ok || got != w[1] || fmt.Sprint(x.Shape) != fmt.Sprint(w[0]) {
			t.Errorf("%s: got %v %s, want %v", key, x.Shape, got, w)
		}
	}
}

func TestBurnLargeShape(t *testing.T) {
	f, err := openFile(t, testdata.File(t, "pt", "burn_reader", "large_shape.pt"))
	if err != nil {
		t.Fatal(err)
	}
	x := tensors(t, f)["tensor"]
	sum := float32(0)
	for _, v := range x.Data {
		sum += v
	}
	if x.Data[0] != 1 || x.Data[5050] != 2 || x.Data[9999] != 3 || sum != 6 {
		t.Errorf("got %v %v %v, sum %v", x.Data[0], x.Data[5050], x.Data[9999], sum)
	}
}

// TestRealFiles opens every real checkpoint; each must either read whole or be
// refused for the reason named here.
func TestRealFiles(t *testing.T) {
	refused := map[string]string{
		"lenet_legacy.pt": "before 1.6", "nnquant_mnist_cnn_legacy.pt": "before 1.6",
		"lpips_v0.0_alex.pth": "before 1.6", "lpips_v0.0_squeeze.pth": "before 1.6", "lpips_v0.0_vgg.pth": "before 1.6",
		"legacy_shared_storage.pt": "before 1.6", "legacy_uncloned_views.pt": "before 1.6",
		"legacy_with_offsets.pt": "before 1.6", "simple_legacy.pt": "before 1.6",
		"broken.pt":         "no zip archive",
		"tar_2d_tensor.tar": "tar form", "tar_float32.tar": "tar form", "tar_float64.tar": "tar form",
		"tar_int64.tar": "tar form", "tar_multi_dtype.tar": "tar form", "tar_weight_bias.tar": "tar form",
	}
	n := 0
	for _, pattern := range []string{"pt/*.pt*", "pt/*/*.pt", "pt/*/*.tar", "candle/*.pt*"} {
		paths, err := filepath.Glob(filepath.Join(testdata.Dir(t), filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			n++
			f, err := openFile(t, path)
			if why := refused[filepath.Base(path)]; why != "" {
				if err == nil || !strings.Contains(err.Error(), why) {
					t.Errorf("%s: got %v, want %q", path, err, why)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", path, err)
				continue
			}
			if len(f.Tensors()) == 0 || len(tensors(t, f)) == 0 {
				t.Errorf("%s: no tensors", path)
			}
		}
	}
	if n < 69 {
		t.Errorf("only %d files were found", n)
	}
}

// TestHostileFiles never unpickles: it wants what they call named.
func TestHostileFiles(t *testing.T) {
	tests := map[string]string{
		"modelscan_unsafe_zip_pytorch.pt":    "data.pkl at byte",
		"modelaudit_malicious_eval.pt":       "Fewbits never runs",
		"picklescan_GHSA-jgw4-cr84-mqxg.bin": "a Python pickle, which Fewbits never runs",
		"picklescan_pytorch_magic_bypass.pt": "a Python pickle, which Fewbits never runs",
		"picklescan_bad_pytorch.pt":          "no zip archive",
		"picklescan_not_a_pickle.bin":        "no zip archive",
		"picklescan_pytorch_model.bin":       "before 1.6",
		"modelaudit_safe_model.pt":           "",
		"picklescan_new_pytorch_model.bin":   "",
	}
	for name, want := range tests {
		_, err := openFile(t, testdata.File(t, "malformed", "pt", name))
		t.Logf("%s: %v", name, err)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
	_, err := openFile(t, testdata.File(t, "malformed", "pt", "modelscan_unsafe_zip_pytorch.pt"))
	if err == nil || !strings.Contains(err.Error(), "calls posix.system, which Fewbits never runs") {
		t.Errorf("got %v", err)
	}
}
