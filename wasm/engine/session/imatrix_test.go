package session

import (
	"bytes"
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
	"fewbits/quant/formats"
	"fewbits/quant/gguf"
	"fewbits/quant/imatrix"
	"fewbits/wasm/wire"
)

// twoLayers is a small model as llama.cpp has it, with experts in its second
// layer, and an importance matrix for it.
func twoLayers(t *testing.T) (model []byte, m *imatrix.Matrix) {
	t.Helper()
	meta := []quant.Meta{
		{Key: "general.architecture", Value: "llama"}, {Key: "llama.block_count", Value: uint32(2)},
		{Key: "llama.attention.head_count", Value: uint32(8)}, {Key: "llama.attention.head_count_kv", Value: uint32(2)},
	}
	var plans []gguf.TensorPlan
	add := func(name string, shape ...int) {
		plans = append(plans, gguf.TensorPlan{Name: name, Shape: shape, Type: "F32"})
	}
	add("token_embd.weight", 8, 256)
	add("output_norm.weight", 256)
	add("output.weight", 8, 256)
	for l := range 2 {
		b := fmt.Sprintf("blk.%d.", l)
		for _, part := range []string{"attn_q", "attn_k", "attn_v", "attn_output"} {
			add(b+part+".weight", 4, 256)
		}
		if l == 0 {
			add(b+"ffn_up.weight", 4, 256)
			add(b+"ffn_down.weight", 4, 512)
		} else {
			add(b+"ffn_up_exps.weight", 3, 4, 256)
			add(b+"ffn_down_exps.weight", 3, 4, 512)
		}
	}
	m = &imatrix.Matrix{Weights: map[string][]float32{}, Counts: map[string][]int64{}, Datasets: []string{"calib.txt"}, Chunks: 31, ChunkSize: 512}
	var b bytes.Buffer
	w, err := gguf.NewWriter(&b, meta, plans)
	if err != nil {
		t.Fatal(err)
	}
	g := generator{5}
	for i, p := range plans {
		n, _ := quant.Count(p.Shape)
		raw := make([]byte, 0, 4*n)
		for range n {
			v := math.Float32bits(float32(0.02 * g.normal()))
			raw = append(raw, byte(v), byte(v>>8), byte(v>>16), byte(v>>24))
		}
		if err := w.WriteTensor(i, raw); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(p.Name, "blk.") {
			k := quant.Cols(p.Shape)
			if len(p.Shape) == 3 {
				k *= p.Shape[0]
			}
			for range k {
				m.Weights[p.Name] = append(m.Weights[p.Name], float32(math.Exp(2*g.normal())))
			}
			m.Counts[p.Name] = slices.Repeat([]int64{15872}, k/quant.Cols(p.Shape))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), m
}

// inForm is a matrix as a file: the old form where its name ends in .dat.
func inForm(t *testing.T, m *imatrix.Matrix, name string) []byte {
	t.Helper()
	write := m.Write
	if strings.HasSuffix(name, ".dat") {
		write = m.WriteLegacy
	}
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func give(s *Session, name string, file []byte) (info wire.Imatrix, err error) {
	err = request(s, wire.OpImatrix, wire.ImatrixArgs{Name: name}, Attachment{File: bytes.NewReader(file), Size: int64(len(file))}, &info)
	return info, err
}

// TestBytesAreTheCommands makes models with an importance matrix here and with
// the command, whose bytes are held against llama-quantize's elsewhere.
func TestBytesAreTheCommands(t *testing.T) {
	if runtime.GOOS == "js" {
		t.Skip("a browser runs no command")
	}
	dir := t.TempDir()
	command := filepath.Join(dir, "fewbits")
	if out, err := exec.Command("go", "build", "-o", command, "fewbits/quant/cmd/fewbits").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	model, m := twoLayers(t)
	if err := os.WriteFile(filepath.Join(dir, "m.gguf"), model, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, matrix := range []string{"imatrix.dat", "imatrix.gguf"} {
		file := inForm(t, m, matrix)
		if err := os.WriteFile(filepath.Join(dir, matrix), file, 0o600); err != nil {
			t.Fatal(err)
		}
		s, _ := opened(t, "m.gguf", model)
		info, err := give(s, matrix, file)
		if err != nil || info.Chunks != 31 || !slices.Equal(info.Datasets, []string{"calib.txt"}) || len(info.Entries) != 12 {
			t.Fatalf("%+v, %v", info, err)
		}
		for _, recipe := range []string{"Q4_K_M", "Q2_K_S", "IQ3_M", "Q4_K, pure", "Q8_0, pure"} {
			name, pure := strings.CutSuffix(recipe, wire.Pure)
			args := []string{"quantize", "m.gguf", "-to", name, "-imatrix", matrix, "-o", "out.gguf"}
			if pure && name != "Q8_0" {
				args = append(args, "-pure")
			}
			cmd := exec.Command(command, args...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v: %v\n%s", args, err, out)
			}
			want, err := os.ReadFile(filepath.Join(dir, "out.gguf"))
			if err != nil {
				t.Fatal(err)
			}
			got := build(t, s, wire.PlanArgs{Recipe: recipe, Importance: true}, 2)
			if !bytes.Equal(got.file, want) {
				t.Errorf("%s, %s: %d bytes that are not the command's %d", recipe, matrix, len(got.file), len(want))
			}
			without := build(t, s, wire.PlanArgs{Recipe: strings.Replace(recipe, "Q2_K_S", "Q2_K", 1)}, 2)
			if strings.HasPrefix(recipe, "IQ") == (name == "Q8_0") && bytes.Equal(without.file, want) {
				t.Errorf("%s: the matrix changes nothing: the test shows nothing", recipe)
			}
		}
	}
}

// TestNeedsMatrix refuses small types without a matrix, and says what to do.
func TestNeedsMatrix(t *testing.T) {
	model, m := twoLayers(t)
	plan := func(s *Session, recipe string, use bool) error {
		return request(s, wire.OpPlan, wire.PlanArgs{Recipe: recipe, Importance: use}, Attachment{}, &wire.Plan{})
	}
	s, _ := opened(t, "m.gguf", model)
	for _, recipe := range []string{"Q2_K_S", "IQ2_XS", "IQ1_S, pure"} {
		if err := plan(s, recipe, false); err == nil || !strings.Contains(err.Error(), "needs an importance matrix") {
			t.Errorf("%s: %v", recipe, err)
		}
	}
	if err := plan(s, "Q4_K_M", true); err == nil || !strings.Contains(err.Error(), "there is no importance matrix here") {
		t.Error(err)
	}
	part := *m
	part.Weights = map[string][]float32{}
	for name, w := range m.Weights {
		if name != "blk.1.attn_q.weight" {
			part.Weights[name] = w
		}
	}
	if _, err := give(s, "part.dat", inForm(t, &part, "part.dat")); err != nil {
		t.Fatal(err)
	}
	if err := plan(s, "IQ2_XS", true); err == nil || !strings.Contains(err.Error(), `"blk.1.attn_q.weight"`) {
		t.Error(err)
	}
	if _, err := give(s, "m.dat", inForm(t, m, "m.dat")); err != nil {
		t.Fatal(err)
	}
	for _, recipe := range []string{"Q2_K_S", "IQ2_XS"} {
		if err := plan(s, recipe, true); err != nil {
			t.Errorf("%s: %v", recipe, err)
		}
	}
	// Of pure IQ1_S the embedding has no weights.
	if err := plan(s, "IQ1_S, pure", true); err == nil || !strings.Contains(err.Error(), `"output.weight"`) && !strings.Contains(err.Error(), `"token_embd.weight"`) {
		t.Error(err)
	}
	// Of another model, and damaged.
	other := &imatrix.Matrix{Weights: map[string][]float32{"x": {1, 2}, "blk.0.attn_q.weight": {1, 2, 3}}}
	if _, err := give(s, "other.dat", inForm(t, other, "other.dat")); err != nil {
		t.Fatal(err)
	}
	if err := plan(s, "Q4_K_M", true); err == nil || !strings.Contains(err.Error(), `other.dat has 3 weights for tensor "blk.0.attn_q.weight", which has 256 columns; is it of another model?`) {
		t.Error(err)
	}
	delete(other.Weights, "blk.0.attn_q.weight")
	if _, err := give(s, "other.dat", inForm(t, other, "other.dat")); err != nil {
		t.Fatal(err)
	}
	if err := plan(s, "Q4_K_M", true); err == nil || !strings.Contains(err.Error(), "has no weights for any of") {
		t.Error(err)
	}
	if _, err := give(s, "text.dat", []byte("some text that is long enough")); err == nil {
		t.Error("text is taken for a matrix")
	}
	if err := plan(s, "Q4_K_M", true); err == nil || !strings.Contains(err.Error(), "other.dat") {
		t.Errorf("what cannot be read took the place of the matrix: %v", err)
	}
	if err := request(s, wire.OpImatrix, wire.ImatrixArgs{}, Attachment{}, &wire.Imatrix{}); err != nil {
		t.Fatal(err)
	}
	if err := plan(s, "Q4_K_M", true); err == nil || !strings.Contains(err.Error(), "no importance matrix here") {
		t.Errorf("it is not forgotten: %v", err)
	}
}

// TestWeights sends what is drawn: of experts one row each.
func TestWeights(t *testing.T) {
	model, m := twoLayers(t)
	s, _ := opened(t, "m.gguf", model)
	for _, name := range []string{"i.gguf", "i.dat"} {
		if _, err := give(s, name, inForm(t, m, name)); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			tensor     string
			columns    int
			rows, cols int
		}{{"blk.0.ffn_down.weight", 512, 1, 512}, {"blk.1.ffn_down_exps.weight", 512, 3, 512}, {"blk.0.ffn_down.weight", 0, 1, 512}} {
			args, err := wire.Marshal(wire.WeightsArgs{Name: tt.tensor, Columns: tt.columns})
			if err != nil {
				t.Fatal(err)
			}
			r, err := s.Call(wire.OpWeights, args, Attachment{})
			if err != nil {
				t.Fatal(err)
			}
			w := r.JSON.(wire.Weights)
			x := r.Arrays["weights"].([]float32)
			if w.Rows != tt.rows || w.Cols != tt.cols || len(x) != w.Rows*w.Cols || math.Abs(float64(x[7]/m.Weights[tt.tensor][7]-1)) > 1e-6 {
				t.Errorf("%s: %+v of %d", tt.tensor, w, len(x))
			}
		}
	}
	if err := request(s, wire.OpWeights, wire.WeightsArgs{Name: "none"}, Attachment{}, &wire.Weights{}); err == nil || !strings.Contains(err.Error(), `no weights for tensor "none"`) {
		t.Error(err)
	}
}

// TestAnalyzeWithImportance packs a tensor with its row of the matrix, experts
// each with their own, whole and from a sample.
func TestAnalyzeWithImportance(t *testing.T) {
	model, m := twoLayers(t)
	s, info := opened(t, "m.gguf", model)
	if _, err := give(s, "i.gguf", inForm(t, m, "i.gguf")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"blk.0.ffn_up.weight", "blk.1.ffn_up_exps.weight", "output.weight"} {
		i := slices.IndexFunc(info.Tensors, func(r wire.TensorRow) bool { return r.Name == name })
		if err := request(s, wire.OpLoad, wire.Source{Kind: "file", Index: i}, Attachment{}, &wire.TensorStats{}); err != nil {
			t.Fatal(err)
		}
		x, cols := s.tensor, s.tensor.Cols()
		experts := max(1, len(m.Weights[name])/cols)
		each := x.Rows() / experts
		for _, kind := range []string{"", wire.ImportanceAlike, wire.ImportanceMatrix} {
			a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: "Q3_K", Importance: kind})
			f, _ := formats.Lookup("Q3_K")
			var want []byte
			for e := range experts {
				var o quant.Options
				switch {
				case kind == wire.ImportanceAlike:
					o.Importance = slices.Repeat([]float32{1}, cols)
				case kind == wire.ImportanceMatrix && m.Weights[name] != nil:
					o.Importance = m.Weights[name][e*cols:][:cols]
				}
				p, err := f.Quantize(x.Slice(e*each, (e+1)*each), o)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, p.Bytes...)
			}
			if !bytes.Equal(s.last.packed.Bytes, want) {
				t.Errorf("%s, %q: other bytes", name, kind)
			}
			used := kind
			if kind == wire.ImportanceMatrix && m.Weights[name] == nil {
				used = ""
			}
			if a.Importance != used {
				t.Errorf("%s: %q was used where %q was asked for", name, a.Importance, kind)
			}
		}
		// A sample of every second row has every second row's bytes.
		mustAnalyze(t, s, wire.AnalyzeArgs{Format: "IQ4_XS", Importance: wire.ImportanceMatrix})
		whole := slices.Clone(s.last.packed.Bytes)
		mustAnalyze(t, s, wire.AnalyzeArgs{Format: "IQ4_XS", Importance: wire.ImportanceMatrix, Sample: x.Len() / 2})
		if s.last.part == nil {
			t.Fatal("it is no sample")
		}
		for k, r := range s.last.part.rows {
			if !bytes.Equal(s.last.packed.Bytes[k*136:][:136], whole[r*136:][:136]) {
				t.Errorf("%s: row %d of the sample differs", name, k)
			}
		}
	}
	a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: "IQ2_XXS", Importance: wire.ImportanceAlike})
	if a.Importance != wire.ImportanceAlike {
		t.Errorf("%s", a.text)
	}
	if _, err := analyzed(s, wire.AnalyzeArgs{Format: "IQ2_XXS", Importance: wire.ImportanceMatrix}); err == nil || !strings.Contains(err.Error(), "needs an importance matrix") {
		t.Errorf("a tensor without weights: %v", err)
	}
	if a := mustAnalyze(t, s, wire.AnalyzeArgs{Format: "Q8_0", Importance: wire.ImportanceAlike}); a.Importance != "" {
		t.Error("Q8_0 took importance")
	}
}
