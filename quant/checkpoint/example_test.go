package checkpoint_test

import (
	"bytes"
	"context"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"fewbits/quant"
	"fewbits/quant/calibrate"
	"fewbits/quant/checkpoint"
	"fewbits/quant/gguf"
	"fewbits/quant/gptq"
	"fewbits/quant/llama"
	"fewbits/quant/tales"
)

// A model as a folder that AutoAWQ, vLLM and transformers load. Weights are rounded
// here; the other example has a method decide.
func ExampleExport() {
	src := sample()
	model, err := checkpoint.FromGGUF(src, "tale-small.gguf")
	if err != nil {
		log.Fatal(err)
	}
	target, err := checkpoint.Lookup("awq", "awq")
	if err != nil {
		log.Fatal(err)
	}

	dir, err := os.MkdirTemp("", "tale-awq-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	r, err := checkpoint.Export(context.Background(), *model, target, checkpoint.Options{
		Create: func(name string) (checkpoint.File, error) { return os.Create(filepath.Join(dir, name)) },
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(r.Files)
	for _, t := range r.Tensors[:4] {
		fmt.Println(t.Name, t.Shape, t.To, t.Bytes, "bytes")
	}
	// Output:
	// [model.safetensors config.json tokenizer.model tokenizer_config.json]
	// model.embed_tokens.weight [768 256] F16 393216 bytes
	// model.layers.0.input_layernorm.weight [256] F16 512 bytes
	// model.layers.0.self_attn.q_proj.weight [256 256] AWQ 4-bit g128 34048 bytes
	// model.layers.0.self_attn.k_proj.weight [128 256] AWQ 4-bit g128 17024 bytes
}

// GPTQ reads a text and decides on the codes of a checkpoint for GPTQModel, vLLM
// and transformers.
func ExampleExport_calibrated() {
	ctx, src := context.Background(), sample()
	target, err := checkpoint.Lookup("gptq", "gptq") // 4 bits, groups of 128
	if err != nil {
		log.Fatal(err)
	}
	model, err := llama.Open(src, llama.Options{})
	if err != nil {
		log.Fatal(err)
	}
	chunks, err := calibrate.Chunks(model, tales.Text(1, 8), calibrate.Text{Context: 64, Chunks: 2})
	if err != nil {
		log.Fatal(err)
	}
	r, err := calibrate.Quantize(ctx, model, chunks, calibrate.Options{Method: "GPTQ", Quant: target.Used()})
	if err != nil {
		log.Fatal(err)
	}
	decided := map[string]*quant.Packed{}
	for _, t := range r.Tensors {
		decided[t.Name] = t.Packed
	}

	in, err := checkpoint.FromGGUF(src, "tale-small.gguf")
	if err != nil {
		log.Fatal(err)
	}
	dir, err := os.MkdirTemp("", "tale-gptq-")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	names := checkpoint.NamesOf(src) // GGUF has other names, and another order of rows
	out, err := checkpoint.Export(ctx, *in, target, checkpoint.Options{
		Create: func(name string) (checkpoint.File, error) { return os.Create(filepath.Join(dir, name)) },
		Decided: func(module string) (*checkpoint.Matrix, error) {
			p, err := gptq.Format.Params(decided[names.Of(module+".weight")], true)
			if err != nil {
				return nil, err
			}
			m, err := checkpoint.Decided(p, target.Scheme.Bits, false)
			if err != nil {
				return nil, err
			}
			return names.Matrix(module+".weight", m), nil
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, t := range out.Tensors[2:5] {
		fmt.Println(t.Name, t.To, t.Bytes, "bytes")
	}
	// Output:
	// model.layers.0.self_attn.q_proj.weight GPTQ 4-bit g128 35072 bytes
	// model.layers.0.self_attn.k_proj.weight GPTQ 4-bit g128 18048 bytes
	// model.layers.0.self_attn.v_proj.weight GPTQ 4-bit g128 18048 bytes
}

// sample is a model that tells small stories.
func sample() quant.Source {
	b, err := os.ReadFile("../../web/samples/tale-small.gguf")
	if err != nil {
		log.Fatal(err)
	}
	src, err := gguf.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		log.Fatal(err)
	}
	return src
}
