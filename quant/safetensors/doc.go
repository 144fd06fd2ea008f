// Package safetensors reads and writes safetensors, the file that Hugging
// Face's libraries keep weights in: the length of a header, the header in
// JSON, then the tensors' bytes without a gap.
//
// Source: README.md and safetensors/src/tensor.rs of huggingface/safetensors.
// What that library refuses is refused here, and so are duplicate names,
// which its JSON reader lets pass. Reading goes through an io.ReaderAt and
// touches the header only.
package safetensors
