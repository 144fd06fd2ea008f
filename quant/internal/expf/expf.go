// Package expf is e^x in float32: several times as fast as math.Exp, and the same
// bits on every machine.
package expf

import "math"

// Exp is e^x for x ≤ 88.3 to within 2 units in the last place, and 0 below
// −87.3: 2^k · e^r with |r| ≤ ln 2 / 2 by a polynomial. Coefficients: expf of
// Cephes (S. L. Moshier), single/expf.c.
func Exp(x float32) float32 {
	const (
		high = 0.693359375 // ln 2 in two parts, the first exact in few bits
		low  = -2.12194440e-4
	)
	switch {
	case x < -87.3:
		return 0
	case x > 88.3:
		return float32(math.Inf(1))
	case x != x:
		return x
	}
	k := float32(x * math.Log2E)
	if k < 0 {
		k -= 0.5
	} else {
		k += 0.5
	}
	n := int32(k)
	f := float32(n)
	r := x - float32(f*high)
	r -= float32(f * low)
	p := float32(1.9875691500e-4)
	p = float32(p*r) + 1.3981999507e-3
	p = float32(p*r) + 8.3334519073e-3
	p = float32(p*r) + 4.1665795894e-2
	p = float32(p*r) + 1.6666665459e-1
	p = float32(p*r) + 5.0000001201e-1
	p = float32(float32(p*r)*r) + r + 1
	return p * math.Float32frombits(uint32(n+127)<<23)
}
