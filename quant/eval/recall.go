package eval

import (
	"context"
	"errors"

	"fewbits/quant/llama"
	"fewbits/quant/metric"
)

// Recall is what a reference says about a text, kept: models are measured
// against it one after another, and the reference runs only once.
type Recall struct {
	Reading
	Alone  metric.Tokens   // what the reference scores by itself
	Parts  []metric.Tokens // the same of each chunk
	logits [][]float32     // of the scored positions, a chunk each
}

// Remember reads the text with the reference. It keeps 4 bytes for each scored
// position and each token of the vocabulary; fewer chunks need less. Of o,
// Context, Chunks, Tokens and Shorter are used.
func Remember(ctx context.Context, ref *llama.Model, text string, o Options) (*Recall, error) {
	r, err := New(ref, nil, text, o)
	if err != nil {
		return nil, err
	}
	k := &Recall{Reading: *r}
	for i := range k.Chunks {
		var sums metric.Tokens
		var kept []float32
		err := k.each(ctx, k.own, i, func(own []float32, next int32) {
			sums.Score(own, next)
			kept = append(kept, own...)
		})
		if err != nil {
			return nil, err
		}
		k.Alone.Merge(sums)
		k.Parts = append(k.Parts, sums)
		k.logits = append(k.logits, kept)
	}
	return k, nil
}

// Compare is what Run counts of a model against the reference, to the bit.
func (k *Recall) Compare(ctx context.Context, m *llama.Model) (metric.Tokens, error) {
	var all metric.Tokens
	parts, err := k.CompareParts(ctx, m)
	for _, s := range parts {
		all.Merge(s)
	}
	return all, err
}

// CompareParts is Compare of each chunk by itself: two models that read the same
// chunks are told apart by the differences in each, which are less than what
// sets one chunk apart from another.
func (k *Recall) CompareParts(ctx context.Context, m *llama.Model) (all []metric.Tokens, err error) {
	if n := m.Config().Vocabulary; n != k.own.vocabulary {
		return nil, errors.New("eval: the reference has another vocabulary than the model; compare models of one family")
	}
	own, err := newReader(m, k.Context)
	if err != nil {
		return nil, err
	}
	for i := range k.Chunks {
		var sums metric.Tokens
		ref := k.logits[i]
		err := k.each(ctx, own, i, func(own []float32, next int32) {
			sums.Compare(own, ref[:len(own)], next)
			ref = ref[len(own):]
		})
		if err != nil {
			return nil, err
		}
		all = append(all, sums)
	}
	return all, nil
}

// each has a model read a chunk, and calls f with the logits after each scored
// position and the token that comes next.
func (k *Recall) each(ctx context.Context, m *reader, chunk int, f func(logits []float32, next int32)) error {
	size := k.Context
	ids := k.ids[chunk*size : (chunk+1)*size]
	if err := m.feed(ctx, ids, 0, size, k.bos); err != nil {
		return err
	}
	for at := size / 2; at < size-1; {
		n := min(m.tile, size-1-at)
		x, err := m.after(ctx, at, n)
		if err != nil {
			return err
		}
		for j := range n {
			f(x[j*m.vocabulary:(j+1)*m.vocabulary], ids[at+j+1])
		}
		at += n
	}
	return nil
}
