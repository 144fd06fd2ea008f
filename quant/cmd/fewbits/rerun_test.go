package main

import (
	"archive/zip"
	"encoding/json"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	runs "fewbits/quant/report"
	"fewbits/quant/sample"
)

// readRun is a report as any reader sees it.
func readRun(t *testing.T, path string) runs.Report {
	t.Helper()
	return decode[runs.Report](t, string(load(t, path)))
}

// reported quantizes with a report beside the input.
func reported(t *testing.T, in, to string, args ...string) (string, runs.Report) {
	t.Helper()
	path := filepath.Join(filepath.Dir(in), "run.json")
	out := filepath.Join(t.TempDir(), "out.bin")
	works(t, append([]string{"quantize", in, "-to", to, "-o", out, "-report", path}, args...)...)
	r := readRun(t, path)
	if r.Report != "fewbits" || r.Version != 1 || r.What != "tensor" || len(r.Runs) != 1 {
		t.Fatalf("%+v", r)
	}
	if got := runs.HashBytes(load(t, out)); r.Runs[0].SHA256 != got {
		t.Errorf("the bytes' hash is %s, and the report has %s", got, r.Runs[0].SHA256)
	}
	return path, r
}

func TestRerunTensor(t *testing.T) {
	const rows, cols = 8, 512
	x := normal(rows*cols, 1)
	weights := npyFile(t, "weights.npy", []int{cols}, weightsOf(cols, 2)...)
	inputs := npyFile(t, "inputs.npy", []int{64, cols}, normal(64*cols, 3)...)
	for name, c := range map[string]struct {
		to   string
		args []string
		find []string // what rerun must be told
	}{
		"plain":      {"Q4_K", nil, nil},
		"options":    {"INT4", []string{"group=64", "sym=true", "range=mse"}, nil},
		"stochastic": {"INT8", []string{"rounding=stochastic", "seed=5"}, nil},
		"importance": {"IQ2_XS", []string{"-imatrix", weights}, []string{"-imatrix", weights}},
		"calibrated": {"gptq", []string{"-calib", inputs, "group=128"}, []string{"-calib", inputs}},
		"nested":     {"NF4", []string{"nested=true"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			in := npyFile(t, "w.npy", []int{rows, cols}, x...)
			path, r := reported(t, in, c.to, c.args...)
			if r.Input.SHA256 != runs.HashValues(x) || r.Input.File.Name != "w.npy" || !slices.Equal(r.Input.Shape, []int{rows, cols}) || r.Runs[0].Metrics == nil {
				t.Errorf("input %+v", r.Input)
			}
			a := decode[repeated](t, works(t, append([]string{"rerun", path, "-json"}, c.find...)...))
			if !a.Same || len(a.Checks) < 3 {
				t.Errorf("%+v", a)
			}
			if !strings.HasPrefix(r.Command, "fewbits quantize w.npy -to ") {
				t.Errorf("command %s", r.Command)
			}
			// Another input is told from the same one.
			other := slices.Clone(x)
			other[7]++
			b := fewbits(t, append([]string{"rerun", path, npyFile(t, "other.npy", []int{rows, cols}, other...)}, c.find...)...)
			if b.code != 1 || !strings.Contains(b.out, "input, SHA-256") || !strings.Contains(b.out, "not the same") || !strings.Contains(b.err, "is not the same as that of the report") {
				t.Errorf("another input: %d %s %s", b.code, b.out, b.err)
			}
		})
	}
}

// TestRerunOfPage wants what the page writes: samples, pasted numbers, two
// sides, columns that count alike.
func TestRerunOfPage(t *testing.T) {
	x, err := sample.Make("outliers", 16, 256, 1)
	if err != nil {
		t.Fatal(err)
	}
	in := npyFile(t, "w.npy", x.Shape, x.Data...)
	_, a := reported(t, in, "INT4", "group=32", "scale=f16")
	ones := slices.Repeat([]float32{1}, 256)
	_, b := reported(t, in, "Q4_K", "-imatrix", npyFile(t, "ones.npy", []int{256}, ones...))
	a.Runs = append(a.Runs, b.Runs[0])
	a.Runs[1].Importance.Kind, a.Runs[1].Importance.File = "alike", ""
	a.Input.File = nil
	a.Input.Source = runs.Source{Kind: "sample", Name: "outliers", Rows: 16, Cols: 256, Seed: 1}
	write := func(r runs.Report) string {
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		return save(t, "page.json", text)
	}
	got := works(t, "rerun", write(a))
	if strings.Count(got, "the same") != 6 || strings.Contains(got, "not the same") {
		t.Errorf("%s", got)
	}
	a.Runs = a.Runs[:1]
	a.Runs[0].SHA256 = strings.Repeat("0", 64)
	if r := fewbits(t, "rerun", write(a)); r.code != 1 || !strings.Contains(r.out, "then 0000") {
		t.Errorf("other bytes: %d %s", r.code, r.out)
	}

	in = npyFile(t, "five.npy", []int{5}, -1, -0.5, 0, 0.5, 1)
	_, p := reported(t, in, "INT8")
	p.Input.File, p.Input.Source = nil, runs.Source{Kind: "values", Text: "[−1, -.5; 0 0.5\n1e0]"}
	works(t, "rerun", write(p))
	p.Input.Source.Text = ""
	if r := fewbits(t, "rerun", write(p)); r.code != 1 || !strings.Contains(r.err, "does not hold its 5 values") {
		t.Errorf("%d %s", r.code, r.err)
	}
	works(t, "rerun", write(p), in)
}

func TestRerunModel(t *testing.T) {
	const tale = "../../../web/samples/tale-small.gguf"
	dir := t.TempDir()
	in, report := filepath.Join(dir, "tale.gguf"), filepath.Join(dir, "run.json")
	if err := os.WriteFile(in, load(t, tale), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "out.gguf")
	works(t, "quantize", in, "-to", "Q4_K_M", "-o", out, "-report", report, "-tensor-type", "ffn_down=Q6_K")
	r := readRun(t, report)
	if r.What != "model" || len(r.Files) != 1 || r.Model.Made.SHA256 != runs.HashBytes(load(t, out)) || r.Model.Size != int64(len(load(t, out))) || len(r.Model.Tensors) < 8 {
		t.Fatalf("%+v", r)
	}
	if got := works(t, "rerun", report); strings.Contains(got, "not the same") || !strings.Contains(got, "file made, SHA-256") {
		t.Errorf("%s", got)
	}
	// As the page has it, types by the tensors' whole names.
	r.Model.Patterns, r.Model.Types = nil, map[string]string{}
	for _, x := range r.Model.Tensors {
		if strings.Contains(x.Name, "ffn_down") {
			r.Model.Types[x.Name] = "Q6_K"
		}
	}
	text, err := json.Marshal(r)
	if err != nil || len(r.Model.Types) == 0 {
		t.Fatal(err, r.Model.Types)
	}
	kept := filepath.Join(dir, "kept.gguf")
	works(t, "rerun", save(t, "page.json", text), in, "-o", kept)
	if runs.HashBytes(load(t, kept)) != r.Model.Made.SHA256 {
		t.Error("the file that was kept is another")
	}
	one := slices.Sorted(maps.Keys(r.Model.Types))[0]
	r.Model.Types[one] = "Q8_0"
	if text, err = json.Marshal(r); err != nil {
		t.Fatal(err)
	}
	if b := fewbits(t, "rerun", save(t, "page.json", text), in); b.code != 1 || !strings.Contains(b.out, "tensor "+one) {
		t.Errorf("another type: %d %s %s", b.code, b.out, b.err)
	}
}

func TestRerunRefuses(t *testing.T) {
	in := npyFile(t, "w.npy", []int{2, 32}, normal(64, 1)...)
	path, r := reported(t, in, "Q8_0")
	changed := func(f func(r *runs.Report)) string {
		x := r
		input := *r.Input
		x.Input, x.Runs = &input, slices.Clone(r.Runs)
		f(&x)
		text, err := json.Marshal(x)
		if err != nil {
			t.Fatal(err)
		}
		return save(t, "x.json", text)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"rerun"}, 2, "one report is wanted"},
		{[]string{"rerun", path, "bits=3"}, 2, "those of the report"},
		{[]string{"rerun", "missing.json"}, 1, "no such file"},
		{[]string{"rerun", in}, 1, "is no report"},
		{[]string{"rerun", save(t, "x.json", []byte(`{"a": 1}`))}, 1, "no report of a run"},
		{[]string{"rerun", changed(func(r *runs.Report) { r.Version = 99 })}, 1, "get a newer one"},
		{[]string{"rerun", changed(func(r *runs.Report) { r.What = "x" })}, 1, "neither what became of a tensor"},
		{[]string{"rerun", changed(func(r *runs.Report) { r.Input.Shape = []int{math.MaxInt, 3} })}, 1, "does not hold 64 values"},
		{[]string{"rerun", changed(func(r *runs.Report) { r.Input.File.Name = "../../away.npy" })}, 1, "neither beside it nor here"},
		{[]string{"rerun", changed(func(r *runs.Report) {
			r.Input.Source = runs.Source{Kind: "sample", Name: "normal", Rows: 1 << 30, Cols: 1 << 30}
		})}, 1, "cannot be made"},
		{[]string{"rerun", changed(func(r *runs.Report) { r.Runs[0].Format = "Q9_9" }), in}, 2, "there is no format"},
		{[]string{"rerun", changed(func(r *runs.Report) { r.Runs[0].Options = map[string]string{"bits": "99"} }), in}, 2, "no option"},
		{[]string{"rerun", changed(func(r *runs.Report) { r.Runs[0].Stored = true }), in}, 1, "nothing in it to do again"},
		{[]string{"quantize", in, "-to", "Q8_0", "-o", filepath.Join(t.TempDir(), "o.safetensors"), "-report", "r.json"}, 2, ""},
		{[]string{"quantize", in, "-to", "Q8_0", "-o", filepath.Join(t.TempDir(), "o.bin"), "-report", "r.txt"}, 2, "-report names a .json"},
	} {
		if r := fewbits(t, c.args...); r.code != c.code || !strings.Contains(r.err, c.want) {
			t.Errorf("%q: exit %d: %s", c.args, r.code, r.err)
		}
	}
}

func TestQuantizeNPZ(t *testing.T) {
	in := npyFile(t, "w.npy", []int{4, 64}, normal(256, 1)...)
	out := filepath.Join(t.TempDir(), "out.npz")
	works(t, "quantize", in, "-to", "INT4", "group=32", "-o", out)
	z, err := zip.OpenReader(out)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
	}
	if want := []string{"decision.json", "codes.npy", "scales.npy", "zeros.npy", "group_index.npy", "reconstruction.npy", "error.npy"}; !slices.Equal(names, want) {
		t.Errorf("%v", names)
	}
	// The command reads what it wrote.
	back := filepath.Join(t.TempDir(), "back.npy")
	works(t, "dequantize", out, "-tensor", "reconstruction", "-o", back)
	direct := filepath.Join(t.TempDir(), "direct.npy")
	works(t, "quantize", in, "-to", "INT4", "group=32", "-o", direct)
	if x, y := array(t, back), array(t, direct); !slices.Equal(x.Data, y.Data) || !slices.Equal(x.Shape, y.Shape) {
		t.Error("the reconstruction is another")
	}
}
