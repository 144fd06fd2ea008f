package affine

import (
	"unsafe"

	"fewbits/kernels"
)

// signed is b seen as int8, so that 8-bit codes move as one block.
func signed(b []byte) []int8 {
	return unsafe.Slice((*int8)(unsafe.Pointer(unsafe.SliceData(b))), len(b))
}

// pack writes the low bits of each code to dst as a little-endian bit stream
// and fills the last byte with zeros. It writes (len(codes)·bits + 7)/8 bytes.
func pack(dst []byte, codes []int8, bits int) {
	if bits == 8 {
		copy(signed(dst), codes)
		return
	}
	kernels.PackCodes(dst[:(len(codes)*bits+7)/8], codes, bits)
}

// unpack reads len(dst) codes from src, the reverse of pack.
func unpack(dst []int8, src []byte, bits int) {
	if bits == 8 {
		copy(dst, signed(src))
		return
	}
	kernels.UnpackCodes(dst, src[:(len(dst)*bits+7)/8], bits)
}
