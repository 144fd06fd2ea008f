package checkpoint

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/container/joined"
	"fewbits/quant/dtype"
	"fewbits/quant/internal/testdata"
	"fewbits/quant/safetensors"
)

// memory is a model's tensors in memory, as a file of a type would have them.
type memory struct {
	typ  dtype.Type
	list []quant.Tensor
}

func (m *memory) Container() string      { return "safetensors" }
func (m *memory) Metadata() []quant.Meta { return nil }
func (m *memory) Tensors() []quant.TensorInfo {
	var infos []quant.TensorInfo
	for _, t := range m.list {
		infos = append(infos, quant.TensorInfo{Name: t.Name, Shape: t.Shape, Type: m.typ.Name, Bytes: int64(m.typ.Size * t.Len()), Readable: true})
	}
	return infos
}

func (m *memory) ReadRows(i, row, n int, dst []float32) error {
	copy(dst, m.list[i].Slice(row, row+n).Data)
	return nil
}

func (m *memory) ReadRaw(i int, off int64, dst []byte) error {
	b := make([]byte, m.typ.Size*m.list[i].Len())
	err := m.typ.Encode(b, m.list[i].Data)
	copy(dst, b[off:])
	return err
}

// model is a small one: matrices of a layer cut from the layer of package
// testdata, an embedding, an output layer, a norm and a bias. Values are what
// typ holds.
func model(t testing.TB, typ dtype.Type) *memory {
	t.Helper()
	w := testdata.Weights()
	m := &memory{typ: typ}
	add := func(name string, from int, shape ...int) {
		n, _ := quant.Count(shape)
		x := quant.Tensor{Name: name, Shape: shape, Data: make([]float32, n)}
		b := make([]byte, n*typ.Size)
		if err := typ.Encode(b, w.Data[from:from+n]); err != nil {
			t.Fatal(err)
		}
		if err := typ.Decode(x.Data, b); err != nil {
			t.Fatal(err)
		}
		m.list = append(m.list, x)
	}
	add("model.embed_tokens.weight", 0, 40, 128)
	add("model.layers.0.input_layernorm.weight", 50, 128)
	add("model.layers.0.self_attn.q_proj.weight", 0, 64, 128)
	add("model.layers.0.self_attn.q_proj.bias", 77, 64)
	add("model.layers.0.mlp.gate_proj.weight", 128, 32, 128)
	add("model.layers.1.mlp.down_proj.weight", 1000, 96, 64)
	add("model.norm.weight", 500, 128)
	add("lm_head.weight", 2000, 40, 128)
	return m
}

const someConfig = `{
  "architectures": ["LlamaForCausalLM"],
  "rope_scaling": {"factor": 8.0, "type": "x"},
  "torch_dtype": "bfloat16", "vocab_size": 40
}`

// files are those beside the weights.
func files() []quant.File {
	var list []quant.File
	for _, f := range [][2]string{
		{"m/config.json", someConfig}, {"m/tokenizer.json", `{"é": 1}`}, {"m/tokenizer_config.json", "{}"}, {"m/notes.md", "#"},
		{"m/model.safetensors.index.json", "{}"}, {"m/onnx/config.json", "{}"},
	} {
		list = append(list, quant.File{Name: f[0], R: strings.NewReader(f[1]), Size: int64(len(f[1]))})
	}
	return list
}

// exported writes m to a folder.
func exported(t testing.TB, m quant.Source, target Target, shard int64) (string, *Result) {
	t.Helper()
	dir := t.TempDir()
	r, err := Export(t.Context(), Input{Weights: m, Files: files()}, target, Options{Shard: shard,
		Create: func(name string) (File, error) { return os.Create(filepath.Join(dir, name)) }})
	if err != nil {
		t.Fatal(err)
	}
	return dir, r
}

// opened is a folder as a source.
func opened(t testing.TB, dir string) *Source {
	t.Helper()
	s, err := open(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	if s == nil {
		t.Fatal("no quantized matrix was found")
	}
	return s
}

func open(t testing.TB, dir string) (*Source, error) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var parts []joined.Part
	var beside []quant.File
	for _, e := range list {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		beside = append(beside, quant.File{Name: "m/" + e.Name(), R: bytes.NewReader(b), Size: int64(len(b))})
		if strings.HasSuffix(e.Name(), ".safetensors") {
			f, err := safetensors.Open(bytes.NewReader(b), int64(len(b)))
			if err != nil {
				t.Fatal(err)
			}
			parts = append(parts, joined.Part{Name: e.Name(), Source: f})
		}
	}
	weights, err := joined.New("safetensors", nil, parts, nil)
	if err != nil {
		t.Fatal(err)
	}
	return Open(beside, weights)
}

// cases are every layout, with the schemes that matter.
func cases(t testing.TB) map[string]Target {
	t.Helper()
	all := map[string]Target{}
	add := func(as, format string, change func(s *Scheme)) {
		target, err := Lookup(as, format)
		if err != nil {
			t.Fatal(err)
		}
		if target.Scheme.Group == 128 {
			target.Scheme.Group = 32
		}
		if target.Scheme.Group == 64 && as != "bitsandbytes" {
			target.Scheme.Group = 32
		}
		if change != nil {
			change(&target.Scheme)
		}
		all[fmt.Sprintf("%s %s b%d g%d sym=%t nested=%t axis0=%t", as, format, target.Scheme.Bits, target.Scheme.Group, target.Scheme.Symmetric, target.Scheme.Nested, target.Scheme.Axis0)] = target
	}
	asymmetric := func(s *Scheme) { s.Symmetric = false }
	for _, as := range []string{"gptq", "gptq_v2"} {
		for _, f := range []string{"INT2", "INT3", "INT4", "INT8"} {
			add(as, f, nil)
			add(as, f, asymmetric)
		}
	}
	add("gptq", "GPTQ", func(s *Scheme) { s.Group = -1 })
	add("awq", "AWQ", nil)
	add("awq", "AWQ", func(s *Scheme) { s.Symmetric, s.Group = true, -1 })
	add("bitsandbytes", "NF4", nil)
	add("bitsandbytes", "NF4", func(s *Scheme) { s.Nested = true })
	add("bitsandbytes", "FP4", func(s *Scheme) { s.Group = 256 }) // blocks across rows
	add("bitsandbytes", "INT8", nil)
	add("compressed-tensors", "INT4", nil)
	add("compressed-tensors", "INT4", asymmetric)
	add("compressed-tensors", "INT4", func(s *Scheme) { s.Bits, s.Group = 8, -1 })
	for _, f := range []string{"INT8", "FP8_E4M3", "NVFP4"} {
		add("compressed-tensors", f, nil)
	}
	for _, f := range []string{"INT2", "INT3", "INT4", "INT5", "INT6", "INT8"} {
		add("mlx", f, nil)
	}
	for _, f := range []string{"INT2", "INT3", "INT4", "INT8"} {
		add("hqq", f, nil)
	}
	add("hqq", "HQQ", func(s *Scheme) { s.Group = 256 })               // groups across rows
	add("hqq", "HQQ", func(s *Scheme) { s.Group, s.Axis0 = 32, true }) // down columns
	add("hqq", "INT3", func(s *Scheme) { s.Group, s.Axis0 = 64, true })
	return all
}

// least is the SQNR in dB that codes of so many bits keep on these weights.
var least = map[int]float64{2: 2, 3: 9, 4: 8, 5: 22, 6: 28, 8: 25}

// TestIndependentReader wants a reader that is none of ours, written in another
// language from the facts of the layouts, to find the same values as Source,
// and those near the weights.
func TestIndependentReader(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		if os.Getenv("CI") != "" && runtime.GOOS != "js" {
			t.Fatal("CI must have python3")
		}
		t.Skip("there is no python3")
	}
	for name, target := range cases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := model(t, dtype.BF16)
			dir, r := exported(t, m, target, 9000)
			values := t.TempDir()
			if out, err := exec.Command(python, "testdata/unpack.py", dir, values).CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			if !slices.Contains(r.Files, "model.safetensors.index.json") {
				t.Errorf("the files have no index: %v", r.Files)
			}
			s, found := opened(t, dir), 0
			for i, info := range s.Tensors() {
				if info.Stored != "" {
					found++
					compare(t, s, i, filepath.Join(values, strings.TrimSuffix(info.Name, ".weight")), m, least[target.Scheme.Bits])
				}
			}
			want := 3
			if target.outer {
				want = 5
			}
			if found != want {
				t.Errorf("%d matrices are quantized, want %d", found, want)
			}
		})
	}
}

// compare holds matrix i of s against the values in a file, and against m.
func compare(t *testing.T, s *Source, i int, path string, m *memory, db float64) {
	t.Helper()
	info := s.Tensors()[i]
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := quant.ReadTensor(s, i)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) != 4*got.Len() {
		t.Fatalf("%s: %d values, the other reader has %d", info.Name, got.Len(), len(b)/4)
	}
	for k, v := range got.Data {
		if want := math.Float32frombits(binary.LittleEndian.Uint32(b[4*k:])); v != want {
			t.Fatalf("%s: value %d is %v, the other reader has %v", info.Name, k, v, want)
		}
	}
	rawBytes := make([]byte, 40)
	if err := s.ReadRaw(i, 500, rawBytes); err != nil || !bytes.Equal(rawBytes, b[500:540]) {
		t.Errorf("%s: raw bytes from 500 on are %v (%v), want %v", info.Name, rawBytes, err, b[500:540])
	}
	at := slices.IndexFunc(m.list, func(x quant.Tensor) bool { return x.Name == info.Name })
	signal, noise := 0.0, 0.0
	for k, v := range m.list[at].Data {
		signal += float64(v) * float64(v)
		noise += float64(v-got.Data[k]) * float64(v-got.Data[k])
	}
	if q := 10 * math.Log10(signal/noise); q < db {
		t.Errorf("%s: SQNR %.2f dB, want at least %v", info.Name, q, db)
	}
	some, err := s.Matrix(i, 3, 5)
	if err != nil {
		t.Fatal(err)
	}
	part := make([]float32, 5*some.Cols)
	if err := some.Dequantize(part); err != nil || !slices.Equal(part, got.Data[3*some.Cols:8*some.Cols]) {
		t.Errorf("%s: rows 3 to 8 differ from those of the whole (%v)", info.Name, err)
	}
}

// TestCarried wants the other files there, config.json changed in what it must
// be and in nothing else, and what is not quantized as it was.
func TestCarried(t *testing.T) {
	target, err := Lookup("compressed-tensors", "INT8")
	if err != nil {
		t.Fatal(err)
	}
	m := model(t, dtype.BF16)
	dir, r := exported(t, m, target, 0)
	want := []string{"model.safetensors", "config.json", "tokenizer.json", "tokenizer_config.json"}
	if !slices.Equal(r.Files, want) {
		t.Errorf("files %v, want %v", r.Files, want)
	}
	b, err := os.ReadFile(filepath.Join(dir, "tokenizer.json"))
	if err != nil || string(b) != `{"é": 1}` {
		t.Errorf("tokenizer.json is %q (%v)", b, err)
	}
	b, err = os.ReadFile(filepath.Join(dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var got, old map[string]any
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(someConfig), &old); err != nil {
		t.Fatal(err)
	}
	for key, v := range old {
		if fmt.Sprint(got[key]) != fmt.Sprint(v) {
			t.Errorf("config.json has %s: %v, had %v", key, got[key], v)
		}
	}
	q, _ := got["quantization_config"].(map[string]any)
	if q["quant_method"] != "compressed-tensors" || q["format"] != "int-quantized" || fmt.Sprint(q["ignore"]) != "[lm_head]" {
		t.Errorf("quantization_config %v", q)
	}
	s := opened(t, dir)
	for i, info := range s.Tensors() {
		if info.Stored != "" {
			continue
		}
		at := slices.IndexFunc(m.list, func(x quant.Tensor) bool { return x.Name == info.Name })
		x, err := quant.ReadTensor(s, i)
		if err != nil || at < 0 || info.Type != "BF16" || !slices.Equal(x.Data, m.list[at].Data) {
			t.Errorf("%s (%s) is not what it was (%v)", info.Name, info.Type, err)
		}
	}
}

// TestSkipped wants what has no place in a layout left as it is and named in
// the configuration, and an error where that is all there is.
func TestSkipped(t *testing.T) {
	m := model(t, dtype.F16)
	m.list = append(m.list, quant.Tensor{Name: "model.layers.1.mlp.up_proj.weight", Shape: []int{4, 7}, Data: make([]float32, 28)})
	for _, tt := range []struct{ as, format, key, want string }{
		{"gptq", "GPTQ", "dynamic", `map[-:^model\.layers\.1\.mlp\.up_proj$:map[]]`},
		{"awq", "AWQ", "modules_to_not_convert", "[model.layers.1.mlp.up_proj]"},
		{"compressed-tensors", "INT4", "ignore", "[lm_head model.layers.1.mlp.up_proj]"},
		{"hqq", "HQQ", "skip_modules", "[lm_head model.layers.1.mlp.up_proj]"},
	} {
		t.Run(tt.as, func(t *testing.T) {
			target, err := Lookup(tt.as, tt.format)
			if err != nil {
				t.Fatal(err)
			}
			target.Scheme.Group = 32
			dir, r := exported(t, m, target, 0)
			last := r.Tensors[len(r.Tensors)-1]
			if last.To != "F16" || last.Why == "" {
				t.Errorf("up_proj became %s (%s)", last.To, last.Why)
			}
			b, err := os.ReadFile(filepath.Join(dir, "config.json"))
			if err != nil {
				t.Fatal(err)
			}
			var c struct {
				Q map[string]any `json:"quantization_config"`
			}
			if err := json.Unmarshal(b, &c); err != nil || fmt.Sprint(c.Q[tt.key]) != tt.want {
				t.Errorf("%s is %v (%v), want %s", tt.key, c.Q[tt.key], err, tt.want)
			}
			opened(t, dir)
			target.Scheme.Group = 33
			_, err = Export(t.Context(), Input{Weights: m, Files: files()}, target, Options{Create: refuse})
			if err == nil || !strings.Contains(err.Error(), "group") {
				t.Errorf("groups of 33: error %v", err)
			}
		})
	}
}

func refuse(name string) (File, error) { return nil, fmt.Errorf("%s is not wanted", name) }

func TestExportErrors(t *testing.T) {
	target, err := Lookup("gptq", "GPTQ")
	if err != nil {
		t.Fatal(err)
	}
	big := model(t, dtype.BF16)
	big.list[0].Data[129] = 70000
	nan := model(t, dtype.F32)
	nan.list[2].Data[5] = float32(math.NaN())
	none := &memory{typ: dtype.F32, list: model(t, dtype.F32).list[:1]}
	for _, tt := range []struct {
		name string
		in   Input
		want string
	}{
		{"no config", Input{Weights: big}, "no config.json"},
		{"past F16", Input{Weights: big, Files: files()}, `tensor "model.embed_tokens.weight": row 1, column 1 is 70000`},
		{"not a number", Input{Weights: nan, Files: files()}, "row 0, column 5 is NaN"},
		{"no layers", Input{Weights: none, Files: files()}, "no tensor has the name of a layer's matrix"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			_, err := Export(t.Context(), tt.in, target, Options{Create: func(name string) (File, error) { return os.Create(filepath.Join(dir, name)) }})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	dir := t.TempDir()
	_, err = Export(ctx, Input{Weights: model(t, dtype.F32), Files: files()}, target, Options{Create: func(name string) (File, error) { return os.Create(filepath.Join(dir, name)) }})
	if err != context.Canceled {
		t.Errorf("cancelled: %v", err)
	}
	for _, l := range [][2]string{{"gptq", "NF4"}, {"ggml", "INT4"}} {
		if _, err := Lookup(l[0], l[1]); err == nil {
			t.Errorf("%v: no error", l)
		}
	}
}

// TestAgain wants a checkpoint that was opened to be exported again as another.
func TestAgain(t *testing.T) {
	first, err := Lookup("bitsandbytes", "NF4")
	if err != nil {
		t.Fatal(err)
	}
	second, err := Lookup("mlx", "INT8")
	if err != nil {
		t.Fatal(err)
	}
	dir, _ := exported(t, model(t, dtype.BF16), first, 0)
	dir, r := exported(t, opened(t, dir), second, 0)
	opened(t, dir)
	if from := r.Tensors[len(r.Tensors)-1].From; !slices.ContainsFunc(r.Tensors, func(w Written) bool { return w.From == "bitsandbytes NF4, blocks of 64" }) {
		t.Errorf("no tensor is from NF4; the last is from %s", from)
	}
}

// TestLoading wants lines that a shell and Python can read, whatever the folder
// is called.
func TestLoading(t *testing.T) {
	for _, as := range Projects() {
		text := Loading(as, `it's "here"`)
		if !strings.Contains(text, `'it'\''s "here"'`) && !strings.Contains(text, `folder = "it's \"here\""`) || strings.Contains(text, "FOLDER") || strings.Contains(text, "SHELL") {
			t.Errorf("%s: %s", as, text)
		}
		shell, err := exec.LookPath("bash")
		if err != nil {
			continue
		}
		if out, err := exec.Command(shell, "-n", "-c", text).CombinedOutput(); err != nil {
			t.Errorf("%s: %v: %s", as, err, out)
		}
	}
}
