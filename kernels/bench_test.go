package kernels

import "testing"

// BenchmarkKernels times each kernel and its portable twin on 64 Ki values, the
// size of a piece that workers handle; MB/s counts the float32 side.
func BenchmarkKernels(b *testing.B) {
	const n = 1 << 16
	x, y := datasets[0].make(n, 1), datasets[0].make(n, 2)
	half, bf16 := make([]byte, 2*n), make([]byte, 2*n)
	F32ToF16(half, x)
	F32ToBF16(bf16, x)
	q, nib, codes := make([]int8, n), make([]byte, n/2), make([]uint8, n)
	QuantizeAffine(q, x, 0.1, 0, -8, 7)
	PackCodes(nib, q, 4)
	q8, q4 := make([]byte, n/32*34), make([]byte, n/32*18)
	QuantizeQ8_0(q8, x)
	QuantizeQ4_0(q4, x)
	f, counts := make([]float32, n), make([]uint32, 256)
	var levels [16]float32
	mid, book := x[:n/64], Codebook{Bounds: [15]float32(x)}
	for _, k := range []struct {
		name            string
		active, generic func()
	}{
		{"MinMax", func() { minMax(x) }, func() { minMaxGeneric(x) }},
		{"AbsMax", func() { absMax(x) }, func() { absMaxGeneric(x) }},
		{"CheckFinite", func() { checkFinite(x) }, func() { checkFiniteGeneric(x) }},
		{"Compare", func() { compare(nil, x, y) }, func() { compareGeneric(nil, x, y) }},
		{"Histogram", func() { histogram(counts, x, -0.3, 400) }, func() { histogramGeneric(counts, x, -0.3, 400) }},
		{"Sub", func() { sub(f, y, x) }, func() { subGeneric(f, y, x) }},
		{"KeepLarger", func() { keepLarger(f, x) }, func() { keepLargerGeneric(f, x) }},
		{"HalveLarger", func() { halveLarger(f[:n/2], x) }, func() { halveLargerGeneric(f[:n/2], x) }},
		{"F16ToF32", func() { f16ToF32(f, half) }, func() { f16ToF32Generic(f, half) }},
		{"F32ToF16", func() { f32ToF16(half, x) }, func() { f32ToF16Generic(half, x) }},
		{"BF16ToF32", func() { bf16ToF32(f, bf16) }, func() { bf16ToF32Generic(f, bf16) }},
		{"F32ToBF16", func() { f32ToBF16(bf16, x) }, func() { f32ToBF16Generic(bf16, x) }},
		{"QuantizeAffine", func() { quantizeAffine(q, x, 0.01, 0, -8, 7) }, func() { quantizeAffineGeneric(q, x, 0.01, 0, -8, 7) }},
		{"DequantizeAffine", func() { dequantizeAffine(f, q, 0.01, 0) }, func() { dequantizeAffineGeneric(f, q, 0.01, 0) }},
		{"PackCodes", func() { packCodes(nib, q, 4) }, func() { packCodesGeneric(nib, q, 4) }},
		{"UnpackCodes", func() { unpackCodes(q, nib, 4) }, func() { unpackCodesGeneric(q, nib, 4) }},
		{"PackLevels", func() { packLevels(nib, x, mid, 64, &book) }, func() { packLevelsGeneric(nib, x, mid, 64, &book) }},
		{"UnpackLevels", func() { unpackLevels(f, nib, mid, 64, &levels) }, func() { unpackLevelsGeneric(f, nib, mid, 64, &levels) }},
		{"F32ToE4M3", func() { f32ToE4M3(codes, x) }, func() { f32ToE4M3Generic(codes, x) }},
		{"E4M3ToF32", func() { e4m3ToF32(f, codes) }, func() { e4m3ToF32Generic(f, codes) }},
		{"QuantizeQ4_0", func() { quantizeQ4_0(q4, x) }, func() { quantizeQ4_0Generic(q4, x) }},
		{"DequantizeQ4_0", func() { dequantizeQ4_0(f, q4) }, func() { dequantizeQ4_0Generic(f, q4) }},
		{"QuantizeQ8_0", func() { quantizeQ8_0(q8, x) }, func() { quantizeQ8_0Generic(q8, x) }},
		{"DequantizeQ8_0", func() { dequantizeQ8_0(f, q8) }, func() { dequantizeQ8_0Generic(f, q8) }},
	} {
		for _, v := range []struct {
			name string
			run  func()
		}{{Active(), k.active}, {"generic", k.generic}} {
			b.Run(k.name+"/"+v.name, func(b *testing.B) {
				b.SetBytes(4 * n)
				for b.Loop() {
					v.run()
				}
			})
		}
	}
}
