//go:build linux && amd64

package recipe

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/ggml"
	"fewbits/quant/imatrix"
	"fewbits/quant/internal/libllama"
)

// sameFile compares a file with libllama's.
func sameFile(t *testing.T, got, want []byte) {
	t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	ours, theirs := open(t, got), open(t, want)
	for i, info := range theirs.Tensors() {
		o := ours.Tensors()[i]
		a, b := make([]byte, o.Bytes), make([]byte, info.Bytes)
		if err := errors.Join(ours.ReadRaw(i, 0, a), theirs.ReadRaw(i, 0, b)); err != nil {
			t.Fatal(err)
		}
		if o.Name != info.Name || o.Type != info.Type {
			t.Errorf("tensor %d is %s, %s; libllama's is %s, %s", i, o.Name, o.Type, info.Name, info.Type)
		} else if !bytes.Equal(a, b) {
			t.Errorf("tensor %d, %s, %s: bytes differ", i, o.Name, o.Type)
		}
	}
	t.Errorf("%d bytes are not libllama's %d", len(got), len(want))
}

// files has libllama write the outputs of jobs.
func files(t *testing.T, jobs []libllama.Job) (answers []libllama.Answer) {
	t.Helper()
	dir := t.TempDir()
	for i := range jobs {
		jobs[i].Out, jobs[i].DryRun = filepath.Join(dir, strconv.Itoa(i)), false
	}
	return libllama.Run(t, jobs)
}

// trial is a model quantized by a recipe.
type trial struct {
	s       shape
	b       []byte
	r       Recipe
	guided  bool
	weights map[string][]float32
	plan    []convert.Step
	err     error
	want    string // libllama's file
	answer  libllama.Answer
}

// throughFile writes importance into a file of the given form and reads it back.
func throughFile(t *testing.T, weights map[string][]float32, legacy bool) map[string][]float32 {
	t.Helper()
	m := &imatrix.Matrix{Weights: weights}
	write := m.Write
	if legacy {
		write = m.WriteLegacy
	}
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	m, err := imatrix.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	return m.Weights
}

// TestFilesAreLlamas compares whole files, by every recipe, without and with
// an importance matrix (ours out of a file, libllama's as an array), and which
// recipes are refused without. libllama takes a minute to build the tables of
// the types below three bits: they wait for a long run, which takes all models.
func TestFilesAreLlamas(t *testing.T) {
	models := []shape{
		{arch: "llama", layers: 8, heads: 8, kv: 2, embd: 256, hidden: 512},
		{arch: "llama", layers: 8, heads: 8, kv: 4, embd: 288, hidden: 256, experts: 8, typ: "F16"},
		{arch: "gemma", layers: 3, heads: 8, kv: 1, embd: 256, hidden: 80, tied: true, typ: "BF16"},
	}
	long := os.Getenv("FEWBITS_LONG") != ""
	switch {
	case testing.Short():
		models = models[:1]
	case long:
		models = append(models, shapes()...)
	}
	var trials []*trial
	var jobs []libllama.Job
	for _, s := range models {
		b := s.write(t)
		in := filepath.Join(t.TempDir(), "in.gguf")
		if err := os.WriteFile(in, b, 0o600); err != nil {
			t.Fatal(err)
		}
		for i := range 2 * len(All()) {
			x := &trial{s: s, b: b, r: All()[i/2], guided: i%2 == 1}
			if x.guided {
				x.weights = s.importance()
			}
			job := ask(in, x.r, x.weights)
			if x.guided {
				x.weights = throughFile(t, x.weights, s.experts > 0)
			}
			if x.prepare(t) {
				trials = append(trials, x)
				jobs = append(jobs, job)
			}
		}
	}
	for i, answer := range files(t, jobs) {
		x := trials[i]
		x.want, x.answer = jobs[i].Out, answer
		t.Run(fmt.Sprintf("%s/%s/%v", x.s, x.r.Name, x.guided), func(t *testing.T) {
			if long {
				t.Parallel()
			}
			x.compare(t)
		})
	}
}

// prepare makes the plan. It is false where the bytes are not compared now.
func (x *trial) prepare(t *testing.T) bool {
	x.plan, x.err = Plan(open(t, x.b), x.r.Name, Options{Importance: x.guided})
	for i, s := range x.plan {
		typ, _ := ggml.TypeByName(s.To)
		if _, ok := formats.Lookup(s.To); x.err == nil && !ok && typ.Block > 1 {
			t.Logf("%s, %s: there is no quantizer to %s", x.s, x.r.Name, s.To)
			return false
		}
		slow := strings.HasPrefix(s.To, "IQ1") || strings.HasPrefix(s.To, "IQ2")
		if x.err == nil && slow && os.Getenv("FEWBITS_LONG") == "" {
			return false
		}
		x.plan[i].Options.Importance = x.weights[s.Name]
	}
	return true
}

func (x *trial) compare(t *testing.T) {
	var need *NeedsImportanceError
	refused := errors.As(x.err, &need)
	switch why := x.answer.Err; {
	case x.err != nil && !refused:
		t.Fatal(x.err)
	case why == nil && !refused:
	case why != nil && refused && strings.Contains(why.Error(), "requires an imatrix"):
		return
	case why != nil && x.r.Base == "Q1_0" && strings.Contains(why.Error(), "no tensor type fallback is defined"):
		return // convert.Fit defines one
	default:
		t.Fatalf("refused: %v; libllama: %v", x.err, why)
	}
	if x.guided {
		if err := Check(x.plan, x.r.Name); err != nil {
			t.Fatal(err)
		}
	}
	src := open(t, x.b)
	var b bytes.Buffer
	o := convert.Options{Formats: formats.Lookup, Meta: Meta(src, x.r.Name)}
	if err := convert.ToGGUF(t.Context(), &b, src, x.plan, o); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(x.want)
	if err != nil {
		t.Fatal(err)
	}
	sameFile(t, b.Bytes(), want)
}

// TestLacksOneTensor has a matrix without one tensor that needs importance.
func TestLacksOneTensor(t *testing.T) {
	s := shape{arch: "llama", layers: 2, heads: 8, kv: 2, embd: 256, hidden: 256}
	b, weights := s.write(t), s.importance()
	delete(weights, "blk.1.attn_q.weight")
	delete(weights, "token_embd.weight")
	delete(weights, "output.weight")
	in := filepath.Join(t.TempDir(), "in.gguf")
	if err := os.WriteFile(in, b, 0o600); err != nil {
		t.Fatal(err)
	}
	r, _ := Lookup("IQ3_XS")
	answers := files(t, []libllama.Job{ask(in, r, weights)})
	if err := answers[0].Err; err == nil || !strings.Contains(err.Error(), "blk.1.attn_q.weight") {
		t.Fatal(err)
	}
	plan, err := Plan(open(t, b), r.Name, Options{Importance: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range plan {
		plan[i].Options.Importance = weights[s.Name]
	}
	var need *NeedsImportanceError
	if err := Check(plan, r.Name); !errors.As(err, &need) || *need != (NeedsImportanceError{"IQ3_XS", "blk.1.attn_q.weight", "IQ3_XXS"}) {
		t.Error(err)
	}
}

// TestOptionsAreLlamas compares what a person changes about a recipe.
func TestOptionsAreLlamas(t *testing.T) {
	id := func(name string) uint32 {
		typ, ok := ggml.TypeByName(name)
		if !ok {
			t.Fatal(name)
		}
		return typ.ID
	}
	match := func(part string) func(string) bool {
		return func(name string) bool { return strings.Contains(name, part) }
	}
	tests := []struct {
		name, recipe string
		o            Options
		job          func(j *libllama.Job)
	}{
		{"pure", "Q4_K_M", Options{Pure: true}, func(j *libllama.Job) { j.Pure = true }},
		{"pure IQ3_XS", "IQ3_XS", Options{Pure: true}, func(j *libllama.Job) { j.Pure = true }},
		{"output", "Q4_K_M", Options{Output: "q8_0"}, func(j *libllama.Job) { j.Output = id("Q8_0") }},
		{"output F16", "Q2_K", Options{Output: "FP16"}, func(j *libllama.Job) { j.Output = id("F16") }},
		{"output, pure", "Q2_K", Options{Output: "Q5_K", Pure: true}, func(j *libllama.Job) { j.Output, j.Pure = id("Q5_K"), true }},
		{"embedding", "Q4_K_M", Options{Embedding: "Q3_K"}, func(j *libllama.Job) { j.Embedding = id("Q3_K") }},
		{"both", "Q5_K_S", Options{Embedding: "Q3_K", Output: "Q4_0"}, func(j *libllama.Job) { j.Embedding, j.Output = id("Q3_K"), id("Q4_0") }},
		{"both of F16", "F16", Options{Embedding: "Q3_K", Output: "Q4_0"}, func(j *libllama.Job) { j.Embedding, j.Output = id("Q3_K"), id("Q4_0") }},
		{"leave output", "Q4_K_M", Options{LeaveOutput: true}, func(j *libllama.Job) { j.LeaveOutput = true }},
		{"types", "Q4_K_M", Options{Types: []Override{{match("ffn_down"), "Q2_K"}, {match("blk."), "Q8_0"}, {match("blk.1.attn_v"), "F16"}}}, func(j *libllama.Job) {
			j.Types = []libllama.Override{{Pattern: `ffn_d.*n`, Type: id("Q2_K")}, {Pattern: `^blk\.`, Type: id("Q8_0")}, {Pattern: `blk\.1\.attn_v`, Type: id("F16")}}
		}},
		{"types, pure", "IQ4_XS", Options{Pure: true, Types: []Override{{match("output.weight"), "Q8_0"}}}, func(j *libllama.Job) {
			j.Pure, j.Types = true, []libllama.Override{{Pattern: `output\.weight$`, Type: id("Q8_0")}}
		}},
		{"types of F16", "F16", Options{Types: []Override{{match("ffn"), "Q8_0"}}}, func(j *libllama.Job) {
			j.Types = []libllama.Override{{Pattern: "ffn", Type: id("Q8_0")}}
		}},
		{"types moves counts", "Q4_K_S", Options{Types: []Override{{match("blk.0.attn_v"), "Q8_0"}}}, func(j *libllama.Job) {
			j.Types = []libllama.Override{{Pattern: `blk\.0\.attn_v`, Type: id("Q8_0")}}
		}},
	}
	models := []shape{
		{arch: "llama", layers: 16, heads: 8, kv: 2, embd: 256, hidden: 512},
		{arch: "llama", layers: 16, heads: 8, kv: 8, embd: 256, hidden: 288, tied: true, typ: "F16"},
	}
	for _, s := range models {
		b := s.write(t)
		in := filepath.Join(t.TempDir(), "in.gguf")
		if err := os.WriteFile(in, b, 0o600); err != nil {
			t.Fatal(err)
		}
		var jobs []libllama.Job
		for _, tt := range tests {
			r, _ := Lookup(tt.recipe)
			j := ask(in, r, nil)
			tt.job(&j)
			jobs = append(jobs, j)
		}
		answers := libllama.Run(t, jobs)
		for i, tt := range tests {
			t.Run(s.String()+"/"+tt.name, func(t *testing.T) {
				plan, err := Plan(open(t, b), tt.recipe, tt.o)
				if (err != nil) != answers[i].NeedsMatrix || answers[i].Err != nil {
					t.Errorf("%v; libllama %v, needs a matrix: %v", err, answers[i].Err, answers[i].NeedsMatrix)
				}
				for _, s := range plan {
					if want := answers[i].Types[s.Name]; s.To != want {
						t.Errorf("%s is %s, libllama has %s", s.Name, s.To, want)
					}
				}
			})
		}
	}
}
