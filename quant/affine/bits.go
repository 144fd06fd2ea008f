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
	n := len(codes) &^ 7
	switch bits {
	case 8:
		copy(signed(dst), codes)
		return
	case 4:
		kernels.PackInt4(dst[:(len(codes)+1)/2], codes)
		return
	case 2:
		for i, out := 0, dst[:n/4]; i < len(out); i++ {
			q := codes[4*i : 4*i+4 : 4*i+4]
			out[i] = byte(q[0])&3 | byte(q[1])&3<<2 | byte(q[2])&3<<4 | byte(q[3])<<6
		}
	default:
		for i := 0; i < n; i += 8 {
			put(dst[i/8*bits:][:bits], (*[8]int8)(codes[i:]), bits)
		}
	}
	if n < len(codes) {
		var rest [8]int8
		copy(rest[:], codes[n:])
		put(dst[n/8*bits:][:((len(codes)-n)*bits+7)/8], &rest, bits)
	}
}

// put writes the first bytes of the bit stream of 8 codes, as many as dst has.
func put(dst []byte, codes *[8]int8, bits int) {
	mask := uint64(1)<<bits - 1
	var v uint64
	for k, q := range codes {
		v |= (uint64(q) & mask) << (k * bits)
	}
	for i := range dst {
		dst[i] = byte(v >> (8 * i))
	}
}

// unpack reads len(dst) codes from src, the reverse of pack.
func unpack(dst []int8, src []byte, bits int) {
	n := len(dst) &^ 7
	switch bits {
	case 8:
		copy(dst, signed(src))
		return
	case 4:
		kernels.UnpackInt4(dst, src[:(len(dst)+1)/2])
		return
	case 2:
		for i, b := range src[:n/4] {
			q := dst[4*i : 4*i+4 : 4*i+4]
			q[0] = int8(b<<6) >> 6
			q[1] = int8(b<<4) >> 6
			q[2] = int8(b<<2) >> 6
			q[3] = int8(b) >> 6
		}
	default:
		for i := 0; i < n; i += 8 {
			get((*[8]int8)(dst[i:]), src[i/8*bits:][:bits], bits)
		}
	}
	if n < len(dst) {
		var rest [8]int8
		get(&rest, src[n/8*bits:][:((len(dst)-n)*bits+7)/8], bits)
		copy(dst[n:], rest[:])
	}
}

// get reads 8 codes from the bit stream src; past its end there are zeros.
func get(dst *[8]int8, src []byte, bits int) {
	var v uint64
	for i, b := range src {
		v |= uint64(b) << (8 * i)
	}
	for k := range dst {
		dst[k] = int8(v>>(k*bits)<<(8-bits)) >> (8 - bits)
	}
}
