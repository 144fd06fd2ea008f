package kernels

import (
	"encoding/binary"
	"math"
)

// rng is SplitMix64: the same numbers on every machine.
type rng uint64

func (r *rng) next() uint64 {
	*r += 0x9e3779b97f4a7c15
	z := uint64(*r)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// normal is close to a standard normal: the sum of 12 uniforms less 6, exact in
// float64.
func (r *rng) normal() float64 {
	s := int64(0)
	for range 12 {
		s += int64(r.next() >> 40)
	}
	return float64(s-6<<24) / (1 << 24)
}

// a dataset makes n values from a seed.
type dataset struct {
	name   string
	finite bool
	value  func(r *rng, i int) float32
}

var edges = []float32{
	0, float32(math.Copysign(0, -1)), 0.5, -0.5, 1.5, -1.5, 2.5, -2.5, 0.49999997, -0.49999997, 1, -1,
	math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32,
	0x1p-126, -0x1p-126, 0x1p-127, 0x1p-128, 0x1p-14, 0x1p-15, 0x1p-24, 0x1p-25, 0x1.8p-25, -0x1p-25,
	65504, 65519, 65519.996, 65520, -65520, 65536, 127, 127.5, -127.5, 128, -128.5, 8388608, 8388607.5,
	4194304, 4194303.5, -4194304, 16777216, 2147483648, -2147483648, 1e20, -1e20, 1e-20, 1e38,
}

var datasets = []dataset{
	{"normal", true, func(r *rng, i int) float32 {
		v := r.normal() / 16
		if i%97 == 0 {
			v *= 8
		}
		return float32(v)
	}},
	{"integers", true, func(r *rng, _ int) float32 { return float32(int(r.next()%17) - 8) }},
	{"ties", true, func(r *rng, _ int) float32 { return float32(int(r.next()%511)-255) / 2 }},
	{"near ties", true, func(r *rng, i int) float32 {
		// Blocks of scale 1 in Q8_0 and in Q4_0, and values a hair from a tie.
		most := []float32{127, -8}[i/32%2]
		if i%32 == 0 {
			return most
		}
		v := float32(r.next()%8) - 4 + 0.5
		if r.next()%4 == 0 {
			v = 0.5
		}
		u := math.Float32bits(v) + uint32(r.next()%3) - 1
		return math.Float32frombits(u ^ uint32(r.next()%2)<<31)
	}},
	{"ternary", true, func(r *rng, _ int) float32 { return float32(int(r.next()%3) - 1) }},
	{"sparse", true, func(r *rng, i int) float32 {
		// Whole blocks of zeros of both signs, and blocks with one value.
		if u := r.next(); i/32%2 == 0 || u%32 != 0 {
			return math.Float32frombits(uint32(u>>32) & 0x80000000)
		}
		return float32(r.normal())
	}},
	{"tiny", true, func(r *rng, i int) float32 { return float32(r.normal() * math.Ldexp(1, -149+i/32%24)) }},
	{"huge", true, func(r *rng, _ int) float32 { return float32(min(max(r.normal()/4, -0.99), 0.99) * math.MaxFloat32) }},
	{"wide", true, func(r *rng, i int) float32 { return float32(r.normal() * math.Ldexp(1, i/32%210-100)) }},
	{"edges", true, func(r *rng, _ int) float32 { return edges[r.next()%uint64(len(edges))] }},
	{"bits", true, func(r *rng, _ int) float32 {
		for {
			if u := uint32(r.next()); u&f32Inf != f32Inf {
				return math.Float32frombits(u)
			}
		}
	}},
	{"any bits", false, func(r *rng, _ int) float32 {
		u := r.next()
		if u>>60 < 4 { // often NaN or infinity
			u |= f32Inf
		}
		if u>>60 == 1 {
			u &^= 0x007fffff
		}
		return math.Float32frombits(uint32(u))
	}},
}

func (d dataset) make(n int, seed uint64) []float32 {
	r, x := rng(seed), make([]float32, n)
	for i := range x {
		x[i] = d.value(&r, i)
	}
	return x
}

// floatBytes is x in little-endian, every NaN as the same one.
func floatBytes(x []float32) []byte {
	var b []byte
	for _, v := range x {
		u := math.Float32bits(v)
		if v != v {
			u = 0x7fc00000
		}
		b = binary.LittleEndian.AppendUint32(b, u)
	}
	return b
}
