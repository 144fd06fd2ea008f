package kernels

import (
	"encoding/binary"
	"math"
)

// AffineBlocks is how blocks of n codes with a scale of their own stand: the scale as
// float32, or as half float, the zero point as a byte where there is one, and the codes
// as PackCodes packs them, bytes where Bits is 8.
type AffineBlocks struct {
	Bits, N int
	Half    bool
	Zero    bool
	Bottom  int32 // the least code
}

// Header is the bytes of a block before its codes.
func (l *AffineBlocks) Header() int {
	n := 4
	if l.Half {
		n = 2
	}
	if l.Zero {
		n++
	}
	return n
}

// Size is the bytes of a block.
func (l *AffineBlocks) Size() int { return l.Header() + (l.N*l.Bits+7)/8 }

func (l *AffineBlocks) valid() bool { return l.N > 0 && l.Bits >= 2 && l.Bits <= 8 }

// QuantizeAffineBlocks writes blocks of codes
//
//	min(max(rint(x/scale), least), most) + zero    zero = bottom − least
//
// as QuantizeAffine does, each with its own scale, least and most, as RangeScales gives
// them. x must be finite, scales above 0 and, where they are stored so, half floats.
func QuantizeAffineBlocks(dst []byte, x, scale, least, most []float32, l *AffineBlocks) {
	if !l.valid() {
		return
	}
	size := l.Size()
	n := min(len(dst)/size, len(x)/l.N, len(scale), len(least), len(most))
	quantizeAffineBlocks(dst[:n*size], x[:n*l.N], scale[:n], least[:n], most[:n], l)
}

// DequantizeAffineBlocks reads blocks: float32(q − zero)·scale.
func DequantizeAffineBlocks(dst []float32, src []byte, l *AffineBlocks) {
	if !l.valid() {
		return
	}
	size := l.Size()
	n := min(len(dst)/l.N, len(src)/size)
	dequantizeAffineBlocks(dst[:n*l.N], src[:n*size], l)
}

func quantizeAffineBlocksGeneric(dst []byte, x, scale, least, most []float32, l *AffineBlocks) {
	q := make([]int8, l.N)
	header, size := l.Header(), l.Size()
	for g, scale := range scale {
		b := dst[g*size : (g+1)*size]
		if l.Half {
			binary.LittleEndian.PutUint16(b, floatToHalf(scale))
		} else {
			binary.LittleEndian.PutUint32(b, math.Float32bits(scale))
		}
		zero := l.Bottom - int32(least[g])
		if l.Zero {
			b[header-1] = byte(zero)
		}
		quantizeAffineGeneric(q, x[g*l.N:(g+1)*l.N], scale, zero, l.Bottom, int32(most[g])+zero)
		if l.Bits == 8 {
			for i, q := range q {
				b[header+i] = byte(q)
			}
		} else {
			packCodesGeneric(b[header:], q, l.Bits)
		}
	}
}

func dequantizeAffineBlocksGeneric(dst []float32, src []byte, l *AffineBlocks) {
	q := make([]int8, l.N)
	header, size := l.Header(), l.Size()
	for ; len(src) > 0; src, dst = src[size:], dst[l.N:] {
		var scale float32
		var zero int32
		if l.Half {
			scale = halfAt(src)
		} else {
			scale = math.Float32frombits(binary.LittleEndian.Uint32(src))
		}
		if l.Zero {
			zero = int32(int8(src[header-1]))
		}
		if l.Bits == 8 {
			for i, b := range src[header:size] {
				q[i] = int8(b)
			}
		} else {
			unpackCodesGeneric(q, src[header:size], l.Bits)
		}
		dequantizeAffineGeneric(dst[:l.N], q, scale, zero)
	}
}
