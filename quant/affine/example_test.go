package affine_test

import (
	"fmt"
	"log"

	"fewbits/quant"
	"fewbits/quant/formats"
)

// Values from −1 to 1 in eight bits, the zero point fixed at 0: the scale is
// 1/127, and 0.5 becomes 64.
func Example() {
	x := quant.Tensor{Name: "x", Shape: []int{4}, Data: []float32{-1, 0, 0.5, 1}}
	int8, _ := formats.Lookup("INT8")
	packed, err := int8.Quantize(x, quant.Options{Symmetric: true, Narrow: true})
	if err != nil {
		log.Fatal(err)
	}
	p, err := int8.Params(packed, true)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("scale 1/%.0f, zero point %v, codes %d\n", 1/p.Scales[0], p.Zeros[0], p.Codes)
	// Output:
	// scale 1/127, zero point 0, codes [-127 0 64 127]
}

// With a zero point no code is wasted on values that do not occur. Options are
// fields, or set by the names that the command takes.
func Example_zeroPoint() {
	x := quant.Tensor{Name: "x", Shape: []int{2, 4}, Data: []float32{
		0, 0.5, 1, 1.5,
		-3, -2, -1, 0,
	}}
	var o quant.Options
	if err := o.Set("granularity", "channel"); err != nil {
		log.Fatal(err)
	}
	int4, _ := formats.Lookup("INT4")
	packed, err := int4.Quantize(x, o)
	if err != nil {
		log.Fatal(err)
	}
	p, err := int4.Params(packed, true)
	if err != nil {
		log.Fatal(err)
	}
	back := make([]float32, x.Len())
	if err := int4.Dequantize(packed, back); err != nil {
		log.Fatal(err)
	}
	for row := range p.Rows {
		fmt.Printf("scale %.1f, zero point %v, codes %d, values %.1f\n", p.Scales[row], p.Zeros[row], p.Codes[4*row:4*row+4], back[4*row:4*row+4])
	}
	// Output:
	// scale 0.1, zero point -8, codes [-8 -3 2 7], values [0.0 0.5 1.0 1.5]
	// scale 0.2, zero point 7, codes [-8 -3 2 7], values [-3.0 -2.0 -1.0 0.0]
}
