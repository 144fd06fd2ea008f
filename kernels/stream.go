package kernels

// PackCodes writes the lowest bits of codes, 2 … 7 of each, as a little-endian stream:
// code i in bits i·bits and up. It writes (len(q)·bits + 7)/8 bytes, the last filled up
// with zeros.
func PackCodes(dst []byte, q []int8, bits int) {
	if bits < 2 || bits > 7 {
		return
	}
	n := min(8*len(dst)/bits, len(q))
	packCodes(dst[:(n*bits+7)/8], q[:n], bits)
}

// UnpackCodes reads what PackCodes writes, as signed codes.
func UnpackCodes(dst []int8, src []byte, bits int) {
	if bits < 2 || bits > 7 {
		return
	}
	n := min(len(dst), 8*len(src)/bits)
	unpackCodes(dst[:n], src[:(n*bits+7)/8], bits)
}

func packCodesGeneric(dst []byte, q []int8, bits int) {
	mask := uint64(1)<<bits - 1
	for len(q) > 0 {
		var v uint64 // of eight codes, which end with a byte
		part := q[:min(len(q), 8)]
		for k, c := range part {
			v |= uint64(c) & mask << (k * bits)
		}
		n := (len(part)*bits + 7) / 8
		for i := range n {
			dst[i] = byte(v >> (8 * i))
		}
		q, dst = q[len(part):], dst[n:]
	}
}

func unpackCodesGeneric(dst []int8, src []byte, bits int) {
	for len(dst) > 0 {
		var v uint64
		part := dst[:min(len(dst), 8)]
		n := (len(part)*bits + 7) / 8
		for i, b := range src[:n] {
			v |= uint64(b) << (8 * i)
		}
		for k := range part {
			part[k] = int8(v>>(k*bits)<<(8-bits)) >> (8 - bits)
		}
		dst, src = dst[len(part):], src[n:]
	}
}
