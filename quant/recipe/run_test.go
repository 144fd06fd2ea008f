//go:build linux && amd64

package recipe

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/gguf"
	"fewbits/quant/internal/libllama"
)

// How far the logits may be off, relative to them: √(Σ(l̂ − l)² / Σl²).
const (
	// From those of the same weights in F32. llama.cpp rounds what it multiplies
	// quantized weights with to 8 bits; measured: up to 0.031, of IQ1_S.
	mostUnpacked = 0.05
	// From those of the original, as a multiple of the relative error of the
	// weights; measured: 4.9 for F16, 3.6 for Q4_K_M, 2.7 for Q2_K, 1.6 for
	// ternary types. Much less, and it was not this model that ran.
	mostLost, leastLost = 6.0, 1.2
)

// original is a model to quantize, and its file.
type original struct {
	file       []byte
	importance map[string][]float32
	job        libllama.Job
}

// run is a model made by a recipe: what libllama is asked to run.
type run struct {
	from     *original
	recipe   Recipe
	weights  float64 // their relative error
	made     libllama.Job
	unpacked libllama.Job // the same weights as F32
}

func runJob(dir, name string) libllama.Job {
	var tokens []int32
	for i := range int32(runTokens) {
		tokens = append(tokens, (1+37*i)%runVocab)
	}
	return libllama.Job{In: filepath.Join(dir, name), Out: filepath.Join(dir, name+".logits"), Tokens: tokens}
}

// make quantizes, measures and unpacks.
func (r *run) make(ctx context.Context) error {
	src, err := gguf.Open(bytes.NewReader(r.from.file), int64(len(r.from.file)))
	if err != nil {
		return err
	}
	plan, err := Plan(src, r.recipe.Name, Options{Importance: true})
	if err != nil {
		return err
	}
	for i, s := range plan {
		plan[i].Options.Importance = r.from.importance[s.Name]
	}
	if err := Check(plan, r.recipe.Name); err != nil {
		return err
	}
	var b, f32 bytes.Buffer
	if err := convert.ToGGUF(ctx, &b, src, plan, convert.Options{Formats: formats.Lookup, Meta: Meta(src, r.recipe.Name)}); err != nil {
		return err
	}
	out, err := gguf.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		return err
	}
	if r.weights, err = lost(src, out); err != nil {
		return err
	}
	if plan, err = convert.PlanPure(out, "F32"); err != nil {
		return err
	}
	if err := convert.ToGGUF(ctx, &f32, out, plan, convert.Options{Formats: formats.Lookup}); err != nil {
		return err
	}
	return errors.Join(os.WriteFile(r.made.In, b.Bytes(), 0o600), os.WriteFile(r.unpacked.In, f32.Bytes(), 0o600))
}

// lost is the relative error of all matrices: √(Σ(x̂ − x)² / Σx²), the token
// embedding's, whose values are larger, as if they were not.
func lost(src, out *gguf.File) (float64, error) {
	at := map[string]int{}
	for i, info := range out.Tensors() {
		at[info.Name] = i
	}
	var off, all float64
	for i, info := range src.Tensors() {
		if len(info.Shape) < 2 {
			continue
		}
		x, err := quant.ReadTensor(src, i)
		if err != nil {
			return 0, err
		}
		y, err := quant.ReadTensor(out, at[info.Name])
		if err != nil {
			return 0, err
		}
		e, n := squares(y.Data, x.Data)
		if info.Name == "token_embd.weight" {
			e, n = e/runEmbd, n/runEmbd
		}
		off, all = off+e, all+n
	}
	return math.Sqrt(off / all), nil
}

// squares is Σ(y − x)² and Σx².
func squares(y, x []float32) (off, all float64) {
	for i := range x {
		d, v := float64(y[i])-float64(x[i]), float64(x[i])
		off, all = off+d*d, all+v*v
	}
	return off, all
}

// runs are all recipes, the one for experts on a model of two experts.
func runs(t *testing.T) (list []*run) {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, experts int) *original {
		o := &original{job: runJob(dir, name)}
		o.file, o.importance = runnable(t, experts)
		if err := os.WriteFile(o.job.In, o.file, 0o600); err != nil {
			t.Fatal(err)
		}
		return o
	}
	dense, mixed := write("dense", 0), write("mixed", 2)
	for _, r := range All() {
		x := &run{from: dense, recipe: r, made: runJob(dir, r.Name), unpacked: runJob(dir, r.Name+"-unpacked")}
		if strings.HasSuffix(r.Name, "_MOE") {
			x.from = mixed
		}
		list = append(list, x)
	}
	return list
}

// TestRun quantizes a model by every recipe and has libllama run it: what it
// computes is what our reading of the bytes gives, and as far from the original
// as the weights are.
func TestRun(t *testing.T) {
	if testing.Short() {
		t.Skip("quantizes more than a million weights by every recipe")
	}
	list := runs(t)
	next := make(chan *run)
	var work sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		work.Go(func() {
			for r := range next {
				if err := r.make(t.Context()); err != nil {
					t.Errorf("%s: %v", r.recipe.Name, err)
				}
			}
		})
	}
	for _, r := range list {
		next <- r
	}
	close(next)
	if work.Wait(); t.Failed() {
		return
	}
	var jobs []libllama.Job
	from := map[*original]int{} // where the answer for it is
	for _, r := range list {
		if _, asked := from[r.from]; !asked {
			from[r.from] = len(jobs)
			jobs = append(jobs, r.from.job)
		}
		jobs = append(jobs, r.made, r.unpacked)
	}
	answers := libllama.Run(t, jobs)
	at := 0
	for _, r := range list {
		if from[r.from] == at {
			at++
		}
		mine := append([]libllama.Answer{answers[from[r.from]]}, answers[at:at+2]...)
		at += 2
		t.Run(r.recipe.Name, func(t *testing.T) { r.check(t, mine) })
	}
}

// check looks at the answers for the original, the model made and its weights as F32.
func (r *run) check(t *testing.T, a []libllama.Answer) {
	for i, what := range []string{"the original", "the model", "its weights in F32"} {
		if a[i].Err != nil {
			t.Fatalf("%s: %v", what, a[i].Err)
		}
		if len(a[i].Logits) != runTokens*runVocab {
			t.Fatalf("%s: %d logits", what, len(a[i].Logits))
		}
		for j, v := range a[i].Logits {
			if v-v != 0 {
				t.Fatalf("%s: logit %d is %v", what, j, v)
			}
		}
	}
	apart := func(x, y []float32) float64 {
		off, all := squares(x, y)
		return math.Sqrt(off / all)
	}
	unpacked, all := apart(a[1].Logits, a[2].Logits), apart(a[1].Logits, a[0].Logits)
	t.Logf("weights are off by %.5f, logits by %.4f; by %.4f from those of the same weights in F32", r.weights, all, unpacked)
	if unpacked > mostUnpacked {
		t.Errorf("logits are off by %.4f from those of the same weights in F32, at most %v", unpacked, mostUnpacked)
	}
	if all > mostLost*r.weights || all < leastLost*r.weights {
		t.Errorf("weights are off by %.5f and logits by %.4f; want %v to %v times as much", r.weights, all, leastLost, mostLost)
	}
}
