package convert_test

import (
	"bytes"
	"context"
	"fmt"
	"log"

	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/gguf"
	"fewbits/quant/safetensors"
)

// Tensors of a safetensors file go into a GGUF file, the weights as Q8_0. For a
// whole model with a recipe see package recipe.
func ExampleToGGUF() {
	src, err := safetensors.Open(sample())
	if err != nil {
		log.Fatal(err)
	}
	plan, err := convert.PlanPure(src, "Q8_0")
	if err != nil {
		log.Fatal(err)
	}
	for _, s := range plan {
		fmt.Printf("%s %v %s becomes %s, %d bytes: %q\n", s.Name, s.Shape, s.From, s.To, s.Bytes, s.Why)
	}

	var file bytes.Buffer
	if err := convert.ToGGUF(context.Background(), &file, src, plan, convert.Options{Formats: formats.Lookup}); err != nil {
		log.Fatal(err)
	}
	out, err := gguf.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		log.Fatal(err)
	}
	row := make([]float32, 64)
	if err := out.ReadRows(0, 1, 1, row); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%s, row 1: %.2f …\n", out.Tensors()[0].Type, row[:3])
	// Output:
	// layer.weight [2 64] F32 becomes Q8_0, 136 bytes: ""
	// layer.bias [2] F32 becomes F32, 8 bytes: "tensors of one dimension are kept"
	// Q8_0, row 1: [1.00 1.00 1.00] …
}

// sample is a safetensors file of a matrix and a bias, of zeros and ones.
func sample() (*bytes.Reader, int64) {
	var file bytes.Buffer
	w, err := safetensors.NewWriter(&file, nil, []safetensors.TensorPlan{
		{Name: "layer.weight", Shape: []int{2, 64}, Type: "F32"},
		{Name: "layer.bias", Shape: []int{2}, Type: "F32"},
	})
	if err != nil {
		log.Fatal(err)
	}
	zero, one := []byte{0, 0, 0, 0}, []byte{0, 0, 0x80, 0x3f}
	for i, data := range [][]byte{
		append(bytes.Repeat(zero, 64), bytes.Repeat(one, 64)...),
		append(zero, one...),
	} {
		if err := w.WriteTensor(i, data); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	return bytes.NewReader(file.Bytes()), int64(file.Len())
}
