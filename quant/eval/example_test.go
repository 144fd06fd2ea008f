package eval_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"

	"fewbits/quant/convert"
	"fewbits/quant/eval"
	"fewbits/quant/formats"
	"fewbits/quant/gguf"
	"fewbits/quant/llama"
	"fewbits/quant/tales"
)

// What a model lost to Q4_0: its perplexity on a text, and how far its
// predictions stray from the original's.
func ExampleRun() {
	original, err := os.ReadFile("../../web/samples/tale-small.gguf")
	if err != nil {
		log.Fatal(err)
	}
	src, ref := open(original)
	plan, err := convert.PlanPure(src, "Q4_0")
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if err := convert.ToGGUF(context.Background(), &file, src, plan, convert.Options{Formats: formats.Lookup}); err != nil {
		log.Fatal(err)
	}
	_, model := open(file.Bytes())

	r, err := eval.Run(context.Background(), model, ref, tales.Text(tales.Measuring, 12), eval.Options{Context: 128, Chunks: 4})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("%d tokens scored\n", r.Scored)
	fmt.Printf("perplexity %.2f, that of the original %.2f\n", r.Perplexity.Value, r.Reference.Perplexity.Value)
	fmt.Printf("KL divergence %.3f, the same token on top in %.0f %%\n", r.Reference.KL.Value, 100*r.Reference.SameTop.Value)
	// Output:
	// 252 tokens scored
	// perplexity 1.36, that of the original 1.36
	// KL divergence 0.004, the same token on top in 94 %
}

func open(b []byte) (*gguf.File, *llama.Model) {
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
