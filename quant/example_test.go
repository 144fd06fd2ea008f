package quant_test

import (
	"fmt"
	"log"

	"fewbits/quant"
	"fewbits/quant/formats"
	"fewbits/quant/metric"
)

// A matrix goes to Q4_K and back; what is lost is measured.
func Example() {
	values := make([]float32, 8*256)
	for i := range values {
		values[i] = float32(i*7919%2001-1000) / 1000 // −1 … 1
	}
	w, err := quant.NewTensor("w", []int{8, 256}, values)
	if err != nil {
		log.Fatal(err)
	}

	f, _ := formats.Lookup("Q4_K")
	packed, err := f.Quantize(w, quant.Options{})
	if err != nil {
		log.Fatal(err)
	}
	back := make([]float32, w.Len())
	if err := f.Dequantize(packed, back); err != nil {
		log.Fatal(err)
	}

	r := metric.Measure(w.Data, back, packed)
	fmt.Printf("%d values in %d bytes, %.1f bits each\n", r.Values, r.Bytes, r.BitsPerWeight)
	fmt.Printf("root of the mean squared error %.4f, largest error %.4f, SQNR %.1f dB\n", r.RMSE, r.MaxAbs, r.SQNR)
	// Output:
	// 2048 values in 1152 bytes, 4.5 bits each
	// root of the mean squared error 0.0348, largest error 0.0590, SQNR 24.4 dB
}

// Options have the names that the command and the page's address give them.
func ExampleOptions_Set() {
	var o quant.Options
	for _, option := range [][2]string{{"group", "64"}, {"range", "percentile"}, {"percentile", "99.5"}} {
		if err := o.Set(option[0], option[1]); err != nil {
			log.Fatal(err)
		}
	}
	fmt.Println(o.Group, o.Range, o.Percentile)
	fmt.Println(o.Set("range", "widest"))
	// Output:
	// 64 percentile 99.5
	// option range=widest: want one of minmax, percentile, mse, entropy
}
