package kernels

import "math"

// Sub is dst[i] = y[i] − x[i].
func Sub(dst, y, x []float32) {
	n := min(len(dst), len(y), len(x))
	sub(dst[:n], y[:n], x[:n])
}

// KeepLarger puts e[i] into dst[i] where |e[i]| > |dst[i]|. NaN is never put.
func KeepLarger(dst, e []float32) {
	n := min(len(dst), len(e))
	keepLarger(dst[:n], e[:n])
}

// HalveLarger is dst[i] = whichever of e[2i] and e[2i+1] has the larger
// magnitude, the first where they are equal. NaN counts as 0.
func HalveLarger(dst, e []float32) {
	n := min(len(dst), len(e)/2)
	halveLarger(dst[:n], e[:2*n])
}

func subGeneric(dst, y, x []float32) {
	for i := range dst {
		dst[i] = y[i] - x[i]
	}
}

// magnitude is |v|; the sign bit is cleared, so that NaN stays NaN.
func magnitude(v float32) float32 { return math.Float32frombits(math.Float32bits(v) &^ (1 << 31)) }

func keepLargerGeneric(dst, e []float32) {
	for i, v := range e {
		if magnitude(v) > magnitude(dst[i]) {
			dst[i] = v
		}
	}
}

func halveLargerGeneric(dst, e []float32) {
	for i := range dst {
		var kept float32
		for _, v := range e[2*i : 2*i+2] {
			if magnitude(v) > magnitude(kept) {
				kept = v
			}
		}
		dst[i] = kept
	}
}
