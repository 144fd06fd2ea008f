package codebook

import (
	"encoding/binary"
	"fmt"
	"math"

	"fewbits/quant"
)

const (
	defaultBlock       = 64
	minBlock, maxBlock = 32, 4096
	nestedBlock        = 256 // absmax that share one of their own
)

// layout says how many of each thing a packed tensor holds.
type layout struct {
	n, block, blocks, nests int
	nested                  bool
}

func newLayout(shape []int, o quant.Options) (layout, error) {
	n, err := quant.Count(shape)
	if err != nil {
		return layout{}, err
	}
	block := o.Block
	if block == 0 {
		block = defaultBlock
	}
	if block < minBlock || block > maxBlock || block&(block-1) != 0 {
		return layout{}, fmt.Errorf("a block of %d values: take %d, %d, %d … or %d", block, minBlock, 2*minBlock, 4*minBlock, maxBlock)
	}
	l := layout{n: n, block: block, blocks: (n + block - 1) / block, nested: o.Nested}
	l.nests = (l.blocks + nestedBlock - 1) / nestedBlock
	return l, nil
}

// size is the length of Packed.Bytes.
func (l layout) size() int {
	if l.nested {
		return (l.n+1)/2 + l.blocks + 4*l.nests + 4
	}
	return (l.n+1)/2 + 4*l.blocks
}

// split cuts b, which is size() long.
func (l layout) split(b []byte) Parts {
	parts := Parts{Len: l.n, Block: l.block, Blocks: l.blocks, Nested: l.nested}
	cut := func(n int) []byte {
		head := b[:n:n]
		b = b[n:]
		return head
	}
	parts.Codes = cut((l.n + 1) / 2)
	if !l.nested {
		parts.Absmax = cut(4 * l.blocks)
		return parts
	}
	parts.Absmax = cut(l.blocks)
	parts.NestedAbsmax = cut(4 * l.nests)
	parts.Offset = cut(4)
	return parts
}

// Parts are the pieces of a packed tensor, each as a bitsandbytes checkpoint
// stores it. They share the memory of Packed.Bytes. Numbers are little endian.
type Parts struct {
	Len    int // values
	Block  int // values per absmax
	Blocks int
	Nested bool

	Codes        []byte // ⌈Len/2⌉; "weight"
	Absmax       []byte // one float32 a block; where Nested, one code of DynamicMap a block; "absmax"
	NestedAbsmax []byte // one float32 for 256 blocks; nil unless Nested; "nested_absmax"
	Offset       []byte // one float32; nil unless Nested; "nested_offset"
}

// Split takes a packed NF4 or FP4 tensor apart. It fails where p.Bytes is not
// as long as p.Shape and p.Options ask for, and on a block size that is not a
// power of two from 32 to 4096.
func Split(p *quant.Packed) (Parts, error) {
	l, err := newLayout(p.Shape, p.Options)
	if err != nil {
		return Parts{}, fmt.Errorf("codebook: tensor %q: %w", p.Name, err)
	}
	if want := l.size(); len(p.Bytes) != want {
		return Parts{}, fmt.Errorf("codebook: tensor %q: %w", p.Name, &quant.SizeError{What: "bytes", Format: p.Format, Got: len(p.Bytes), Want: want})
	}
	return l.split(p.Bytes), nil
}

// Scale is the absmax of a block that Dequantize multiplies with; where
// Nested, map[code] · nested absmax + offset.
func (p *Parts) Scale(block int) float32 {
	if !p.Nested {
		return float(p.Absmax, block)
	}
	scaled := float32(dynamic[p.Absmax[block]] * float(p.NestedAbsmax, block/nestedBlock))
	return scaled + float(p.Offset, 0)
}

// Code is the code of a value, from 0 to 15.
func (p *Parts) Code(i int) uint8 {
	if i%2 == 0 {
		return p.Codes[i/2] >> 4
	}
	return p.Codes[i/2] & 15
}

// float is float32 number i of b.
func float(b []byte, i int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
}
