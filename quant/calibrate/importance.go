package calibrate

import (
	"context"
	"fmt"
	"strings"

	"fewbits/quant/calib"
	"fewbits/quant/imatrix"
	"fewbits/quant/llama"
)

// Importance is the importance matrix that llama-imatrix collects on the same
// chunks: for each matrix of the layers the mean of x² of each input, over all
// tokens, and with output (--process-output) for output.weight too. That
// program sums as float32, this one as float64. Datasets are left to the
// caller. progress may be nil.
func Importance(ctx context.Context, m *llama.Model, chunks [][]int32, output bool, progress func(done, total int)) (*imatrix.Matrix, error) {
	sums := map[string]*calib.Channels{}
	err := Read(ctx, m, chunks, output, func(name string, x []float32, _, cols int) error {
		if !strings.HasPrefix(name, "blk.") && name != "output.weight" {
			return nil // an output layer that is the embedding
		}
		c := sums[name]
		if c == nil {
			c = calib.NewChannels(cols)
			sums[name] = c
		}
		if err := c.Add(x); err != nil {
			return fmt.Errorf("calibrate: %s: %w", name, err)
		}
		return nil
	}, progress)
	if err != nil {
		return nil, err
	}
	w := &imatrix.Matrix{Weights: map[string][]float32{}, Counts: map[string][]int64{}, Chunks: len(chunks), ChunkSize: len(chunks[0])}
	for name, c := range sums {
		means := make([]float32, len(c.Squares))
		for i, v := range c.Squares {
			means[i] = float32(v) / float32(c.Tokens) // as they come back out of a file
		}
		w.Weights[name], w.Counts[name] = means, []int64{c.Tokens}
	}
	return w, nil
}
