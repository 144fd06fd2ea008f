package imatrix

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"fewbits/quant"
	"fewbits/quant/gguf"
)

const (
	suffixSums   = ".in_sum2" // Σ activation², matrices × columns
	suffixCounts = ".counts"  // rows of activations that were summed, one a matrix
	keyDatasets  = "imatrix.datasets"
	keyChunks    = "imatrix.chunk_count"
	keyChunkSize = "imatrix.chunk_size"
)

// openGGUF reads tensors NAME.in_sum2 and NAME.counts: a weight is the sum
// over the count, or 1 where a matrix met no activations at all.
func openGGUF(r io.ReaderAt, size int64) (*Matrix, error) {
	f, err := gguf.Open(r, size)
	if err != nil {
		return nil, fmt.Errorf("imatrix: %w", err)
	}
	m := &Matrix{Weights: map[string][]float32{}, Counts: map[string][]int64{}}
	counts := map[string]int{} // index of the tensor
	for i, t := range f.Tensors() {
		if name, ok := strings.CutSuffix(t.Name, suffixCounts); ok {
			counts[name] = i
		}
	}
	for i, t := range f.Tensors() {
		name, ok := strings.CutSuffix(t.Name, suffixSums)
		if !ok {
			continue
		}
		at, ok := counts[name]
		if !ok {
			return nil, fmt.Errorf("imatrix: tensor %q has no %q beside it; the file is damaged", clip(t.Name), clip(name+suffixCounts))
		}
		if m.Weights[name], m.Counts[name], err = means(f, i, at); err != nil {
			return nil, err
		}
		if err := check(name, m.Weights[name]); err != nil {
			return nil, err
		}
	}
	if len(m.Weights) == 0 {
		return nil, errors.New("imatrix: this GGUF file holds no importance matrix (tensors NAME.in_sum2 and NAME.counts); make one with llama-imatrix")
	}
	if v, ok := f.Get(keyDatasets); ok {
		m.Datasets, _ = v.([]string)
	}
	if n, ok := f.Int(keyChunks); ok && n > 0 && n <= math.MaxInt32 {
		m.Chunks = int(n)
	}
	if n, ok := f.Int(keyChunkSize); ok && n > 0 && n <= math.MaxInt32 {
		m.ChunkSize = int(n)
	}
	return m, nil
}

// means divides the sums of tensor i by the counts of tensor at.
func means(f *gguf.File, i, at int) ([]float32, []int64, error) {
	infos := f.Tensors()
	for _, k := range []int{i, at} {
		if t := infos[k]; t.Type != "F32" {
			return nil, nil, fmt.Errorf("imatrix: tensor %q is of type %s, and sums and counts are F32", clip(t.Name), t.Type)
		}
	}
	sums, n := infos[i].Len(), infos[at].Len()
	if n == 0 || sums%n != 0 {
		return nil, nil, fmt.Errorf("imatrix: tensor %q holds %d sums, which are not a multiple of its %d counts", clip(infos[i].Name), sums, n)
	}
	x, err := quant.ReadTensor(f, i)
	if err != nil {
		return nil, nil, fmt.Errorf("imatrix: %w", err)
	}
	counts, err := quant.ReadTensor(f, at)
	if err != nil {
		return nil, nil, fmt.Errorf("imatrix: %w", err)
	}
	cols := sums / n
	rows := make([]int64, n)
	for j, c := range counts.Data {
		if c = float32(math.Round(float64(c))); c > 0 && c < 1<<62 {
			rows[j] = int64(c)
		}
	}
	for j := range x.Data {
		if c := rows[j/cols]; c > 0 {
			x.Data[j] /= float32(c)
		} else {
			x.Data[j] = 1
		}
	}
	return x.Data, rows, nil
}
