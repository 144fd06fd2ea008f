// Package coded lays out what the methods that choose integer codes decide:
// the codes of a matrix, a scale and a zero point for each block of them, and
// what is kept beside.
//
//	x̂ = (q − z) · s              and, with input scales, x̂ = (q − z) · s / t
//
// where t is one number a column (AWQ, SmoothQuant). Arithmetic is float32 in
// this order.
//
// # Bytes
//
// The layout is our own. All numbers are little-endian; parts that a Layout
// does not name are absent:
//
//	permutation    uint32 a column: the columns in the order they were quantized in
//	input scales   float32 a column
//	blocks         one after another:
//	    scale      float32
//	    zero       uint8 or float32
//	    codes      low b bits of each (two's complement where signed), a
//	               little-endian bit stream: bit k of code j is bit (j·b+k)%8
//	               of byte (j·b+k)/8; zero bits fill the last byte
//	outliers       uint32 n, then n columns as uint32, rising, then for each row
//	               n values as float16
//
// A tensor without values has no bytes. Where blocks lie is what Order says.
package coded
