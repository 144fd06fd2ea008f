package affine

import (
	"encoding/binary"
	"math"

	"github.com/x448/float16"

	"fewbits/kernels"
	"fewbits/quant"
)

// layout says where in the bytes of a tensor each value's code and each
// block's scale lie.
//
// The values are cut into stretches of equal length (the tensor, or its
// rows), each stretch into blocks of group values, the last maybe shorter.
// Where columns is set there are planes instead, see doc.go.
type layout struct {
	bits       int
	scaleBytes int // 4 or 2
	zeroBytes  int // 1, or 0 where symmetric
	n          int // values
	rows, cols int
	columns    bool // a scale a column

	stretch, group int // values of a stretch; of a block but the last of a stretch
	per            int // blocks of a stretch
	full, last     int // bytes of a block; of the last of a stretch
}

// newLayout lays out n values of a shape; o must be resolved.
func newLayout(shape []int, n, bits int, o quant.Options) layout {
	l := layout{bits: bits, scaleBytes: 4, zeroBytes: 1, n: n}
	if o.ScaleType == quant.ScaleF16 {
		l.scaleBytes = 2
	}
	if o.Symmetric {
		l.zeroBytes = 0
	}
	if n == 0 {
		return l
	}
	l.rows, l.cols = quant.Rows(shape), quant.Cols(shape)
	l.stretch, l.group = l.cols, l.cols
	switch o.Granularity {
	case quant.PerTensor:
		l.stretch, l.group = n, n
	case quant.PerChannel:
		l.columns = o.Axis == 1
	case quant.PerGroup:
		if o.Group > 0 {
			l.group = min(o.Group, l.cols)
		}
	}
	l.per = (l.stretch + l.group - 1) / l.group
	l.full = l.header() + l.codeBytes(l.group)
	l.last = l.header() + l.codeBytes(l.stretch-(l.per-1)*l.group)
	return l
}

// header is the bytes of a block before its codes.
func (l *layout) header() int { return l.scaleBytes + l.zeroBytes }

// codeBytes is the bytes of n codes.
func (l *layout) codeBytes(n int) int { return (n*l.bits + 7) / 8 }

// size is the bytes of the whole tensor.
func (l *layout) size() int {
	switch {
	case l.n == 0:
		return 0
	case l.columns:
		return l.cols*l.header() + l.rows*l.codeBytes(l.cols)
	}
	return l.n / l.stretch * l.stretchBytes()
}

// stretchBytes is the bytes of a stretch.
func (l *layout) stretchBytes() int { return (l.per-1)*l.full + l.last }

// blocks is how many blocks (columns where columns is set) there are.
func (l *layout) blocks() int {
	switch {
	case l.n == 0:
		return 0
	case l.columns:
		return l.cols
	}
	return l.n / l.stretch * l.per
}

// block is where block k begins: its first byte, its first value, and how
// many values it has. Not for columns.
func (l *layout) block(k int) (offset, first, n int) {
	s, j := k/l.per, k%l.per
	return s*l.stretchBytes() + j*l.full, s*l.stretch + j*l.group, min(l.group, l.stretch-j*l.group)
}

// run is values first … end and the blocks that hold them, the first at a byte. All
// blocks but the last are whole.
type run struct{ offset, first, end int }

// runs are the longest runs that there are: the tensor, or each of its stretches where
// these end with a shorter block. Not for columns.
func (l *layout) runs() func(yield func(run) bool) {
	return func(yield func(run) bool) {
		n, size := l.stretch, 0
		if n > 0 {
			size = l.stretchBytes()
		}
		if n > 0 && n%l.group == 0 {
			n = l.n
		}
		for first, offset := 0, 0; first < l.n; first, offset = first+n, offset+size {
			if !yield(run{offset, first, first + n}) {
				return
			}
		}
	}
}

// kernel is the layout of whole blocks.
func (l *layout) kernel() kernels.AffineBlocks {
	return kernels.AffineBlocks{Bits: l.bits, N: l.group, Half: l.scaleBytes == 2, Zero: l.zeroBytes > 0}
}

// blockOf is the block (the column where columns is set) of value i.
func (l *layout) blockOf(i int) int {
	if l.columns {
		return i % l.cols
	}
	return i/l.stretch*l.per + i%l.stretch/l.group
}

// groups is how many scales a row meets.
func (l *layout) groups() int {
	switch {
	case l.columns:
		return l.cols
	case l.stretch == l.cols:
		return l.per
	}
	return 1 // the tensor's
}

// groupOf is the group of a column within its row.
func (l *layout) groupOf(c int) int {
	switch {
	case l.columns:
		return c
	case l.stretch == l.cols:
		return c / l.group
	}
	return 0
}

// row is where the codes of a row begin. Only for columns.
func (l *layout) row(r int) int { return l.cols*l.header() + r*l.codeBytes(l.cols) }

// eachRun calls visit for each run of codes that lie in one bit stream: its
// first value, its first byte, and how many they are.
func (l *layout) eachRun(visit func(first, offset, n int)) {
	if l.columns {
		for r := range l.rows {
			visit(r*l.cols, l.row(r), l.cols)
		}
		return
	}
	for k := range l.blocks() {
		offset, first, n := l.block(k)
		visit(first, offset+l.header(), n)
	}
}

// at is where the scale and the zero point of block k lie.
func (l *layout) at(k int) (scale, zero int) {
	if l.columns {
		return k * l.scaleBytes, l.cols*l.scaleBytes + k
	}
	offset, _, _ := l.block(k)
	return offset, offset + l.scaleBytes
}

// params reads the scale and the zero point of block k.
func (l *layout) params(b []byte, k int) params {
	s, z := l.at(k)
	var m params
	if l.scaleBytes == 2 {
		m.scale = float16.Frombits(binary.LittleEndian.Uint16(b[s:])).Float32()
	} else {
		m.scale = math.Float32frombits(binary.LittleEndian.Uint32(b[s:]))
	}
	if l.zeroBytes > 0 {
		m.zero = int32(int8(b[z]))
	}
	return m
}

// readParams reads the params that each row meets, groups() of them a row.
func (l *layout) readParams(b []byte, scales, zeros []float32) {
	one := len(scales) // that are read; they come again and again
	switch {
	case l.columns:
		one = l.cols
	case l.stretch != l.cols:
		one = 1
	}
	offset, per := 0, 0
	for i := range scales[:one] {
		var m params
		if l.columns {
			m = l.params(b, i)
		} else {
			m = l.paramsAt(b, offset)
			offset += l.full
			if per++; per == l.per {
				offset, per = offset-l.full+l.last, 0
			}
		}
		scales[i], zeros[i] = m.scale, float32(m.zero)
	}
	for i := one; i < len(scales); i += one {
		copy(scales[i:], scales[:one])
		copy(zeros[i:], zeros[:one])
	}
}

// paramsAt reads the params of the block at a byte. Not for columns.
func (l *layout) paramsAt(b []byte, offset int) (m params) {
	if l.scaleBytes == 2 {
		m.scale = float16.Frombits(binary.LittleEndian.Uint16(b[offset:])).Float32()
	} else {
		m.scale = math.Float32frombits(binary.LittleEndian.Uint32(b[offset:]))
	}
	if l.zeroBytes > 0 {
		m.zero = int32(int8(b[offset+l.scaleBytes]))
	}
	return m
}

// putParams writes the scale and the zero point of block k.
func (l *layout) putParams(b []byte, k int, m params) {
	s, z := l.at(k)
	if l.scaleBytes == 2 {
		binary.LittleEndian.PutUint16(b[s:], float16.Fromfloat32(m.scale).Bits())
	} else {
		binary.LittleEndian.PutUint32(b[s:], math.Float32bits(m.scale))
	}
	if l.zeroBytes > 0 {
		b[z] = byte(int8(m.zero))
	}
}
