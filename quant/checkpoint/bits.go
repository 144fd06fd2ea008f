package checkpoint

import (
	"encoding/binary"

	"fewbits/quant"
	"fewbits/quant/dtype"
)

// words is a matrix of 32-bit words, little-endian, each row of which has
// stride of them. Codes run down a column of words, each from the low end on:
// a stream of bits, so that a code may begin in one word and end in the next.
type words struct {
	b      []byte
	stride int
}

// put adds a code of so many bits at bit pos of column c. The bits are 0 before.
func (w words) put(c, pos, bits int, code uint32) {
	at, shift := 4*(pos/32*w.stride+c), pos%32
	word := binary.LittleEndian.Uint32(w.b[at:])
	binary.LittleEndian.PutUint32(w.b[at:], word|code<<shift)
	if shift+bits > 32 {
		at += 4 * w.stride
		word = binary.LittleEndian.Uint32(w.b[at:])
		binary.LittleEndian.PutUint32(w.b[at:], word|code>>(32-shift))
	}
}

// get is the code of so many bits at bit pos of column c.
func (w words) get(c, pos, bits int) uint32 {
	at, shift := 4*(pos/32*w.stride+c), pos%32
	code := binary.LittleEndian.Uint32(w.b[at:]) >> shift
	if shift+bits > 32 {
		code |= binary.LittleEndian.Uint32(w.b[at+4*w.stride:]) << (32 - shift)
	}
	return code & (1<<bits - 1)
}

// fill writes codes of so many bits down column c, from bit pos on, which
// begins a word.
func (w words) fill(c, pos, bits int, codes []uint8) {
	at, acc, have := 4*(pos/32*w.stride+c), uint64(0), 0
	for _, q := range codes {
		acc |= uint64(q) << have
		if have += bits; have >= 32 {
			binary.LittleEndian.PutUint32(w.b[at:], uint32(acc))
			at, acc, have = at+4*w.stride, acc>>32, have-32
		}
	}
	if have > 0 {
		binary.LittleEndian.PutUint32(w.b[at:], uint32(acc))
	}
}

// take reads codes of so many bits down column c, from its first bit on.
func (w words) take(codes []uint8, c, bits int) {
	at, acc, have := 4*c, uint64(0), 0
	for i := range codes {
		if have < bits {
			acc |= uint64(binary.LittleEndian.Uint32(w.b[at:])) << have
			at, have = at+4*w.stride, have+32
		}
		codes[i] = uint8(acc & (1<<bits - 1))
		acc, have = acc>>bits, have-bits
	}
}

// line is row r of words, of so many words, as a column of its own.
func line(b []byte, r, n int) words { return words{b[4*r*n : 4*(r+1)*n], 1} }

// size is the bytes of a tensor.
func size(typ string, shape []int) int64 {
	t, _ := dtype.Lookup(typ)
	n, err := quant.Count(shape)
	if err != nil {
		return 0
	}
	return int64(n) * int64(t.Size)
}

// floats are n values of a part from value at on.
func (p *Part) floats(at, n int) ([]float32, error) {
	t, _ := dtype.Lookup(p.Type)
	dst := make([]float32, n)
	return dst, t.Decode(dst, p.Data[at*t.Size:(at+n)*t.Size])
}

// set writes values of a part from value at on, which its type holds exactly
// or to the nearest.
func (p *Part) set(at int, x []float32) error {
	t, _ := dtype.Lookup(p.Type)
	return t.Encode(p.Data[at*t.Size:(at+len(x))*t.Size], x)
}

// stored rounds values to what a type holds.
func stored(typ string, x []float32) ([]float32, error) {
	t, _ := dtype.Lookup(typ)
	b, out := make([]byte, len(x)*t.Size), make([]float32, len(x))
	if err := t.Encode(b, x); err != nil {
		return nil, err
	}
	return out, t.Decode(out, b)
}
