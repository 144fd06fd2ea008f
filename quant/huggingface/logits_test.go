//go:build linux && amd64

package huggingface

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fewbits/quant/internal/libllama"
)

func TestMain(m *testing.M) {
	libllama.Serve()
	os.Exit(m.Run())
}

// farthest is how far libllama's logits may lie from those computed in
// float64: for what the conversion is to be right, and rounding is not.
const farthest = 1e-4

// gelu is farthest where Gemma's activation is not read off ggml's table of
// halves.
const gelu = 1e-2

func tokensFor(n int) []int32 {
	tokens := make([]int32, n)
	for i := range tokens {
		tokens[i] = int32((i*i*7 + 13*i + 1) % 300)
	}
	return tokens
}

func TestLogits(t *testing.T) {
	tokens := tokensFor(14)
	dir := t.TempDir()
	var jobs []libllama.Job
	for i, m := range models {
		path := filepath.Join(dir, fmt.Sprint(i))
		if err := os.WriteFile(path+".gguf", toGGUF(t, newCheckpoint(m.class, m.over).open(t)), 0o600); err != nil {
			t.Fatal(err)
		}
		jobs = append(jobs, libllama.Job{In: path + ".gguf", Out: path + ".out", Tokens: tokens, Context: 256})
	}
	for i, a := range libllama.Run(t, jobs) {
		t.Run(models[i].name, func(t *testing.T) {
			if a.Err != nil {
				t.Fatal(a.Err)
			}
			models[i].check(t, tokens, a.Logits)
		})
	}
}

// check compares the logits of a model with transformers' own. Without what
// its config.json says of positions and caps they must differ, or the test
// shows nothing.
func (m model) check(t *testing.T, tokens []int32, got []float32) {
	k := newCheckpoint(m.class, m.over)
	gemma := strings.HasPrefix(m.class, "Gemma")
	if gemma {
		k.config["tie_word_embeddings"] = true // which is taken for granted
		worst, _ := compareLogits(t, k.forward(tokens, m.long), got)
		t.Logf("logits differ by %.2g at most where the activation is exact", worst)
		if !(worst <= gelu) {
			t.Errorf("logits differ by %.3g, more than %g", worst, gelu)
		}
		k.halves = true
	}
	worst, spread := compareLogits(t, k.forward(tokens, m.long), got)
	t.Logf("logits differ by %.2g at most; they spread by %.2g", worst, spread)
	if !(worst <= farthest) {
		t.Errorf("logits differ by %.3g, more than %g", worst, farthest)
	}
	if spread < 0.5 {
		t.Errorf("the logits spread by %g only: the test shows little", spread)
	}
	for _, key := range []string{"rope_scaling", "attn_logit_softcapping", "final_logit_softcapping", "sliding_window", "partial_rotary_factor"} {
		k := newCheckpoint(m.class, m.over)
		if k.config[key] == nil {
			continue
		}
		delete(k.config, key)
		k.config["tie_word_embeddings"], k.halves = k.config["tie_word_embeddings"] == true || gemma, gemma
		if worst, _ := compareLogits(t, k.forward(tokens, m.long), got); worst < 100*farthest {
			t.Errorf("without %s logits differ by %g only: the test shows nothing", key, worst)
		}
	}
}

// compareLogits is how far two lists of logits differ at most, and the
// standard deviation of the first.
func compareLogits(t *testing.T, want [][]float64, got []float32) (worst, spread float64) {
	t.Helper()
	vocab := len(want[0])
	if len(got) != len(want)*vocab {
		t.Fatalf("%d logits, and %d × %d are wanted", len(got), len(want), vocab)
	}
	for i, row := range want {
		for j, w := range row {
			d := math.Abs(w - float64(got[i*vocab+j]))
			if !(d <= worst) {
				worst = d
			}
			spread += w * w
		}
	}
	return worst, math.Sqrt(spread / float64(len(got)))
}
