// Package llama runs language models out of GGUF files: it turns text into
// tokens as the file's tokenizer does, and tokens into logits.
//
// Architectures: llama (Mistral, SmolLM and others go by that name), qwen2,
// qwen3, gemma, gemma2, phi3 and gpt2; no mixtures of experts. Tokenizers:
// "llama" (SentencePiece BPE) and "gpt2" (BPE over bytes). What each model
// computes follows src/models, src/llama-graph.cpp, src/llama-vocab.cpp and
// src/unicode.cpp of ggml-org/llama.cpp, the operations ggml/src/ggml-cpu.
//
// Weights stay in memory in the type that the file stores; rows are
// dequantized, a block of them at a time, for the products. Activations, keys
// and values stay float32. llama.cpp rounds activations to 8 bits before a
// product with quantized weights, and to 16 before one with F16 or BF16, and
// looks GELU up in a table of 16 bits; this package does not, so that what
// differs between two files is their weights alone.
//
// Results depend neither on the number of workers nor on how tokens are dealt
// out to calls of Feed: every sum runs in the order that product.go gives.
package llama
