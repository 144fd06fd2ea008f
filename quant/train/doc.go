// Package train trains small language models of the llama architecture, from
// text to a GGUF file: a vocabulary is learnt from the text, weights from what
// comes next in it.
//
// The model is that of package llama: RMSNorm, rotary positions on adjacent
// pairs, attention whose keys and values several heads share, SiLU with a gate,
// and the token embedding as output. Gradients are derived by hand, layer by
// layer; the optimizer is AdamW (arXiv 1711.05101) with a warm-up, a cosine
// (arXiv 1608.03983) and a bound on the gradient's norm.
//
// A model can be trained on with few bits in mind: Read takes it out of its file,
// and Aware rounds all its matrices in every pass while they learn, as package
// qat does for small networks.
//
// Everything is float32 and runs in one thread and in one order: a seed decides
// every bit, under Node on any machine.
//
// web/samples/tale.gguf and tale-small.gguf come from
//
//	run() { GOOS=js GOARCH=wasm go run -exec "$(go env GOROOT)/lib/wasm/go_js_wasm_exec" ./quant/cmd/train "$@"; }
//	run -size large -seed 1 -steps 1000 -o "$PWD/web/samples/tale.gguf"
//	run -size small -seed 1 -steps 1000 -o "$PWD/web/samples/tale-small.gguf"
//
// with Go 1.27.4, in a quarter of an hour and in five minutes. Their SHA-256:
//
//	tale.gguf        b080562c6326086a2bce012f48c06a28abb20c1ffa8f7a8259d873e98764ce0a
//	tale-small.gguf  3ead7571151c7bcf4c4d91193b78231c3d03b85ba607c26976cbc8c909a6cf5a
package train
