// Package ggml packs tensors into the quantized types of ggml, byte for byte
// as ggml's own ggml_quantize_chunk writes them, and reads them back.
//
// A row is cut into blocks of 32 values (the legacy types) or super-blocks of
// 256 (the K-quants), each with its scales. How to choose the scales is a
// search, and its float32 arithmetic is followed operation by operation: sums
// run in the reference's order, and no product is fused with a sum. Source:
// src/ggml-quants.c of ggml-org/ggml, whose searches stand in the search_*.go
// files here, one format to a file beside them.
//
// Equality with the reference holds for its build without assertions, which
// is how it is shipped, and on every finite input but one kind: where the
// reference converts a float to an integer too small for it, C leaves the
// outcome open, and Quantize answers with a quant.RowError.
package ggml
