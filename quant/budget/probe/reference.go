package probe

import (
	"context"
	"errors"
	"fmt"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/eval"
	"fewbits/quant/llama"
	"fewbits/quant/metric"
)

// Reference is what a model predicts in a text: other models are held against
// it without running it again. The text is cut and scored as package eval does.
type Reference struct {
	Scored  int // tokens
	Context int // tokens in a chunk
	Own     metric.Tokens

	src    quant.Source
	vocab  *llama.Vocab
	chunks [][]int32
	bos    int32
	logits []float32 // of the scored tokens, chunk after chunk
	width  int       // vocabulary
}

// maxLogits bounds the logits that are kept, in bytes.
const maxLogits = 1 << 30

// New runs the model of src, a GGUF file, on a text. Of eval.Options it takes
// all but Progress, which it calls with tokens that were read.
func New(ctx context.Context, src quant.Source, text string, o eval.Options) (*Reference, error) {
	m, err := llama.Open(src, llama.Options{})
	if err != nil {
		return nil, err
	}
	plan, err := eval.New(m, nil, text, o)
	if err != nil {
		return nil, err
	}
	v := m.Vocab()
	r := &Reference{src: src, vocab: v, bos: llama.None, Context: plan.Context, width: m.Config().Vocabulary}
	if v.AddBOS {
		r.bos = v.BOS
	}
	ids := v.Encode(text, true, false)
	for i := range plan.Chunks {
		r.chunks = append(r.chunks, ids[i*r.Context:(i+1)*r.Context])
	}
	r.Scored = plan.Chunks * r.each()
	if int64(r.Scored)*int64(r.width)*4 > maxLogits {
		return nil, fmt.Errorf("probe: %d predictions of %d tokens each take more than %d bytes; read fewer chunks", r.Scored, r.width, maxLogits)
	}
	r.logits = make([]float32, r.Scored*r.width)
	err = r.read(ctx, m, o.Progress, func(chunk int, s *llama.Session) error {
		at := r.logits[chunk*r.each()*r.width : (chunk+1)*r.each()*r.width]
		if err := s.Logits(ctx, r.Context/2, r.each(), at); err != nil {
			return err
		}
		var sums metric.Tokens
		r.score(&sums, chunk, at, nil)
		r.Own.Merge(sums)
		return nil
	})
	return r, err
}

// each is how many tokens of a chunk are scored.
func (r *Reference) each() int { return r.Context - 1 - r.Context/2 }

// read runs a model on all chunks.
func (r *Reference) read(ctx context.Context, m *llama.Model, progress func(done, total int), visit func(chunk int, s *llama.Session) error) error {
	s, err := m.NewSession(r.Context)
	if err != nil {
		return err
	}
	total := len(r.chunks) * r.Context
	for i, ids := range r.chunks {
		if progress != nil {
			progress(i*r.Context, total)
		}
		if r.bos != llama.None {
			ids = append([]int32{r.bos}, ids[1:]...)
		}
		s.Reset()
		if err := s.Feed(ctx, ids); err != nil {
			return err
		}
		if err := visit(i, s); err != nil {
			return err
		}
	}
	if progress != nil {
		progress(total, total)
	}
	return nil
}

// score counts what a model predicts in a chunk, against ref where it is not nil.
func (r *Reference) score(sums *metric.Tokens, chunk int, own, ref []float32) {
	next := r.chunks[chunk][r.Context/2+1:]
	for j := range r.each() {
		lo, hi := j*r.width, (j+1)*r.width
		if ref == nil {
			sums.Score(own[lo:hi], next[j])
		} else {
			sums.Compare(own[lo:hi], ref[lo:hi], next[j])
		}
	}
}

// Against is how the model of src, of the same vocabulary, strays from the
// reference.
func (r *Reference) Against(ctx context.Context, src quant.Source) (metric.Tokens, error) {
	var all metric.Tokens
	m, err := llama.Open(src, llama.Options{})
	if err != nil {
		return all, err
	}
	if m.Vocab() == nil || m.Config().Vocabulary != r.width || !m.Vocab().Equal(r.vocab) {
		return all, errors.New("probe: the model has another vocabulary than the reference; compare models of one family")
	}
	own := make([]float32, r.each()*r.width)
	err = r.read(ctx, m, nil, func(chunk int, s *llama.Session) error {
		if err := s.Logits(ctx, r.Context/2, r.each(), own); err != nil {
			return err
		}
		var sums metric.Tokens
		r.score(&sums, chunk, own, r.logits[chunk*r.each()*r.width:])
		all.Merge(sums)
		return nil
	})
	return all, err
}

// Divergence is the mean KL divergence of the model that a plan makes of the
// reference's, in nats a token: a budget.Divergence with its options bound.
func (r *Reference) Divergence(o convert.Options) func(ctx context.Context, plan []convert.Step) (float64, error) {
	return func(ctx context.Context, plan []convert.Step) (float64, error) {
		src, err := Applied(ctx, r.src, plan, o)
		if err != nil {
			return 0, err
		}
		sums, err := r.Against(ctx, src)
		return max(0, sums.Strayed().KL.Value), err
	}
}
