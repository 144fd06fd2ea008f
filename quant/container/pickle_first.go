//go:build first

package container

import (
	"errors"
	"io"

	"fewbits/quant"
)

// openPickle leaves PyTorch checkpoints to the whole program, which the page
// fetches for a file that may be one.
func openPickle(io.ReaderAt, int64) (quant.Source, error) {
	return nil, errors.New("container: this program does not read PyTorch checkpoints; save the tensors as safetensors")
}
