package llama

// design is what sets one architecture apart from another.
type design struct {
	layerNorm  bool    // LayerNorm with biases; else RMSNorm
	pairs      pairing // of rotary positions
	positions  bool    // learnt positions, added to the embedding
	gelu       bool    // GELU (by tanh) in the feed-forward part; else SiLU
	gate       gate
	normHeads  bool // RMSNorm on each head of queries and keys
	normAfter  bool // RMSNorm on what attention and feed-forward give, too
	scaleEmbd  bool // embedding × √width
	capped     bool // soft caps on attention scores and logits
	windowed   bool // sliding window in every other layer
	alwaysTied bool // the output is the token embedding, whatever the file holds
	partRotary bool // rotary positions may cover part of a head
}

// pairing says which two values of a head a rotary position turns together.
type pairing int

const (
	noPairs  pairing = iota
	adjacent         // 2i and 2i+1
	halves           // i and i + half
)

// gate says where the gate of the feed-forward part is.
type gate int

const (
	gateApart gate = iota // ffn_gate
	gateInUp              // the first half of ffn_up
	noGate
)

// designs by general.architecture. Source: src/models of ggml-org/llama.cpp.
var designs = map[string]*design{
	"llama":  {pairs: adjacent},
	"qwen2":  {pairs: halves},
	"qwen3":  {pairs: halves, normHeads: true},
	"gemma":  {pairs: halves, gelu: true, scaleEmbd: true, alwaysTied: true},
	"gemma2": {pairs: halves, gelu: true, scaleEmbd: true, alwaysTied: true, normAfter: true, capped: true, windowed: true},
	"phi3":   {pairs: halves, gate: gateInUp, partRotary: true},
	"gpt2":   {layerNorm: true, positions: true, gelu: true, gate: noGate},
}
