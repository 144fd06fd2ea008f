//go:build linux && amd64

package recipe

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"fewbits/quant"
	"fewbits/quant/gguf"
)

// A model that libllama can run: a llama whose rows fill all blocks, with layers
// that recipes give more bits and others, and four queries a key, of random
// weights that leave no layer without a say in the logits.
const (
	runEmbd   = 256
	runLayers = 4
	runHeads  = 4
	runVocab  = 256
	runTokens = 16
)

// runnableTensors are the model's, with experts in the place of one feed-forward
// network where there are any.
func runnableTensors(experts int) (plans []gguf.TensorPlan) {
	add := func(name string, shape ...int) {
		plans = append(plans, gguf.TensorPlan{Name: name, Shape: shape, Type: "F32"})
	}
	add("token_embd.weight", runVocab, runEmbd)
	add("output_norm.weight", runEmbd)
	add("output.weight", runVocab, runEmbd)
	for l := range runLayers {
		b := fmt.Sprintf("blk.%d.", l)
		add(b+"attn_norm.weight", runEmbd)
		add(b+"attn_q.weight", runEmbd, runEmbd)
		add(b+"attn_k.weight", runEmbd/runHeads, runEmbd)
		add(b+"attn_v.weight", runEmbd/runHeads, runEmbd)
		add(b+"attn_output.weight", runEmbd, runEmbd)
		add(b+"ffn_norm.weight", runEmbd)
		if experts > 0 {
			add(b+"ffn_gate_inp.weight", experts, runEmbd)
		}
		for _, part := range []string{"ffn_gate", "ffn_up", "ffn_down"} {
			if experts > 0 {
				add(b+part+"_exps.weight", experts, runEmbd, runEmbd)
			} else {
				add(b+part+".weight", runEmbd, runEmbd)
			}
		}
	}
	return plans
}

// runnableMeta is what libllama needs to know; the model has no tokenizer.
func runnableMeta(experts int) []quant.Meta {
	u := func(key string, v int) quant.Meta { return quant.Meta{Key: "llama." + key, Value: uint32(v)} }
	meta := []quant.Meta{
		{Key: "general.architecture", Value: "llama"},
		u("vocab_size", runVocab), u("context_length", 64), u("block_count", runLayers), u("embedding_length", runEmbd),
		u("feed_forward_length", runEmbd), u("attention.head_count", runHeads), u("attention.head_count_kv", 1),
		u("rope.dimension_count", runEmbd/runHeads),
		{Key: "llama.attention.layer_norm_rms_epsilon", Value: float32(1e-5)},
		{Key: "tokenizer.ggml.model", Value: "no_vocab"},
	}
	if experts > 0 { // all of them are used, so that no router's choice can flip
		meta = append(meta, u("expert_count", experts), u("expert_used_count", experts))
	}
	return meta
}

// runnable is the file, and importance for its matrices.
func runnable(t *testing.T, experts int) (file []byte, importance map[string][]float32) {
	t.Helper()
	plans := runnableTensors(experts)
	var b bytes.Buffer
	w, err := gguf.NewWriter(&b, runnableMeta(experts), plans)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(4, 2))
	importance = map[string][]float32{}
	for i, p := range plans {
		n, err := quant.Count(p.Shape)
		if err != nil {
			t.Fatal(err)
		}
		var raw []byte
		for range n {
			v := 1 + 0.1*r.NormFloat64() // of a norm
			switch {
			case p.Name == "token_embd.weight":
				v = r.NormFloat64()
			case len(p.Shape) > 1:
				v = r.NormFloat64() / math.Sqrt(runEmbd)
			}
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(v)))
		}
		if err := w.WriteTensor(i, raw); err != nil {
			t.Fatal(err)
		}
		if len(p.Shape) > 1 {
			columns := runEmbd
			if len(p.Shape) > 2 {
				columns *= experts // each has its own
			}
			for range columns {
				importance[p.Name] = append(importance[p.Name], 0.5+r.Float32())
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), importance
}
