package ggml

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"fewbits/quant"
	"fewbits/quant/internal/libggml"
)

// The scales and minimums of blocks, read by the block structures of
// ggml-common.h and by nothing of this package.

func halfAt(b []byte, i int) float64 {
	h := binary.LittleEndian.Uint16(b[i:])
	sign, e, m := 1-2*float64(h>>15), int(h>>10&31), float64(h&1023)
	if e == 0 {
		return sign * math.Ldexp(m, -24)
	}
	return sign * math.Ldexp(1024+m, e-25)
}

// kScales are the eight pairs of 6 bits that Q4_K and Q5_K store in 12 bytes
// (get_scale_min_k4 in ggml-quants.c).
func kScales(q []byte, j int) (sc, m float64) {
	if j < 4 {
		return float64(q[j] & 63), float64(q[j+4] & 63)
	}
	return float64(q[j+4]&15 | q[j-4]>>6<<4), float64(q[j+4]>>4 | q[j]>>6<<4)
}

// storedTypes say how many weights share a scale, and what that of group g of
// a block is, and its minimum.
var storedTypes = map[string]struct {
	group int
	of    func(b []byte, g int) (scale, min float64)
}{
	"Q8_0":   {32, func(b []byte, _ int) (float64, float64) { return halfAt(b, 0), 0 }},
	"Q4_0":   {32, func(b []byte, _ int) (float64, float64) { return halfAt(b, 0), 0 }},
	"Q4_1":   {32, func(b []byte, _ int) (float64, float64) { return halfAt(b, 0), halfAt(b, 2) }},
	"IQ4_NL": {32, func(b []byte, _ int) (float64, float64) { return halfAt(b, 0), 0 }},
	"MXFP4":  {32, func(b []byte, _ int) (float64, float64) { return math.Ldexp(1, int(b[0])-127), 0 }},
	"Q4_K": {32, func(b []byte, g int) (float64, float64) {
		sc, m := kScales(b[4:], g)
		return halfAt(b, 0) * sc, -halfAt(b, 2) * m
	}},
	"Q5_K": {32, func(b []byte, g int) (float64, float64) {
		sc, m := kScales(b[4:], g)
		return halfAt(b, 0) * sc, -halfAt(b, 2) * m
	}},
	"Q6_K": {16, func(b []byte, g int) (float64, float64) { return halfAt(b, 208) * float64(int8(b[192+g])), 0 }},
	"Q2_K": {16, func(b []byte, g int) (float64, float64) {
		return halfAt(b, 80) * float64(b[g]&15), -halfAt(b, 82) * float64(b[g]>>4)
	}},
	"IQ2_XXS": {32, func(b []byte, g int) (float64, float64) {
		return halfAt(b, 0) * (0.5 + float64(b[2+8*g+7]>>4)) / 4, 0
	}},
}

// TestParamsOfStored unpacks blocks that libggml made.
func TestParamsOfStored(t *testing.T) {
	o := libggml.Need(t)
	const rows, cols = 5, 512
	r := rand.New(rand.NewPCG(3, 4))
	x, w := make([]float32, rows*cols), make([]float32, cols)
	for i := range x {
		x[i] = float32(0.03*r.NormFloat64() + 0.01)
	}
	for i := range w {
		w[i] = 1
	}
	for name, want := range storedTypes {
		t.Run(name, func(t *testing.T) {
			typ, _ := TypeByName(name)
			if name == "IQ2_XXS" && testing.Short() {
				t.Skip("the library's tables take seconds")
			}
			b, err := o.Quantize(typ.ID, x, rows, cols, w)
			if err != nil {
				t.Fatal(err)
			}
			var f *format
			for _, g := range all {
				if g.id == typ.ID {
					f = g
				}
			}
			m, err := f.Params(&quant.Packed{Format: name, Shape: []int{rows, cols}, Bytes: b}, false)
			if err != nil {
				t.Fatal(err)
			}
			if m.Groups != cols/want.group || len(m.Scales) != rows*m.Groups {
				t.Fatalf("%d groups and %d scales", m.Groups, len(m.Scales))
			}
			per := typ.Block / want.group
			for i, got := range m.Scales {
				scale, low := want.of(b[i/per*typ.Bytes:][:typ.Bytes], i%per)
				if math.Abs(float64(got)-scale) > 1e-6*math.Abs(scale) {
					t.Fatalf("scale %d is %v, the block holds %v", i, got, scale)
				}
				if m.Mins != nil && math.Abs(float64(m.Mins[i])-low) > 1e-6*math.Abs(low) || m.Mins == nil && low != 0 {
					t.Fatalf("minimum %d: the block holds %v", i, low)
				}
			}
		})
	}
}
