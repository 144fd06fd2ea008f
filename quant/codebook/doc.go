// Package codebook holds the formats whose codes are places in a table of
// values: NF4 and FP4, packed as bitsandbytes packs them.
//
// The tensor is one run of values in row-major order, cut into blocks of
// Options.Block (64); blocks run on across rows, and the last may be short. A
// block has its absmax, the largest magnitude in it; a value's code names the
// entry of the table that is nearest to value / absmax. NF4 is "4-bit
// NormalFloat" (Dettmers et al., QLoRA, 2023, section 3); FP4 has a sign, two
// exponent bits and one mantissa bit.
//
// # Bytes
//
// Packed.Bytes is what a checkpoint stores as several tensors, in this order:
//
//	⌈n/2⌉ bytes         codes, two a byte, the first in the high half; after an
//	                    odd n, the code of 0
//	4 bytes a block     absmax, float32, little endian
//
// and with Options.Nested ("double quantization", QLoRA section 3) instead of
// the absmax:
//
//	1 byte a block      code of absmax − offset in the dynamic map
//	4 bytes a 256       absmax of 256 blocks' absmax − offset, float32
//	4 bytes             offset, float32: the mean absmax
//
// Split takes them apart.
//
// # Exactly which bitsandbytes
//
// Its kernels differ in details that no specification settles. Followed here
// is the portable one, bitsandbytes/backends/default/ops.py at 95f9af3, run by
// PyTorch on a CPU:
//
//   - Values are multiplied by the float32 1/absmax, but those of a short last
//     block are divided by it. The CUDA kernel always multiplies.
//   - Boundaries are the float32 middles between neighbours of the table; a
//     value on one takes the lower. CUDA spells the same numbers in fewer
//     digits, which moves them by up to 14 units of the last place.
//   - An absmax under 1e-38 counts as 1e-38 when dividing, so that zero and
//     denormal blocks become zeros; it is stored as it is, but in a short last
//     block as 1e-38. CUDA divides by it, and turns the 0/0 of a zero block
//     into code 0.
//   - The offset of nested absmax is a float32 sum in PyTorch's order
//     (aten/src/ATen/native/cpu/SumKernel.cpp), for eight lanes and one
//     thread. Where it overflows, PyTorch's nested absmax are NaN; here the sum
//     is then taken in float64.
//
// In one detail CUDA is followed: FP4 has two zeros, and the sign chooses
// between them. PyTorch's choice is left to an unstable sort. They read back as
// the same zero.
package codebook
