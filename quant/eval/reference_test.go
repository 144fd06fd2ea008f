//go:build linux && amd64

package eval

import (
	"fmt"
	"math"
	"path/filepath"
	"testing"

	"fewbits/quant/internal/libllama"
	"fewbits/quant/internal/testdata"
)

// TestPerplexity counts perplexity of the trained model from libllama's logits,
// by the definition, and compares.
func TestPerplexity(t *testing.T) {
	const size, chunks = 256, 8
	path := testdata.File(t, "gguf", "stories260K.gguf")
	text := string(read(t, "text", "tinystories_sample_197k.txt"))[:16000]
	dir := t.TempDir()
	ids := libllama.Run(t, []libllama.Job{{In: path, Out: filepath.Join(dir, "ids"), Texts: []string{text}, AddSpecial: true}})[0]
	if ids.Err != nil {
		t.Fatal(ids.Err)
	}
	all := ids.Words.IDs[0]
	var jobs []libllama.Job
	for c := range chunks {
		chunk := append([]int32(nil), all[c*size:(c+1)*size]...)
		chunk[0] = ids.Words.BOS
		jobs = append(jobs, libllama.Job{In: path, Out: filepath.Join(dir, fmt.Sprint("logits", c)), Tokens: chunk})
	}
	var sum, squares float64
	n := 0
	for c, a := range libllama.Run(t, jobs) {
		if a.Err != nil {
			t.Fatal(a.Err)
		}
		vocabulary := len(a.Logits) / size
		for i := size / 2; i < size-1; i++ {
			logits, total := a.Logits[i*vocabulary:(i+1)*vocabulary], 0.0
			for _, v := range logits {
				total += math.Exp(float64(v))
			}
			nll := math.Log(total) - float64(logits[all[c*size+i+1]])
			sum, squares, n = sum+nll, squares+nll*nll, n+1
		}
	}
	mean := sum / float64(n)
	want := math.Exp(mean)
	wantError := want * math.Sqrt((squares/float64(n)-mean*mean)/float64(n-1))

	r, err := Run(t.Context(), stories(t, ""), nil, text, Options{Context: size, Chunks: chunks})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("perplexity %.6f ± %.6f, from libllama's logits %.6f ± %.6f", r.Perplexity.Value, r.Perplexity.Error, want, wantError)
	if r.Scored != n || math.Abs(r.Perplexity.Value-want) > 1e-5*want || math.Abs(r.Perplexity.Error-wantError) > 1e-4*wantError {
		t.Errorf("perplexity %v, scored %d; want %v ± %v, %d", r.Perplexity, r.Scored, want, wantError, n)
	}
}
