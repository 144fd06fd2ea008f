package codebook_test

import (
	"encoding/binary"
	"fmt"
	"log"
	"math"

	"fewbits/quant"
	"fewbits/quant/codebook"
	"fewbits/quant/formats"
)

// NF4 as bitsandbytes packs it: codes, two a byte, and the largest magnitude of
// each block.
func Example() {
	values := make([]float32, 128)
	for i := range values {
		values[i] = float32(i*37%128-64) / 64
	}
	nf4, _ := formats.Lookup("NF4")
	packed, err := nf4.Quantize(quant.Tensor{Name: "w", Shape: []int{128}, Data: values}, quant.Options{})
	if err != nil {
		log.Fatal(err)
	}
	parts, err := codebook.Split(packed)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d bytes of codes, the first % x\n", len(parts.Codes), parts.Codes[:4])
	for i := range parts.Blocks {
		fmt.Println("block", i, "absmax", math.Float32frombits(binary.LittleEndian.Uint32(parts.Absmax[4*i:])))
	}

	back := make([]float32, 128)
	if err := nf4.Dequantize(packed, back); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%.4f became %.4f\n", values[4], back[4])
	// Output:
	// 64 bytes of codes, the first 03 9e 16 c0
	// block 0 absmax 1
	// block 1 absmax 0.984375
	// -0.6875 became -0.6962
}
