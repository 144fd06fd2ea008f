//go:build !wasm || purego

package kernels

const active = "portable"

func minMax(x []float32) (lo, hi float32)                   { return minMaxGeneric(x) }
func absMax(x []float32) float32                            { return absMaxGeneric(x) }
func checkFinite(x []float32) int                           { return checkFiniteGeneric(x) }
func compare(diff, x, y []float32) Sums                     { return compareGeneric(diff, x, y) }
func f16ToF32(dst []float32, src []byte)                    { f16ToF32Generic(dst, src) }
func f32ToF16(dst []byte, src []float32)                    { f32ToF16Generic(dst, src) }
func bf16ToF32(dst []float32, src []byte)                   { bf16ToF32Generic(dst, src) }
func f32ToBF16(dst []byte, src []float32)                   { f32ToBF16Generic(dst, src) }
func f32ToE4M3(dst []byte, src []float32)                   { f32ToE4M3Generic(dst, src) }
func f32ToE5M2(dst []byte, src []float32)                   { f32ToE5M2Generic(dst, src) }
func e4m3ToF32(dst []float32, src []byte)                   { e4m3ToF32Generic(dst, src) }
func e5m2ToF32(dst []float32, src []byte)                   { e5m2ToF32Generic(dst, src) }
func quantizeQ8_0(dst []byte, x []float32)                  { quantizeQ8_0Generic(dst, x) }
func dequantizeQ8_0(dst []float32, src []byte)              { dequantizeQ8_0Generic(dst, src) }
func quantizeQ4_0(dst []byte, x []float32)                  { quantizeQ4_0Generic(dst, x) }
func dequantizeQ4_0(dst []float32, src []byte)              { dequantizeQ4_0Generic(dst, src) }
func histogram(counts []uint32, x []float32, lo, w float32) { histogramGeneric(counts, x, lo, w) }
func sub(dst, y, x []float32)                               { subGeneric(dst, y, x) }
func keepLarger(dst, e []float32)                           { keepLargerGeneric(dst, e) }
func halveLarger(dst, e []float32)                          { halveLargerGeneric(dst, e) }
func packCodes(dst []byte, q []int8, bits int)              { packCodesGeneric(dst, q, bits) }
func unpackCodes(dst []int8, src []byte, bits int)          { unpackCodesGeneric(dst, src, bits) }

func quantizeAffine(dst []int8, x []float32, scale float32, zero, qmin, qmax int32) {
	quantizeAffineGeneric(dst, x, scale, zero, qmin, qmax)
}

func dequantizeAffine(dst []float32, q []int8, scale float32, zero int32) {
	dequantizeAffineGeneric(dst, q, scale, zero)
}

func packLevels(dst []byte, x, inverse []float32, n int, c *Codebook) {
	packLevelsGeneric(dst, x, inverse, n, c)
}

func unpackLevels(dst []float32, codes []byte, scale []float32, n int, levels *[16]float32) {
	unpackLevelsGeneric(dst, codes, scale, n, levels)
}

func rangeScales(scale, least, most, lo, hi []float32, bottom, top int32, symmetric bool) {
	rangeScalesGeneric(scale, least, most, lo, hi, bottom, top, symmetric)
}

func squaredErrors(sums []float64, x, scale, least, most []float32) {
	squaredErrorsGeneric(sums, x, scale, least, most)
}

func quantizeAffineBlocks(dst []byte, x, scale, least, most []float32, l *AffineBlocks) {
	quantizeAffineBlocksGeneric(dst, x, scale, least, most, l)
}

func dequantizeAffineBlocks(dst []float32, src []byte, l *AffineBlocks) {
	dequantizeAffineBlocksGeneric(dst, src, l)
}

func inBin(dst, x []float32, lo, w, last, bin float32) int {
	return inBinGeneric(dst, x, lo, w, last, bin)
}
func absolute(dst, x []float32) { absGeneric(dst, x) }
