// Command fewbits quantizes tensors and models: the engine of the page, for
// files too big for a tab and for scripts.
//
//	fewbits formats
//	fewbits inspect FILE
//	fewbits quantize IN -to FORMAT -o OUT [-imatrix FILE] [-tensor NAME] [option=value …]
//	fewbits dequantize IN -o OUT.npy [-tensor NAME]
//	fewbits measure IN -to FORMAT[,FORMAT …] [-tensor NAME] [-imatrix FILE] [option=value …]
//
// IN is GGUF, safetensors, npy, npz, a PyTorch checkpoint or raw float32
// values. What OUT is follows from how its name ends:
//
//	.bin           the packed bytes of one tensor and nothing else
//	.json          what was decided for one tensor (package decision)
//	.npy           one tensor as it comes back from the format, float32
//	.gguf          the whole file, all of its weights in one of ggml's types
//	.safetensors   the whole file, all of its floats cast to one plain type
//
// With -json each command prints for machines. Exit status: 0 fine, 1 the
// input is at fault (the message on stderr says what, where, and what to do),
// 2 wrong usage.
//
// Tensors are read, quantized and written a slice at a time on all cores, but
// for formats whose scale depends on the whole tensor, which hold it whole.
package main
