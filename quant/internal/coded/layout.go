package coded

import (
	"encoding/binary"
	"math"

	"fewbits/quant"
)

// Order says which values make a block.
type Order int

// The orders. Along is that of GPTQ and AWQ; HQQ has all three: it cuts the
// flattened tensor into groups (axis 1: Along where they fill rows, else
// Across), or deals its values out among them (axis 0).
const (
	Along  Order = iota // Group values along a row; the last block of a row may be shorter
	Across              // Group values of the flattened tensor, across rows
	Down                // of n blocks, block k has values k, k+n, k+2n … of the flattened tensor
)

// Zero says how zero points are stored.
type Zero int

// The ways to store a zero point.
const (
	Implied   Zero = iota // none: all are Layout.At
	ZeroByte              // uint8
	ZeroFloat             // float32
)

// Layout says what the bytes of a matrix hold, and where.
type Layout struct {
	Format     string // in errors
	Rows, Cols int
	Bits       int  // of a code, 1 to 8
	Signed     bool // codes are −2^(b−1) … 2^(b−1)−1
	Group      int  // values of a block, at least 1; for Across and Down it divides Rows × Cols
	Order      Order
	Zero       Zero
	At         float32 // the zero point where it is Implied
	Permuted   bool    // there is a permutation of the columns
	Follow     bool    // blocks take the columns in its order; only with Along
	Inputs     bool    // there are input scales
	Outliers   bool    // there may be columns that are kept in 16 bits
}

// Matrix is what a method decided, as a Layout writes and reads it.
type Matrix struct {
	Codes       []byte    // Rows × Cols, the low bits of each
	Scales      []float32 // one a block
	Zeros       []float32 // one a block; nil where Implied
	Permutation []int32   // nil unless Permuted
	InputScales []float32 // nil unless Inputs
	Outliers    []int32   // columns, rising; nil unless Outliers
	Kept        []uint16  // Rows × len(Outliers), float16
}

// values is how many the matrix has.
func (l *Layout) values() int { return l.Rows * l.Cols }

// per is the blocks of a row, for Along.
func (l *Layout) per() int { return (l.Cols + l.Group - 1) / l.Group }

// Blocks is how many there are.
func (l *Layout) Blocks() int {
	switch {
	case l.values() == 0:
		return 0
	case l.Order == Along:
		return l.Rows * l.per()
	}
	return l.values() / l.Group
}

// count is how many values block k has.
func (l *Layout) count(k int) int {
	if l.Order == Along {
		return min(l.Group, l.Cols-k%l.per()*l.Group)
	}
	return l.Group
}

// Index is the index, row-major, of value t of block k. The permutation is nil
// unless blocks follow it.
func (l *Layout) Index(k, t int, permutation []int32) int {
	switch l.Order {
	case Across:
		return k*l.Group + t
	case Down:
		return t*l.Blocks() + k
	}
	c := k%l.per()*l.Group + t
	if l.Follow {
		c = int(permutation[c])
	}
	return k/l.per()*l.Cols + c
}

// place is the block of value i and its place in it. inverse is that of the
// permutation, nil unless blocks follow it.
func (l *Layout) place(i int, inverse []int32) (k, t int) {
	switch l.Order {
	case Across:
		return i / l.Group, i % l.Group
	case Down:
		return i % l.Blocks(), i / l.Blocks()
	}
	c := i % l.Cols
	if l.Follow {
		c = int(inverse[c])
	}
	return i/l.Cols*l.per() + c/l.Group, c % l.Group
}

// header is the bytes of a block before its codes.
func (l *Layout) header() int {
	switch l.Zero {
	case ZeroByte:
		return 5
	case ZeroFloat:
		return 8
	}
	return 4
}

// codeBytes is the bytes of n codes.
func (l *Layout) codeBytes(n int) int { return (n*l.Bits + 7) / 8 }

// blockAt is where block k begins, from the first block.
func (l *Layout) blockAt(k int) int {
	full := l.header() + l.codeBytes(l.Group)
	if l.Order != Along {
		return k * full
	}
	last := l.header() + l.codeBytes(l.Cols-(l.per()-1)*l.Group)
	return k/l.per()*((l.per()-1)*full+last) + k%l.per()*full
}

// prefix is the bytes before the first block.
func (l *Layout) prefix() int {
	n := 0
	if l.Permuted {
		n += 4 * l.Cols
	}
	if l.Inputs {
		n += 4 * l.Cols
	}
	return n
}

// size is the bytes of all, with n columns of outliers.
func (l *Layout) size(n int) int {
	if l.values() == 0 {
		return 0
	}
	size := l.prefix() + l.blockAt(l.Blocks())
	if l.Outliers {
		size += 4 + 4*n + 2*n*l.Rows
	}
	return size
}

// Pack writes m.
func (l *Layout) Pack(m *Matrix) []byte {
	b := make([]byte, 0, l.size(len(m.Outliers)))
	if l.values() == 0 {
		return b
	}
	le := binary.LittleEndian
	if l.Permuted {
		for _, c := range m.Permutation {
			b = le.AppendUint32(b, uint32(c))
		}
	}
	if l.Inputs {
		for _, s := range m.InputScales {
			b = le.AppendUint32(b, math.Float32bits(s))
		}
	}
	for k := range l.Blocks() {
		b = l.packBlock(b, k, m)
	}
	if l.Outliers {
		b = le.AppendUint32(b, uint32(len(m.Outliers)))
		for _, c := range m.Outliers {
			b = le.AppendUint32(b, uint32(c))
		}
		for _, h := range m.Kept {
			b = le.AppendUint16(b, h)
		}
	}
	return b
}

// packBlock appends block k.
func (l *Layout) packBlock(b []byte, k int, m *Matrix) []byte {
	b = binary.LittleEndian.AppendUint32(b, math.Float32bits(m.Scales[k]))
	switch l.Zero {
	case ZeroByte:
		b = append(b, byte(m.Zeros[k]))
	case ZeroFloat:
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(m.Zeros[k]))
	}
	var acc, have uint
	mask := byte(1<<l.Bits - 1)
	for t := range l.count(k) {
		acc |= uint(m.Codes[l.Index(k, t, m.Permutation)]&mask) << have
		for have += uint(l.Bits); have >= 8; have -= 8 {
			b = append(b, byte(acc))
			acc >>= 8
		}
	}
	if have > 0 {
		b = append(b, byte(acc))
	}
	return b
}

// Of is the layout's shape taken from a tensor's; the tensor is flattened to
// rows of its innermost dimension.
func (l Layout) Of(shape []int) Layout {
	l.Rows, l.Cols = quant.Rows(shape), quant.Cols(shape)
	return l
}
