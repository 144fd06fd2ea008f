// Package checkpoint writes and reads quantized models as other projects keep
// them: a folder of safetensors, where a matrix is several tensors, beside a
// config.json that says how they are to be read.
//
//	gptq, gptq_v2        AutoGPTQ, GPTQModel
//	awq                  AutoAWQ, its GEMM packing
//	bitsandbytes         NF4 and FP4, INT8
//	compressed-tensors   packed integers, INT8, FP8, NVFP4
//	mlx                  groups with a scale and a bias
//	hqq                  groups with a zero point that is not whole
//
// A layout is one file: what tensors a matrix becomes, how its codes, scales
// and zero points lie in them, how to round to what it can hold, and what
// config.json says of it. Layouts is the table of them.
//
// Open shows such a folder as the tensors that the model had, under their own
// names and dequantized as they are read; Source.Matrix gives codes, scales and
// zero points as stored. Export writes one, a matrix at a time, in files of
// bounded size with an index.
//
// W is rows × columns, outputs × inputs, as in a model's safetensors. Sources
// of the facts are named at each layout.
package checkpoint
