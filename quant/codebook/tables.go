package codebook

import "slices"

// NF4 is the table of NF4, by code: rising from −1 to 1, with 0 at code 7.
//
// Its positive half are eight quantiles of a normal distribution and its
// negative half seven, both from 0.9677083 to 1/2, over the largest; the
// digits are bitsandbytes' (functional.py, get_4bit_type).
func NF4() [16]float32 {
	return [16]float32{
		-1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453,
		-0.28444138169288635, -0.18477343022823334, -0.09105003625154495, 0,
		0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
		0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1,
	}
}

// FP4 is the table of FP4, by code: bit 3 is the sign, and codes 0 and 8 are
// both 0 (functional.py, get_4bit_type).
func FP4() [16]float32 {
	var t [16]float32
	for code, twelfths := range [8]float32{0, 0.0625, 8, 12, 4, 6, 2, 3} {
		t[code] = twelfths / 12
		t[code|8] = 0 - t[code]
	}
	return t
}

// DynamicMap is the signed 8-bit table that nested absmax are coded in, rising
// from −0.993 to 1, with 0 at code 127: 2^i values, i from 0 to 6, between
// 10^(i−7) and 10^(i−6), and their negatives (functional.py,
// create_dynamic_map; Dettmers, "8-Bit Approximations for Parallelism in Deep
// Learning", 2015).
func DynamicMap() [256]float32 { return dynamic }

var dynamic = dynamicMap()

func dynamicMap() [256]float32 {
	values := []float32{0, 1}
	for i, power := range [7]float32{1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1} {
		edges := linspace(0.1, 1, 1<<i+1)
		for k := range 1 << i {
			v := power * ((edges[k] + edges[k+1]) / 2)
			values = append(values, v, -v)
		}
	}
	slices.Sort(values)
	return [256]float32(values)
}

// linspace is n numbers from lo to hi as PyTorch spaces them on a CPU with
// AVX2 (aten/src/ATen/native/cpu/RangeFactoriesKernel.cpp): eight at a time
// from a fused base, twice over, and what is left one by one.
func linspace(lo, hi float32, n int) []float32 {
	x := make([]float32, n)
	step := (hi - lo) / float32(n-1)
	at := func(i int) float32 {
		// The products have few bits: float64 holds them, and rounds once.
		if i < n/2 {
			return float32(float64(lo) + float64(step)*float64(i))
		}
		return float32(float64(hi) - float64(step)*float64(n-i-1))
	}
	whole := n &^ 15
	for i := range x {
		x[i] = at(i)
		if base := i &^ 7; i < whole {
			x[i] = at(base) + float32(step*float32(i-base))
		}
	}
	return x
}

// middles are the boundaries between neighbours of a rising table, in float32.
func middles(rising []float32) []float32 {
	m := make([]float32, len(rising)-1)
	for i := range m {
		m[i] = (rising[i] + rising[i+1]) / 2
	}
	return m
}
