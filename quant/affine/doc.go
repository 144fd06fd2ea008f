// Package affine holds the integer formats INT8, INT6, INT5, INT4, INT3 and
// INT2: evenly spaced levels, given by a scale s and a zero point z.
//
//	q = saturate(round(x / s) + z)      x̂ = (q − z) · s
//
// Codes are signed, −2^(b−1) … 2^(b−1)−1, whether z is used or not (as
// PyTorch's qint8). Arithmetic is float32 and x is divided by s, not
// multiplied by 1/s, so codes agree with what PyTorch code computes.
//
// # Scale and zero point
//
// The range [lo, hi] of a group is widened to hold 0.
//
//	asymmetric   s = (hi − lo) / (2^b − 1)    z = round(qmin − lo / s), kept within the codes
//	symmetric    s = 2·a / (2^b − 1)          z = 0, where a = max(−lo, hi)
//	narrow       s = a / (2^(b−1) − 1)        z = 0, codes −(2^(b−1)−1) … 2^(b−1)−1
//
// Narrow implies symmetric. Three details keep every finite tensor finite:
//
//   - A group of zeros has s = 1, z = 0.
//   - A scale below the normal float32 is rounded up, so it is never 0 and
//     the grid still spans the range.
//   - A scale is lowered where the outermost level would pass the largest float32.
//
// z is found from lo·(2^b − 1)/(hi − lo) in float64: in float32 the tie that
// every range [−a, a] ends in would be decided by the rounding of s. With
// scales stored as f16, x / s and z use s as stored; a scale that rounds to 0
// becomes the smallest half, one past the largest half is a *quant.RowError.
//
// Quantizing a reconstruction again gives the same codes for asymmetric and
// narrow grids with the minmax range, unless lo/s is a tie; a full symmetric
// grid loses the half step above its largest code, and so may shrink again.
//
// # Ranges
//
//   - minmax: of the values.
//   - percentile: p and 100−p of the values, p of |x| where symmetric, linear
//     between neighbours as numpy.percentile. A range of nothing but 0 that
//     comes of this (more than p percent are zeros) is replaced by minmax.
//   - mse: of the 80 ranges (1 − i/100)·[lo, hi], i = 0 … 79, the one with the
//     least squared error, the widest of equals. The grid is that of
//     Quantizer.find_params in GPTQ (Frantar et al. 2022, quant.py), whose
//     norm is 2.4; here it is 2. Candidates round to even.
//   - entropy: clips at ±T, where T makes the KL divergence from the histogram
//     of |x| to its quantized self least (see the entropy type). A group of
//     fewer than 2048 values, less than one a bin, keeps minmax.
//
// # Rounding
//
// Ties to even, or away from zero, or stochastic: q = ⌊x/s + u⌋ + z with u in
// [0, 1) from the counter i, the value's row-major index: the upper 32 bits
// of output i of SplitMix64 (Steele, Lea, Flood 2014) started with the seed,
// over 2^32. It does not depend on the order of work.
//
// # Bytes
//
// This layout is our own. Per tensor, per row and per group, blocks follow
// one another in row-major order, the last of a row possibly shorter:
//
//	scale   float32 or float16, little-endian
//	zero    int8; absent where symmetric
//	codes   low b bits of each (two's complement), a little-endian bit
//	        stream: bit k of code j is bit (j·b+k)%8 of byte (j·b+k)/8;
//	        zero bits fill the last byte
//
// A tensor's only block holds all its values. Per column, the scales of all
// columns come first, then all zeros (absent where symmetric), then the codes
// of each row as a stream of its own. A tensor without values has no bytes.
//
// Open gives a block of up to 512 bytes whole. Of a longer one it gives a
// window of at most 64 bytes that starts and ends between codes: Offset and
// Bytes are the window's, and scale and zero point are fields without spans.
// Where a scale belongs to a column, Block is the column, and what counts as
// its block is the whole tensor's bytes.
package affine
