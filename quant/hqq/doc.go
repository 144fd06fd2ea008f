// Package hqq finds zero points that make the error of most weights small and
// leave a few large: half-quadratic quantization (Badri, Shaji 2023,
// mobiusml.github.io/hqq_blog). It needs no activations. It follows the authors'
// hqq/core/quantize.py (Quantizer.quantize) and optimize.py.
//
// # The grid
//
//	r = (2^b − 1) / (max − min), 1 where max − min ≤ 1e-4, at most 2e4
//	z = −min · r, with round-zero a whole number
//	q = clamp(round(w · r + z), 0, 2^b − 1)     ŵ = (q − z) / r, stored as s = 1 / r
//
// # The solver
//
// z minimizes Σ|w − ŵ|^p, p = 0.7, by turns, r fixed:
//
//	e = sign(w − ŵ) · max(|w − ŵ| − |w − ŵ|^(p−1) / β, 0)    the part that is let go
//	z = mean of a group's q − (w − e) · r
//
// for at most 20 turns with β = 10, and stops after the first turn that began
// with no less mean |w − ŵ| over all the tensor than the best before. That turn's
// z is kept. (The authors' default solver takes κ, the growth of β, and does
// not use it; their slow one does: Slow.)
//
// What is made small is the error of the weights; that of the output may grow.
//
// # Groups
//
// The flattened tensor is cut into groups (axis 1), which are then part of rows
// where they fill them, or its values are dealt out among groups as to a hand
// of cards (axis 0): groups are then part of columns where they fill those. A
// group of −1 is a whole row or column.
//
// Arithmetic is float32, with sums in float64; the reference is float16 on a GPU
// and float32 on a CPU.
package hqq
