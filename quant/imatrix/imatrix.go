package imatrix

import (
	"fmt"
	"io"
	"math"
)

// Matrix is an importance matrix.
type Matrix struct {
	// Weights are by the tensor's name: one weight a column. A tensor of
	// several matrices (experts) has those of each, one after another.
	Weights map[string][]float32
	// Counts are by the tensor's name: how many rows of activations each
	// matrix met. One that met none has weights of 1. A tensor may have a
	// single count for all its matrices, or none where that is not known.
	Counts    map[string][]int64
	Datasets  []string // texts that it was computed on, as their files were called
	Chunks    int      // pieces of text that it was computed on; 0 where that is not known
	ChunkSize int      // tokens of such a piece; 0 where that is not known
}

// LegacyChunk is the ChunkSize that is taken for granted where the old form
// says nothing of it: llama-imatrix's own.
const LegacyChunk = 512

// Open reads an importance matrix of size bytes in either of its forms. It
// fails where the file is damaged or holds none, and on weights that are
// negative, infinite or not a number.
func Open(r io.ReaderAt, size int64) (*Matrix, error) {
	var magic [4]byte
	if _, err := r.ReadAt(magic[:], 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("imatrix: reading the first 4 bytes: %w", err)
	}
	if string(magic[:]) == "GGUF" {
		return openGGUF(r, size)
	}
	return openLegacy(r, size)
}

// check fails on what is no weight: a mean of squares is 0 or more.
func check(name string, x []float32) error {
	for i, w := range x {
		if !(w >= 0) || math.IsInf(float64(w), 0) {
			return fmt.Errorf("imatrix: entry %q: weight %d is %v; weights are finite and not negative: compute the matrix again", clip(name), i, w)
		}
	}
	return nil
}

// clip shortens a name out of a file so that it can stand in a message.
func clip(name string) string {
	if len(name) > 80 {
		name = name[:77] + "..."
	}
	return name
}
