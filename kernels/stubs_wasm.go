//go:build !purego

package kernels

import (
	"math"
	"unsafe"
)

const active = "simd128"

// The assembly takes whole vectors or blocks, from pointers and a count; what is
// left over is done here, in Go. The contract of each function is in the .s file
// above its TEXT.

//go:noescape
func minMaxAsm(x *float32, n int) (lo, hi float32)

func minMax(x []float32) (lo, hi float32) {
	n := len(x) &^ 15
	lo, hi = minMaxAsm(unsafe.SliceData(x), n)
	return minMaxEnd(minMaxFrom(x[n:], lo, hi))
}

//go:noescape
func absMaxAsm(x *float32, n int) float32

func absMax(x []float32) float32 {
	n := len(x) &^ 15
	return absMaxFrom(x[n:], absMaxAsm(unsafe.SliceData(x), n))
}

//go:noescape
func finiteAsm(x *float32, n int) int

func checkFinite(x []float32) int {
	n := finiteAsm(unsafe.SliceData(x), len(x)&^15)
	if i := checkFiniteGeneric(x[n:]); i >= 0 {
		return n + i
	}
	return -1
}

//go:noescape
func compareAsm(a *compareLanes, x, y *float32, n int, diff *float32, step int)

func compare(diff, x, y []float32) Sums {
	var a compareLanes
	var nowhere [4]float32
	n := len(x) &^ 3
	if diff == nil {
		compareAsm(&a, unsafe.SliceData(x), unsafe.SliceData(y), n, &nowhere[0], 0)
		a.add(nil, x[n:], y[n:])
	} else {
		compareAsm(&a, unsafe.SliceData(x), unsafe.SliceData(y), n, unsafe.SliceData(diff), 16)
		a.add(diff[n:], x[n:], y[n:])
	}
	return a.sums()
}

//go:noescape
func f16ToF32Asm(dst *float32, src *byte, n int)

func f16ToF32(dst []float32, src []byte) {
	n := len(dst) &^ 7
	f16ToF32Asm(unsafe.SliceData(dst), unsafe.SliceData(src), n)
	f16ToF32Generic(dst[n:], src[2*n:])
}

//go:noescape
func f32ToF16Asm(dst *byte, src *float32, n int)

func f32ToF16(dst []byte, src []float32) {
	n := len(src) &^ 7
	f32ToF16Asm(unsafe.SliceData(dst), unsafe.SliceData(src), n)
	f32ToF16Generic(dst[2*n:], src[n:])
}

//go:noescape
func bf16ToF32Asm(dst *float32, src *byte, n int)

func bf16ToF32(dst []float32, src []byte) {
	n := len(dst) &^ 31
	bf16ToF32Asm(unsafe.SliceData(dst), unsafe.SliceData(src), n)
	bf16ToF32Generic(dst[n:], src[2*n:])
}

//go:noescape
func f32ToBF16Asm(dst *byte, src *float32, n int)

func f32ToBF16(dst []byte, src []float32) {
	n := len(src) &^ 15
	f32ToBF16Asm(unsafe.SliceData(dst), unsafe.SliceData(src), n)
	f32ToBF16Generic(dst[2*n:], src[n:])
}

//go:noescape
func quantizeAffineAsm(dst *int8, x *float32, n int, scale, lo, hi float32, bias int32)

func quantizeAffine(dst []int8, x []float32, scale float32, zero, qmin, qmax int32) {
	const (
		most = 1 << 22    // that adding magic rounds
		bits = 0x4b400000 // of 1.5·2^23
	)
	n := len(x) &^ 15
	if lo, hi := qmin-zero, qmax-zero; lo < -most || lo > most || hi < -most || hi > most {
		n = 0
	}
	quantizeAffineAsm(unsafe.SliceData(dst), unsafe.SliceData(x), n,
		scale, float32(qmin-zero), float32(qmax-zero), bits-zero)
	quantizeAffineGeneric(dst[n:], x[n:], scale, zero, qmin, qmax)
}

//go:noescape
func dequantizeAffineAsm(dst *float32, q *int8, n int, scale float32, zero int32)

func dequantizeAffine(dst []float32, q []int8, scale float32, zero int32) {
	n := len(q) &^ 15
	dequantizeAffineAsm(unsafe.SliceData(dst), unsafe.SliceData(q), n, scale, zero)
	dequantizeAffineGeneric(dst[n:], q[n:], scale, zero)
}

//go:noescape
func quantizeQ8_0Asm(dst *byte, x *float32, n int)

func quantizeQ8_0(dst []byte, x []float32) {
	quantizeQ8_0Asm(unsafe.SliceData(dst), unsafe.SliceData(x), len(x))
}

//go:noescape
func dequantizeQ8_0Asm(dst *float32, src *byte, n int)

func dequantizeQ8_0(dst []float32, src []byte) {
	dequantizeQ8_0Asm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst))
}

//go:noescape
func quantizeQ4_0Asm(dst *byte, x *float32, n int)

func quantizeQ4_0(dst []byte, x []float32) {
	quantizeQ4_0Asm(unsafe.SliceData(dst), unsafe.SliceData(x), len(x))
}

//go:noescape
func dequantizeQ4_0Asm(dst *float32, src *byte, n int)

func dequantizeQ4_0(dst []float32, src []byte) {
	dequantizeQ4_0Asm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst))
}

//go:noescape
func histogramAsm(counts *uint32, x *float32, n int, lo, w, last float32)

func histogram(counts []uint32, x []float32, lo, w float32) {
	n := len(x) &^ 3
	if len(counts) > 1<<22 {
		n = 0 // more than the assembly's way to an integer holds
	}
	histogramAsm(unsafe.SliceData(counts), unsafe.SliceData(x), n, lo, w, float32(len(counts)-1))
	histogramGeneric(counts, x[n:], lo, w)
}

//go:noescape
func packCodesAsm(dst *byte, q *int8, n, bits int)

func packCodes(dst []byte, q []int8, bits int) {
	n := 0
	if room := len(dst) - bits - 8; room >= 0 { // it writes eight bytes at a time
		n = min(len(q)&^15, 16*(room/(2*bits)+1))
	}
	packCodesAsm(unsafe.SliceData(dst), unsafe.SliceData(q), n, bits)
	packCodesGeneric(dst[n*bits/8:], q[n:], bits)
}

// streamWay is how sixteen codes of some bits are taken out of a stream. The assembly
// knows its layout.
type streamWay struct {
	bytes  [2][8][2]uint8 // where the two bytes are that hold each code
	factor [8]uint16      // that moves it to the top of them
}

var streamWays = func() (ways [8]streamWay) {
	for bits := 2; bits < 8; bits++ {
		w := &ways[bits]
		for k := range 16 {
			at := k * bits
			w.bytes[k/8][k%8] = [2]uint8{uint8(at / 8), uint8(at/8 + 1)}
			w.factor[k%8] = 1 << (16 - bits - at%8)
		}
	}
	return ways
}()

//go:noescape
func unpackCodesAsm(dst *int8, src *byte, n, bits int, way *streamWay)

func unpackCodes(dst []int8, src []byte, bits int) {
	n := 0
	if room := len(src) - 16; room >= 0 { // it reads sixteen bytes at a time
		n = min(len(dst)&^15, 16*(room/(2*bits)+1))
	}
	unpackCodesAsm(unsafe.SliceData(dst), unsafe.SliceData(src), n, bits, &streamWays[bits])
	unpackCodesGeneric(dst[n:], src[n*bits/8:], bits)
}

//go:noescape
func packLevelsAsm(dst *byte, x, inverse *float32, n, groups int, bounds *[15][4]float32, codes *[16]uint8)

func packLevels(dst []byte, x, inverse []float32, n int, c *Codebook) {
	var bounds [15][4]float32
	for i, b := range c.Bounds {
		bounds[i] = [4]float32{b, b, b, b}
	}
	packLevelsAsm(unsafe.SliceData(dst), unsafe.SliceData(x), unsafe.SliceData(inverse), n, len(inverse), &bounds, &c.Codes)
}

// planes are the bytes of levels: byte k of each in planes[k].
func planes(levels *[16]float32) (planes [4][16]byte) {
	for j, v := range levels {
		u := math.Float32bits(v)
		for k := range planes {
			planes[k][j] = byte(u >> (8 * k))
		}
	}
	return planes
}

//go:noescape
func unpackLevelsAsm(dst *float32, codes *byte, scale *float32, n, groups int, planes *[4][16]byte)

func unpackLevels(dst []float32, codes []byte, scale []float32, n int, levels *[16]float32) {
	p := planes(levels)
	unpackLevelsAsm(unsafe.SliceData(dst), unsafe.SliceData(codes), unsafe.SliceData(scale), n, len(scale), &p)
}

//go:noescape
func f32ToE4M3Asm(dst *byte, src *float32, n int)

func f32ToE4M3(dst []byte, src []float32) {
	n := len(src) &^ 15
	f32ToE4M3Asm(unsafe.SliceData(dst), unsafe.SliceData(src), n)
	f32ToE4M3Generic(dst[n:], src[n:])
}

//go:noescape
func f32ToE5M2Asm(dst *byte, src *float32, n int)

func f32ToE5M2(dst []byte, src []float32) {
	n := len(src) &^ 15
	f32ToE5M2Asm(unsafe.SliceData(dst), unsafe.SliceData(src), n)
	f32ToE5M2Generic(dst[n:], src[n:])
}

//go:noescape
func e4m3ToF32Asm(dst *float32, src *byte, n int)

func e4m3ToF32(dst []float32, src []byte) {
	n := len(dst) &^ 15
	e4m3ToF32Asm(unsafe.SliceData(dst), unsafe.SliceData(src), n)
	e4m3ToF32Generic(dst[n:], src[n:])
}

//go:noescape
func e5m2ToF32Asm(dst *float32, src *byte, n int)

func e5m2ToF32(dst []float32, src []byte) {
	n := len(dst) &^ 15
	e5m2ToF32Asm(unsafe.SliceData(dst), unsafe.SliceData(src), n)
	e5m2ToF32Generic(dst[n:], src[n:])
}

//go:noescape
func subAsm(dst, y, x *float32, n int)

func sub(dst, y, x []float32) {
	n := len(dst) &^ 3
	subAsm(unsafe.SliceData(dst), unsafe.SliceData(y), unsafe.SliceData(x), n)
	subGeneric(dst[n:], y[n:], x[n:])
}

//go:noescape
func keepLargerAsm(dst, e *float32, n int)

func keepLarger(dst, e []float32) {
	n := len(e) &^ 3
	keepLargerAsm(unsafe.SliceData(dst), unsafe.SliceData(e), n)
	keepLargerGeneric(dst[n:], e[n:])
}

//go:noescape
func halveLargerAsm(dst, e *float32, n int)

func halveLarger(dst, e []float32) {
	n := len(dst) &^ 3
	halveLargerAsm(unsafe.SliceData(dst), unsafe.SliceData(e), n)
	halveLargerGeneric(dst[n:], e[2*n:])
}

//go:noescape
func rangeScalesAsm(scale, least, most, lo, hi *float32, n int, bottom, top float32, symmetric int)

func rangeScales(scale, least, most, lo, hi []float32, bottom, top int32, symmetric bool) {
	n, s := len(scale)&^1, 0
	if symmetric {
		s = 1
	}
	rangeScalesAsm(unsafe.SliceData(scale), unsafe.SliceData(least), unsafe.SliceData(most),
		unsafe.SliceData(lo), unsafe.SliceData(hi), n, float32(bottom), float32(top), s)
	rangeScalesGeneric(scale[n:], least[n:], most[n:], lo[n:], hi[n:], bottom, top, symmetric)
}

//go:noescape
func squaredErrorsAsm(sums *float64, x *float32, n int, scale, least, most *float32, fours int)

func squaredErrors(sums []float64, x, scale, least, most []float32) {
	n, whole := len(x)&^3, len(sums)&^3
	squaredErrorsAsm(unsafe.SliceData(sums), unsafe.SliceData(x), n,
		unsafe.SliceData(scale), unsafe.SliceData(least), unsafe.SliceData(most), whole/4)
	squaredErrorsGeneric(sums[:whole], x[n:], scale, least, most)
	squaredErrorsGeneric(sums[whole:], x, scale[whole:], least[whole:], most[whole:])
}

// affineLayout is AffineBlocks as the assembly knows it.
type affineLayout struct{ bits, n, bottom, half, zero int64 }

func (l *AffineBlocks) layout() affineLayout {
	a := affineLayout{bits: int64(l.Bits), n: int64(l.N), bottom: int64(l.Bottom)}
	if l.Half {
		a.half = 1
	}
	if l.Zero {
		a.zero = 1
	}
	return a
}

// inside is how many of some blocks lie so far from the end that 16 bytes more are
// within as well, where the assembly takes blocks like these at all.
func (l *AffineBlocks) inside(blocks int) int {
	if l.N%16 != 0 {
		return 0
	}
	return max(0, blocks-(15+l.Size())/l.Size())
}

//go:noescape
func quantizeAffineBlocksAsm(dst *byte, x, scale, least, most *float32, blocks int, l *affineLayout)

func quantizeAffineBlocks(dst []byte, x, scale, least, most []float32, l *AffineBlocks) {
	a, n := l.layout(), l.inside(len(scale))
	quantizeAffineBlocksAsm(unsafe.SliceData(dst), unsafe.SliceData(x), unsafe.SliceData(scale), unsafe.SliceData(least), unsafe.SliceData(most), n, &a)
	quantizeAffineBlocksGeneric(dst[n*l.Size():], x[n*l.N:], scale[n:], least[n:], most[n:], l)
}

//go:noescape
func dequantizeAffineBlocksAsm(dst *float32, src *byte, blocks int, l *affineLayout, way *streamWay)

func dequantizeAffineBlocks(dst []float32, src []byte, l *AffineBlocks) {
	a, n := l.layout(), l.inside(len(dst)/l.N)
	dequantizeAffineBlocksAsm(unsafe.SliceData(dst), unsafe.SliceData(src), n, &a, &streamWays[l.Bits&7])
	dequantizeAffineBlocksGeneric(dst[n*l.N:], src[n*l.Size():], l)
}

//go:noescape
func inBinAsm(dst, x *float32, room, n int, lo, w, last, bin float32) int

func inBin(dst, x []float32, lo, w, last, bin float32) int {
	n := len(x) &^ 3
	found := inBinAsm(unsafe.SliceData(dst), unsafe.SliceData(x), len(dst), n, lo, w, last, bin)
	return found + inBinGeneric(dst[found:], x[n:], lo, w, last, bin)
}

//go:noescape
func absAsm(dst, x *float32, n int)

func absolute(dst, x []float32) {
	n := len(x) &^ 3
	absAsm(unsafe.SliceData(dst), unsafe.SliceData(x), n)
	absGeneric(dst[n:], x[n:])
}
