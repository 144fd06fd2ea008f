// Package strided reads arrays of plain values whose elements lie at fixed
// steps in a file: row-major arrays, Fortran (column-major) arrays, and the
// transposed, sliced and broadcast views that PyTorch checkpoints hold.
//
// Value [i0, i1, …] of a View lies i0·s0 + i1·s1 + … values after its first.
// Any range of rows is cut into boxes, and each box is read in the largest
// runs of the file that are mostly wanted, so that memory stays bounded.
package strided
