package calib

import (
	"context"
	"fmt"
	"math"
)

// Wants says what to gather of the inputs of a layer; Channels are always.
type Wants struct {
	Tokens    bool
	Histogram bool
	Gram      bool
	Sample    int // tokens at most
}

// Inputs gathers what the methods ask of the inputs of a layer, token by token,
// in memory that does not grow with them.
type Inputs struct {
	*Channels
	PerToken  *TokenRanges // nil unless wanted, as are the others
	Histogram *Histogram
	Gram      *Gram
	Sample    *Sample
}

// NewInputs gathers for a layer of so many inputs. It fails where there is no
// room for a Gram.
func NewInputs(inputs int, w Wants) (*Inputs, error) {
	if inputs < 1 {
		return nil, fmt.Errorf("calib: a layer of %d inputs: want one at least", inputs)
	}
	in := &Inputs{Channels: NewChannels(inputs)}
	if w.Tokens {
		in.PerToken = &TokenRanges{Least: float32(math.Inf(1))}
	}
	if w.Histogram {
		in.Histogram = &Histogram{}
	}
	if w.Sample > 0 {
		in.Sample = &Sample{Most: w.Sample, Cols: inputs}
	}
	var err error
	if w.Gram {
		in.Gram, err = NewGram(inputs)
	}
	return in, err
}

// Add gathers tokens × inputs. It fails on what is not finite; once ctx is done
// it returns ctx.Err(). After an error what was gathered is of no use.
func (in *Inputs) Add(ctx context.Context, x []float32) error {
	if err := in.Channels.Add(x); err != nil {
		return err
	}
	if in.PerToken != nil {
		in.PerToken.add(x, len(in.Min))
	}
	if in.Histogram != nil {
		in.Histogram.Add(x)
	}
	if in.Sample != nil {
		in.Sample.Add(x)
	}
	if in.Gram != nil {
		return in.Gram.AddRows(ctx, x)
	}
	return ctx.Err()
}

// TokenRanges sums up the largest |x| of each token.
type TokenRanges struct {
	Tokens      int64
	Least, Most float32
	Sum         float64   // over Tokens, their mean
	Histogram   Histogram // of them
}

func (t *TokenRanges) add(x []float32, n int) {
	tops := make([]float32, 0, len(x)/n)
	for ; len(x) >= n; x = x[n:] {
		top := float32(0)
		for _, v := range x[:n] {
			top = max(top, v, -v)
		}
		t.Least, t.Most = min(t.Least, top), max(t.Most, top)
		t.Sum += float64(top)
		tops = append(tops, top)
	}
	t.Tokens += int64(len(tops))
	t.Histogram.Add(tops)
}
