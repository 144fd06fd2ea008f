//go:build !wasm || purego

package kernels

func quantizeTQ1_0(dst []byte, x []float32)     { quantizeTQ1_0Generic(dst, x) }
func quantizeTQ2_0(dst []byte, x []float32)     { quantizeTQ2_0Generic(dst, x) }
func quantizeQ2_0(dst []byte, x []float32)      { quantizeQ2_0Generic(dst, x) }
func quantizeQ1_0(dst []byte, x []float32)      { quantizeQ1_0Generic(dst, x) }
func dequantizeTQ1_0(dst []float32, src []byte) { dequantizeTQ1_0Generic(dst, src) }
func dequantizeTQ2_0(dst []float32, src []byte) { dequantizeTQ2_0Generic(dst, src) }
func dequantizeQ2_0(dst []float32, src []byte)  { dequantizeQ2_0Generic(dst, src) }
func dequantizeQ1_0(dst []float32, src []byte)  { dequantizeQ1_0Generic(dst, src) }

func dequantizeIQ4_NL(dst []float32, src []byte, table *[16]int8) {
	dequantizeIQ4_NLGeneric(dst, src, table)
}
func dequantizeIQ4_XS(dst []float32, src []byte, table *[16]int8) {
	dequantizeIQ4_XSGeneric(dst, src, table)
}
func dequantizeMXFP4(dst []float32, src []byte, table *[16]int8) {
	dequantizeMXFP4Generic(dst, src, table)
}
func dequantizeNVFP4(dst []float32, src []byte, table *[16]int8) {
	dequantizeNVFP4Generic(dst, src, table)
}

func dequantizeIQ2_XXS(dst []float32, src []byte, points *[256]uint64) {
	dequantizeIQ2_XXSGeneric(dst, src, points)
}

func dequantizeIQ2_XS(dst []float32, src []byte, points *[512]uint64) {
	dequantizeIQ2_XSGeneric(dst, src, points)
}

func dequantizeIQ2_S(dst []float32, src []byte, points *[1024]uint64) {
	dequantizeIQ2_SGeneric(dst, src, points)
}

func dequantizeIQ3_XXS(dst []float32, src []byte, points *[256]uint32) {
	dequantizeIQ3_XXSGeneric(dst, src, points)
}

func dequantizeIQ3_S(dst []float32, src []byte, points *[512]uint32) {
	dequantizeIQ3_SGeneric(dst, src, points)
}

func dequantizeIQ1_S(dst []float32, src []byte, points *[4096]uint64) {
	dequantizeIQ1_SGeneric(dst, src, points)
}

func dequantizeIQ1_M(dst []float32, src []byte, points *[4096]uint64) {
	dequantizeIQ1_MGeneric(dst, src, points)
}

func groupRanges(lo, hi, x []float32, n int) { groupRangesGeneric(lo, hi, x, n) }
func groupAbsMax(dst, x []float32, n int)    { groupAbsMaxGeneric(dst, x, n) }

func packFP4(dst []byte, x, d []float32, stored []uint8, n, per int) {
	packFP4Generic(dst, x, d, stored, n, per)
}

func scalesUE4M3(codes []uint8, d, v []float32, over float32) { scalesUE4M3Generic(codes, d, v, over) }
func scalesE8M0(codes []uint8, d, v []float32) (near bool)    { return scalesE8M0Generic(codes, d, v) }
