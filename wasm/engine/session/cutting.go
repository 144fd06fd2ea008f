package session

import (
	"slices"

	"fewbits/quant"
)

// cutting says how a tensor comes apart so that its pieces, each quantized by
// itself, are what the whole quantizes to, bit for bit.
type cutting int

const (
	cutNot    cutting = iota // no way is known: the whole at once
	cutRows                  // rows follow one another
	cutBlocks                // blocks run on across rows; all codes come before all scales
	cutRange                 // one scale for all, of a range that is known before
)

// chunkValues is about how many values are compared at a time. Sums are taken
// chunk by chunk and added in their order, so that it does not matter to any
// number who took which.
const chunkValues = 1 << 16

// rangePad is how many values before the first bring the range of the whole
// to a piece: as many as fill whole bytes with codes of any width.
const rangePad = 8

// gamma is what SplitMix64 adds to its seed for each number that is drawn.
const gamma = 0x9e3779b97f4a7c15

// cutter cuts one tensor for one format.
type cutter struct {
	how        cutting
	rows, cols int
	step       int // pieces but the last are multiples of so many rows
	chunk      int // rows of a chunk

	perRow int // cutRows: bytes of a row, known from the first piece on
	block  int // cutBlocks: values of a block
	header int // cutRange: bytes before the codes, known from the first piece on
	bits   int // cutRange: of a code
}

// newCutter finds how a tensor comes apart.
func newCutter(f quant.Format, o quant.Options, rows, cols int) cutter {
	info := f.Info()
	c := cutter{rows: rows, cols: max(1, cols), step: 1}
	switch {
	case info.RowLocal:
		c.how = cutRows
	case info.Family == quant.FamilyCodebook && !o.Nested:
		c.how, c.block = cutBlocks, o.Block
		if c.block == 0 {
			c.block = 64
		}
		if c.block < 2 || c.block&(c.block-1) != 0 {
			c.how, c.block = cutNot, 2 // no such block: the format says so
		}
		c.step = c.block / common(c.cols, c.block)
	case info.Family == quant.FamilyAffine:
		c.how = cutOfAffine(o)
		if c.how == cutRange {
			c.bits, c.step = info.Bits, 8/common(c.cols, 8)
		}
	}
	c.chunk = max(c.step, chunkRows(c.cols)) // both are powers of two
	if c.how != cutRows && c.rows <= c.chunk {
		c.how = cutNot // one piece
	}
	return c
}

// chunkRows is the most rows, a power of two, that chunkValues values fill.
func chunkRows(cols int) int {
	k := 1
	for 2*k*cols <= chunkValues {
		k *= 2
	}
	return k
}

// cutOfAffine: rows and groups follow one another. A scale for a whole tensor
// is known before only where its range is that of the values.
func cutOfAffine(o quant.Options) cutting {
	switch {
	case o.Granularity == quant.PerChannel && o.Axis == 0,
		o.Granularity == quant.PerGroup && o.Group >= -1,
		o.Granularity == "" && (o.Group > 0 || o.Group == -1):
		return cutRows
	case o.Granularity == quant.PerChannel, o.Granularity == quant.PerGroup, o.Group != 0 && o.Granularity == "":
		return cutNot
	case o.Range == "", o.Range == quant.RangeMinMax:
		return cutRange
	}
	return cutNot
}

// common is the greatest common divisor.
func common(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// before is how many bytes of codes, and of scales where they are apart, come
// before a row.
func (c *cutter) before(row int) (codes, scales int) {
	n := row * c.cols
	switch c.how {
	case cutRows:
		return row * c.perRow, 0
	case cutBlocks:
		return (n + 1) / 2, 4 * ((n + c.block - 1) / c.block)
	}
	return (n*c.bits + 7) / 8, 0
}

// size is the bytes of so many rows.
func (c *cutter) size(rows int) int {
	codes, scales := c.before(rows)
	return c.header + codes + scales
}

// put writes a piece of so many rows to its place from a row on in a piece of
// n rows.
func (c *cutter) put(dst []byte, n int, src []byte, row, rows int) {
	at, atScales := c.before(row)
	all, _ := c.before(n)
	codes, scales := c.before(rows)
	copy(dst[:c.header], src)
	copy(dst[c.header+at:][:codes], src[c.header:])
	copy(dst[c.header+all+atScales:][:scales], src[c.header+codes:])
}

// take is the bytes of a piece of a piece of n rows: a part of src, or copied to
// memory, which grows where it must.
func (c *cutter) take(memory *[]byte, src []byte, n, row, rows int) []byte {
	at, atScales := c.before(row)
	all, _ := c.before(n)
	codes, scales := c.before(rows)
	if c.header+scales == 0 {
		return src[at:][:codes]
	}
	dst := append((*memory)[:0], src[:c.header]...)
	dst = append(dst, src[c.header+at:][:codes]...)
	*memory = append(dst, src[c.header+all+atScales:][:scales]...)
	return *memory
}

// pack quantizes a piece, rows of the tensor from a row on, as f does with the
// whole. lo and hi are the whole's range.
func (c *cutter) pack(f quant.Format, o quant.Options, x quant.Tensor, from int, lo, hi float32, pad *[]float32) (*quant.Packed, error) {
	seed := o.Seed
	if o.Rounding == quant.RoundStochastic { // value i draws number i
		o.Seed += uint64(from) * uint64(c.cols) * gamma
	}
	if c.how != cutRange {
		p, err := f.Quantize(x, o)
		if err != nil {
			return nil, placedAt(err, from)
		}
		if c.how == cutRows {
			c.perRow = len(p.Bytes) / max(1, x.Rows())
		}
		p.Options.Seed = seedOf(p.Options, seed)
		return p, nil
	}
	for range rangePad {
		o.Seed -= gamma // of a value before the first
	}
	padded := scratch(pad, rangePad+x.Len())
	clear(padded[:rangePad])
	padded[0], padded[1] = lo, hi
	copy(padded[rangePad:], x.Data)
	p, err := f.Quantize(quant.Tensor{Name: x.Name, Shape: []int{1, len(padded)}, Data: padded}, o)
	if err != nil {
		return nil, err
	}
	c.header = len(p.Bytes) - (len(padded)*c.bits+7)/8
	p.Bytes = slices.Delete(p.Bytes, c.header, c.header+rangePad*c.bits/8)
	p.Shape, p.Options.Seed = x.Shape, seedOf(p.Options, seed)
	return p, nil
}

// seedOf is the seed that was asked for, where the format has read it.
func seedOf(o quant.Options, asked uint64) uint64 {
	if o.Rounding == quant.RoundStochastic {
		return asked
	}
	return o.Seed
}
