package kernels

import (
	"encoding/binary"
	"math"
	"testing"
)

// FuzzTwins runs every kernel and its twin on floats made of any bytes. Without
// assembly the two are the same function, so there it looks for panics and for
// writes outside only.
func FuzzTwins(f *testing.F) {
	for i, d := range datasets {
		f.Add(floatBytes(d.make(100+i, uint64(i))), uint32(0x3f800000), int32(0), int32(-8), int32(7))
	}
	f.Add([]byte{0, 0, 0x80, 0x7f}, uint32(0), int32(1<<30), int32(5), int32(-5))
	f.Fuzz(func(t *testing.T, b []byte, scale uint32, zero, qmin, qmax int32) {
		n := min(len(b)/4, 1<<12)
		x := make([]float32, n)
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		y := make([]float32, n)
		for i := range y {
			y[i] = x[n-1-i]
		}
		in := input{
			x: placed(x, len(b)%4, nan), y: placed(y, len(b)%3, nan), raw: b[:2*n],
			scale: math.Float32frombits(scale), zero: zero, qmin: qmin, qmax: qmax, off: len(b) % 4,
		}
		if n > 1 {
			in.lo, in.hi = x[0], x[1]
		}
		checkTwins(t, in, CheckFinite(x) < 0)
	})
}
