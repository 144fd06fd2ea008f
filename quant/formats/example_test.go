package formats_test

import (
	"fmt"
	"math"

	"fewbits/quant"
	"fewbits/quant/formats"
)

// What a format cannot take is answered with an error that says where it is and
// what to do.
func Example_refused() {
	f, _ := formats.Lookup("Q4_K")
	_, err := f.Quantize(quant.Tensor{Name: "w", Shape: []int{2, 100}, Data: make([]float32, 200)}, quant.Options{})
	fmt.Println(err)

	x := make([]float32, 512)
	x[300] = float32(math.NaN())
	_, err = f.Quantize(quant.Tensor{Name: "w", Shape: []int{2, 256}, Data: x}, quant.Options{})
	fmt.Println(err)
	// Output:
	// tensor "w": rows of 100 values are not a multiple of the 256 that a block of Q4_K holds; choose a format with smaller blocks
	// tensor "w": row 1, column 44 is NaN; there are 1 NaN and 0 infinite values: replace them, or choose a float format that can hold them
}

// The formats that code weights as places in a table.
func ExampleAll() {
	for _, f := range formats.All() {
		if i := f.Info(); i.Family == quant.FamilyCodebook {
			fmt.Printf("%s: %v bits a weight, blocks of %d; options %v\n", i.Name, i.BitsPerWeight, i.BlockSize, i.Options)
		}
	}
	// Output:
	// NF4: 4.5 bits a weight, blocks of 64; options [block nested]
	// FP4: 4.5 bits a weight, blocks of 64; options [block nested]
}

// Names are found in any case, and a wrong one has a nearest.
func ExampleLookup() {
	f, ok := formats.Lookup("iq2_xs")
	i := f.Info()
	fmt.Println(i.Name, ok, "importance matrix:", i.Importance)

	_, ok = formats.Lookup("Q4_M")
	fmt.Println(ok, "did you mean", formats.Nearest("Q4_M"))
	// Output:
	// IQ2_XS true importance matrix: required
	// false did you mean Q4_K
}
