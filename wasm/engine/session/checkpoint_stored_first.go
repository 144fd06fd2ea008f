//go:build first

package session

import (
	"fewbits/quant"
	"fewbits/wasm/wire"
)

// shelved is nothing in the small program: no matrix is taken apart by it.
type shelved struct {
	name  string
	bytes int64
}

func (s *Session) shelve(wire.Source) (*shelved, *wire.Estimate, error) { return nil, nil, nil }

func (h *shelved) cut(*part) (quant.Format, *quant.Packed) { return nil, nil }

func (s *Session) shelfNoise(int) (*wire.Estimate, error) { return nil, nil }
