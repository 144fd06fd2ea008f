//go:build linux && amd64

package train

import (
	"path/filepath"
	"slices"
	"testing"

	"fewbits/quant/internal/libllama"
	"fewbits/quant/tales"
)

// TestReference holds that libllama loads the samples, makes the same tokens of
// a text, and the same logits of the tokens but for what it rounds: it takes the
// input of a product with F16 weights in 16 bits.
func TestReference(t *testing.T) {
	texts := []string{
		tales.Text(tales.Calibration, 3), "Once upon a time", " two  spaces", "A Größe, 日本 and 😀!\n\n", "<s> </s> <unk> <0x0A>",
		"zebra QUIZ 1234567890", "", "\"Where is my red ball?\" he said.",
	}
	for _, s := range samples {
		t.Run(s.name, func(t *testing.T) {
			_, m := open(t, sample(t, s.name))
			tokens := m.Vocab().Encode(texts[0], true, false)[:100]
			dir := t.TempDir()
			jobs := []libllama.Job{
				{In: samplePath(s.name), Out: filepath.Join(dir, "words"), Texts: texts, AddSpecial: true, ParseSpecial: true},
				{In: samplePath(s.name), Out: filepath.Join(dir, "logits"), Tokens: tokens},
			}
			answers := libllama.Run(t, jobs)
			for _, a := range answers {
				if a.Err != nil {
					t.Fatal(a.Err)
				}
			}
			for i, text := range texts {
				if got, want := m.Vocab().Encode(text, true, true), answers[0].Words.IDs[i]; !slices.Equal(got, want) {
					t.Errorf("%q is %v, libllama %v", text, got, want)
				}
			}
			session, err := m.NewSession(len(tokens))
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float32, len(answers[1].Logits))
			if err := session.Feed(t.Context(), tokens); err != nil {
				t.Fatal(err)
			}
			if err := session.Logits(t.Context(), 0, len(tokens), got); err != nil {
				t.Fatal(err)
			}
			worst, largest := apart(got, answers[1].Logits)
			t.Logf("logits to ±%.1f differ by %.2g", largest, worst)
			if largest < 5 || worst > 0.05 {
				t.Errorf("logits to ±%g differ by %g", largest, worst)
			}
		})
	}
}
