package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"

	"fewbits/quant"
	"fewbits/quant/dtype"
	"fewbits/quant/gguf"
)

// A llama of 38 million weights: its rows fill all blocks, and its matrices
// are those of a small real model, only fewer.
const (
	modelEmbd   = 1024
	modelHidden = 2816
	modelLayers = 3
	modelHeads  = 16
	modelKV     = 4
	modelVocab  = 2048
	modelType   = "F16"
)

// writeModel writes a model of random weights, with tails heavier than a
// Gaussian's, and tells how many they are.
func writeModel(path string, out io.Writer) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	b := bufio.NewWriterSize(f, 1<<20)
	n, err := writeTensors(b)
	if err := errors.Join(err, b.Flush(), f.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintln(out, n)
	return err
}

func writeTensors(b *bufio.Writer) (weights int, err error) {
	plans := modelTensors()
	w, err := gguf.NewWriter(b, modelMeta(), plans)
	if err != nil {
		return 0, err
	}
	r := rand.New(rand.NewPCG(3, 8))
	for i, p := range plans {
		n, err := quant.Count(p.Shape)
		if err != nil {
			return 0, err
		}
		weights += n
		x := make([]float32, n)
		for j := range x {
			if len(p.Shape) == 1 {
				x[j] = 1
				continue
			}
			v := r.NormFloat64()
			x[j] = float32(0.02 * v * (0.75 + 0.1*v*v))
		}
		typ, ok := dtype.Lookup(p.Type)
		if !ok {
			return 0, fmt.Errorf("there is no type %q", p.Type)
		}
		raw := make([]byte, n*typ.Size)
		if err := typ.Encode(raw, x); err != nil {
			return 0, err
		}
		if err := w.WriteTensor(i, raw); err != nil {
			return 0, err
		}
	}
	return weights, w.Close()
}

func modelMeta() []quant.Meta {
	u := func(key string, v int) quant.Meta { return quant.Meta{Key: "llama." + key, Value: uint32(v)} }
	return []quant.Meta{
		{Key: "general.architecture", Value: "llama"},
		{Key: "general.name", Value: "bench"},
		u("vocab_size", modelVocab), u("context_length", 2048), u("block_count", modelLayers), u("embedding_length", modelEmbd),
		u("feed_forward_length", modelHidden), u("attention.head_count", modelHeads), u("attention.head_count_kv", modelKV),
		{Key: "llama.attention.layer_norm_rms_epsilon", Value: float32(1e-5)},
	}
}

func modelTensors() (plans []gguf.TensorPlan) {
	add := func(name, typ string, shape ...int) {
		plans = append(plans, gguf.TensorPlan{Name: name, Shape: shape, Type: typ})
	}
	add("token_embd.weight", modelType, modelVocab, modelEmbd)
	add("output_norm.weight", "F32", modelEmbd)
	add("output.weight", modelType, modelVocab, modelEmbd)
	for l := range modelLayers {
		b := fmt.Sprintf("blk.%d.", l)
		add(b+"attn_norm.weight", "F32", modelEmbd)
		add(b+"attn_q.weight", modelType, modelEmbd, modelEmbd)
		add(b+"attn_k.weight", modelType, modelEmbd/modelHeads*modelKV, modelEmbd)
		add(b+"attn_v.weight", modelType, modelEmbd/modelHeads*modelKV, modelEmbd)
		add(b+"attn_output.weight", modelType, modelEmbd, modelEmbd)
		add(b+"ffn_norm.weight", "F32", modelEmbd)
		add(b+"ffn_gate.weight", modelType, modelHidden, modelEmbd)
		add(b+"ffn_up.weight", modelType, modelHidden, modelEmbd)
		add(b+"ffn_down.weight", modelType, modelEmbd, modelHidden)
	}
	return plans
}
