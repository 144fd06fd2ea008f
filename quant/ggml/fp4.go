package ggml

import "math"

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

// codesFP4 writes the codes of x for the scale 2d: the nearest value of E2M1,
// of two as near the smaller, and 0 for what is nearest 0, whatever its sign.
// top is the largest magnitude of x. Source: best_index_mxfp4.
func codesFP4(q []uint8, x []float32, d, top float32) {
	q = q[:len(x)]
	switch {
	case d == 0:
		clear(q)
		return
	case top > 24*d || infinite(12*d):
		for i, v := range x {
			q[i] = codeFP4(v, d)
		}
		return
	}
	// Middles are multiples of d/2. The quotient of one is less than 2^−30 off,
	// that of the float32 next to it is further away.
	inverse := 2 / float64(d)
	for i, v := range x {
		cell := uint32(float64(float64(abs(v))*inverse) + (1 - 0x1p-30))
		q[i] = fp4Codes[cell&63|math.Float32bits(v)>>31<<6]
	}
}

// fp4Codes is the code of y·2/d rounded up, and from 64 on that of −y.
var fp4Codes = func() (codes [128]uint8) {
	code := uint8(0)
	for i := range 64 {
		if v := e2m1.values; code < 7 && i > int(v[code])+int(v[code+1]) {
			code++
		}
		codes[i], codes[i+64] = code, code
		if code > 0 {
			codes[i+64] |= 8
		}
	}
	return codes
}()

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

// putPairsFP4 packs 2·len(b) codes: value j in the low half of byte j, value
// j + len(b) in its high half.
func putPairsFP4(b, q []uint8) {
	for j := range b {
		b[j] = q[j] | q[len(b)+j]<<4
	}
}
