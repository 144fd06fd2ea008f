package kernels

import (
	"encoding/binary"
	"math"
)

// fiveBits is how a block of 32 codes stands in ggml's older types: d first as
// half float, then where they are in use the minimum at 2, bit 4 of code j in bit
// j of a word at high, and the lower bits at low: code j in the low half of byte
// j, code j + 16 in its high half.
type fiveBits struct {
	size, high, low int  // in bytes; high is 0 where codes have 4 bits
	minimum         bool // else half of the codes stands for 0
	top             int32
}

var (
	layoutQ4_1 = fiveBits{size: 20, low: 4, minimum: true, top: 15}
	layoutQ5_0 = fiveBits{size: 22, high: 2, low: 6, top: 31}
	layoutQ5_1 = fiveBits{size: 24, high: 4, low: 8, minimum: true, top: 31}
)

// QuantizeQ4_1 writes whole blocks of ggml's Q4_1 (quantize_row_q4_1_ref in
// ggml-quants.c): m is the least value, d = (max − m)/15, q = min(15, trunc((x −
// m)·(1/d) + 0.5)), all in float32 and not fused; d and m are then stored as half
// float. Where d is 0, or d or 1/d is infinite, all codes are 0; the last is not
// defined in C. x must be finite.
func QuantizeQ4_1(dst []byte, x []float32) {
	dst, x = blocks(dst, x, layoutQ4_1.size)
	quantizeQ4_1(dst, x)
}

// QuantizeQ5_1 is QuantizeQ4_1 with 31 for 15, for Q5_1.
func QuantizeQ5_1(dst []byte, x []float32) {
	dst, x = blocks(dst, x, layoutQ5_1.size)
	quantizeQ5_1(dst, x)
}

// QuantizeQ5_0 writes whole blocks of ggml's Q5_0 (quantize_row_q5_0_ref): as
// QuantizeQ4_0, with d = m/−16 and q = min(31, trunc(x · (1/d) + 16.5)).
func QuantizeQ5_0(dst []byte, x []float32) {
	dst, x = blocks(dst, x, layoutQ5_0.size)
	quantizeQ5_0(dst, x)
}

// DequantizeQ4_1 reads whole blocks of Q4_1: x = q·d + m.
func DequantizeQ4_1(dst []float32, src []byte) {
	src, dst = blocks(src, dst, layoutQ4_1.size)
	dequantizeQ4_1(dst, src)
}

// DequantizeQ5_0 reads whole blocks of Q5_0: x = (q − 16)·d.
func DequantizeQ5_0(dst []float32, src []byte) {
	src, dst = blocks(src, dst, layoutQ5_0.size)
	dequantizeQ5_0(dst, src)
}

// DequantizeQ5_1 reads whole blocks of Q5_1: x = q·d + m.
func DequantizeQ5_1(dst []float32, src []byte) {
	src, dst = blocks(src, dst, layoutQ5_1.size)
	dequantizeQ5_1(dst, src)
}

// blocks are the whole blocks that both b and x have.
func blocks(b []byte, x []float32, size int) ([]byte, []float32) {
	n := min(len(b)/size, len(x)/blockLen)
	return b[:n*size], x[:n*blockLen]
}

// put writes the codes of a block.
func (f *fiveBits) put(b []byte, q *[blockLen]uint8) {
	for j := range 16 {
		b[f.low+j] = q[j]&15 | q[j+16]<<4
	}
	if f.high == 0 {
		return
	}
	var h uint32
	for j, v := range q {
		h |= uint32(v>>4&1) << j
	}
	binary.LittleEndian.PutUint32(b[f.high:], h)
}

func (f *fiveBits) quantizeGeneric(dst []byte, x []float32) {
	var q [blockLen]uint8
	for ; len(x) >= blockLen; x, dst = x[blockLen:], dst[f.size:] {
		v := (*[blockLen]float32)(x)
		if f.minimum {
			d, low := rangeOf(v, float32(f.top), &q)
			binary.LittleEndian.PutUint16(dst, floatToHalf(d))
			binary.LittleEndian.PutUint16(dst[2:], floatToHalf(low))
		} else {
			half := float32((f.top + 1) / 2)
			d := firstLargest(v[:]) / -half
			id, add := inverse(d), half+0.5
			if d != 0 && id == 0 {
				add = 0 // 1/d is infinite: every code is 0
			}
			for j, v := range v {
				q[j] = uint8(min(f.top, int32(float32(v*id)+add)))
			}
			binary.LittleEndian.PutUint16(dst, floatToHalf(d))
		}
		f.put(dst, &q)
	}
}

// rangeOf is the scale and the minimum of a block, and its codes.
func rangeOf(x *[blockLen]float32, top float32, q *[blockLen]uint8) (d, low float32) {
	low, high := x[0], x[0]
	for _, v := range x {
		if v < low {
			low = v
		}
		if v > high {
			high = v
		}
	}
	d = (high - low) / top
	id := inverse(d)
	if id == 0 || d > math.MaxFloat32 {
		clear(q[:])
		return d, low
	}
	for j, v := range x {
		q[j] = uint8(min(int32(float32((v-low)*id)+0.5), int32(top)))
	}
	return d, low
}

func (f *fiveBits) dequantizeGeneric(dst []float32, src []byte) {
	for ; len(dst) >= blockLen; dst, src = dst[blockLen:], src[f.size:] {
		d := halfToFloat(binary.LittleEndian.Uint16(src))
		var h uint32
		if f.high != 0 {
			h = binary.LittleEndian.Uint32(src[f.high:])
		}
		low, zero := float32(0), int32(0)
		if f.minimum {
			low = halfToFloat(binary.LittleEndian.Uint16(src[2:]))
		} else {
			zero = (f.top + 1) / 2
		}
		for j := range blockLen {
			q := int32(src[f.low+j%16]>>(j/16*4)&15) | int32(h>>j&1)<<4
			if v := d * float32(q-zero); f.minimum {
				dst[j] = float32(v) + low
			} else {
				dst[j] = v
			}
		}
	}
}

func quantizeQ4_1Generic(dst []byte, x []float32)     { layoutQ4_1.quantizeGeneric(dst, x) }
func quantizeQ5_0Generic(dst []byte, x []float32)     { layoutQ5_0.quantizeGeneric(dst, x) }
func quantizeQ5_1Generic(dst []byte, x []float32)     { layoutQ5_1.quantizeGeneric(dst, x) }
func dequantizeQ4_1Generic(dst []float32, src []byte) { layoutQ4_1.dequantizeGeneric(dst, src) }
func dequantizeQ5_0Generic(dst []float32, src []byte) { layoutQ5_0.dequantizeGeneric(dst, src) }
func dequantizeQ5_1Generic(dst []float32, src []byte) { layoutQ5_1.dequantizeGeneric(dst, src) }
