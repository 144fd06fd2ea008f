package container_test

import (
	"bytes"
	"fmt"
	"log"

	"fewbits/quant"
	"fewbits/quant/container"
	"fewbits/quant/npy"
)

// A file of any kind becomes named tensors. What it is, is told by how it
// begins.
func ExampleOpen() {
	var file bytes.Buffer
	if err := npy.Write(&file, quant.Tensor{Shape: []int{2, 3}, Data: []float32{1, 2, 3, 4, 5, 6}}); err != nil {
		log.Fatal(err)
	}
	src, err := container.Open("weights.npy", bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		log.Fatal(err)
	}
	for i, info := range src.Tensors() {
		t, err := quant.ReadTensor(src, i)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(src.Container(), info.Name, info.Shape, info.Type, t.Slice(1, 2).Data)
	}
	// Output:
	// npy weights [2 3] <f4 [4 5 6]
}
