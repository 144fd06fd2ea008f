// Package quant is the vocabulary of Fewbits: what a tensor, a format, its
// options and its packed result are.
//
// Data flows one way:
//
//	bytes --Source--> Tensor --Format--> Packed --Format--> Tensor' --metric--> Report
//
// The formats themselves live below this package (affine, floats, codebook,
// ggml), one to a file; fewbits/quant/formats lists them. The containers do
// too (gguf, safetensors, npy, torch); fewbits/quant/container opens any of
// them. Nothing here knows of browsers or networks.
package quant
