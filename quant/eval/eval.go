package eval

import (
	"context"
	"errors"
	"fmt"
	"math"

	"fewbits/quant/llama"
)

// Options says how much of a text to read. The zero value is all of it, as
// llama-perplexity reads it.
type Options struct {
	Context  int                   // tokens in a chunk; 0 is 512
	Chunks   int                   // how many at most; 0 is all
	Progress func(done, total int) // called after each chunk, and once before the first, with tokens that were read
}

// DefaultContext is the length of a chunk where Options does not say.
const DefaultContext = 512

// minContext is the shortest chunk of which tokens are scored.
const minContext = 8

// Report is what a model makes of a text.
type Report struct {
	Tokens     int // of the whole text
	Context    int // tokens in a chunk
	Chunks     int // that were read
	Scored     int // tokens whose probability was counted
	Perplexity Estimate
	Reference  *Comparison // nil without a reference
}

// Estimate is a mean, and its standard error.
type Estimate struct{ Value, Error float64 }

// Comparison is how a model strays from a reference, of which it says how
// likely each of the scored tokens' successors is.
type Comparison struct {
	Perplexity Estimate // of the reference
	Ratio      Estimate // of the two perplexities, the model's first
	KL         Estimate // of the model's distribution from the reference's, in nats a token
	MaxKL      float64
	SameTop    Estimate // share of tokens after which both find the same token most likely
}

// Run measures m on a text, and where ref is not nil, how m strays from it.
// Both must have the same vocabulary. Memory: two sessions of Context tokens,
// and a tile of logits.
func Run(ctx context.Context, m, ref *llama.Model, text string, o Options) (*Report, error) {
	r, err := newRun(m, ref, text, o)
	if err != nil {
		return nil, err
	}
	total := r.report.Chunks * r.report.Context
	for i := range r.report.Chunks {
		if o.Progress != nil {
			o.Progress(i*r.report.Context, total)
		}
		if err := r.chunk(ctx, i); err != nil {
			return nil, err
		}
	}
	if o.Progress != nil {
		o.Progress(total, total)
	}
	r.finish()
	return &r.report, nil
}

// run is one measurement under way.
type run struct {
	report  Report
	ids     []int32
	bos     int32 // put at the start of a chunk; None is not
	reader  *reader
	ref     *reader // nil without a reference
	own     sums    // of −ln p of the model
	other   sums    // of the reference
	product float64 // Σ of both multiplied
	kl      sums
	maxKL   float64
	same    int
}

// reader is a model with its session and a tile of logits.
type reader struct {
	session    *llama.Session
	vocabulary int
	tile       int       // positions that there is room for
	logits     []float32 // tile × vocabulary
}

// sums are of a value and of its square.
type sums struct{ one, two float64 }

func (s *sums) add(v float64) { s.one += v; s.two += v * v }

// tileBytes bounds a tile of logits.
const tileBytes = 16 << 20

func newRun(m, ref *llama.Model, text string, o Options) (*run, error) {
	v := m.Vocab()
	if v == nil {
		return nil, errors.New("eval: the model has no tokenizer (key tokenizer.ggml.model), and a text cannot be read without")
	}
	if o.Context == 0 {
		o.Context = DefaultContext
	}
	switch {
	case o.Context < minContext:
		return nil, fmt.Errorf("eval: a context of %d tokens is too short; %d at least", o.Context, minContext)
	case o.Chunks < 0:
		return nil, fmt.Errorf("eval: %d chunks are asked for", o.Chunks)
	case v.AddEOS:
		return nil, errors.New("eval: the vocabulary puts an end after each text (key tokenizer.ggml.add_eos_token); perplexity is not counted for such models")
	case ref != nil && (ref.Vocab() == nil || !v.Equal(ref.Vocab())):
		return nil, errors.New("eval: the reference has another vocabulary than the model; compare models of one family")
	}
	r := &run{ids: v.Encode(text, true, false), bos: llama.None}
	if v.AddBOS {
		r.bos = v.BOS
	}
	if len(r.ids) < 2*o.Context {
		return nil, fmt.Errorf("eval: the text has %d tokens, and two chunks of %d are the least; give a longer text or a shorter context", len(r.ids), o.Context)
	}
	chunks := len(r.ids) / o.Context
	if o.Chunks > 0 {
		chunks = min(chunks, o.Chunks)
	}
	r.report = Report{Tokens: len(r.ids), Context: o.Context, Chunks: chunks}
	var err error
	if r.reader, err = newReader(m, o.Context); err != nil {
		return nil, err
	}
	if ref != nil {
		r.ref, err = newReader(ref, o.Context)
	}
	return r, err
}

func newReader(m *llama.Model, tokens int) (*reader, error) {
	s, err := m.NewSession(tokens)
	if err != nil {
		return nil, err
	}
	n := m.Config().Vocabulary
	tile := min(tokens, max(1, tileBytes/(4*n)))
	return &reader{session: s, vocabulary: n, tile: tile, logits: make([]float32, tile*n)}, nil
}

// feed reads a chunk from an empty context.
func (r *reader) feed(ctx context.Context, ids []int32) error {
	r.session.Reset()
	return r.session.Feed(ctx, ids)
}

// chunk reads and scores chunk i: the tokens after the first half.
func (r *run) chunk(ctx context.Context, i int) error {
	size := r.report.Context
	ids := append([]int32(nil), r.ids[i*size:(i+1)*size]...)
	first := ids[0]
	if r.bos != llama.None {
		ids[0] = r.bos
	}
	if err := r.reader.feed(ctx, ids); err != nil {
		return err
	}
	if r.ref != nil {
		if err := r.ref.feed(ctx, ids); err != nil {
			return err
		}
	}
	ids[0] = first
	for at := size / 2; at < size-1; at += r.reader.tile {
		n := min(r.reader.tile, size-1-at)
		own, err := r.reader.at(ctx, at, n)
		if err != nil {
			return err
		}
		var other []float32
		if r.ref != nil {
			if other, err = r.ref.at(ctx, at, n); err != nil {
				return err
			}
		}
		for j := range n {
			next, from, to := ids[at+j+1], j*r.reader.vocabulary, (j+1)*r.reader.vocabulary
			r.score(own[from:to], next)
			if other != nil {
				r.compare(own[from:to], other[from:to], next)
			}
		}
	}
	return nil
}

// at is the logits after n tokens of the chunk, from one on.
func (r *reader) at(ctx context.Context, from, n int) ([]float32, error) {
	x := r.logits[:n*r.vocabulary]
	return x, r.session.Logits(ctx, from, n, x)
}

// score counts how likely the model finds the next token.
func (r *run) score(logits []float32, next int32) {
	_, norm := logSum(logits)
	r.report.Scored++
	r.own.add(norm - float64(logits[next]))
}

// compare counts how the model's distribution strays from the reference's.
func (r *run) compare(own, ref []float32, next int32) {
	ownTop, ownNorm := logSum(own)
	refTop, refNorm := logSum(ref)
	nll, refNLL := ownNorm-float64(own[next]), refNorm-float64(ref[next])
	r.other.add(refNLL)
	r.product += nll * refNLL
	if ownTop == refTop {
		r.same++
	}
	kl := 0.0
	for i, v := range ref {
		p := float64(v) - refNorm // ln of the reference's probability
		if p > leastLog {
			kl += math.Exp(p) * (p - (float64(own[i]) - ownNorm))
		}
	}
	r.kl.add(kl)
	if !(kl <= r.maxKL) {
		r.maxKL = kl
	}
}

// leastLog is below the logarithm of any probability that adds to a sum.
const leastLog = -40

// logSum is which logit is the largest, and ln Σ e^logit.
func logSum(x []float32) (top int, sum float64) {
	for i, v := range x {
		if v > x[top] {
			top = i
		}
	}
	most := float64(x[top])
	for _, v := range x {
		sum += math.Exp(float64(v) - most)
	}
	return top, most + math.Log(sum)
}

// finish turns sums into means. With X = −ln p, perplexity is exp(mean X), and
// its error that of the mean, carried through.
func (r *run) finish() {
	n := float64(r.report.Scored)
	own, ownVar := r.own.mean(n)
	p := math.Exp(own)
	r.report.Perplexity = Estimate{p, p * math.Sqrt(ownVar)}
	if r.ref == nil {
		return
	}
	other, otherVar := r.other.mean(n)
	q := math.Exp(other)
	covariance := (r.product/n - own*other) / (n - 1)
	ratio := math.Exp(own - other)
	kl, klVar := r.kl.mean(n)
	same := float64(r.same) / n
	r.report.Reference = &Comparison{
		Perplexity: Estimate{q, q * math.Sqrt(otherVar)},
		Ratio:      Estimate{ratio, ratio * math.Sqrt(max(0, ownVar+otherVar-2*covariance))},
		KL:         Estimate{kl, math.Sqrt(klVar)},
		MaxKL:      r.maxKL,
		SameTop:    Estimate{same, math.Sqrt(same * (1 - same) / (n - 1))},
	}
}

// mean is the mean of n values, and the variance of that mean.
func (s sums) mean(n float64) (mean, variance float64) {
	mean = s.one / n
	return mean, max(0, s.two/n-mean*mean) / (n - 1)
}
