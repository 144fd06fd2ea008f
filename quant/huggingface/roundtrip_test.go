//go:build linux && amd64

package huggingface

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/gguf"
	"fewbits/quant/internal/libllama"
	"fewbits/quant/recipe"
)

// unturned puts the rows of a matrix of llama.cpp's back in transformers'
// order: the inverse of LlamaModel.permute, head by head.
func unturned(x []float32, heads, cols int) []float32 {
	out := make([]float32, len(x))
	d := len(x) / cols / heads
	for row := range len(x) / cols {
		head, in := row/d, row%d
		to := head*d + in%2*(d/2) + in/2
		copy(out[to*cols:(to+1)*cols], x[row*cols:])
	}
	return out
}

// names of a layer's tensors, llama.cpp's and transformers'.
var layerNames = strings.NewReplacer(
	"blk.", "model.layers.", "attn_norm", "input_layernorm", "ffn_norm", "post_attention_layernorm",
	"attn_q.", "self_attn.q_proj.", "attn_k.", "self_attn.k_proj.", "attn_v.", "self_attn.v_proj.", "attn_output.", "self_attn.o_proj.",
	"ffn_gate.", "mlp.gate_proj.", "ffn_up.", "mlp.up_proj.", "ffn_down.", "mlp.down_proj.",
	"token_embd", "model.embed_tokens", "output_norm", "model.norm", "output.", "lm_head.",
)

// stories is the trained model as a checkpoint of transformers.
func stories(t testing.TB, g *gguf.File) *checkpoint {
	t.Helper()
	k := newCheckpoint("LlamaForCausalLM", map[string]any{
		"num_hidden_layers": 5, "hidden_size": 64, "intermediate_size": 172, "num_attention_heads": 8, "num_key_value_heads": 4,
		"vocab_size": 512, "max_position_embeddings": 2048, "rms_norm_eps": 1e-5,
	})
	k.names = nil
	for i, info := range g.Tensors() {
		x, err := quant.ReadTensor(g, i)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case strings.HasSuffix(info.Name, "attn_q.weight"):
			x.Data = unturned(x.Data, 8, 64)
		case strings.HasSuffix(info.Name, "attn_k.weight"):
			x.Data = unturned(x.Data, 4, 64)
		}
		k.put(layerNames.Replace(info.Name), x.Data, info.Shape...)
	}
	k.files = map[string][]byte{tokenizerName: sentenceJSON(t, g, false), tokenizerCfg: llamaSettings}
	return k
}

// TestRoundTrip takes a trained model from GGUF to a checkpoint and back: the
// tensors are those that were, bit for bit, and libllama goes on as it did.
func TestRoundTrip(t *testing.T) {
	g := realVocabulary(t, "stories260K.gguf")
	m := stories(t, g).open(t)
	if len(m.Notes) > 0 {
		t.Errorf("notes: %q", m.Notes)
	}
	b := toGGUF(t, m)
	back := openGGUF(t, b)
	index := map[string]int{}
	for i, info := range back.Tensors() {
		index[info.Name] = i
	}
	for i, info := range g.Tensors() {
		j, ok := index[info.Name]
		if !ok {
			t.Errorf("tensor %s is missing", info.Name)
			continue
		}
		want, got := make([]byte, info.Bytes), make([]byte, info.Bytes)
		if err := g.ReadRaw(i, 0, want); err != nil {
			t.Fatal(err)
		}
		if err := back.ReadRaw(j, 0, got); err != nil || !bytes.Equal(got, want) {
			t.Errorf("tensor %s differs, %v", info.Name, err)
		}
	}
	if len(back.Tensors()) != len(g.Tensors()) {
		t.Errorf("%d tensors, want %d", len(back.Tensors()), len(g.Tensors()))
	}
	for _, key := range []string{"general.architecture", "llama.context_length", "llama.embedding_length", "llama.feed_forward_length", "llama.attention.head_count",
		"llama.attention.head_count_kv", "llama.block_count", "llama.rope.dimension_count", "llama.attention.layer_norm_rms_epsilon"} {
		want, _ := g.Get(key)
		if got, _ := back.Get(key); got != want {
			t.Errorf("%s is %v (%T), want %v (%T)", key, got, got, want, want)
		}
	}
	same(t, "tokens", get[[]string](t, m, "ggml.tokens"), get[[]string](t, g, "ggml.tokens"), nil)
	sameOrder(t, get[[]string](t, g, "ggml.tokens"), get[[]int32](t, g, "ggml.token_type"), get[[]float32](t, m, "ggml.scores"), get[[]float32](t, g, "ggml.scores"))
	goesOn(t, b)
}

// goesOn checks which token libllama finds likeliest after each of a story.
func goesOn(t *testing.T, file []byte) {
	t.Helper()
	story := []int32{1, 403, 407, 261, 378, 383, 376, 373}
	path := filepath.Join(t.TempDir(), "stories")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	a := libllama.Run(t, []libllama.Job{{In: path, Out: path + ".out", Tokens: story[:5]}})[0]
	if a.Err != nil {
		t.Fatal(a.Err)
	}
	var got []int32
	for i := range 4 {
		row, best := a.Logits[i*512:(i+1)*512], 0
		for j, v := range row {
			if v > row[best] {
				best = j
			}
		}
		got = append(got, int32(best))
	}
	same(t, "likeliest", got, story[1:5], nil)
}

// TestRecipe quantizes a checkpoint in BF16 by a recipe, straight to a file
// that libllama runs, and by another way: through a GGUF file of its tensors.
func TestRecipe(t *testing.T) {
	k := newCheckpoint("LlamaForCausalLM", map[string]any{"hidden_size": 256, "intermediate_size": 256})
	for _, name := range k.names {
		k.types[name] = "BF16"
	}
	m := k.open(t)
	quantize := func(src quant.Source) []byte {
		plan, err := recipe.Plan(src, "Q4_K_M", recipe.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := convert.ToGGUF(t.Context(), &b, src, plan, convert.Options{Formats: formats.Lookup}); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	direct := quantize(m)
	if !bytes.Equal(direct, quantize(openGGUF(t, toGGUF(t, m)))) {
		t.Error("quantized straight from the checkpoint the file is another than by way of GGUF")
	}
	path := filepath.Join(t.TempDir(), "q4")
	if err := os.WriteFile(path, direct, 0o600); err != nil {
		t.Fatal(err)
	}
	tokens := tokensFor(6)
	a := libllama.Run(t, []libllama.Job{{In: path, Out: path + ".out", Tokens: tokens}})[0]
	if a.Err != nil {
		t.Fatal(a.Err)
	}
	want := k.forward(tokens, false)
	_, spread := compareLogits(t, want, a.Logits)
	sum := 0.0
	for i, v := range a.Logits {
		d := want[i/300][i%300] - float64(v)
		sum += d * d
	}
	if lost := math.Sqrt(sum/float64(len(a.Logits))) / spread; lost > 0.4 {
		t.Errorf("quantized logits differ by %.2g of what they spread", lost)
	}
}
