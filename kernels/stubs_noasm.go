//go:build !wasm || purego

package kernels

const active = "portable"

func minMax(x []float32) (lo, hi float32)                   { return minMaxGeneric(x) }
func absMax(x []float32) float32                            { return absMaxGeneric(x) }
func checkFinite(x []float32) int                           { return checkFiniteGeneric(x) }
func compare(x, y []float32) Sums                           { return compareGeneric(x, y) }
func sumSquaredDiff(x, y []float32) float64                 { return sumSquaredDiffGeneric(x, y) }
func moments(x []float32) (sum, sumSq float64)              { return momentsGeneric(x) }
func f16ToF32(dst []float32, src []byte)                    { f16ToF32Generic(dst, src) }
func f32ToF16(dst []byte, src []float32)                    { f32ToF16Generic(dst, src) }
func bf16ToF32(dst []float32, src []byte)                   { bf16ToF32Generic(dst, src) }
func f32ToBF16(dst []byte, src []float32)                   { f32ToBF16Generic(dst, src) }
func quantizeQ8_0(dst []byte, x []float32)                  { quantizeQ8_0Generic(dst, x) }
func dequantizeQ8_0(dst []float32, src []byte)              { dequantizeQ8_0Generic(dst, src) }
func quantizeQ4_0(dst []byte, x []float32)                  { quantizeQ4_0Generic(dst, x) }
func dequantizeQ4_0(dst []float32, src []byte)              { dequantizeQ4_0Generic(dst, src) }
func histogram(counts []uint32, x []float32, lo, w float32) { histogramGeneric(counts, x, lo, w) }
func sub(dst, y, x []float32)                               { subGeneric(dst, y, x) }
func keepLarger(dst, e []float32)                           { keepLargerGeneric(dst, e) }
func halveLarger(dst, e []float32)                          { halveLargerGeneric(dst, e) }
func packInt4(dst []byte, q []int8)                         { packInt4Generic(dst, q) }
func unpackInt4(dst []int8, src []byte)                     { unpackInt4Generic(dst, src) }

func quantizeAffine(dst []int8, x []float32, scale float32, zero, qmin, qmax int32) {
	quantizeAffineGeneric(dst, x, scale, zero, qmin, qmax)
}

func dequantizeAffine(dst []float32, q []int8, scale float32, zero int32) {
	dequantizeAffineGeneric(dst, q, scale, zero)
}

func countAbove(dst []uint8, x []float32, scale float32, thresholds []float32) {
	countAboveGeneric(dst, x, scale, thresholds)
}

func lookup16(dst []float32, codes []uint8, levels *[16]float32, scale float32) {
	lookup16Generic(dst, codes, levels, scale)
}
