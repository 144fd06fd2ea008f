// Package gptq quantizes weights one column at a time and makes up in the
// columns not yet quantized for the error of each: GPTQ (Frantar, Ashkboos,
// Hoefler, Alistarh 2022, arXiv 2210.17323, section 3, algorithm 1). It follows
// the authors' gptq.py (GPTQ.fasterquant) and quant.py (Quantizer.find_params).
//
// # The steps
//
//  1. H = 2/n·XᵀX. A column whose activations are all 0 is dead: its weights
//     become 0, H's diagonal 1.
//  2. With act-order, columns are taken by falling diagonal of H, the lower
//     column first among equals.
//  3. damp · mean diagonal is added to the diagonal; U is upper triangular with
//     H⁻¹ = UᵀU.
//  4. For each column i: q is w on its group's grid; e = (w − q) / U[i][i];
//     column j > i loses e·U[i][j]: within a block of 128 columns at once, from
//     the columns after it when the block is done.
//
// H, its factor and the sums of X are float64 here, float32 there. Weights, U
// and the steps of 4 are float32 in the same order, so that codes agree but
// where float32 is at its end: a row of a symmetric grid has its largest weight
// on a tie.
//
// # Grids
//
// The range [lo, hi] of a group is widened to hold 0; codes are 0 … 2^b − 1.
//
//	asymmetric   s = (hi − lo) / (2^b − 1)   z = round(−lo / s)
//	symmetric    s = 2·max(−lo, hi) / (2^b − 1)   z = 2^(b−1)
//
// With mse, of the 80 ranges (1 − i/100)·[lo, hi] the one with the least
// Σ|w − q|^2.4, the widest of equals. Where a group has only zeros the range is
// [−1, 1]. A group of the symmetric grid without a negative weight keeps its
// range [0, hi] there but has its zero point in the middle, so that half of it
// is clipped; here its range is [−hi, hi].
//
// A group's grid is found when its first column is reached, from weights as
// they were at the start of the block of columns: a group of fewer columns than
// a block does not see what the block has changed yet. With static groups all
// grids are found beforehand, of columns that are neighbours in the tensor.
// Without them and with act-order, a group is neighbours in that order. With
// one group a row, its grid is found before dead columns are cleared.
package gptq
