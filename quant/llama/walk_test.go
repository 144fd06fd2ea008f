package llama

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"
)

// TestWalk takes texts through a model layer by layer, and wants the inputs
// that a session has, in every architecture.
func TestWalk(t *testing.T) {
	for arch := range maps.Keys(designs) {
		t.Run(arch, func(t *testing.T) {
			s := small2(arch)
			s.fused = arch == "phi3" || arch == "gpt2"
			s.biases = arch == "qwen2" || arch == "gpt2"
			if arch == "gpt2" {
				s.shared = s.heads
			}
			path := s.write(t)
			texts := [][]int32{someTokens(40, s.vocabulary), someTokens(7, s.vocabulary)}
			want := map[string][]float32{}
			m := openModel(t, path, Options{Observe: func(name string, x []float32, _, _ int) { want[name] = append(want[name], x...) }})
			for _, ids := range texts {
				session, err := m.NewSession(40)
				if err != nil {
					t.Fatal(err)
				}
				if err := session.Feed(t.Context(), ids); err != nil {
					t.Fatal(err)
				}
				if err := session.Logits(t.Context(), 0, len(ids), make([]float32, len(ids)*s.vocabulary)); err != nil {
					t.Fatal(err)
				}
			}
			plain := openModel(t, path, Options{})
			for _, all := range []bool{false, true} {
				got := map[string][]float32{}
				walkAll(t, plain, texts, all, got)
				if len(got) != len(want) {
					t.Errorf("%d inputs, want %d", len(got), len(want))
				}
				for name, x := range want {
					if !slices.Equal(got[name], x) {
						t.Errorf("all %v: the inputs of %s are others", all, name)
					}
				}
			}
		})
	}
}

func walkAll(t *testing.T, m *Model, texts [][]int32, all bool, got map[string][]float32) {
	t.Helper()
	w, err := m.NewWalk(texts)
	if err != nil {
		t.Fatal(err)
	}
	for w.Layer() < m.Config().Layers {
		take := func(s Stage, x []float32, tokens, cols int) error {
			if tokens*cols != len(x) {
				t.Errorf("%d values, %d × %d", len(x), tokens, cols)
			}
			for _, name := range m.Matrices(w.Layer(), s) {
				got[name] = append(got[name], x...)
			}
			return nil
		}
		if all {
			if err := w.AllInputs(t.Context(), take); err != nil {
				t.Fatal(err)
			}
		}
		for s := range Stages {
			if all {
				break
			}
			if err := w.Inputs(t.Context(), s, func(x []float32, tokens, cols int) error { return take(s, x, tokens, cols) }); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Next(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	err = w.Outputs(t.Context(), func(x []float32, _, _ int) error {
		got[m.output.name] = append(got[m.output.name], x...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Next(t.Context()); err == nil {
		t.Error("there is a layer past the last")
	}
}

// TestOrigin divides what an origin names by numbers and multiplies the columns
// of what follows: the logits stay.
func TestOrigin(t *testing.T) {
	for arch := range maps.Keys(designs) {
		t.Run(arch, func(t *testing.T) {
			s := small2(arch)
			s.shared = s.heads
			s.fused = arch == "phi3" || arch == "gpt2"
			s.biases = arch == "qwen2" || arch == "gpt2"
			path := s.write(t)
			ids := someTokens(12, s.vocabulary)
			m := openModel(t, path, Options{})
			want := logits(t, m, len(ids), ids)
			changed := m.With(Options{})
			folds := 0
			for layer := range s.layers {
				for stage := range Stages {
					if o, ok := changed.Origin(layer, stage); ok {
						folds++
						scale(t, changed, o, changed.Matrices(layer, stage))
					}
				}
			}
			most := float32(0)
			for i, v := range logits(t, changed, len(ids), ids) {
				most = max(most, v-want[i], want[i]-v)
			}
			if most > 3e-5 || most == 0 {
				t.Errorf("logits differ by %v", most)
			}
			if all := 4 * s.layers; folds != all && (arch != "gpt2" || folds != all-s.layers) {
				t.Errorf("%d inputs have an origin", folds)
			}
			if !slices.Equal(logits(t, m, len(ids), ids), want) {
				t.Error("the model that the other was made from has changed")
			}
		})
	}
	s := small2("llama") // heads share
	if _, ok := openModel(t, s.write(t), Options{}).Origin(0, StageAttentionOutput); ok {
		t.Error("values that heads share have an origin")
	}
}

// scale divides an origin by 1.25, 1.5 … and multiplies columns by it.
func scale(t *testing.T, m *Model, o Origin, matrices []string) {
	t.Helper()
	by := func(c int) float32 { return 1.25 + 0.25*float32(c%5) }
	change := func(name string, f func(i int, x *float32)) {
		x, err := m.Tensor(name)
		if err != nil {
			t.Fatal(err)
		}
		for i := range x.Data {
			f(i, &x.Data[i])
		}
		if err := m.Set(name, x.Data); err != nil {
			t.Fatal(err)
		}
	}
	x, err := m.Tensor(matrices[0])
	if err != nil {
		t.Fatal(err)
	}
	inputs := x.Cols()
	for _, name := range o.Vectors {
		change(name, func(i int, x *float32) { *x /= by(i) })
	}
	rows := func(name string, cols int) {
		change(name, func(i int, x *float32) {
			if c := i/cols - o.Row; c >= 0 && c < inputs {
				*x /= by(c)
			}
		})
	}
	if o.Matrix != "" {
		x, err := m.Tensor(o.Matrix)
		if err != nil {
			t.Fatal(err)
		}
		rows(o.Matrix, x.Cols())
	}
	if o.Bias != "" {
		rows(o.Bias, 1)
	}
	for _, name := range matrices {
		change(name, func(i int, x *float32) { *x *= by(i % inputs) })
	}
}

// TestInput has a hook give other inputs, and counts what it was asked for.
func TestInput(t *testing.T) {
	s := small2("llama")
	path := s.write(t)
	ids := someTokens(9, s.vocabulary)
	m := openModel(t, path, Options{})
	want := logits(t, m, len(ids), ids)
	asked := 0
	same := m.With(Options{Input: func(name string, x []float32, rows, cols int) []float32 {
		if asked++; len(x) != rows*cols {
			t.Errorf("%s: %d values, %d × %d", name, len(x), rows, cols)
		}
		return x
	}})
	if got := logits(t, same, len(ids), ids); !slices.Equal(got, want) || asked != 7*s.layers+1 {
		t.Errorf("asked %d times, or other logits", asked)
	}
	other := m.With(Options{Input: func(_ string, x []float32, _, _ int) []float32 { return make([]float32, len(x)) }})
	for _, v := range logits(t, other, len(ids), ids) {
		if v != 0 {
			t.Fatal("the output layer has not multiplied what it was given")
		}
	}
}

// TestSetRefuses asks for tensors that are not there, and for values that do
// not fit.
func TestSetRefuses(t *testing.T) {
	s := small2("llama")
	m := openModel(t, s.write(t), Options{})
	for _, name := range []string{"", "blk", "blk.0", "blk.9.attn_q.weight", "blk.-1.attn_q.weight", "blk.0.attn_qkv.weight", "blk.0.attn_q.bias", "blk.0.attn_q", "blk.0.attn_norm.bias", "token_embd.weight", "output_norm.bias"} {
		if _, err := m.Tensor(name); err == nil {
			t.Errorf("there is a tensor %q", name)
		}
		if err := m.Set(name, nil); err == nil {
			t.Errorf("tensor %q was set", name)
		}
	}
	if err := m.Set("blk.0.attn_q.weight", make([]float32, 5)); err == nil {
		t.Error("five values were taken")
	}
	for _, texts := range [][][]int32{nil, {{}}, {{1}, {int32(s.vocabulary)}}, {{-1}}} {
		if _, err := m.NewWalk(texts); err == nil {
			t.Errorf("%v was taken", texts)
		}
	}
	w, err := m.NewWalk([][]int32{{1, 2, 3}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := w.Inputs(t.Context(), Stages, nil); err == nil {
		t.Error("there is a stage past the last")
	}
	if err := w.Outputs(t.Context(), nil); err == nil {
		t.Error("there are outputs before the last layer")
	}
}
