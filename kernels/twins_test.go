package kernels

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"slices"
	"testing"
)

// input is what one call of a kernel gets; a kernel takes what it needs of it.
type input struct {
	x, y             []float32
	raw              []byte // 2·len(x) bytes
	scale            float32
	zero, qmin, qmax int32
	lo, hi           float32
	off              int // of what is written, from a 16-element margin
}

// twins runs each kernel and its portable twin on the same input. What is
// written stands between margins, and is returned with them.
var twins = []struct {
	name            string
	finite          bool // needs finite input
	active, generic func(in input) any
}{
	{"MinMax", false,
		func(in input) any { lo, hi := minMax(in.x); return []float32{lo, hi} },
		func(in input) any { lo, hi := minMaxGeneric(in.x); return []float32{lo, hi} }},
	{"AbsMax", false,
		func(in input) any { return []float32{absMax(in.x)} },
		func(in input) any { return []float32{absMaxGeneric(in.x)} }},
	{"CheckFinite", false,
		func(in input) any { return checkFinite(in.x) },
		func(in input) any { return checkFiniteGeneric(in.x) }},
	{"Compare", false,
		func(in input) any { return compare(nil, in.x, in.y) },
		func(in input) any { return compareGeneric(nil, in.x, in.y) }},
	{"CompareSub", false,
		func(in input) any {
			var s Sums
			d := written(in, len(in.x), func(d []float32) { s = compare(d, in.x, in.y) })
			return append(d.([]float32), float32(s.ErrSq), float32(s.XSq), float32(s.XY), float32(s.YSq), s.MaxAbs)
		},
		func(in input) any {
			var s Sums
			d := written(in, len(in.x), func(d []float32) { s = compareGeneric(d, in.x, in.y) })
			return append(d.([]float32), float32(s.ErrSq), float32(s.XSq), float32(s.XY), float32(s.YSq), s.MaxAbs)
		}},
	{"Sub", false,
		func(in input) any { return written(in, len(in.x), func(d []float32) { sub(d, in.y, in.x) }) },
		func(in input) any { return written(in, len(in.x), func(d []float32) { subGeneric(d, in.y, in.x) }) }},
	{"KeepLarger", false,
		func(in input) any {
			return written(in, len(in.x), func(d []float32) { copy(d, in.y); keepLarger(d, in.x) })
		},
		func(in input) any {
			return written(in, len(in.x), func(d []float32) { copy(d, in.y); keepLargerGeneric(d, in.x) })
		}},
	{"HalveLarger", false,
		func(in input) any {
			return written(in, len(in.x)/2, func(d []float32) { halveLarger(d, in.x[:2*len(d)]) })
		},
		func(in input) any {
			return written(in, len(in.x)/2, func(d []float32) { halveLargerGeneric(d, in.x[:2*len(d)]) })
		}},
	{"F16ToF32", false,
		func(in input) any { return written(in, len(in.x), func(d []float32) { f16ToF32(d, in.raw) }) },
		func(in input) any { return written(in, len(in.x), func(d []float32) { f16ToF32Generic(d, in.raw) }) }},
	{"F32ToF16", false,
		func(in input) any { return written(in, 2*len(in.x), func(d []byte) { f32ToF16(d, in.x) }) },
		func(in input) any { return written(in, 2*len(in.x), func(d []byte) { f32ToF16Generic(d, in.x) }) }},
	{"BF16ToF32", false,
		func(in input) any { return written(in, len(in.x), func(d []float32) { bf16ToF32(d, in.raw) }) },
		func(in input) any { return written(in, len(in.x), func(d []float32) { bf16ToF32Generic(d, in.raw) }) }},
	{"F32ToBF16", false,
		func(in input) any { return written(in, 2*len(in.x), func(d []byte) { f32ToBF16(d, in.x) }) },
		func(in input) any { return written(in, 2*len(in.x), func(d []byte) { f32ToBF16Generic(d, in.x) }) }},
	{"F32ToE4M3", false,
		func(in input) any { return written(in, len(in.x), func(d []byte) { f32ToE4M3(d, in.x) }) },
		func(in input) any { return written(in, len(in.x), func(d []byte) { f32ToE4M3Generic(d, in.x) }) }},
	{"F32ToE5M2", false,
		func(in input) any { return written(in, len(in.x), func(d []byte) { f32ToE5M2(d, in.x) }) },
		func(in input) any { return written(in, len(in.x), func(d []byte) { f32ToE5M2Generic(d, in.x) }) }},
	{"E4M3ToF32", false,
		func(in input) any { return written(in, len(in.x), func(d []float32) { e4m3ToF32(d, in.raw[:len(d)]) }) },
		func(in input) any {
			return written(in, len(in.x), func(d []float32) { e4m3ToF32Generic(d, in.raw[:len(d)]) })
		}},
	{"E5M2ToF32", false,
		func(in input) any { return written(in, len(in.x), func(d []float32) { e5m2ToF32(d, in.raw[:len(d)]) }) },
		func(in input) any {
			return written(in, len(in.x), func(d []float32) { e5m2ToF32Generic(d, in.raw[:len(d)]) })
		}},
	{"InBin", false,
		func(in input) any {
			return written(in, len(in.x)/2, func(d []float32) {
				inBin(d, in.x, in.lo, binsPerUnit(make([]uint32, 9), in.lo, in.hi), 8, float32(in.off))
			})
		},
		func(in input) any {
			return written(in, len(in.x)/2, func(d []float32) {
				inBinGeneric(d, in.x, in.lo, binsPerUnit(make([]uint32, 9), in.lo, in.hi), 8, float32(in.off))
			})
		}},
	{"Abs", false,
		func(in input) any { return written(in, len(in.x), func(d []float32) { absolute(d, in.x) }) },
		func(in input) any { return written(in, len(in.x), func(d []float32) { absGeneric(d, in.x) }) }},
	{"PackLevels", false,
		func(in input) any {
			return written(in, len(in.x)/32*16, func(d []byte) { packLevels(d, in.x[:2*len(d)], in.y[:len(d)/16], 32, codebook(in)) })
		},
		func(in input) any {
			return written(in, len(in.x)/32*16, func(d []byte) { packLevelsGeneric(d, in.x[:2*len(d)], in.y[:len(d)/16], 32, codebook(in)) })
		}},
	{"UnpackLevels", false,
		func(in input) any {
			return written(in, len(in.x)/64*64, func(d []float32) { unpackLevels(d, in.raw[:len(d)/2], in.y[:len(d)/64], 64, levels(in)) })
		},
		func(in input) any {
			return written(in, len(in.x)/64*64, func(d []float32) {
				unpackLevelsGeneric(d, in.raw[:len(d)/2], in.y[:len(d)/64], 64, levels(in))
			})
		}},
	{"QuantizeAffine", false,
		func(in input) any {
			return written(in, len(in.x), func(d []int8) { quantizeAffine(d, in.x, in.scale, in.zero, in.qmin, in.qmax) })
		},
		func(in input) any {
			return written(in, len(in.x), func(d []int8) { quantizeAffineGeneric(d, in.x, in.scale, in.zero, in.qmin, in.qmax) })
		}},
	{"DequantizeAffine", false,
		func(in input) any {
			return written(in, len(in.x), func(d []float32) { dequantizeAffine(d, signed(in.raw[:len(d)]), in.scale, in.zero) })
		},
		func(in input) any {
			return written(in, len(in.x), func(d []float32) { dequantizeAffineGeneric(d, signed(in.raw[:len(d)]), in.scale, in.zero) })
		}},
	{"Histogram", false,
		func(in input) any {
			return written(in, 1+len(in.x)/2, func(d []uint32) { Histogram(d, in.x, in.lo, in.hi) })
		},
		func(in input) any {
			return written(in, 1+len(in.x)/2, func(d []uint32) { histogramGeneric(d, in.x, in.lo, binsPerUnit(d, in.lo, in.hi)) })
		}},
	{"QuantizeQ8_0", true,
		func(in input) any { return written(in, len(in.x)/32*34, func(d []byte) { QuantizeQ8_0(d, in.x) }) },
		func(in input) any {
			return written(in, len(in.x)/32*34, func(d []byte) { quantizeQ8_0Generic(d, in.x) })
		}},
	{"DequantizeQ8_0", false,
		func(in input) any {
			return written(in, len(in.raw)/34*32, func(d []float32) { DequantizeQ8_0(d, in.raw) })
		},
		func(in input) any {
			return written(in, len(in.raw)/34*32, func(d []float32) { dequantizeQ8_0Generic(d, in.raw) })
		}},
	{"QuantizeQ4_0", true,
		func(in input) any { return written(in, len(in.x)/32*18, func(d []byte) { QuantizeQ4_0(d, in.x) }) },
		func(in input) any {
			return written(in, len(in.x)/32*18, func(d []byte) { quantizeQ4_0Generic(d, in.x) })
		}},
	{"DequantizeQ4_0", false,
		func(in input) any {
			return written(in, len(in.raw)/18*32, func(d []float32) { DequantizeQ4_0(d, in.raw) })
		},
		func(in input) any {
			return written(in, len(in.raw)/18*32, func(d []float32) { dequantizeQ4_0Generic(d, in.raw) })
		}},
}

const margin = 16

// written is the n values that f writes, between margins that it must leave
// alone.
func written[T byte | int8 | uint32 | float32](in input, n int, f func(dst []T)) any {
	guard := func(i int) T { return T(i%5 + 1) }
	b := make([]T, margin+in.off+n+margin)
	for i := range b {
		if i < margin+in.off || i >= margin+in.off+n {
			b[i] = guard(i)
		}
	}
	f(b[margin+in.off:][:n:n])
	for i := range b {
		if (i < margin+in.off || i >= margin+in.off+n) && b[i] != guard(i) {
			panic(fmt.Sprintf("element %d of %d was written", i-margin-in.off, n))
		}
	}
	return b[margin+in.off:][:n]
}

func signed(b []byte) []int8 {
	q := make([]int8, len(b))
	for i, v := range b {
		q[i] = int8(v)
	}
	return q
}

func levels(in input) *[16]float32 {
	var l [16]float32
	copy(l[:], in.y)
	return &l
}

// codebook has bounds among the values.
func codebook(in input) *Codebook {
	c := Codebook{Codes: [16]uint8{3, 1, 4, 15, 9, 2, 6, 5, 0, 8, 7, 11, 10, 13, 12, 14}}
	copy(c.Bounds[:], in.x)
	slices.SortFunc(c.Bounds[:], cmp.Compare[float32])
	return &c
}

// placed copies s to a place that is off elements into an array filled with
// guard, so that reading past its ends shows.
func placed[T any](s []T, off int, guard T) []T {
	b := make([]T, margin+off+len(s)+margin)
	for i := range b {
		b[i] = guard
	}
	return append(b[:margin+off], s...)[margin+off:]
}

// same says whether two results are equal to the bit, any NaN being like another.
func same(a, b any) bool {
	switch a := a.(type) {
	case []float32:
		b := b.([]float32)
		for i, v := range a {
			if math.Float32bits(v) != math.Float32bits(b[i]) && (v == v || b[i] == b[i]) {
				return false
			}
		}
		return len(a) == len(b)
	case float64:
		return same64(a, b.(float64))
	case [2]float64:
		b := b.([2]float64)
		return same64(a[0], b[0]) && same64(a[1], b[1])
	case Sums:
		b := b.(Sums)
		return same64(a.ErrSq, b.ErrSq) && same64(a.XSq, b.XSq) && same64(a.YSq, b.YSq) &&
			same64(a.XY, b.XY) && math.Float32bits(a.MaxAbs) == math.Float32bits(b.MaxAbs)
	}
	return reflect.DeepEqual(a, b)
}

func same64(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || a != a && b != b
}

// makeInput is the input of length n that a seed stands for.
func makeInput(d dataset, n int, seed uint64) input {
	r := rng(seed * 77)
	off := int(r.next() % 4)
	nan := float32(math.NaN())
	raw := make([]byte, 2*n)
	for i := range raw {
		raw[i] = byte(r.next())
	}
	in := input{
		x:     placed(d.make(n, seed), off, nan),
		y:     placed(d.make(n, seed+1), off, nan),
		raw:   placed(raw, off, 0xff),
		scale: d.value(&r, 1),
		off:   int(r.next() % 4),
		lo:    d.value(&r, 2),
		hi:    d.value(&r, 3),
	}
	in.qmax = int32(r.next()%140) - 5
	in.qmin = in.qmax - int32(r.next()%300)
	in.zero = int32(r.next()%600) - 300
	switch r.next() % 8 {
	case 0:
		in.zero = int32(r.next()) // far past what the assembly takes
	case 1:
		in.zero, in.qmin, in.qmax = 0, -128, 127
	case 2:
		in.scale = 0
	}
	return in
}

func checkTwins(t *testing.T, in input, finite bool) {
	t.Helper()
	for _, k := range twins {
		if k.finite && !finite {
			continue
		}
		got, want := k.active(in), k.generic(in)
		if !same(got, want) {
			t.Errorf("%s of %d values: %s gives\n%v, portable\n%v\nof %v", k.name, len(in.x), Active(), got, want, in)
		}
	}
}

func TestTwins(t *testing.T) {
	for _, d := range datasets {
		t.Run(d.name, func(t *testing.T) {
			for n := range 132 {
				for seed := range uint64(4) {
					checkTwins(t, makeInput(d, n, 1000*seed+uint64(n)), d.finite)
				}
				if t.Failed() {
					return
				}
			}
			checkTwins(t, makeInput(d, 5000, 3), d.finite)
		})
	}
}

func TestShortDestinations(t *testing.T) {
	// Of slices that do not fit, the part that both have is used.
	x := datasets[0].make(100, 1)
	b, f, q := make([]byte, 300), make([]float32, 100), make([]int8, 300)
	for n := range 100 {
		for name, call := range map[string]func(){
			"Compare":          func() { Compare(x, x[:n]); Compare(x[:n], x) },
			"CompareSub":       func() { CompareSub(f[:n], x, x); CompareSub(f, x, x[:n]) },
			"F16ToF32":         func() { F16ToF32(f[:n], b); F16ToF32(f, b[:n]) },
			"F32ToF16":         func() { F32ToF16(b[:n], x); F32ToF16(b, x[:n]) },
			"BF16ToF32":        func() { BF16ToF32(f[:n], b); BF16ToF32(f, b[:n]) },
			"F32ToBF16":        func() { F32ToBF16(b[:n], x); F32ToBF16(b, x[:n]) },
			"QuantizeAffine":   func() { QuantizeAffine(q[:n], x, 1, 0, -8, 7); QuantizeAffine(q, x[:n], 1, 0, -8, 7) },
			"DequantizeAffine": func() { DequantizeAffine(f[:n], q, 1, 0); DequantizeAffine(f, q[:n], 1, 0) },
			"PackCodes":        func() { PackCodes(b[:n], q, 4); PackCodes(b, q[:n], 7); PackCodes(b, q, n) },
			"UnpackCodes":      func() { UnpackCodes(q[:n], b, 2); UnpackCodes(q, b[:n], 6); UnpackCodes(q, b, n) },
			"PackLevels": func() {
				PackLevels(b[:n], x, x, 32, new(Codebook))
				PackLevels(b, x[:n], x, 32, new(Codebook))
				PackLevels(b, x, x[:n], n, new(Codebook))
			},
			"UnpackLevels": func() {
				UnpackLevels(f[:n], b, x, 32, new([16]float32))
				UnpackLevels(f, b[:n], x, n, new([16]float32))
			},
			"F32ToE4M3":      func() { F32ToE4M3(b[:n], x); F32ToE4M3(b, x[:n]) },
			"F32ToE5M2":      func() { F32ToE5M2(b[:n], x); F32ToE5M2(b, x[:n]) },
			"E4M3ToF32":      func() { E4M3ToF32(f[:n], b); E4M3ToF32(f, b[:n]) },
			"E5M2ToF32":      func() { E5M2ToF32(f[:n], b); E5M2ToF32(f, b[:n]) },
			"QuantizeQ8_0":   func() { QuantizeQ8_0(b[:n], x); QuantizeQ8_0(b, x[:n]) },
			"DequantizeQ8_0": func() { DequantizeQ8_0(f[:n], b); DequantizeQ8_0(f, b[:n]) },
			"QuantizeQ4_0":   func() { QuantizeQ4_0(b[:n], x); QuantizeQ4_0(b, x[:n]) },
			"DequantizeQ4_0": func() { DequantizeQ4_0(f[:n], b); DequantizeQ4_0(f, b[:n]) },
			"Histogram":      func() { Histogram(nil, x[:n], 0, 1); Histogram(make([]uint32, 1), x[:n], 0, 1) },
		} {
			func() {
				defer func() {
					if r := recover(); r != nil {
						t.Errorf("%s with %d: %v", name, n, r)
					}
				}()
				call()
			}()
		}
	}
}
