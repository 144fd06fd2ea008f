package affine

// magic is 1.5·2^23: adding it to a float32 of less than 2^22 leaves the
// integer nearest to that number, ties to even, in the low bits.
const (
	magic     = 12582912
	magicBits = 0x4b400000
)

// squaredError is Σ (x̂ − x)² in float64, where x̂ is x on the levels
// lo·scale … hi·scale, ties to even. It may stop early at any sum over best.
func squaredError(x []float32, scale float32, lo, hi int32, best float64) float64 {
	a, b := float32(lo), float32(hi)
	sum := 0.0
	for len(x) > 0 && sum <= best {
		part := x[:min(len(x), chunk)]
		x = x[len(part):]
		for _, v := range part {
			t := v / scale
			if t < a {
				t = a
			}
			if t > b {
				t = b
			}
			r := float32(t+magic) - magic
			d := float64(float32(r*scale)) - float64(v)
			sum += float64(d * d)
		}
	}
	return sum
}
