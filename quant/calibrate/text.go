package calibrate

import (
	"context"
	"errors"
	"fmt"

	"fewbits/quant/llama"
)

// Text says how much of a text a model reads. The zero value is all of it, in
// chunks of 512 tokens.
type Text struct {
	Context int // tokens in a chunk; 0 is 512
	Chunks  int // how many at most; 0 is all
}

const (
	defaultContext = 512
	minContext     = 16 // llama-imatrix does not look at shorter ones
)

// Chunks cuts a text for m. It fails where m has no tokenizer, and where the
// text is shorter than one chunk.
func Chunks(m *llama.Model, text string, o Text) ([][]int32, error) {
	v := m.Vocab()
	if v == nil {
		return nil, errors.New("calibrate: the model has no tokenizer (key tokenizer.ggml.model), and a text cannot be read without")
	}
	if o.Context == 0 {
		o.Context = defaultContext
	}
	switch {
	case o.Context < minContext:
		return nil, fmt.Errorf("calibrate: a context of %d tokens is too short; %d at least", o.Context, minContext)
	case o.Chunks < 0:
		return nil, fmt.Errorf("calibrate: %d chunks are asked for", o.Chunks)
	case v.AddEOS:
		return nil, errors.New("calibrate: the vocabulary puts an end after each text (key tokenizer.ggml.add_eos_token); such models are not read in chunks")
	}
	ids := v.Encode(text, true, false)
	if len(ids) < o.Context {
		return nil, fmt.Errorf("calibrate: the text has %d tokens, and a chunk has %d; give a longer text or a shorter context", len(ids), o.Context)
	}
	n := len(ids) / o.Context
	if o.Chunks > 0 {
		n = min(n, o.Chunks)
	}
	chunks := make([][]int32, n)
	for i := range chunks {
		chunks[i] = append([]int32(nil), ids[i*o.Context:(i+1)*o.Context]...)
		if v.AddBOS {
			chunks[i][0] = v.BOS
		}
	}
	return chunks, nil
}

// Read has m read chunks, each from an empty context, and calls observe as
// llama.Options.Observe is; for the output layer only where output is set.
// progress, which may be nil, is called before each chunk and at the end with
// the tokens that were read, of all. An error of observe ends it. What m
// observes by itself it goes on to.
func Read(ctx context.Context, m *llama.Model, chunks [][]int32, output bool, observe func(name string, x []float32, rows, cols int) error, progress func(done, total int)) error {
	longest, done, total := 0, 0, 0
	for _, c := range chunks {
		longest, total = max(longest, len(c)), total+len(c)
	}
	if total == 0 {
		return errors.New("calibrate: there is no text to be read")
	}
	var failed error
	o := m.Options()
	before := o.Observe
	o.Observe = func(name string, x []float32, rows, cols int) {
		if before != nil {
			before(name, x, rows, cols)
		}
		if failed == nil {
			failed = observe(name, x, rows, cols)
		}
	}
	m = m.With(o)
	s, err := m.NewSession(longest)
	if err != nil {
		return err
	}
	var logits []float32
	if output {
		logits = make([]float32, m.Config().Vocabulary*min(longest, outputTokens))
	}
	for _, c := range chunks {
		if progress != nil {
			progress(done, total)
		}
		s.Reset()
		if err := s.Feed(ctx, c); err != nil {
			return err
		}
		for at := 0; output && at < len(c); at += outputTokens {
			n := min(outputTokens, len(c)-at)
			if err := s.Logits(ctx, at, n, logits[:n*m.Config().Vocabulary]); err != nil {
				return err
			}
		}
		if failed != nil {
			return failed
		}
		done += len(c)
	}
	if progress != nil {
		progress(done, total)
	}
	return nil
}

// outputTokens is how many tokens go through the output layer at a time.
const outputTokens = 64
