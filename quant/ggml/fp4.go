package ggml

import (
	"math"

	"fewbits/kernels"
)

// e2m1 are the values of FP4, doubled: 0, 0.5, 1, 1.5, 2, 3, 4, 6, then those
// with the sign bit. Source: kvalues_fp4 in src/ggml-common.h.
var e2m1 = &table{
	before: "E2M1[", after: "]", doubled: true,
	values: []int8{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12},
}

// halfE8M0 is 2^(e − 127) / 2. Source: ggml_e8m0_to_fp32_half.
func halfE8M0(e uint8) float32 {
	if e < 2 {
		return math.Float32frombits(0x00200000 << e)
	}
	return math.Float32frombits(uint32(e-1) << 23)
}

// halfUE4M3 is half of what v stands for: 2^(e − 7) · (1 + m/8), where e is 0
// 2^−6 · m/8, and 0 for 0x7f. Bit 7 is passed over. Source:
// ggml_ue4m3_to_fp32 in src/ggml-impl.h.
func halfUE4M3(v uint8) float32 {
	e, m := uint32(v>>3&15), uint32(v&7)
	switch {
	case v == 0x7f:
		return 0
	case e == 0:
		return float32(m) * 0x1p-10
	}
	return math.Float32frombits((e+119)<<23 | m<<20)
}

// groupsFP4 is how many groups are packed at a time.
const groupsFP4 = 64

// kindFP4 is how a type packs FP4: groups of n values, per of them to a block that
// begins with a byte of scale for each. scales makes of the largest magnitudes of groups
// these bytes and the scales d, of which codes count 2d. Where no
// magnitude is above reach, none is more than 24 times its d, and 12·d is finite.
type kindFP4 struct {
	n, per int
	reach  float32
	scales func(stored []uint8, d, top []float32)
}

// row packs a row.
func (k *kindFP4) row(dst []byte, x []float32) {
	var tops, ds [groupsFP4]float32
	var bytes [groupsFP4]uint8
	for len(x) > 0 {
		groups := min(groupsFP4, len(x)/k.n)
		part, top, d, stored := x[:groups*k.n], tops[:groups], ds[:groups], bytes[:groups]
		kernels.GroupAbsMax(top, part, k.n)
		k.scales(stored, d, top)
		kernels.PackFP4(dst, part, d, stored, k.n, k.per)
		if kernels.AbsMax(top) > k.reach {
			k.packFar(dst, part, top, d)
		}
		dst, x = dst[groups*(1+k.n/2):], x[groups*k.n:]
	}
}

// packFar packs anew the groups whose values are far past the largest level.
func (k *kindFP4) packFar(dst []byte, x, top, d []float32) {
	for g, d := range d {
		if d == 0 || top[g] <= 24*d && !infinite(12*d) {
			continue
		}
		at := (g/k.per+1)*k.per + g*k.n/2
		b, v := dst[at:at+k.n/2], x[g*k.n:(g+1)*k.n]
		for j := range b {
			b[j] = codeFP4(v[j], d) | codeFP4(v[j+k.n/2], d)<<4
		}
	}
}

// codeFP4 is the code of x by trying all values as the reference does: the
// first of least error. Of x far past the largest value, rounded errors are
// equal and the first code, 0, stays.
func codeFP4(x, d float32) (code uint8) {
	least := abs(x)
	for i, v := range e2m1.values {
		if e := abs(float32(d*float32(v)) - x); e < least {
			code, least = uint8(i), e
		}
	}
	return code
}
