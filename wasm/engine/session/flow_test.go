//go:build !first

package session

import (
	"bytes"
	"math"
	"os"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/activation"
	"fewbits/quant/calib"
	"fewbits/quant/calibrate"
	"fewbits/quant/gguf"
	"fewbits/quant/imatrix"
	"fewbits/quant/llama"
	"fewbits/wasm/wire"
)

// flowOf opens the smaller demo model for a text, "" being the built-in one.
func flowOf(t *testing.T, text string, tokens int) (*Session, wire.Flow, []byte) {
	t.Helper()
	file, err := os.ReadFile("../../../web/samples/tale-small.gguf")
	if err != nil {
		t.Fatal(err)
	}
	s := &Session{}
	args := wire.FlowOpenArgs{Name: "tale-small.gguf", Text: text, TextName: "a.txt", Tokens: tokens}
	return s, ask[wire.Flow](t, s, wire.OpFlowOpen, args, Attachment{Files: []quant.File{fileOf("", file)}}), file
}

// job runs one to its end.
func job(t *testing.T, s *Session, a wire.FlowRunArgs) (steps []wire.FlowStep, arrays map[string]any) {
	t.Helper()
	args, err := wire.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	for op := wire.OpFlowRun; ; op = wire.OpFlowStep {
		r, err := s.Call(op, args, Attachment{})
		if err != nil {
			t.Fatal(err)
		}
		step := r.JSON.(wire.FlowStep)
		if steps = append(steps, step); step.Through {
			return steps, r.Arrays
		}
		args = nil
	}
}

// TestMethodsOnAModel holds GPTQ in steps against the same in one go.
func TestMethodsOnAModel(t *testing.T) {
	s, open, file := flowOf(t, "", 1024)
	if open.Context != 128 || open.Chunks != 8 || open.Measured != 8 || open.Follow {
		t.Fatalf("%+v", open)
	}
	options := map[string]string{"bits": "3", "group": "32"}
	steps, arrays := job(t, s, wire.FlowRunArgs{Kind: wire.FlowMethod, Format: "gptq", Options: options})
	end := steps[len(steps)-1]
	own, plain := end.Own.Strayed().KL.Value, end.Plain.Strayed().KL.Value
	if !(own > 0 && own < 0.9*plain) {
		t.Errorf("KL %g with GPTQ, %g with rounding", own, plain)
	}
	src, err := gguf.Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	m, err := llama.Open(src, llama.Options{Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	want, err := calibrate.Quantize(t.Context(), m, s.flow.chunks, calibrate.Options{Method: "GPTQ", Quant: quant.Options{Bits: 3, Group: 32}})
	if err != nil {
		t.Fatal(err)
	}
	var got []wire.FlowTensor
	for _, step := range steps {
		got = append(got, step.Tensors...)
	}
	if len(got) != len(want.Tensors) || end.Name != "tale-small-gptq.gguf" || end.CodeBits < 3 || end.CodeBits > 5 {
		t.Fatalf("%d of %d matrices, %+v", len(got), len(want.Tensors), end)
	}
	made, err := gguf.Open(bytes.NewReader(arrays["bytes"].([]byte)), int64(len(arrays["bytes"].([]byte))))
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, info := range made.Tensors() {
		at[info.Name] = i
	}
	for i, w := range want.Tensors {
		if got[i] != (wire.FlowTensor{Name: w.Name, Error: w.Error.Relative, Rounding: w.Error.Rounding}) {
			t.Errorf("%+v, want %s %+v", got[i], w.Name, w.Error)
		}
		x, err := quant.ReadTensor(made, at[w.Name])
		if err != nil || made.Tensors()[at[w.Name]].Type != "F16" {
			t.Fatal(w.Name, err)
		}
		for k, v := range w.Values {
			if math.Abs(float64(x.Data[k]-v)) > 1e-3*math.Abs(float64(v))+1e-7 {
				t.Fatalf("%s[%d] is %g, want %g", w.Name, k, x.Data[k], v)
			}
		}
	}
}

// TestEveryMethodRuns wants each to end with numbers, and activations to be
// rounded with those that do so.
func TestEveryMethodRuns(t *testing.T) {
	s, _, _ := flowOf(t, "", 512)
	for _, name := range []string{"AWQ", "HQQ", "SmoothQuant", "LLM.int8"} {
		t.Run(name, func(t *testing.T) {
			steps, _ := job(t, s, wire.FlowRunArgs{Kind: wire.FlowMethod, Format: name})
			end := steps[len(steps)-1]
			own, plain := end.Own.Strayed().KL.Value, end.Plain.Strayed().KL.Value
			if !(own > 0 && plain > 0) || own > 2*plain {
				t.Errorf("KL %g, %g with rounding", own, plain)
			}
		})
	}
}

// TestMatrixIsTheCommands holds what is collected against calibrate.Importance.
func TestMatrixIsTheCommands(t *testing.T) {
	s, _, _ := flowOf(t, "", 512)
	steps, arrays := job(t, s, wire.FlowRunArgs{Kind: wire.FlowMatrix})
	if name := steps[len(steps)-1].Name; name != "tale-small-imatrix" {
		t.Error(name)
	}
	want, err := calibrate.Importance(t.Context(), s.flow.model, s.flow.chunks, false, nil)
	if err != nil {
		t.Fatal(err)
	}
	want.Datasets = []string{"a.txt"}
	var whole, legacy bytes.Buffer
	if err := want.Write(&whole); err != nil {
		t.Fatal(err)
	}
	if err := want.WriteLegacy(&legacy); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(whole.Bytes(), arrays["bytes"].([]byte)) || !bytes.Equal(legacy.Bytes(), arrays["legacy"].([]byte)) {
		t.Error("the files are not those of calibrate.Importance")
	}
	if _, err := imatrix.Open(bytes.NewReader(whole.Bytes()), int64(whole.Len())); err != nil {
		t.Error(err)
	}
}

// TestWhatFlows holds ranges against the calibrators' own, and errors against
// each other.
func TestWhatFlows(t *testing.T) {
	s, open, _ := flowOf(t, "", 512)
	job(t, s, wire.FlowRunArgs{Kind: wire.FlowLook})
	if open.Layers < 1 || len(open.Stages) != 4 {
		t.Fatalf("%+v", open)
	}
	for stage := range open.Stages {
		args := wire.FlowStageArgs{Layer: open.Layers - 1, Stage: stage, Alpha: 0.5, Threshold: 6}
		got := ask[wire.FlowStage](t, s, wire.OpFlowStage, args, Attachment{})
		if got.Tokens != 512 || got.Plain <= 0 || got.Smooth <= 0 || got.Mixed <= 0 || got.Sampled != lookSample {
			t.Errorf("%+v", got)
		}
		for i, r := range []quant.Range{quant.RangeMinMax, activation.RangeAverage, quant.RangePercentile, quant.RangeEntropy, quant.RangeMSE} {
			q, err := calibrate.Activations(t.Context(), s.flow.model, s.flow.chunks, activation.Scheme{Granularity: quant.PerTensor, Range: r}, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, hi := q.Range(got.Name)
			most := max(got.Ranges[i].Hi, -got.Ranges[i].Lo)
			if math.Abs(most-float64(hi[0])) > 1e-5*most {
				t.Errorf("%s: %s covers ±%g, want %g", got.Name, r, most, hi[0])
			}
		}
		args.Threshold = 0
		if none := ask[wire.FlowStage](t, s, wire.OpFlowStage, args, Attachment{}); none.Outliers != 0 {
			t.Errorf("%d outliers without a threshold", none.Outliers)
		}
	}
}

// TestSchemes wants fewer bits to lose more.
func TestSchemes(t *testing.T) {
	s, _, _ := flowOf(t, "", 256)
	kl := func(a wire.FlowRunArgs) float64 {
		a.Kind = wire.FlowScheme
		steps, _ := job(t, s, a)
		return steps[len(steps)-1].Own.Strayed().KL.Value
	}
	rows := map[string]string{"granularity": "channel"}
	w16a16 := kl(wire.FlowRunArgs{})
	w8a8 := kl(wire.FlowRunArgs{Format: "INT8", Options: rows, Bits: 8})
	w4a8 := kl(wire.FlowRunArgs{Format: "INT4", Options: rows, Bits: 8, Granularity: "tensor", Range: "entropy"})
	if w16a16 > 1e-9 || !(w8a8 > 0 && w8a8 < w4a8) {
		t.Errorf("KL %g, %g, %g", w16a16, w8a8, w4a8)
	}
}

// TestTextsThatSayLittle holds what is told of a text against what GPTQ comes to:
// the rank of the first layer's Hessian is the number of its inputs that differ,
// and where that is less than its columns GPTQ gains less, or loses.
func TestTextsThatSayLittle(t *testing.T) {
	_, open, _ := flowOf(t, "", 2048)
	if open.Width != 256 || open.Widest != 256 || open.First < open.Width || open.Contexts < 2000 || open.Seen > 0.3 {
		t.Errorf("the built-in stories: %+v", open)
	}
	s, open, _ := flowOf(t, strings.Repeat("Once upon a time there was a fox. It went to the river. ", 400), 512)
	if open.First > 30 || open.Contexts > 512 || open.Seen < 0.95 {
		t.Errorf("a text that repeats itself: %+v", open)
	}
	name := s.flow.model.Matrices(0, 0)[0]
	in, err := calibrate.Inputs(t.Context(), s.flow.model, s.flow.chunks, func(n string) (calib.Wants, bool) { return calib.Wants{Gram: true}, n == name }, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := rank(in[name].Gram); got != open.First {
		t.Errorf("the Hessian of %s has rank %d, and %d inputs differ", name, got, open.First)
	}
	if _, open, _ = flowOf(t, "", 256); open.First >= open.Width || open.Contexts > 256 {
		t.Errorf("a short text: %+v", open)
	}
}

// rank of a Gram matrix, by Cholesky's method with pivots, where what is a
// millionth of the mean diagonal is nothing.
func rank(g *calib.Gram) int {
	n, mean := g.N, 0.0
	left := make([]float64, n)
	for i := range left {
		left[i] = g.Data[i*n+i]
		mean += left[i] / float64(n)
	}
	var rows [][]float64
	for len(rows) < n {
		p := 0
		for i, v := range left {
			if v > left[p] {
				p = i
			}
		}
		if left[p] <= 1e-6*mean {
			break
		}
		row, root := make([]float64, n), math.Sqrt(left[p])
		for i := range row {
			v := g.Data[p*n+i]
			for _, r := range rows {
				v -= r[p] * r[i]
			}
			row[i] = v / root
			left[i] -= row[i] * row[i]
		}
		left[p] = 0
		rows = append(rows, row)
	}
	return len(rows)
}

// TestTextsThatAreCut wants an own text to be divided, and one that is too short
// to be refused.
func TestTextsThatAreCut(t *testing.T) {
	long := strings.Repeat("Once upon a time there was a fox. It went to the river. ", 400)
	if _, open, _ := flowOf(t, long, 512); !open.Follow || open.Chunks != 4 || open.Measured != 4 {
		t.Errorf("%+v", open)
	}
	if _, open, _ := flowOf(t, long, 0); open.Follow || open.Measured < 2 {
		t.Errorf("%+v", open)
	}
	s, _, file := flowOf(t, "", 256)
	args, err := wire.Marshal(wire.FlowOpenArgs{Name: "m", Text: "No."})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Call(wire.OpFlowOpen, args, Attachment{Files: []quant.File{fileOf("", file)}}); err == nil || !strings.Contains(err.Error(), "longer text") {
		t.Error(err)
	}
}
