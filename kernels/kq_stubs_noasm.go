//go:build !wasm || purego

package kernels

func searchMin(q []uint8, scale, minimum, x, w []float32, n int, c *MinSearch) {
	searchMinGeneric(q, scale, minimum, x, w, n, c)
}

func roundGroups(q []uint8, x, s, m []float32, n int, least, most int32) {
	roundGroupsGeneric(q, x, s, m, n, least, most)
}

func packBits(dst []byte, q []uint8, bits, run, shift int) { packBitsGeneric(dst, q, bits, run, shift) }
func unpackBits(q []int8, src []byte, bits, run, shift int) {
	unpackBitsGeneric(q, src, bits, run, shift)
}

func weigh(w, x, importance []float32, sigma2 float32) { weighGeneric(w, x, importance, sigma2) }

func searchScale(q []uint8, scale, x, w []float32, n int, half int32, k Weights) {
	searchScaleGeneric(q, scale, x, w, n, half, k)
}

func searchSteps(q []uint8, scale, x []float32) { searchStepsGeneric(q, scale, x) }

func settleScales(of []Settled, codes []uint8, steps, scales []float32, least int32) {
	settleScalesGeneric(of, codes, steps, scales, least)
}

func packQ3_K(dst []byte, x, s []float32) { packQ3_KGeneric(dst, x, s) }
func packQ6_K(dst []byte, x, s []float32) { packQ6_KGeneric(dst, x, s) }

func quantizeQ4_1(dst []byte, x []float32)     { quantizeQ4_1Generic(dst, x) }
func dequantizeQ4_1(dst []float32, src []byte) { dequantizeQ4_1Generic(dst, src) }
func quantizeQ5_0(dst []byte, x []float32)     { quantizeQ5_0Generic(dst, x) }
func dequantizeQ5_0(dst []float32, src []byte) { dequantizeQ5_0Generic(dst, src) }
func quantizeQ5_1(dst []byte, x []float32)     { quantizeQ5_1Generic(dst, x) }
func dequantizeQ5_1(dst []float32, src []byte) { dequantizeQ5_1Generic(dst, src) }

func dequantizeQ2_K(dst []float32, src []byte) { dequantizeQ2_KGeneric(dst, src) }
func dequantizeQ3_K(dst []float32, src []byte) { dequantizeQ3_KGeneric(dst, src) }
func dequantizeQ4_K(dst []float32, src []byte) { dequantizeQ4_KGeneric(dst, src) }
func dequantizeQ5_K(dst []float32, src []byte) { dequantizeQ5_KGeneric(dst, src) }
func dequantizeQ6_K(dst []float32, src []byte) { dequantizeQ6_KGeneric(dst, src) }
