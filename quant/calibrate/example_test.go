package calibrate_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"

	"fewbits/quant/calibrate"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/gguf"
	"fewbits/quant/imatrix"
	"fewbits/quant/llama"
	"fewbits/quant/recipe"
	"fewbits/quant/tales"
)

// A model reads a text; how much each column matters goes into a file that
// llama-quantize takes, and into a quantization here.
func ExampleImportance() {
	src, model := sample()
	chunks, err := calibrate.Chunks(model, tales.Text(1, 8), calibrate.Text{Context: 64, Chunks: 4})
	if err != nil {
		log.Fatal(err)
	}
	m, err := calibrate.Importance(context.Background(), model, chunks, false, nil)
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if err := m.Write(&file); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d matrices, %d columns of blk.0.ffn_down.weight\n", len(m.Weights), len(m.Weights["blk.0.ffn_down.weight"]))

	plan, err := recipe.Plan(src, "IQ2_XS", recipe.Options{Importance: true})
	if err != nil {
		log.Fatal(err)
	}
	used, could, err := imatrix.Put(plan, m.Of, formats.Lookup)
	if err != nil {
		log.Fatal(err)
	}
	var small bytes.Buffer
	if err := convert.ToGGUF(context.Background(), &small, src, plan, convert.Options{Formats: formats.Lookup, Meta: recipe.Meta(src, "IQ2_XS")}); err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d of %d tensors quantized with it, a file of %d KB\n", used, could, small.Len()/1000)
	// Output:
	// 7 matrices, 256 columns of blk.0.ffn_down.weight
	// 7 of 8 tensors quantized with it, a file of 271 KB
}

// A whole model through GPTQ, and the model that comes out.
func ExampleQuantize() {
	_, model := sample()
	chunks, err := calibrate.Chunks(model, tales.Text(1, 8), calibrate.Text{Context: 64, Chunks: 4})
	if err != nil {
		log.Fatal(err)
	}
	o := calibrate.Options{Method: "GPTQ"}
	o.Quant.Bits, o.Quant.Group = 3, 64
	r, err := calibrate.Quantize(context.Background(), model, chunks, o)
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range r.Tensors[:3] {
		fmt.Printf("%s: relative error of the output %.3f, where rounding has %.3f\n", t.Name, t.Error.Relative, t.Error.Rounding)
	}
	// Output:
	// blk.0.attn_q.weight: relative error of the output 0.003, where rounding has 0.017
	// blk.0.attn_k.weight: relative error of the output 0.004, where rounding has 0.021
	// blk.0.attn_v.weight: relative error of the output 0.005, where rounding has 0.031
}

// sample is a model that tells small stories.
func sample() (*gguf.File, *llama.Model) {
	b, err := os.ReadFile("../../web/samples/tale-small.gguf")
	if err != nil {
		log.Fatal(err)
	}
	src, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		log.Fatal(err)
	}
	model, err := llama.Open(src, llama.Options{})
	if err != nil {
		log.Fatal(err)
	}
	return src, model
}
