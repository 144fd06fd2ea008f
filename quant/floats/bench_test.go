package floats

import (
	"math"
	"testing"
)

func BenchmarkEncode(b *testing.B) {
	x := make([]float32, 1<<20)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)*1.7)) * 0.05
	}
	for _, f := range []*format{fp32, fp16, bf16, e4m3, e5m2} {
		b.Run(f.name, func(b *testing.B) {
			dst := make([]byte, len(x)*f.size())
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				f.encode(dst, x)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	x := make([]float32, 1<<20)
	for i := range x {
		x[i] = float32(math.Sin(float64(i)*1.7)) * 0.05
	}
	for _, f := range []*format{fp32, fp16, bf16, e4m3, e5m2} {
		b.Run(f.name, func(b *testing.B) {
			src := make([]byte, len(x)*f.size())
			f.encode(src, x)
			b.SetBytes(int64(4 * len(x)))
			for b.Loop() {
				f.decode(x, src)
			}
		})
	}
}
