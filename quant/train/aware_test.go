package train

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"fewbits/quant/gguf"
	"fewbits/quant/llama"
	"fewbits/quant/qat"
	"fewbits/quant/tales"
)

// small is the small sample model, to be trained on in sequences of so many
// tokens.
func small(t testing.TB, context int) (*Model, *llama.Vocab) {
	t.Helper()
	f, _ := open(t, sample(t, "tale-small.gguf"))
	m, v, err := Read(f, context)
	if err != nil {
		t.Fatal(err)
	}
	return m, v
}

// TestRead holds that a file that is read computes what package llama does.
func TestRead(t *testing.T) {
	b := sample(t, "tale-small.gguf")
	_, other := open(t, b)
	m, v := small(t, 0)
	if m.Shape != Small || v.Len() != Small.Vocabulary {
		t.Fatalf("%+v, and %d tokens", m.Shape, v.Len())
	}
	if worst, _ := logitsApart(t, m, other, stories{v, m.Context}.batch(tales.Calibration, 1).Tokens); worst > 1e-3 {
		t.Errorf("logits differ by %g", worst)
	}
}

// TestAware holds that training with 2 bits wins back much of what rounding to
// them loses, whatever the stories, and that ternary weights learn, too.
func TestAware(t *testing.T) {
	for name, o := range map[string]AwareOptions{
		"2 bits, a row, seed 1": {Bits: 2, Seed: 1},
		"2 bits, a row, seed 2": {Bits: 2, Seed: 2},
		"ternary, groups of 64": {Bits: qat.Ternary, Group: 64},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && o.Seed != 1 {
				t.Skip("one is enough")
			}
			m, v := small(t, 64)
			o.Steps, o.Sequences = 10, 2
			a, err := NewAware(m, v, o)
			if err != nil {
				t.Fatal(err)
			}
			for range o.Steps {
				if _, err := a.Step(); err != nil {
					t.Fatal(err)
				}
			}
			trained, err := a.Perplexity()
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("perplexity: floats %.4f, rounded %.4f, trained %.4f", a.Float, a.Rounded, trained)
			if won := (a.Rounded - trained) / (a.Rounded - a.Float); a.Rounded < a.Float*1.2 || won < 0.35 {
				t.Errorf("training wins back %.0f %% of what rounding loses", 100*won)
			}
			if done, of := a.Done(); done != 10 || of != 10 {
				t.Errorf("%d of %d steps", done, of)
			}
			levels(t, a)
		})
	}
}

// levels holds that each group of the weights in use lies on its levels, that
// the floats beside them do not, and that norms are as they learn.
func levels(t *testing.T, a *Aware) {
	t.Helper()
	m, most := a.model, qat.Signed(a.options.Bits).Count()
	a.groups(func(i, from, to int) {
		seen := map[float32]bool{}
		for _, w := range m.coarse[from:to] {
			seen[w] = true
		}
		if len(seen) > most {
			t.Fatalf("group %d has %d values, and there are %d levels", i, len(seen), most)
		}
		if s := a.steps[i].Step; !(s > 0) || math.IsInf(s, 0) {
			t.Fatalf("the step of group %d is %v", i, s)
		}
	})
	for _, w := range m.all {
		same := true
		for i, v := range w.of(m.weights) {
			same = same && v == w.of(m.coarse)[i]
		}
		if same != w.norm {
			t.Errorf("%s: weights and what is used of them: same is %v", w.name, same)
		}
	}
}

// TestAwareSame holds that the same options give the same numbers.
func TestAwareSame(t *testing.T) {
	var loss [2]float64
	for i := range loss {
		m, v := small(t, 32)
		a, err := NewAware(m, v, AwareOptions{Bits: 2, Steps: 2, Sequences: 1})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if loss[i], err = a.Step(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if loss[0] != loss[1] {
		t.Errorf("%v and %v", loss[0], loss[1])
	}
}

func TestAwareRefuses(t *testing.T) {
	m, v := small(t, 16)
	for name, c := range map[string]struct {
		o    AwareOptions
		says string
	}{
		"bits":      {AwareOptions{Bits: 1}, "1 bits"},
		"many bits": {AwareOptions{Bits: 9}, "9 bits"},
		"group":     {AwareOptions{Bits: 2, Group: 100}, "groups of 100"},
		"seed":      {AwareOptions{Bits: 2, Seed: 1 << 32}, "seed"},
		"steps":     {AwareOptions{Bits: 2, Steps: -1}, "out of range"},
		"rate":      {AwareOptions{Bits: 2, Rate: math.NaN()}, "rate"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := NewAware(m, v, c.o); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, and %q is wanted", err, c.says)
			}
		})
	}
	f, _ := open(t, sample(t, "tale-small.gguf"))
	if _, _, err := Read(f, 4096); err == nil || !strings.Contains(err.Error(), "4096 tokens") {
		t.Error(err)
	}
	var b bytes.Buffer
	w, err := gguf.NewWriter(&b, m.meta("none", ""), nil)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	empty, err := gguf.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := Read(empty, 0); err == nil {
		t.Error("a file without tensors is taken")
	}
}
