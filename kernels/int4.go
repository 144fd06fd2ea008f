package kernels

// PackInt4 writes two 4-bit codes to a byte, the first in the low nibble:
// dst[i] = q[2i]&15 | q[2i+1]<<4. A last code without a partner leaves the high
// nibble 0. dst holds (len(q)+1)/2 bytes.
func PackInt4(dst []byte, q []int8) {
	n := min(2*len(dst), len(q))
	packInt4(dst[:(n+1)/2], q[:n])
}

// UnpackInt4 reads what PackInt4 writes, as signed codes −8 … 7.
func UnpackInt4(dst []int8, src []byte) {
	n := min(len(dst), 2*len(src))
	unpackInt4(dst[:n], src[:(n+1)/2])
}

func packInt4Generic(dst []byte, q []int8) {
	for len(q) >= 2 && len(dst) >= 1 {
		dst[0] = byte(q[0])&15 | byte(q[1])<<4
		dst, q = dst[1:], q[2:]
	}
	if len(q) == 1 && len(dst) == 1 {
		dst[0] = byte(q[0]) & 15
	}
}

func unpackInt4Generic(dst []int8, src []byte) {
	for i := range dst {
		b := src[i/2] << (4 * (1 - i&1)) // the nibble in the upper half
		dst[i] = int8(b) >> 4
	}
}
