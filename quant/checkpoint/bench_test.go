package checkpoint

import (
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/testdata"
)

// BenchmarkRound is how fast each layout is written and read back.
func BenchmarkRound(b *testing.B) {
	w := quant.Tensor{Name: "w", Shape: []int{1024, 2048}}
	for len(w.Data) < 1024*2048 {
		w.Data = append(w.Data, testdata.Weights().Data...)
	}
	for name, t := range cases(b) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(w.Len()))
			for b.Loop() {
				parts := rounded(b, t.Layout, Scheme{t.Scheme.Bits, t.Scheme.Group, t.Scheme.Symmetric, false, t.Scheme.Table, t.Scheme.Nested, t.Scheme.Axis0, false, "F16"}, w)
				if _, err := t.Layout.Unpack(t.Scheme, parts, 1024, 2048, 0, 1024); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
