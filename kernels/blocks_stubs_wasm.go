//go:build !purego

package kernels

import "unsafe"

// The kernels of blocks of ggml's types with a table, a grid, or three levels.

//go:noescape
func quantizeTQ1_0Asm(dst *byte, x *float32, n int)

func quantizeTQ1_0(dst []byte, x []float32) {
	quantizeTQ1_0Asm(unsafe.SliceData(dst), unsafe.SliceData(x), len(x))
}

//go:noescape
func quantizeTQ2_0Asm(dst *byte, x *float32, n int)

func quantizeTQ2_0(dst []byte, x []float32) {
	quantizeTQ2_0Asm(unsafe.SliceData(dst), unsafe.SliceData(x), len(x))
}

//go:noescape
func quantizeQ2_0Asm(dst *byte, x *float32, n int)

func quantizeQ2_0(dst []byte, x []float32) {
	quantizeQ2_0Asm(unsafe.SliceData(dst), unsafe.SliceData(x), len(x))
}

//go:noescape
func quantizeQ1_0Asm(dst *byte, x *float32, n int)

func quantizeQ1_0(dst []byte, x []float32) {
	n := len(x) &^ (4*q1_0Len - 1)
	quantizeQ1_0Asm(unsafe.SliceData(dst), unsafe.SliceData(x), n)
	quantizeQ1_0Generic(dst[n/q1_0Len*q1_0Bytes:], x[n:])
}

//go:noescape
func dequantizeTQ1_0Asm(dst *float32, src *byte, n int)

func dequantizeTQ1_0(dst []float32, src []byte) {
	dequantizeTQ1_0Asm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst))
}

//go:noescape
func dequantizeTQ2_0Asm(dst *float32, src *byte, n int)

func dequantizeTQ2_0(dst []float32, src []byte) {
	dequantizeTQ2_0Asm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst))
}

//go:noescape
func dequantizeQ2_0Asm(dst *float32, src *byte, n int)

func dequantizeQ2_0(dst []float32, src []byte) {
	dequantizeQ2_0Asm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst))
}

//go:noescape
func dequantizeQ1_0Asm(dst *float32, src *byte, n int)

func dequantizeQ1_0(dst []float32, src []byte) {
	dequantizeQ1_0Asm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst))
}

//go:noescape
func dequantizeIQ4_NLAsm(dst *float32, src *byte, n int, table *[16]int8)

func dequantizeIQ4_NL(dst []float32, src []byte, table *[16]int8) {
	dequantizeIQ4_NLAsm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst), table)
}

//go:noescape
func dequantizeIQ4_XSAsm(dst *float32, src *byte, n int, table *[16]int8)

func dequantizeIQ4_XS(dst []float32, src []byte, table *[16]int8) {
	dequantizeIQ4_XSAsm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst), table)
}

//go:noescape
func dequantizeMXFP4Asm(dst *float32, src *byte, n int, table *[16]int8)

func dequantizeMXFP4(dst []float32, src []byte, table *[16]int8) {
	dequantizeMXFP4Asm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst), table)
}

//go:noescape
func dequantizeNVFP4Asm(dst *float32, src *byte, n int, table *[16]int8, scales *[256]float32)

func dequantizeNVFP4(dst []float32, src []byte, table *[16]int8) {
	dequantizeNVFP4Asm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst), table, &halvesUE4M3)
}

// signMasks are eight bytes for seven signs and an eighth that makes an even number
// minus; those of signs are all ones.
var signMasks = func() (masks [128]uint64) {
	for s := range masks {
		for i := range 8 {
			if evenSigns(uint32(s))>>i&1 != 0 {
				masks[s] |= 0xff << (8 * i)
			}
		}
	}
	return masks
}()

//go:noescape
func dequantizeIQ2_XXSAsm(dst *float32, src *byte, n int, points *[256]uint64, signs *[128]uint64)

func dequantizeIQ2_XXS(dst []float32, src []byte, points *[256]uint64) {
	dequantizeIQ2_XXSAsm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst), points, &signMasks)
}

//go:noescape
func dequantizeIQ2_XSAsm(dst *float32, src *byte, n int, points *[512]uint64, signs *[128]uint64)

func dequantizeIQ2_XS(dst []float32, src []byte, points *[512]uint64) {
	dequantizeIQ2_XSAsm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst), points, &signMasks)
}

//go:noescape
func dequantizeIQ2_SAsm(dst *float32, src *byte, n int, points *[1024]uint64)

func dequantizeIQ2_S(dst []float32, src []byte, points *[1024]uint64) {
	dequantizeIQ2_SAsm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst), points)
}

//go:noescape
func dequantizeIQ3_XXSAsm(dst *float32, src *byte, n int, points *[256]uint32, signs *[128]uint64)

func dequantizeIQ3_XXS(dst []float32, src []byte, points *[256]uint32) {
	dequantizeIQ3_XXSAsm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst), points, &signMasks)
}

//go:noescape
func dequantizeIQ3_SAsm(dst *float32, src *byte, n int, points *[512]uint32)

func dequantizeIQ3_S(dst []float32, src []byte, points *[512]uint32) {
	dequantizeIQ3_SAsm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst), points)
}

//go:noescape
func dequantizeIQ1_SAsm(dst *float32, src *byte, n int, points *[4096]uint64)

func dequantizeIQ1_S(dst []float32, src []byte, points *[4096]uint64) {
	dequantizeIQ1_SAsm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst), points)
}

//go:noescape
func dequantizeIQ1_MAsm(dst *float32, src *byte, n int, points *[4096]uint64, d *[2]byte)

func dequantizeIQ1_M(dst []float32, src []byte, points *[4096]uint64) {
	var d [2]byte
	dequantizeIQ1_MAsm(unsafe.SliceData(dst), unsafe.SliceData(src), len(dst), points, &d)
}

//go:noescape
func groupRangesAsm(lo, hi, x *float32, n, groups int)

func groupRanges(lo, hi, x []float32, n int) {
	if n%16 != 0 {
		groupRangesGeneric(lo, hi, x, n)
		return
	}
	groupRangesAsm(unsafe.SliceData(lo), unsafe.SliceData(hi), unsafe.SliceData(x), n, len(lo))
}

//go:noescape
func groupAbsMaxAsm(dst, x *float32, n, groups int)

func groupAbsMax(dst, x []float32, n int) {
	if n%16 != 0 {
		groupAbsMaxGeneric(dst, x, n)
		return
	}
	groupAbsMaxAsm(unsafe.SliceData(dst), unsafe.SliceData(x), n, len(dst))
}

//go:noescape
func packFP4Asm(dst *byte, x, d *float32, stored *uint8, n, per, blocks int)

func packFP4(dst []byte, x, d []float32, stored []uint8, n, per int) {
	packFP4Asm(unsafe.SliceData(dst), unsafe.SliceData(x), unsafe.SliceData(d), unsafe.SliceData(stored), n, per, len(d)/per)
}

//go:noescape
func scalesUE4M3Asm(codes *uint8, d, v *float32, n int, over float32)

func scalesUE4M3(codes []uint8, d, v []float32, over float32) {
	n := len(v) &^ 3
	scalesUE4M3Asm(unsafe.SliceData(codes), unsafe.SliceData(d), unsafe.SliceData(v), n, over)
	scalesUE4M3Generic(codes[n:], d[n:], v[n:], over)
}

//go:noescape
func scalesE8M0Asm(codes *uint8, d, v *float32, n int) int

func scalesE8M0(codes []uint8, d, v []float32) (near bool) {
	n := len(v) &^ 3
	near = scalesE8M0Asm(unsafe.SliceData(codes), unsafe.SliceData(d), unsafe.SliceData(v), n) != 0
	return scalesE8M0Generic(codes[n:], d[n:], v[n:]) || near
}
