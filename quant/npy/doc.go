// Package npy reads and writes the array files of NumPy: npy, one array, and
// npz, a zip archive of them.
//
// Read are versions 1 to 3 of the format, C and Fortran order, both byte
// orders, floats of 16, 32 and 64 bits, integers of 8 to 64 bits, booleans,
// and bfloat16 and float8_e5m2 as ml_dtypes saves them. Arrays of Python
// objects are refused: they are pickles, and reading one runs its code.
//
// The format is that of numpy/lib/_format_impl.py and NEP 1.
package npy
