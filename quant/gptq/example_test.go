package gptq_test

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"

	"fewbits/quant"
	"fewbits/quant/formats"
)

// GPTQ to three bits, with what goes into the layer. The error of the layer's
// output, beside that of rounding to the same grids.
func Example() {
	r := rand.New(rand.NewPCG(1, 2))
	w := quant.Tensor{Name: "w", Shape: []int{16, 128}, Data: make([]float32, 16*128)}
	for i := range w.Data {
		w.Data[i] = r.Float32() - 0.5
	}
	// Inputs that go together, as those of a real layer do.
	x := quant.Tensor{Name: "x", Shape: []int{256, 128}, Data: make([]float32, 256*128)}
	for token := range 256 {
		common := r.Float32()*2 - 1
		for i := range 128 {
			x.Data[128*token+i] = common + r.Float32() - 0.5
		}
	}

	gptq, _ := formats.LookupMethod("GPTQ")
	packed, err := gptq.Quantize(w, quant.Options{Bits: 3, Group: 64, Activations: &x})
	if err != nil {
		log.Fatal(err)
	}
	e, err := gptq.OutputError(context.Background(), w, packed, &x)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.2f bits a weight\n", packed.BitsPerWeight())
	fmt.Printf("relative error of the output: rounded %.3f, GPTQ %.3f\n", e.Rounding, e.Relative)
	// Output:
	// 3.62 bits a weight
	// relative error of the output: rounded 0.023, GPTQ 0.003
}
