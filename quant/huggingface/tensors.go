package huggingface

import (
	"fmt"
	"strconv"
	"strings"

	"fewbits/quant"
	"fewbits/quant/dtype"
)

// tensor is one of llama.cpp's, and how it comes of the weights.
type tensor struct {
	info  quant.TensorInfo
	from  int        // in the weights' list; −1 where data is all of it
	typ   dtype.Type // of the weights' tensor
	heads int        // whose rows change their order; 0 for none
	plus  float32    // what is added to each value
	data  []float32
}

// same says whether the bytes are those of the weights.
func (t *tensor) same() bool { return t.info.Type == t.typ.Name && t.heads == 0 && t.plus == 0 }

// part is a tensor that an architecture has, once or in each layer.
type part struct {
	from, to   string // names, of a layer's tensors without its prefix
	rows, cols int    // cols is 0 for a vector of rows
	heads      int    // see tensor
	norm       bool
}

const (
	layerFrom = "model.layers."
	layerTo   = "blk."
	output    = "lm_head.weight"
	embedding = "model.embed_tokens.weight"
)

// outer are the tensors outside the layers, for a vocabulary of so many.
func (c *config) outer(vocab int) []part {
	list := []part{
		{from: embedding, to: "token_embd.weight", rows: vocab, cols: c.hidden},
		{from: "model.norm.weight", to: "output_norm.weight", rows: c.hidden, norm: true},
		{from: output, to: "output.weight", rows: vocab, cols: c.hidden},
	}
	if c.outputTied {
		list = list[:2]
	}
	return list
}

// A dimension of a layer's tensors.
const (
	one = iota // a vector has such rows
	hidden
	queries
	keys
	all3 // queries, keys and values
	network
	network2 // gate and up
	head
	dimensions
)

// What a model may have, as bits.
const (
	always = 1 << iota
	twoNorms
	fourNorms
	headNorms
	fused
	apart
	biasQKV
	biasAttention
	biasMLP
)

// layerParts are the tensors of a layer: names, without "weight", dimensions,
// which models have them, and which of those with a bias.
var layerParts = []struct {
	from, to         string
	rows, cols       int
	when, bias, norm int
}{
	{"input_layernorm", "attn_norm", hidden, one, always, 0, 1},
	{"post_attention_layernorm", "ffn_norm", hidden, one, twoNorms, 0, 1},
	{"post_attention_layernorm", "post_attention_norm", hidden, one, fourNorms, 0, 1},
	{"pre_feedforward_layernorm", "ffn_norm", hidden, one, fourNorms, 0, 1},
	{"post_feedforward_layernorm", "post_ffw_norm", hidden, one, fourNorms, 0, 1},
	{"self_attn.q_norm", "attn_q_norm", head, one, headNorms, 0, 1},
	{"self_attn.k_norm", "attn_k_norm", head, one, headNorms, 0, 1},
	{"self_attn.qkv_proj", "attn_qkv", all3, hidden, fused, 0, 0},
	{"self_attn.q_proj", "attn_q", queries, hidden, apart, biasQKV, 0},
	{"self_attn.k_proj", "attn_k", keys, hidden, apart, biasQKV, 0},
	{"self_attn.v_proj", "attn_v", keys, hidden, apart, biasQKV, 0},
	{"self_attn.o_proj", "attn_output", hidden, queries, always, biasAttention, 0},
	{"mlp.gate_up_proj", "ffn_up", network2, hidden, fused, 0, 0},
	{"mlp.gate_proj", "ffn_gate", network, hidden, apart, biasMLP, 0},
	{"mlp.up_proj", "ffn_up", network, hidden, apart, biasMLP, 0},
	{"mlp.down_proj", "ffn_down", hidden, network, always, biasMLP, 0},
}

// inner are the tensors of each layer.
func (c *config) inner() []part {
	q, kv := c.heads*c.headDim, c.kvHeads*c.headDim
	size := [dimensions]int{hidden: c.hidden, queries: q, keys: kv, all3: q + 2*kv, network: c.ff, network2: 2 * c.ff, head: c.headDim}
	has := always
	for _, f := range []struct {
		is       bool
		yes, not int
	}{
		{c.fourNorms, fourNorms, twoNorms}, {c.headNorms, headNorms, 0}, {c.fused, fused, apart},
		{c.qkvBias || c.attentionBias, biasQKV, 0}, {c.attentionBias, biasAttention, 0}, {c.mlpBias, biasMLP, 0},
	} {
		if f.is {
			has |= f.yes
		} else {
			has |= f.not
		}
	}
	var list []part
	for _, l := range layerParts {
		p := part{from: l.from + ".weight", to: l.to + ".weight", rows: size[l.rows], cols: size[l.cols], norm: l.norm > 0}
		switch {
		case has&l.when == 0:
			continue
		case c.permuted && l.to == "attn_q":
			p.heads = c.heads
		case c.permuted && l.to == "attn_k":
			p.heads = c.kvHeads
		}
		list = append(list, p)
		if has&l.bias != 0 {
			p.from, p.to, p.cols = l.from+".bias", l.to+".bias", 0
			list = append(list, p)
		}
	}
	return list
}

// unused says that a tensor of a checkpoint is not part of the model: what can
// be computed, and the output where it is the embedding.
func (c *config) unused(name string) bool {
	for _, end := range []string{".rotary_emb.inv_freq", ".attention.masked_bias", ".attention.bias", ".self_attn.masked_bias"} {
		if strings.HasSuffix(name, end) {
			return true
		}
	}
	return name == output && c.outputTied
}

// layerOf takes the name of a layer's tensor apart.
func layerOf(name string) (layer int, rest string, ok bool) {
	digits, rest, ok := strings.Cut(strings.TrimPrefix(name, layerFrom), ".")
	if !ok || !strings.HasPrefix(name, layerFrom) {
		return 0, "", false
	}
	layer, err := strconv.Atoi(digits)
	return layer, rest, err == nil && strconv.Itoa(layer) == digits && layer >= 0
}

// embeddingRows is the number of tokens that the embedding has.
func (c *config) embeddingRows(weights quant.Source) (int, error) {
	for _, info := range weights.Tensors() {
		if info.Name != embedding {
			continue
		}
		if len(info.Shape) != 2 || info.Shape[1] != c.hidden || info.Shape[0] < 1 {
			return 0, fmt.Errorf("tensor %q: its shape is %v, and %s wants rows of %d (hidden_size); they are not of one model", info.Name, info.Shape, c.source.file, c.hidden)
		}
		if info.Shape[0] > maxTokens {
			return 0, fmt.Errorf("tensor %q: it has rows for %d tokens, more than the %d that are read; no known model has so many", info.Name, info.Shape[0], maxTokens)
		}
		if c.vocab > 0 && c.vocab != info.Shape[0] {
			return 0, c.source.fail("vocab_size", "it is %d, and the embedding has %d rows; the file and the weights are not of one model", c.vocab, info.Shape[0])
		}
		return info.Shape[0], nil
	}
	return 0, fmt.Errorf("there is no tensor %q; add the file of weights that holds it", embedding)
}

// tensors maps the weights, in their order, behind what positions generate. It
// fails where one has another shape than config.json wants, where one is
// missing, and where one has no place.
func (c *config) tensors(weights quant.Source, vocab int) ([]tensor, error) {
	outer, inner := map[string]part{}, map[string]part{}
	for _, p := range c.outer(vocab) {
		outer[p.from] = p
	}
	for _, p := range c.inner() {
		inner[p.from] = p
	}
	list := c.rope.generated()
	found := map[string]bool{}
	for i, info := range weights.Tensors() {
		if c.unused(info.Name) {
			continue
		}
		p, ok := outer[info.Name]
		if layer, rest, isLayer := layerOf(info.Name); isLayer && layer < c.layers {
			p, ok = inner[rest]
			p.to = fmt.Sprintf("%s%d.%s", layerTo, layer, p.to)
		}
		if !ok {
			return nil, fmt.Errorf("tensor %q has no place in a model of %d layers that %s calls %s; it is of another kind or was changed", clip(info.Name), c.layers, c.source.file, c.name)
		}
		if found[info.Name] {
			return nil, fmt.Errorf("tensor %q is there twice", clip(info.Name))
		}
		found[info.Name] = true
		t, err := c.tensor(p, i, info)
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", info.Name, err)
		}
		list = append(list, t)
	}
	return list, c.complete(found)
}

// tensor checks one of the weights and says what becomes of it.
func (c *config) tensor(p part, from int, info quant.TensorInfo) (tensor, error) {
	want := []int{p.rows}
	if p.cols > 0 {
		want = []int{p.rows, p.cols}
	}
	if len(info.Shape) != len(want) || info.Shape[0] != want[0] || p.cols > 0 && info.Shape[1] != want[1] {
		return tensor{}, fmt.Errorf("its shape is %v, and by %s it is %v; they are not of one model", info.Shape, c.source.file, want)
	}
	typ, ok := dtype.Lookup(info.Type)
	if !ok || !typ.Float() || typ.Size < 2 {
		return tensor{}, fmt.Errorf("its values are of type %s, and a model's are F32, F16 or BF16; if it is quantized already take the original", info.Type)
	}
	t := tensor{info: info, from: from, typ: typ, heads: p.heads}
	t.info.Name = p.to
	if p.norm && c.normsLess {
		t.plus = 1
	}
	if len(want) == 1 || typ.Size > 4 { // llama.cpp takes vectors in F32 only; it has F64, but not for weights
		t.info.Type, t.info.Bytes = "F32", int64(4*info.Len())
	}
	return t, nil
}

// complete fails where a tensor was not found.
func (c *config) complete(found map[string]bool) error {
	missing := func(name string) error {
		return fmt.Errorf("there is no tensor %q, which a model of %d layers that %s calls %s has; if the weights are in several files add them all", name, c.layers, c.source.file, c.name)
	}
	for _, p := range c.outer(0) {
		if found[p.from] {
			continue
		}
		if p.from == output {
			return fmt.Errorf("%w; if the embedding is the output too, %s should say tie_word_embeddings", missing(output), c.source.file)
		}
		return missing(p.from)
	}
	inner := c.inner()
	for layer := range c.layers {
		for _, p := range inner {
			if name := fmt.Sprintf("%s%d.%s", layerFrom, layer, p.from); !found[name] {
				return missing(name)
			}
		}
	}
	return nil
}
