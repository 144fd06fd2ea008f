package eval

import (
	"context"
	"errors"
	"fmt"

	"fewbits/quant/llama"
	"fewbits/quant/metric"
)

// Options says how much of a text to read. The zero value is all of it, as
// llama-perplexity reads it.
type Options struct {
	Context  int                   // tokens in a chunk; 0 is 512
	Chunks   int                   // how many at most; 0 is all
	Tokens   int                   // in chunks at most, of which one is read in any case; 0 is all
	Shorter  bool                  // halve the context for a model that was trained for less, and for a text of fewer than two chunks
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
type Estimate = metric.Estimate

// Comparison is how a model strays from a reference.
type Comparison = metric.Strayed

// Run measures m on a text, and where ref is not nil, how m strays from it.
// Both must have the same vocabulary. Memory: two sessions of Context tokens,
// and a tile of logits.
func Run(ctx context.Context, m, ref *llama.Model, text string, o Options) (*Report, error) {
	r, err := New(m, ref, text, o)
	if err != nil {
		return nil, err
	}
	var sums metric.Tokens
	total := r.Chunks * r.Context
	for i := range r.Chunks {
		if o.Progress != nil {
			o.Progress(i*r.Context, total)
		}
		s, err := r.Step(ctx, i, 0, r.Context)
		if err != nil {
			return nil, err
		}
		sums.Merge(*s)
	}
	if o.Progress != nil {
		o.Progress(total, total)
	}
	out := r.Report(sums)
	return &out, nil
}

// Reading is a text that is about to be read, chunk by chunk. Chunks do not
// depend on each other: several may be read at once, each in a Reading of its
// own, and what they count merged in their order.
type Reading struct {
	Tokens  int // of the whole text
	Context int // tokens in a chunk
	Chunks  int // to be read

	ids  []int32
	bos  int32 // put at the start of a chunk; None is not
	own  *reader
	ref  *reader // nil without a reference
	at   place
	sums metric.Tokens // of the chunk under way
}

// place is how far a chunk is read; the zero value is nowhere.
type place struct{ chunk, tokens int }

// reader is a model with its session and a tile of logits.
type reader struct {
	session    *llama.Session
	vocabulary int
	tile       int       // positions that there is room for
	logits     []float32 // tile × vocabulary
}

// tileBytes bounds a tile of logits.
const tileBytes = 16 << 20

// New prepares what Run does; o.Progress is not called.
func New(m, ref *llama.Model, text string, o Options) (*Reading, error) {
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
	r := &Reading{ids: v.Encode(text, true, false), bos: llama.None, Context: o.Context}
	if v.AddBOS {
		r.bos = v.BOS
	}
	r.Tokens = len(r.ids)
	if o.Shorter {
		r.shorten(m.Config().TrainedFor)
	}
	if r.Tokens < 2*r.Context {
		return nil, fmt.Errorf("eval: the text has %d tokens, and two chunks of %d are the least; give a longer text or a shorter context", r.Tokens, r.Context)
	}
	r.Chunks = r.Tokens / r.Context
	if o.Chunks > 0 {
		r.Chunks = min(r.Chunks, o.Chunks)
	}
	if o.Tokens > 0 {
		r.Chunks = max(1, min(r.Chunks, o.Tokens/r.Context))
	}
	var err error
	if r.own, err = newReader(m, r.Context); err != nil {
		return nil, err
	}
	if ref != nil {
		r.ref, err = newReader(ref, r.Context)
	}
	return r, err
}

// leastShort is the shortest context that is chosen for a short text.
const leastShort = 64

// shorten halves the context until the model was trained for it and the text
// has two chunks.
func (r *Reading) shorten(trained int) {
	for r.Context > leastShort && (trained > 0 && r.Context > trained || r.Tokens < 2*r.Context) {
		r.Context /= 2
	}
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

// Step reads up to n tokens of a chunk, from token from on, and scores those of
// its second half. Steps of a chunk follow each other; the last gives what was
// counted in it, those before nil.
func (r *Reading) Step(ctx context.Context, chunk, from, n int) (*metric.Tokens, error) {
	size := r.Context
	if chunk < 0 || chunk >= r.Chunks || from < 0 || from >= size || n < 1 || from > 0 && r.at != (place{chunk, from}) {
		return nil, fmt.Errorf("eval: token %d of chunk %d is asked for, after token %d of chunk %d; there are %d chunks of %d", from, chunk, r.at.tokens, r.at.chunk, r.Chunks, size)
	}
	n = min(n, size-from)
	if from == 0 {
		r.sums = metric.Tokens{}
	}
	r.at = place{}
	ids := r.ids[chunk*size : (chunk+1)*size]
	for _, m := range []*reader{r.own, r.ref} {
		if m == nil {
			continue
		}
		if err := m.feed(ctx, ids, from, n, r.bos); err != nil {
			return nil, err
		}
	}
	if err := r.score(ctx, ids, from, n); err != nil {
		return nil, err
	}
	if from+n < size {
		r.at = place{chunk, from + n}
		return nil, nil
	}
	return &r.sums, nil
}

// feed reads tokens [from, from+n) of a chunk, from an empty context where
// that is its beginning.
func (r *reader) feed(ctx context.Context, ids []int32, from, n int, bos int32) error {
	part := ids[from : from+n]
	if from == 0 {
		r.session.Reset()
		if bos != llama.None {
			part = append([]int32{bos}, part[1:]...)
		}
	}
	return r.session.Feed(ctx, part)
}

// score counts what follows each of the tokens [from, from+n) that is in the
// second half; the last of a chunk has nothing after it.
func (r *Reading) score(ctx context.Context, ids []int32, from, n int) error {
	end := min(from+n, len(ids)-1)
	for at := max(from, len(ids)/2); at < end; {
		k := min(r.own.tile, end-at)
		own, err := r.own.after(ctx, at-from, k)
		if err != nil {
			return err
		}
		var ref []float32
		if r.ref != nil {
			if ref, err = r.ref.after(ctx, at-from, k); err != nil {
				return err
			}
		}
		for j := range k {
			lo, hi := j*r.own.vocabulary, (j+1)*r.own.vocabulary
			if ref == nil {
				r.sums.Score(own[lo:hi], ids[at+j+1])
			} else {
				r.sums.Compare(own[lo:hi], ref[lo:hi], ids[at+j+1])
			}
		}
		at += k
	}
	return nil
}

// after is the logits after n tokens of those read last, from one on.
func (r *reader) after(ctx context.Context, from, n int) ([]float32, error) {
	x := r.logits[:n*r.vocabulary]
	return x, r.session.Logits(ctx, from, n, x)
}

// Report is what the sums of all chunks come to.
func (r *Reading) Report(sums metric.Tokens) Report {
	out := Report{Tokens: r.Tokens, Context: r.Context, Chunks: r.Chunks, Scored: sums.Scored, Perplexity: sums.Perplexity()}
	if r.ref != nil {
		c := sums.Strayed()
		out.Reference = &c
	}
	return out
}
