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
func compareAsm(a *compareLanes, x, y *float32, n int)

func compare(x, y []float32) Sums {
	var a compareLanes
	n := len(x) &^ 3
	compareAsm(&a, unsafe.SliceData(x), unsafe.SliceData(y), n)
	a.add(x[n:], y[n:])
	return a.sums()
}

//go:noescape
func squaredDiffAsm(l *lanes, x, y *float32, n int)

func sumSquaredDiff(x, y []float32) float64 {
	var l lanes
	n := len(x) &^ 3
	squaredDiffAsm(&l, unsafe.SliceData(x), unsafe.SliceData(y), n)
	l.addSquaredDiff(x[n:], y[n:])
	return l.total()
}

//go:noescape
func momentsAsm(a *momentLanes, x *float32, n int)

func moments(x []float32) (sum, sumSq float64) {
	var a momentLanes
	n := len(x) &^ 3
	momentsAsm(&a, unsafe.SliceData(x), n)
	a.add(x[n:])
	return a.sum.total(), a.sumSq.total()
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
	n := len(dst) &^ 15
	bf16ToF32Asm(unsafe.SliceData(dst), unsafe.SliceData(src), n)
	bf16ToF32Generic(dst[n:], src[2*n:])
}

//go:noescape
func f32ToBF16Asm(dst *byte, src *float32, n int)

func f32ToBF16(dst []byte, src []float32) {
	n := len(src) &^ 7
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
func packInt4Asm(dst *byte, q *int8, n int)

func packInt4(dst []byte, q []int8) {
	n := len(q) &^ 31
	packInt4Asm(unsafe.SliceData(dst), unsafe.SliceData(q), n)
	packInt4Generic(dst[n/2:], q[n:])
}

//go:noescape
func unpackInt4Asm(dst *int8, src *byte, n int)

func unpackInt4(dst []int8, src []byte) {
	n := len(dst) &^ 31
	unpackInt4Asm(unsafe.SliceData(dst), unsafe.SliceData(src), n)
	unpackInt4Generic(dst[n:], src[n/2:])
}

//go:noescape
func countAboveAsm(dst *uint8, x *float32, n int, scale float32, t *float32, m int)

func countAbove(dst []uint8, x []float32, scale float32, thresholds []float32) {
	n := len(x) &^ 15
	countAboveAsm(unsafe.SliceData(dst), unsafe.SliceData(x), n,
		scale, unsafe.SliceData(thresholds), len(thresholds))
	countAboveGeneric(dst[n:], x[n:], scale, thresholds)
}

//go:noescape
func lookup16Asm(dst *float32, codes *uint8, n int, planes *[4][16]byte, scale float32)

func lookup16(dst []float32, codes []uint8, levels *[16]float32, scale float32) {
	var planes [4][16]byte
	for j, v := range levels {
		u := math.Float32bits(v)
		for k := range planes {
			planes[k][j] = byte(u >> (8 * k))
		}
	}
	n := len(codes) &^ 15
	lookup16Asm(unsafe.SliceData(dst), unsafe.SliceData(codes), n, &planes, scale)
	lookup16Generic(dst[n:], codes[n:], levels, scale)
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
