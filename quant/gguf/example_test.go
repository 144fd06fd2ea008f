package gguf_test

import (
	"bytes"
	"fmt"
	"log"
	"os"

	"fewbits/quant"
	"fewbits/quant/gguf"
)

// A model's metadata and tensors. Only what is asked for is read.
func ExampleOpen() {
	f, err := os.Open("../../web/samples/tale-small.gguf")
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		log.Fatal(err)
	}
	model, err := gguf.Open(f, st.Size())
	if err != nil {
		log.Fatal(err)
	}

	name, _ := model.Text("general.name")
	width, _ := model.Int("llama.embedding_length")
	fmt.Printf("%s, %d wide\n", name, width)
	for i, t := range model.Tensors()[:4] {
		row := make([]float32, quant.Cols(t.Shape))
		if err := model.ReadRows(i, 0, 1, row); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%s %v %s %d bytes: %.4f …\n", t.Name, t.Shape, t.Type, t.Bytes, row[:2])
	}
	// Output:
	// Fewbits Tale Small, 256 wide
	// token_embd.weight [768 256] F16 393216 bytes: [0.0952 -0.1942] …
	// blk.0.attn_norm.weight [256] F32 1024 bytes: [0.9001 0.9705] …
	// blk.0.attn_q.weight [256 256] F16 131072 bytes: [0.0074 0.0174] …
	// blk.0.attn_k.weight [128 256] F16 65536 bytes: [0.0995 -0.0011] …
}

// A file of one tensor, written and opened again.
func ExampleNewWriter() {
	var file bytes.Buffer
	w, err := gguf.NewWriter(&file,
		[]quant.Meta{{Key: "general.architecture", Value: "none"}},
		[]gguf.TensorPlan{{Name: "w", Shape: []int{1, 2}, Type: "F32"}})
	if err != nil {
		log.Fatal(err)
	}
	if err := w.WriteTensor(0, []byte{0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0}); err != nil { // 1, −2
		log.Fatal(err)
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}

	back, err := gguf.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		log.Fatal(err)
	}
	t, err := quant.ReadTensor(back, 0)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(t.Name, t.Shape, t.Data)
	// Output:
	// w [1 2] [1 -2]
}
