package affine

import (
	"testing"

	"fewbits/quant"
)

func BenchmarkQuantize(b *testing.B) {
	x := tensor(normal(1, 1<<20), 1<<10)
	for _, c := range []struct {
		name, format string
		o            quant.Options
	}{
		{"INT8", "INT8", quant.Options{}},
		{"INT4", "INT4", quant.Options{}},
		{"INT3", "INT3", quant.Options{}},
		{"INT2", "INT2", quant.Options{}},
		{"INT4 group 32", "INT4", quant.Options{Group: 32}},
		{"INT4 group 128 sym", "INT4", quant.Options{Group: 128, Symmetric: true}},
		{"INT4 column", "INT4", quant.Options{Granularity: quant.PerChannel, Axis: 1}},
		{"INT4 percentile", "INT4", quant.Options{Range: quant.RangePercentile}},
		{"INT4 percentile group", "INT4", quant.Options{Range: quant.RangePercentile, Group: 32}},
		{"INT4 mse", "INT4", quant.Options{Range: quant.RangeMSE}},
		{"INT4 mse group", "INT4", quant.Options{Range: quant.RangeMSE, Group: 32}},
		{"INT8 entropy", "INT8", quant.Options{Range: quant.RangeEntropy}},
		{"INT8 stochastic", "INT8", quant.Options{Rounding: quant.RoundStochastic}},
	} {
		b.Run(c.name, func(b *testing.B) {
			f := named(b, c.format)
			b.SetBytes(int64(4 * x.Len()))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Quantize(x, c.o); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkDequantize(b *testing.B) {
	x := tensor(normal(1, 1<<20), 1<<10)
	y := make([]float32, x.Len())
	for _, f := range Formats() {
		b.Run(f.Info().Name, func(b *testing.B) {
			p, err := f.Quantize(x, quant.Options{Group: 32})
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(4 * x.Len()))
			for b.Loop() {
				if err := f.Dequantize(p, y); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
