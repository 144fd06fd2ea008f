package llama

import (
	"context"
	"sync"
	"sync/atomic"

	"fewbits/quant/linear"
)

// small is how many multiplications are not worth a goroutine.
const small = 1 << 16

// scratch is the memory of one worker.
type scratch struct {
	block  []float32 // rows of a weight
	raw    []byte    // their bytes
	scores []float32 // of attention
}

// floats is a slice of n values over *p, which grows as needed.
func floats(p *[]float32, n int) []float32 {
	if cap(*p) < n {
		*p = make([]float32, n)
	}
	return (*p)[:n]
}

// each calls work for every i < n, on as many goroutines as there are workers,
// and returns the first error. Nothing may depend on who does what.
func (s *Session) each(ctx context.Context, n, cost int, work func(k *scratch, i int) error) error {
	workers := min(len(s.scratch), n)
	if cost < small {
		workers = min(1, workers)
	}
	if workers <= 1 {
		for i := range n {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := work(&s.scratch[0], i); err != nil {
				return err
			}
		}
		return nil
	}
	var next atomic.Int64
	var wait sync.WaitGroup
	errs := make([]error, workers)
	for w := range workers {
		wait.Go(func() {
			for errs[w] == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if errs[w] = ctx.Err(); errs[w] == nil {
					errs[w] = work(&s.scratch[w], i)
				}
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// linear writes y = x · wᵀ (+ bias) for each token: x is tokens × w.cols, y is
// tokens × w.rows.
func (s *Session) linear(ctx context.Context, y, x []float32, tokens int, w *weight) error {
	if f := s.m.options.Observe; f != nil {
		f(w.name, x[:tokens*w.cols], tokens, w.cols)
	}
	if f := s.m.options.Input; f != nil {
		x = f(w.name, x[:tokens*w.cols], tokens, w.cols)
	}
	if s.m.input != nil {
		x = s.m.input(w, x[:tokens*w.cols])
	}
	step := linear.Step(w.rows, w.cols)
	blocks := (w.rows + step - 1) / step
	return s.each(ctx, blocks, tokens*w.rows*w.cols, func(k *scratch, i int) error {
		row := i * step
		n := min(step, w.rows-row)
		if err := w.multiply(y[row:], x, tokens, row, n, k); err != nil {
			return err
		}
		w.finish(y, tokens, row, n)
		return nil
	})
}

// finish multiplies and adds what stands beside the weight.
func (w *weight) finish(y []float32, tokens, row, n int) {
	if w.factor == 1 && w.bias == nil {
		return
	}
	for t := range tokens {
		out := y[t*w.rows+row:][:n]
		if w.factor != 1 {
			for i := range out {
				out[i] *= w.factor
			}
		}
		if w.bias != nil {
			for i, b := range w.bias[row : row+n] {
				out[i] += b
			}
		}
	}
}
