package ggml

import (
	"math"
	"math/rand/v2"
)

// sample is a named kind of numbers to quantize.
type sample struct {
	name string
	fill func(r *rand.Rand, x []float32)
}

// samples are ordinary numbers of the kinds that weights are like.
var samples = []sample{
	{"normal", func(r *rand.Rand, x []float32) {
		for i := range x {
			x[i] = float32(r.NormFloat64()) * 0.02
		}
	}},
	{"heavy tails", func(r *rand.Rand, x []float32) {
		for i := range x {
			x[i] = float32(r.NormFloat64() * math.Exp(1.5*r.NormFloat64()))
		}
	}},
	{"uniform", func(r *rand.Rand, x []float32) {
		for i := range x {
			x[i] = r.Float32()*2 - 1
		}
	}},
	{"all positive", func(r *rand.Rand, x []float32) {
		for i := range x {
			x[i] = 1 + r.Float32()
		}
	}},
	{"integers", func(r *rand.Rand, x []float32) {
		for i := range x {
			x[i] = float32(r.IntN(33) - 16)
		}
	}},
	{"halves", func(r *rand.Rand, x []float32) {
		for i := range x {
			x[i] = float32(r.IntN(31)-15) / 2
		}
	}},
	{"sparse", func(r *rand.Rand, x []float32) {
		for i := range x {
			x[i] = 0
			if r.IntN(20) == 0 {
				x[i] = float32(r.NormFloat64())
			}
		}
	}},
	{"scales far apart", func(r *rand.Rand, x []float32) {
		for i := range x {
			x[i] = float32(math.Ldexp(r.NormFloat64(), (i/16%16)-8))
		}
	}},
}

// hardRows are rows of cols values that strain the arithmetic.
func hardRows(cols int, seed uint64) (names []string, rows [][]float32) {
	r := rand.New(rand.NewPCG(seed, 11))
	add := func(name string, f func(i int) float32) {
		row := make([]float32, cols)
		for i := range row {
			row[i] = f(i)
		}
		names, rows = append(names, name), append(rows, row)
	}
	addPatterns(add, r)
	addMagnitudes(add, r)
	return names, rows
}

// addPatterns adds rows whose shape is hard: zeros, ties, single outliers.
func addPatterns(add func(string, func(i int) float32), r *rand.Rand) {
	negativeZero := float32(math.Copysign(0, -1))
	add("zeros", func(int) float32 { return 0 })
	add("negative zeros", func(int) float32 { return negativeZero })
	add("zeros of both signs", func(i int) float32 { return []float32{0, negativeZero}[i%2] })
	for _, c := range []float32{1, -1, 0.1, -3.7, 65504, 1e-7, 1e5, -1e5, 1e20, -1e38} {
		add("constant", func(int) float32 { return c })
		add("alternating signs", func(i int) float32 { return c * float32(1-2*(i%2)) })
		add("one outlier", func(i int) float32 {
			if i == 37 {
				return c
			}
			return c * 1e-3 * float32(r.NormFloat64())
		})
		add("one value, else zeros", func(i int) float32 {
			if i == 5 {
				return c
			}
			return 0
		})
		add("steps", func(i int) float32 { return c / 16 * float32(i%16) })
	}
	add("about 1e-15", func(i int) float32 { return 1e-15 * (0.9 + 0.2*r.Float32()) })
	add("largest first negative", func(i int) float32 { return -float32(10000 - i) })
	add("largest last", func(i int) float32 { return float32(i) })
	add("ties of magnitude", func(i int) float32 { return []float32{3, -3, 1.5, -1.5, 0}[i%5] })
	add("mantissa ends", func(i int) float32 { return math.Float32frombits(0x3f7fff00 + uint32(i)) })
}

// addMagnitudes adds rows from one end of float32's range to the other.
func addMagnitudes(add func(string, func(i int) float32), r *rand.Rand) {
	// Every power of two that float32 has, and past both ends of half precision.
	for e := -149; e <= 127; e += 3 {
		add("power of two", func(int) float32 { return float32(math.Ldexp(float64(r.Float32()*2-1), e)) })
	}
	for e := -149; e <= 127; e += 12 {
		add("growing magnitudes", func(i int) float32 {
			return float32(math.Ldexp(r.NormFloat64(), max(-149, min(124, e+i/16%16))))
		})
		add("one sign", func(int) float32 { return -float32(math.Ldexp(r.Float64(), e)) })
		add("blocks of zeros", func(i int) float32 {
			if i/16%2 == 0 {
				return 0
			}
			return float32(math.Ldexp(r.Float64()-0.5, e))
		})
	}
	for _, huge := range []float32{1e30, 1e38, math.MaxFloat32} {
		add("huge", func(int) float32 { return huge * (r.Float32()*2 - 1) })
		add("huge and small", func(i int) float32 { return []float32{huge, 1e-3}[i/16%2] * (r.Float32()*2 - 1) })
		add("one huge", func(i int) float32 {
			if i == 100 {
				return -huge
			}
			return float32(r.NormFloat64())
		})
		add("ends of the range", func(i int) float32 { return huge * float32(1-2*(i%2)) })
	}
	add("denormals", func(i int) float32 { return math.Float32frombits(uint32(i)) })
	add("largest denormals", func(i int) float32 { return math.Float32frombits(0x007fffff - uint32(i)) })
	for range 60 {
		// Any bits at all but NaN and infinity.
		add("random bits", func(int) float32 { return randomBits(r) })
	}
	for range 60 {
		e := r.IntN(200) - 120
		add("near each other, anywhere", func(int) float32 { return float32(math.Ldexp(r.NormFloat64(), e+r.IntN(6))) })
	}
}

func randomBits(r *rand.Rand) float32 {
	for {
		if v := math.Float32frombits(r.Uint32()); !infinite(v) && v == v {
			return v
		}
	}
}

// matrices are importance matrices: nil, and kinds of weights.
func matrices(cols int) (names []string, importance [][]float32) {
	r := rand.New(rand.NewPCG(3, 5))
	add := func(name string, f func(i int) float32) {
		w := make([]float32, cols)
		for i := range w {
			w[i] = f(i)
		}
		names, importance = append(names, name), append(importance, w)
	}
	names, importance = []string{"none"}, [][]float32{nil}
	add("chi squared", func(int) float32 { v := float32(r.NormFloat64()); return v * v })
	add("constant", func(int) float32 { return 1 })
	add("zeros", func(int) float32 { return 0 })
	add("half zeros", func(int) float32 { return r.Float32() * float32(r.IntN(2)) })
	add("one column", func(i int) float32 { return []float32{0, 1}[b2i(i%32 == 3)] })
	add("one group", func(i int) float32 { return []float32{0, 1}[b2i(i/16%8 == 3)] })
	add("tiny", func(int) float32 { return 1e-30 * r.Float32() })
	add("denormal", func(i int) float32 { return math.Float32frombits(uint32(i)) })
	add("huge", func(int) float32 { return 1e30 * r.Float32() })
	add("largest", func(int) float32 { return math.MaxFloat32 })
	add("wide", func(int) float32 { return float32(math.Exp(12 * r.NormFloat64())) })
	return names, importance
}

func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}
