// Package products times products of matrices on the device: what a worker of
// the whole program does, and of the one that has relaxed SIMD.
package products
