// Package archive opens the zip archives that npz files and PyTorch
// checkpoints are: members stored as they are, or deflated.
//
// Only what is asked for is read. Nothing a file says of itself sizes an
// allocation before it is checked: the directory has at most 32 MiB and 2^17
// members, a deflated member claims no more than deflate can hold (1032 : 1),
// and is inflated no further than the reader goes.
//
// The layout is that of PKWARE's APPNOTE 6.3.10, §4.3, with zip64 (§4.3.14,
// §4.5.3).
package archive
