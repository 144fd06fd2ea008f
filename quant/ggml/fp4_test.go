package ggml

import (
	"bytes"
	"math"
	"math/rand/v2"
	"testing"

	"fewbits/kernels"
	"fewbits/quant"
	"fewbits/quant/internal/libggml"
)

// The exponent of MXFP4 where log2 rounds up to a whole number, against
// libggml: of each power of two the last values below it.
func TestExponentReference(t *testing.T) {
	o := libggml.Need(t)
	var x []float32
	for e := uint32(3); e <= 254; e++ {
		for j := range uint32(80) {
			block := make([]float32, 32)
			block[j%32] = math.Float32frombits(e<<23 + 0x7fffff - j)
			x = append(x, block...)
		}
	}
	want, err := o.Quantize(mxfp4.id, x, 1, len(x), nil)
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	quantizeRowMXFP4(got, x, nil)
	if !bytes.Equal(got, want) {
		reportBytes(t, mxfp4, "below powers of two", got, want, x)
	}
	lifted := 0
	for i := 0; i < len(x); i += 32 {
		if _, top := largest(x[i : i+32]); floorLog2(top) != int(math.Float32bits(top)>>23)-127 {
			lifted++
		}
	}
	if lifted < 1000 {
		t.Errorf("log2 rounds up in %d blocks alone", lifted)
	}
}

// What C leaves open: blocks of MXFP4 whose values are tiny take the least
// scale, and each its nearest level.
func TestTinyMXFP4(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	x := make([]float32, 32*200)
	for i := range x {
		x[i] = math.Float32frombits(r.Uint32N(0x01000000>>(i/32%24)) | r.Uint32()&(1<<31))
	}
	p, err := mxfp4.Quantize(quant.Tensor{Shape: []int{len(x)}, Data: x}, quant.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range x {
		o, err := mxfp4.Open(p, i)
		if err != nil {
			t.Fatal(err)
		}
		if o.Bytes[0] != 0 {
			t.Fatalf("block %d has the exponent %d", i/32, o.Bytes[0])
		}
		for _, level := range o.Levels {
			if abs(v-level) < abs(v-o.Value) {
				t.Fatalf("%v became %v, but %v is nearer", v, o.Value, level)
			}
		}
	}
}

// The middles between levels decide as the reference's search for the least
// error does, on values about the middles and past the largest level.
func TestCodesFP4(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 4))
	var scales []float32
	for v := range 256 {
		scales = append(scales, halfUE4M3(uint8(v)), halfE8M0(uint8(v)))
	}
	for _, d := range scales {
		var x []float32
		for _, m := range []float32{0.5, 1.5, 2.5, 3.5, 5, 7, 10, 12, 24, 1e7, 1e9} {
			b := math.Float32bits(m * d)
			for _, b := range []uint32{b - 1, b, b + 1, b + r.Uint32N(1<<20), b - r.Uint32N(1<<20)} {
				if v := math.Float32frombits(b &^ (1 << 31)); !infinite(v) && v == v {
					x = append(x, v, -v)
				}
			}
		}
		for _, v := range x {
			var b [9]byte
			k := kindFP4{n: 16, per: 1, scales: func(_ []uint8, scale, _ []float32) { scale[0] = d }}
			k.row(b[:], []float32{15: v})
			if q := b[8] >> 4; q != codeFP4(v, d) {
				t.Fatalf("scale %v: %v has code %d, want %d", d, v, q, codeFP4(v, d))
			}
		}
	}
}

// UE4M3 takes every value below 256 that it gives back, halves go up, and the
// two ends are the reference's own.
func TestUE4M3(t *testing.T) {
	toUE4M3 := func(v float32) uint8 {
		var code [1]uint8
		var d [1]float32
		kernels.ScalesUE4M3(code[:], d[:], []float32{v}, 1)
		if d[0] != halfUE4M3(code[0]) {
			t.Errorf("%#x is %v, want %v", code[0], d[0], halfUE4M3(code[0]))
		}
		return code[0]
	}
	for v := range uint8(0x78) {
		x := 2 * halfUE4M3(v)
		if got := toUE4M3(x); got != v {
			t.Errorf("%#x stands for %v, which becomes %#x", v, x, got)
		}
		if v < 1 || v == 7 || v >= 0x77 {
			continue
		}
		middle := (x + 2*halfUE4M3(v+1)) / 2
		below := math.Float32frombits(math.Float32bits(middle) - 1)
		if a, b := toUE4M3(below), toUE4M3(middle); a != v || b != v+1 {
			t.Errorf("about the middle of %#x and its next: %#x and %#x", v, a, b)
		}
	}
	for _, tt := range []struct {
		v    float32
		want uint8
	}{{0, 0}, {1e-9, 0}, {0x1p-10, 1}, {7.9 / 512, 7}, {247.9, 0x77}, {248, 0x7e}, {256, 0x7e}, {448, 0x7e}, {1e30, 0x7e}} {
		if got := toUE4M3(tt.v); got != tt.want {
			t.Errorf("%v becomes %#x, want %#x", tt.v, got, tt.want)
		}
	}
}

// The scale of NVFP4 all over its range, and past it, against libggml.
func TestScaleNVFP4Reference(t *testing.T) {
	o := libggml.Need(t)
	r := rand.New(rand.NewPCG(8, 4))
	var x []float32
	for i := range 64 * 1000 {
		x = append(x, float32(math.Ldexp(r.NormFloat64(), i/16%40-14)))
	}
	compare(t, o, nvfp4, "scales", x, len(x), nil)
}
