package ggml

import (
	"slices"

	"fewbits/quant"
)

// part is one array of a block's layout.
type part struct {
	name  string
	role  quant.Role
	kind  kind
	count int                        // of its values
	group int                        // weights that share one of them; 0 where all do
	shift int                        // of codes split over parts: the lowest bit held here
	code  func(k int, v int32) int32 // of codes that share bits: that of weight k, out of all
	spans func(i int) []quant.Span   // the bits of value i, low ones first
	mine  func(k int) []quant.Span   // those of weight k, where they are not those of its value
}

// kind is how the bits of a value read.
type kind uint8

const (
	unsigned kind = iota
	signed        // two's complement of one byte
	half          // IEEE half precision
	sign          // minus where an odd number of bits is set
	e8m0          // 2^(e − 127), no sign
	ue4m3         // 4 bits of exponent, 3 of mantissa, no sign
)

// float is what the bits of a float stand for, as it is multiplied; ok is
// false where they are an integer.
func (k kind) float(v uint32) (f float32, ok bool) {
	switch k {
	case half:
		return fromHalf(uint16(v)), true
	case e8m0:
		return halfE8M0(uint8(v)), true
	case ue4m3:
		return halfUE4M3(uint8(v)), true
	}
	return 0, false
}

// at is the one value in bits first … first+15, in half precision.
func at(first int) func(int) []quant.Span {
	return func(int) []quant.Span { return []quant.Span{{First: first, Bits: 16}} }
}

// each are values of some bits, side by side.
func each(first, bits int) func(int) []quant.Span {
	return func(i int) []quant.Span { return []quant.Span{{First: first + i*bits, Bits: bits}} }
}

// halfOf is a half of each byte: 0 the low one, 1 the high one.
func halfOf(firstByte, which int) func(int) []quant.Span {
	return func(i int) []quant.Span { return []quant.Span{{First: 8*(firstByte+i) + 4*which, Bits: 4}} }
}

// strided are codes of some bits, of which run neighbours stand in the same
// place of as many bytes; the next run takes the next bits of those bytes.
func strided(firstByte, bits, run int) func(int) []quant.Span {
	perChunk := run * 8 / bits
	return func(k int) []quant.Span {
		chunk, in := k/perChunk, k%perChunk
		return []quant.Span{{First: 8*(firstByte+chunk*run+in%run) + in/run*bits, Bits: bits}}
	}
}

// index says which value of the part weight k of the block uses.
func (p *part) index(k int) int {
	if p.group == 0 {
		return 0
	}
	return k / p.group
}

// own are the bits that weight k of the block uses.
func (p *part) own(k int) []quant.Span {
	if p.mine != nil {
		return p.mine(k)
	}
	return p.spans(p.index(k))
}

// all are the bits of the part, neighbours joined.
func (p *part) all() []quant.Span {
	var spans []quant.Span
	for i := range p.count {
		spans = append(spans, p.spans(i)...)
	}
	slices.SortFunc(spans, func(a, b quant.Span) int { return a.First - b.First })
	spans = slices.Compact(spans) // values may share bits
	joined := spans[:1]
	for _, s := range spans[1:] {
		if last := &joined[len(joined)-1]; last.First+last.Bits == s.First {
			last.Bits += s.Bits
		} else {
			joined = append(joined, s)
		}
	}
	return joined
}

// bits reads spans of a block, low ones first.
func bits(b []byte, spans []quant.Span) (v uint32) {
	at := 0
	for _, s := range spans {
		for i := s.First; i < s.First+s.Bits; i++ {
			v |= uint32(b[i/8]>>(i%8)&1) << at
			at++
		}
	}
	return v
}
