// Package eval measures how good a language model is on a text: its
// perplexity, and how far it strays from a reference model on the same text.
//
// Both are counted as llama-perplexity counts them (tools/perplexity of
// ggml-org/llama.cpp): the text is cut into chunks of a context's length, each
// is read from an empty context with its first token replaced by BOS, where
// the vocabulary asks for that, and the tokens of the second half are scored. Two
// things differ: logits are not rounded before they are compared (that program
// stores the reference's in 16 bits), and activations are not either (see
// package llama).
package eval
