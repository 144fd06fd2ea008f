package calibrate

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"fewbits/quant"
	"fewbits/quant/gguf"
	"fewbits/quant/llama"
)

// random is a model of so many layers, 256 wide, with random weights and no
// tokenizer: what is quantized in a page.
func random(b *testing.B, layers int) *llama.Model {
	const width, hidden, heads, vocabulary = 256, 768, 8, 1024
	r := rand.New(rand.NewPCG(1, 2))
	u := func(key string, v int) quant.Meta { return quant.Meta{Key: key, Value: uint32(v)} }
	meta := []quant.Meta{
		{Key: "general.architecture", Value: "llama"}, {Key: "tokenizer.ggml.model", Value: "no_vocab"},
		u("llama.context_length", 512), u("llama.block_count", layers), u("llama.embedding_length", width),
		u("llama.feed_forward_length", hidden), u("llama.attention.head_count", heads),
		{Key: "llama.attention.layer_norm_rms_epsilon", Value: float32(1e-5)},
	}
	var plans []gguf.TensorPlan
	var data [][]byte
	put := func(name string, shape []int, mean, spread float64) {
		var raw []byte
		n, _ := quant.Count(shape)
		for range n {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(mean+spread*r.NormFloat64())))
		}
		plans, data = append(plans, gguf.TensorPlan{Name: name, Shape: shape, Type: "F32"}), append(data, raw)
	}
	put("token_embd.weight", []int{vocabulary, width}, 0, 1)
	put("output_norm.weight", []int{width}, 1, 0.2)
	for l := range layers {
		p := fmt.Sprintf("blk.%d.", l)
		put(p+"attn_norm.weight", []int{width}, 1, 0.2)
		put(p+"ffn_norm.weight", []int{width}, 1, 0.2)
		for _, name := range []string{"attn_q", "attn_k", "attn_v", "attn_output"} {
			put(p+name+".weight", []int{width, width}, 0, 0.06)
		}
		put(p+"ffn_gate.weight", []int{hidden, width}, 0, 0.06)
		put(p+"ffn_up.weight", []int{hidden, width}, 0, 0.06)
		put(p+"ffn_down.weight", []int{width, hidden}, 0, 0.04)
	}
	path := filepath.Join(b.TempDir(), "random.gguf")
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w, err := gguf.NewWriter(f, meta, plans)
	for i, raw := range data {
		if err == nil {
			err = w.WriteTensor(i, raw)
		}
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		b.Fatal(err)
	}
	f.Close()
	_, m := open(b, path)
	return m
}

// BenchmarkQuantize quantizes a model of 2.6 million weights by 4,096 tokens.
func BenchmarkQuantize(b *testing.B) {
	m := random(b, 3)
	r := rand.New(rand.NewPCG(3, 4))
	var chunks [][]int32
	for range 16 {
		var ids []int32
		for range 256 {
			ids = append(ids, int32(r.IntN(1024)))
		}
		chunks = append(chunks, ids)
	}
	for _, method := range []string{"gptq", "awq", "hqq", "smoothquant", "llm.int8"} {
		b.Run(method, func(b *testing.B) {
			for b.Loop() {
				if _, err := Quantize(b.Context(), m, chunks, Options{Method: method}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
