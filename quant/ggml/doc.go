// Package ggml packs tensors into the quantized types of ggml, byte for byte
// as ggml's own ggml_quantize_chunk writes them, and reads them back.
//
// A row is cut into blocks of 32 to 128 values, or super-blocks of 256 (the
// K-quants and most others), each with its scales. How to choose the scales is a
// search, and its float32 arithmetic is followed operation by operation: sums
// run in the reference's order, and no product is fused with a sum. Source:
// src/ggml-quants.c of ggml-org/ggml, whose searches stand in the search_*.go
// files here, one format to a file beside them.
//
// Equality with the reference holds for its build without assertions, which
// is how it is shipped, and on every finite input but one kind: where the
// reference converts a float to an integer too small for it, C leaves the
// outcome open, and Quantize answers with a quant.RowError. MXFP4 alone has a
// definition there: the least scale.
//
// The I-quants store points of a grid for four or eight weights at once. Their
// search knows rows for which the reference asserts and ends its process: those
// whose squared errors are past float32's range, from magnitudes of about 1e9
// on. Such rows are a quant.RowError, too. Two oddities of the reference are
// kept, since the bytes are: a group of zeros in a block of IQ3_S moves up what
// follows it (see quantizeRowIQ3S), and IQ1_M sums in the order of ggml since
// September 2026 (see search16), so that older builds differ now and then.
package ggml
