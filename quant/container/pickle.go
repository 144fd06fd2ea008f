//go:build !first

package container

import (
	"io"

	"fewbits/quant"
	"fewbits/quant/torch"
)

// openPickle opens a PyTorch checkpoint.
func openPickle(r io.ReaderAt, size int64) (quant.Source, error) { return source(torch.Open(r, size)) }
