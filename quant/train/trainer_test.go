package train

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"testing"

	"fewbits/quant/floats"
	"fewbits/quant/gguf"
	"fewbits/quant/llama"
	"fewbits/quant/tales"
)

// little is a shape that learns something in a second.
var little = Shape{Vocabulary: 330, Width: 32, Hidden: 48, Layers: 2, Heads: 4, Shared: 2, Dim: 8, Context: 24}

func trainer(t testing.TB, o Options) *Trainer {
	t.Helper()
	r, err := New(little, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// run takes steps, and returns the last loss.
func run(t testing.TB, r *Trainer, steps int) (loss float64) {
	t.Helper()
	for range steps {
		var err error
		if loss, err = r.Step(); err != nil {
			t.Fatal(err)
		}
	}
	return loss
}

func file(t testing.TB, r *Trainer) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := r.Model.WriteGGUF(&b, r.Vocabulary, "little", "for a test"); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestLearns holds that the loss falls well below that of knowing only how
// often each token occurs, and that it begins about where all are equally likely.
func TestLearns(t *testing.T) {
	r := trainer(t, Options{Steps: 120, Rate: 0.01})
	first := run(t, r, 1)
	if even := math.Log(float64(little.Vocabulary)); first < even || first > even+0.6 {
		t.Errorf("the first loss is %.3f, and ln %d is %.3f", first, little.Vocabulary, even)
	}
	run(t, r, 119)
	held, err := r.Held()
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("from %.3f to %.3f", first, held)
	if held > 1.5 {
		t.Errorf("after training the loss on other stories is %.3f", held)
	}
}

// TestResume holds that a training that was saved and restored ends as one that
// was not, bit for bit, and that the checkpoint of another is refused.
func TestResume(t *testing.T) {
	o := Options{Steps: 6, Seed: 7}
	whole := trainer(t, o)
	run(t, whole, 6)

	half := trainer(t, o)
	run(t, half, 3)
	var b bytes.Buffer
	if err := half.Save(&b); err != nil {
		t.Fatal(err)
	}
	saved := b.Bytes()
	rest := trainer(t, o)
	if err := rest.Restore(bytes.NewReader(saved)); err != nil {
		t.Fatal(err)
	}
	run(t, rest, 3)
	if !bytes.Equal(file(t, whole), file(t, rest)) {
		t.Error("the files differ")
	}

	for name, c := range map[string]struct {
		options Options
		saved   []byte
		says    string
	}{
		"another seed":  {Options{Steps: 6, Seed: 8}, saved, "of another training"},
		"other steps":   {Options{Steps: 7, Seed: 7}, saved, "of another training"},
		"cut short":     {o, saved[:len(saved)-1], "ends early"},
		"empty":         {o, nil, "ends early"},
		"something":     {o, bytes.Repeat([]byte{1}, 200), "of another training"},
		"too many done": {o, slices.Concat(saved[:88], []byte{99, 0, 0, 0, 0, 0, 0, 0}, saved[96:]), "99 steps"},
	} {
		t.Run(name, func(t *testing.T) {
			err := trainer(t, c.options).Restore(bytes.NewReader(c.saved))
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, and %q is wanted", err, c.says)
			}
		})
	}
}

// TestForward holds logits of the file that is written, as package llama
// computes them, against the trainer's own.
func TestForward(t *testing.T) {
	r := trainer(t, Options{Steps: 60, Rate: 0.01})
	run(t, r, 30)
	m := r.Model
	for _, w := range m.all { // what the file keeps of them
		for i, v := range w.of(m.weights) {
			if !w.norm {
				w.of(m.weights)[i] = floats.F16Value(floats.F16Bits(v))
			}
		}
	}
	b := file(t, r)
	f, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	other, err := llama.Open(f, llama.Options{})
	if err != nil {
		t.Fatal(err)
	}
	worst, largest := logitsApart(t, m, other, r.batch(tales.Calibration, 1).Tokens)
	t.Logf("logits to ±%.2f differ by %.2g", largest, worst)
	if largest < 1 || worst > 1e-4 {
		t.Errorf("logits differ by %g", worst)
	}
}

// logitsApart is how far the logits of two models are apart, and how large those of m are.
func logitsApart(t *testing.T, m *Model, other *llama.Model, tokens []int32) (worst, largest float64) {
	t.Helper()
	want, err := m.Logits(tokens)
	if err != nil {
		t.Fatal(err)
	}
	s, err := other.NewSession(len(tokens))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, len(want))
	if err := s.Feed(t.Context(), tokens); err != nil {
		t.Fatal(err)
	}
	if err := s.Logits(t.Context(), 0, len(tokens), got); err != nil {
		t.Fatal(err)
	}
	return apart(got, want)
}

// apart is how far two lists are apart, and how large the second's values are.
func apart(a, b []float32) (worst, largest float64) {
	for i, v := range b {
		worst = max(worst, math.Abs(float64(a[i]-v)))
		largest = max(largest, math.Abs(float64(v)))
	}
	return worst, largest
}

// TestVocabulary holds that text comes back from tokens, that words which occur
// often are one token, and that no story has a character it must spell in bytes.
func TestVocabulary(t *testing.T) {
	v, err := LearnVocabulary(tales.Text(9, 1000), Large.Vocabulary)
	if err != nil {
		t.Fatal(err)
	}
	e, err := v.encoder()
	if err != nil {
		t.Fatal(err)
	}
	text := tales.Text(tales.Calibration, 40)
	ids := e.Encode(text, true, false)
	if got := e.Decode(ids); got != text {
		t.Errorf("the text comes back as %.200q", got)
	}
	for _, id := range ids {
		if id >= 3 && id < fixed && id != newline {
			t.Errorf("token %d is a byte", id)
		}
	}
	if words := len(strings.Fields(text)); len(ids) > words*3/2 {
		t.Errorf("%d words are %d tokens", words, len(ids))
	}
	if ids := e.Encode("the girl", false, false); len(ids) != 2 {
		t.Errorf("two words are %d tokens", len(ids))
	}
	for name, c := range map[string]struct {
		text string
		size int
		says string
	}{
		"too small": {"abc", 261, "more than the 261 tokens"},
		"too large": {"abc", 400, "400 are asked for"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := LearnVocabulary(c.text, c.size)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, and %q is wanted", err, c.says)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*Shape)
		options Options
		says    string
	}{
		"no layers":     {func(s *Shape) { s.Layers = 0 }, Options{}, "each number"},
		"huge":          {func(s *Shape) { s.Width = 1 << 20 }, Options{}, "each number"},
		"heads":         {func(s *Shape) { s.Shared = 3 }, Options{}, "multiple"},
		"rate":          {func(*Shape) {}, Options{Rate: 2}, "rate"},
		"no number":     {func(*Shape) {}, Options{Rate: math.NaN()}, "rate"},
		"steps":         {func(*Shape) {}, Options{Steps: -1}, "out of range"},
		"seed":          {func(*Shape) {}, Options{Seed: 1 << 32}, "seed"},
		"no vocabulary": {func(s *Shape) { s.Vocabulary = 100 }, Options{}, "tokens of the vocabulary"},
	} {
		t.Run(name, func(t *testing.T) {
			s := little
			c.change(&s)
			_, err := New(s, c.options)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v, and %q is wanted", err, c.says)
			}
		})
	}
	m, err := NewModel(tiny, 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]Batch{
		"empty":       {},
		"no sequence": {make([]int32, 7), make([]int32, 7)},
		"no targets":  {make([]int32, 8), nil},
		"no token":    {[]int32{0, 0, 0, 0, 0, 0, 0, 19}, make([]int32, 8)},
		"negative":    {make([]int32, 8), []int32{0, 0, 0, -1, 0, 0, 0, 0}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := m.Loss(b, true); err == nil {
				t.Error("it is taken")
			}
		})
	}
}
