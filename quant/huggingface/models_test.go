package huggingface

// model is a small one of some class.
type model struct {
	name  string
	class string
	over  map[string]any
	long  bool // the context is longer than the original one
}

func factors(n int, first, step float64) []float64 {
	f := make([]float64, n)
	for i := range f {
		f[i] = first + step*float64(i)
	}
	return f
}

var models = []model{
	{name: "llama", class: "LlamaForCausalLM", over: map[string]any{"num_key_value_heads": 4}},
	{name: "llama, grouped and tied, heads of their own size", class: "LlamaForCausalLM", over: map[string]any{"tie_word_embeddings": true, "head_dim": 24}},
	{name: "llama, biases", class: "LlamaForCausalLM", over: map[string]any{"attention_bias": true, "mlp_bias": true}},
	{name: "llama 3", class: "LlamaForCausalLM", over: map[string]any{"rope_theta": 500000.0, "rope_scaling": map[string]any{
		"rope_type": "llama3", "factor": 8.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 256.0}}},
	{name: "llama, linear", class: "LlamaForCausalLM", over: map[string]any{"rope_scaling": map[string]any{"type": "linear", "factor": 4.0}}},
	{name: "llama, yarn", class: "LlamaForCausalLM", over: map[string]any{"rope_scaling": map[string]any{
		"rope_type": "yarn", "factor": 8.0, "original_max_position_embeddings": 64.0}}},
	{name: "mistral", class: "MistralForCausalLM", over: map[string]any{"head_dim": 32}},
	{name: "qwen2", class: "Qwen2ForCausalLM", over: map[string]any{"tie_word_embeddings": true}},
	{name: "qwen2, yarn with a factor of its own", class: "Qwen2ForCausalLM", over: map[string]any{"rope_scaling": map[string]any{
		"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 128.0, "attention_factor": 0.9, "beta_fast": 16.0, "beta_slow": 2.0}}},
	{name: "qwen3", class: "Qwen3ForCausalLM", over: map[string]any{"head_dim": 32}},
	{name: "qwen3, tied, heads alone", class: "Qwen3ForCausalLM", over: map[string]any{"tie_word_embeddings": true, "num_key_value_heads": 4, "head_dim": 16}},
	{name: "gemma", class: "GemmaForCausalLM", over: map[string]any{"tie_word_embeddings": nil, "num_key_value_heads": 1, "head_dim": 32, "hidden_act": "gelu"}},
	{name: "gemma2", class: "Gemma2ForCausalLM", over: map[string]any{"tie_word_embeddings": true, "head_dim": 16, "hidden_act": nil,
		"hidden_activation": "gelu_pytorch_tanh", "query_pre_attn_scalar": 16, "sliding_window": 5, "num_hidden_layers": 3,
		"attn_logit_softcapping": 3.0, "final_logit_softcapping": 5.0}},
	{name: "phi3", class: "Phi3ForCausalLM", over: map[string]any{"num_key_value_heads": 4}},
	{name: "phi3, grouped, partly turned", class: "Phi3ForCausalLM", over: map[string]any{"partial_rotary_factor": 0.5, "tie_word_embeddings": true}},
	{name: "phi3, longrope, short", class: "Phi3ForCausalLM", over: map[string]any{"original_max_position_embeddings": 1024, "rope_scaling": map[string]any{
		"type": "longrope", "short_factor": factors(8, 1, 0.1), "long_factor": factors(8, 2, 1)}}},
	{name: "phi3, longrope, long", class: "Phi3ForCausalLM", long: true, over: map[string]any{"original_max_position_embeddings": 64, "rope_scaling": map[string]any{
		"type": "longrope", "short_factor": factors(8, 1, 0.1), "long_factor": factors(8, 2, 1)}}},
}
