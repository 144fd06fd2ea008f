// Package huggingface shows a model in the form that Hugging Face's libraries
// keep it in, a folder of config.json, tokenizer.json and safetensors, as the
// GGUF file that llama.cpp would make of it: its names, its metadata, its
// tensors, each computed as it is read. Package convert writes the file,
// package recipe plans it, both as for GGUF.
//
// What differs is little, and all of it is here. Tensors have other names.
// Llama's queries and keys lie in another order of rows, since llama.cpp turns
// neighbouring pairs where transformers turns halves. Gemma's norms are stored
// less one. Scaled rotary positions become a tensor of factors. The tokenizer
// becomes lists of metadata.
//
// Sources of the facts: convert_hf_to_gguf.py with conversion/*.py,
// gguf-py/gguf/{constants,tensor_mapping,vocab}.py, src/llama-vocab.cpp and
// src/models of llama.cpp; modeling_*.py and modeling_rope_utils.py of
// transformers. The tests hold the result against libllama.
package huggingface
