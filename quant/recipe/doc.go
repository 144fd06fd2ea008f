// Package recipe says which tensor of a model gets which type: the file types
// of llama-quantize, Q4_K_M and its kin, by the names that it gives them.
//
// A recipe has a base type. Tensors that matter more than others take a larger
// one: the output, the values and the output of attention, ffn_down, and those
// of the first and the last layers. How much more goes by the model's
// metadata: its architecture, its layers, how many queries share a key, its
// experts.
//
// The result is a plan of package convert, which carries it out. Source of the
// rules: src/llama-quant.cpp of llama.cpp. The tests hold every recipe against
// libllama's llama_model_quantize.
package recipe
