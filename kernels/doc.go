// Package kernels holds the inner loops: scans, sums, conversions and the
// simple quantizers, over plain slices.
//
// Each kernel exists twice. The twin, named ...Generic, is portable Go and is
// compiled everywhere; on wasm a kernel in Go assembly (simd128, four float32
// lanes) takes its place, and on amd64 SSE that of the product of float32
// matrices, which models run on. The build tag purego turns the assembly off.
// Table lists the kernels, Active says which of the two is in use.
//
// Both give the same bits. Where an order of operations matters it is part of
// the kernel's doc comment:
//
//   - Sums run in four lanes. Value i is added to lane i mod 4, in rising i, in
//     float64 (those of matrix products in float32); the result is (lane 0 + lane
//     2) + (lane 1 + lane 3).
//   - Products are rounded before they are added: nothing is fused.
//   - The sign and the payload of a NaN that arithmetic made are not promised.
//
// A kernel takes slices of any length, empty ones too, at any alignment. Of two
// slices of different lengths it uses the part that both have, and it never
// reads or writes outside. Source and destination must not overlap. No kernel
// fails: callers that must refuse NaN and infinity ask CheckFinite first.
//
// How a kernel is laid out: the contract and the twin in NAME.go, the assembly
// in NAME_wasm.s with macros in …_wasm.h (simd for all, half for half floats, values
// for codes that become values, range for extremes, stream for streams of bits), its
// declaration and the handling of the tail in …stubs_wasm.go, the stand-in for all
// other builds in …stubs_noasm.go. What begins with kq_ is for ggml's K-quants:
// their searches look through four groups at once, one in each lane. What begins
// with gq_ is for the I-quants of one to three bits, which store points of grids.
// What begins with matmul_ are products: tiles of four rows and two tokens in float32
// and in int8, and products of blocks in integers. The build tag relaxed gives the
// functions whose names end so instructions that not every engine has, and that
// internal/relax must repair in the module. What the assembly takes for granted of
// Go's assembler is held by the tests of internal/pins.
package kernels
