package recipe_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"

	"fewbits/quant"
	"fewbits/quant/checkpoint"
	"fewbits/quant/container"
	"fewbits/quant/convert"
	"fewbits/quant/dtype"
	"fewbits/quant/formats"
	"fewbits/quant/gguf"
	"fewbits/quant/recipe"
	"fewbits/quant/safetensors"
)

// A folder of Hugging Face, safetensors with config.json and a tokenizer,
// becomes the Q4_K_M file that llama-quantize would make of it.
func ExamplePlan() {
	files := folder()
	for _, f := range files {
		fmt.Println(f.Name)
	}
	src, err := container.OpenFiles(files)
	if err != nil {
		log.Fatal(err)
	}
	plan, err := recipe.Plan(src, "Q4_K_M", recipe.Options{})
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	err = convert.ToGGUF(context.Background(), &file, src, plan, convert.Options{
		Formats: formats.Lookup,
		Meta:    recipe.Meta(src, "Q4_K_M"),
	})
	if err != nil {
		log.Fatal(err)
	}

	model, err := gguf.Open(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range model.Tensors() {
		fmt.Println(t.Name, t.Shape, t.Type)
	}
	// Output:
	// config.json
	// tokenizer.model
	// tokenizer_config.json
	// model.safetensors
	// output_norm.weight [256] F32
	// token_embd.weight [768 256] Q6_K
	// blk.0.attn_k.weight [128 256] Q4_K
	// blk.0.attn_norm.weight [256] F32
	// blk.0.attn_output.weight [256 256] Q4_K
	// blk.0.attn_q.weight [256 256] Q4_K
	// blk.0.attn_v.weight [128 256] Q6_K
	// blk.0.ffn_down.weight [256 256] Q6_K
	// blk.0.ffn_gate.weight [256 256] Q4_K
	// blk.0.ffn_norm.weight [256] F32
	// blk.0.ffn_up.weight [256 256] Q4_K
}

// folder is a small model as transformers keeps it.
func folder() []quant.File {
	b, err := os.ReadFile("../../web/samples/tale-small.gguf")
	if err != nil {
		log.Fatal(err)
	}
	tale, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		log.Fatal(err)
	}
	model, err := checkpoint.FromGGUF(tale, "tale-small.gguf")
	if err != nil {
		log.Fatal(err)
	}
	var plans []safetensors.TensorPlan
	for _, t := range model.Weights.Tensors() {
		plans = append(plans, safetensors.TensorPlan{Name: t.Name, Shape: t.Shape, Type: dtype.F16.Name})
	}
	var weights bytes.Buffer
	w, err := safetensors.NewWriter(&weights, nil, plans)
	if err != nil {
		log.Fatal(err)
	}
	for i := range plans {
		t, err := quant.ReadTensor(model.Weights, i)
		if err != nil {
			log.Fatal(err)
		}
		raw := make([]byte, dtype.F16.Size*t.Len())
		if err := dtype.F16.Encode(raw, t.Data); err != nil {
			log.Fatal(err)
		}
		if err := w.WriteTensor(i, raw); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	return append(model.Files, quant.File{Name: "model.safetensors", R: bytes.NewReader(weights.Bytes()), Size: int64(weights.Len())})
}
