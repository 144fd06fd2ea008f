//go:build !purego

package kernels

// Activations of a product in integers are widened to 16 bits before they meet many rows:
// of sixteen codes, first those of even places, then those of odd ones, as masks and shifts
// take them out of bytes of weights. The assembly knows the layouts.

// wideQ8_0 is a block of Q8_0.
type wideQ8_0 struct {
	d      float32
	_      [3]float32
	minus8 [4]int32 // −8 times the sums of the codes of each lane
	codes  [blockLen]int16
}

// wideQ8_K is a block of Q8_K.
type wideQ8_K struct {
	d     float32
	_     [3]float32
	sums  [q8KGroups]int16
	codes [superLen]int16
}

// How many rows, and blocks of each, the assembly is given: what is widened is used for all
// of the rows, and stays in a core's first cache.
const (
	rowsTogether                = 16
	q8_0Together, superTogether = 32, 4
)

//go:noescape
func widenQ8_0Asm(dst *wideQ8_0, x *byte, blocks int)

//go:noescape
func widenQ8_KAsm(dst *wideQ8_K, x *byte, blocks int)

//go:noescape
func matVecQ8_0Asm(lanes *blockLanes, x *wideQ8_0, w *byte, ws, rows, blocks int)

//go:noescape
func matVecQ4_0Asm(lanes *blockLanes, x *wideQ8_0, w *byte, ws, rows, blocks int)

//go:noescape
func matVecQ4_KAsm(lanes *blockLanes, x *wideQ8_K, w *byte, ws, rows, blocks int)

//go:noescape
func matVecQ6_KAsm(lanes *blockLanes, x *wideQ8_K, w *byte, ws, rows, blocks int)

func matVecQ8_0(y []float32, x, w []byte) { matVecOfQ8_0(y, x, w, q8_0Bytes) }
func matVecQ4_0(y []float32, x, w []byte) { matVecOfQ8_0(y, x, w, q4_0Bytes) }
func matVecQ4_K(y []float32, x, w []byte) { matVecOfQ8_K(y, x, w, q4KBytes) }
func matVecQ6_K(y []float32, x, w []byte) { matVecOfQ8_K(y, x, w, q6KBytes) }

// matVecOfQ8_0 multiplies with weights whose blocks have wBytes, which tells their type.
func matVecOfQ8_0(y []float32, x, w []byte, wBytes int) {
	var wide [q8_0Together]wideQ8_0
	blocks := len(x) / q8_0Bytes
	ws := blocks * wBytes
	for from := 0; from < len(y); from += rowsTogether {
		var lanes [rowsTogether]blockLanes
		n := min(rowsTogether, len(y)-from)
		for b := 0; b < blocks; b += len(wide) {
			k := min(len(wide), blocks-b)
			widenQ8_0Asm(&wide[0], &x[b*q8_0Bytes], k)
			at := &w[from*ws+b*wBytes]
			if wBytes == q8_0Bytes {
				matVecQ8_0Asm(&lanes[0], &wide[0], at, ws, n, k)
			} else {
				matVecQ4_0Asm(&lanes[0], &wide[0], at, ws, n, k)
			}
		}
		for r := range n {
			y[from+r] = lanes[r].total()
		}
	}
}

// matVecOfQ8_K does so with those of the K-quants.
func matVecOfQ8_K(y []float32, x, w []byte, wBytes int) {
	var wide [superTogether]wideQ8_K
	blocks := len(x) / q8KBytes
	ws := blocks * wBytes
	for from := 0; from < len(y); from += rowsTogether {
		var lanes [rowsTogether]blockLanes
		n := min(rowsTogether, len(y)-from)
		for b := 0; b < blocks; b += len(wide) {
			k := min(len(wide), blocks-b)
			widenQ8_KAsm(&wide[0], &x[b*q8KBytes], k)
			at := &w[from*ws+b*wBytes]
			if wBytes == q4KBytes {
				matVecQ4_KAsm(&lanes[0], &wide[0], at, ws, n, k)
			} else {
				matVecQ6_KAsm(&lanes[0], &wide[0], at, ws, n, k)
			}
		}
		for r := range n {
			y[from+r] = lanes[r].total()
		}
	}
}
