// Package linear multiplies activations with weights that stay in the bytes of
// a ggml type: y = x·wᵀ, where x is tokens × cols and w rows × cols.
//
// There are two ways. Multiply dequantizes a few rows at a time and multiplies
// in float32: to the bit what dequantizing all of them and kernels.MatMulF32
// give, for every type that can be read. MultiplyInts quantizes the activations
// as well, to blocks of 8 bits, and multiplies integers, as llama.cpp does on a
// CPU: faster for one token, a little off, and there for the types of Integers.
package linear
