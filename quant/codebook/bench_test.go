package codebook

import (
	"testing"

	"fewbits/quant"
)

func BenchmarkQuantize(b *testing.B) {
	s := splitMix(3)
	x := make([]float32, 1<<20)
	for i := range x {
		x[i] = float32(s.normal())
	}
	for _, f := range []*format{nf4, fp4} {
		for _, nested := range []bool{false, true} {
			b.Run(f.name+map[bool]string{true: " nested"}[nested], func(b *testing.B) {
				w := tensor(b, []int{1024, 1024}, x)
				b.SetBytes(int64(4 * len(x)))
				for b.Loop() {
					pack(b, f, w, quant.Options{Nested: nested})
				}
			})
		}
	}
}

func BenchmarkDequantize(b *testing.B) {
	s := splitMix(3)
	x := make([]float32, 1<<20)
	for i := range x {
		x[i] = float32(s.normal())
	}
	p, _ := pack(b, nf4, tensor(b, []int{1024, 1024}, x), quant.Options{})
	b.Run("NF4", func(b *testing.B) {
		b.SetBytes(int64(4 * len(x)))
		for b.Loop() {
			nf4.Dequantize(p, x)
		}
	})
	b.Run("Params", func(b *testing.B) {
		b.SetBytes(int64(4 * len(x)))
		for b.Loop() {
			nf4.Params(p, true)
		}
	})
}
