package kernels

import (
	"math"
	"testing"
)

// anyTable are bytes of every kind, the least one too.
var anyTable = &[16]int8{-128, 127, -127, 0, 1, -1, 2, 63, -64, 100, -99, 5, -5, 33, 12, -12}

// anyPoints are eight bytes of every kind for each place, anyPoints4 four.
var anyPoints, anyPoints4 = func() (p [4096]uint64, q [512]uint32) {
	r := rng(9)
	for i := range p {
		p[i] = r.next()
	}
	for i := range q {
		q[i] = uint32(r.next())
	}
	return p, q
}()

// withTable is a reader that takes a table with one of these.
func withTable[T any](f func(dst []float32, src []byte, t T), t T) func(dst []float32, src []byte) {
	return func(dst []float32, src []byte) { f(dst, src, t) }
}

// blockReaders are the kernels that read blocks, and their twins.
var blockReaders = []struct {
	name            string
	size, values    int
	active, generic func(dst []float32, src []byte)
}{
	{"TQ1_0", tq1_0Bytes, superLen, dequantizeTQ1_0, dequantizeTQ1_0Generic},
	{"TQ2_0", tq2_0Bytes, superLen, dequantizeTQ2_0, dequantizeTQ2_0Generic},
	{"Q2_0", q2_0Bytes, q2_0Len, dequantizeQ2_0, dequantizeQ2_0Generic},
	{"Q1_0", q1_0Bytes, q1_0Len, dequantizeQ1_0, dequantizeQ1_0Generic},
	{"IQ4_NL", iq4NLBytes, blockLen, withTable(dequantizeIQ4_NL, anyTable), withTable(dequantizeIQ4_NLGeneric, anyTable)},
	{"IQ4_XS", iq4XSBytes, superLen, withTable(dequantizeIQ4_XS, anyTable), withTable(dequantizeIQ4_XSGeneric, anyTable)},
	{"MXFP4", mxfp4Bytes, blockLen, withTable(dequantizeMXFP4, anyTable), withTable(dequantizeMXFP4Generic, anyTable)},
	{"NVFP4", nvfp4Bytes, nvfp4Len, withTable(dequantizeNVFP4, anyTable), withTable(dequantizeNVFP4Generic, anyTable)},
	{"IQ2_XXS", iq2XXSBytes, superLen, withTable(dequantizeIQ2_XXS, (*[256]uint64)(anyPoints[:])), withTable(dequantizeIQ2_XXSGeneric, (*[256]uint64)(anyPoints[:]))},
	{"IQ2_XS", iq2XSBytes, superLen, withTable(dequantizeIQ2_XS, (*[512]uint64)(anyPoints[:])), withTable(dequantizeIQ2_XSGeneric, (*[512]uint64)(anyPoints[:]))},
	{"IQ2_S", iq2SBytes, superLen, withTable(dequantizeIQ2_S, (*[1024]uint64)(anyPoints[:])), withTable(dequantizeIQ2_SGeneric, (*[1024]uint64)(anyPoints[:]))},
	{"IQ3_XXS", iq3XXSBytes, superLen, withTable(dequantizeIQ3_XXS, (*[256]uint32)(anyPoints4[:])), withTable(dequantizeIQ3_XXSGeneric, (*[256]uint32)(anyPoints4[:]))},
	{"IQ3_S", iq3SBytes, superLen, withTable(dequantizeIQ3_S, &anyPoints4), withTable(dequantizeIQ3_SGeneric, &anyPoints4)},
	{"IQ1_S", iq1SBytes, superLen, withTable(dequantizeIQ1_S, &anyPoints), withTable(dequantizeIQ1_SGeneric, &anyPoints)},
	{"IQ1_M", iq1MBytes, superLen, withTable(dequantizeIQ1_M, &anyPoints), withTable(dequantizeIQ1_MGeneric, &anyPoints)},
}

// TestBlockReaders holds readers against their twins, on blocks of any bytes. Every
// scale that two bytes can be stands first, and last, in one of them.
func TestBlockReaders(t *testing.T) {
	for _, k := range blockReaders {
		t.Run(k.name, func(t *testing.T) {
			r := rng(uint64(k.size))
			for round := range 40 {
				n, off := 1+round%5, round%4
				src := make([]byte, n*k.size)
				for i := range src {
					src[i] = byte(r.next() >> 9)
				}
				src = placed(src, off, 0xff)
				for scale := 0; scale < 1<<16; scale += 1021 {
					for _, at := range []int{0, k.size - 2} {
						src[at], src[at+1] = byte(scale), byte(scale>>8)
					}
					in := input{off: off}
					got := written(in, n*k.values, func(d []float32) { k.active(d, src) })
					want := written(in, n*k.values, func(d []float32) { k.generic(d, src) })
					if !same(got, want) {
						t.Fatalf("%d blocks of % x: %s gives\n%v, portable\n%v", n, src, Active(), got, want)
					}
				}
			}
		})
	}
}

// blockWriters are the kernels that write blocks, and their twins.
var blockWriters = []struct {
	name            string
	size, values    int
	active, generic func(dst []byte, x []float32)
}{
	{"TQ1_0", tq1_0Bytes, superLen, quantizeTQ1_0, quantizeTQ1_0Generic},
	{"TQ2_0", tq2_0Bytes, superLen, quantizeTQ2_0, quantizeTQ2_0Generic},
	{"Q2_0", q2_0Bytes, q2_0Len, quantizeQ2_0, quantizeQ2_0Generic},
	{"Q1_0", q1_0Bytes, q1_0Len, quantizeQ1_0, quantizeQ1_0Generic},
}

func TestBlockWriters(t *testing.T) {
	for _, d := range datasets {
		if !d.finite {
			continue
		}
		for _, k := range blockWriters {
			t.Run(d.name+" "+k.name, func(t *testing.T) {
				for n := range 11 {
					in := input{off: n % 4}
					x := placed(d.make(n*k.values, uint64(n)), n%3, nan)
					got := written(in, n*k.size, func(b []byte) { k.active(b, x) })
					want := written(in, n*k.size, func(b []byte) { k.generic(b, x) })
					if !same(got, want) {
						t.Fatalf("%d blocks: %s gives\n% x, portable\n% x\nof %v", n, Active(), got, want, x)
					}
				}
			})
		}
	}
}

// TestGroupRanges holds ranges of groups against those of each, and PackFP4 against
// its twin.
func TestGroupRanges(t *testing.T) {
	for _, d := range datasets {
		for _, n := range []int{1, 7, 16, 32, 48, 64} {
			for groups := range 6 {
				x := placed(d.make(n*groups, uint64(n+groups)), groups%4, nan)
				ranges := func(f func(lo, hi, x []float32, n int)) any {
					return written(input{off: groups % 3}, 2*groups, func(dst []float32) { f(dst[:groups], dst[groups:], x, n) })
				}
				largest := func(f func(dst, x []float32, n int)) any {
					return written(input{off: groups % 3}, groups, func(dst []float32) { f(dst, x, n) })
				}
				if got, want := ranges(groupRanges), ranges(groupRangesGeneric); !same(got, want) {
					t.Fatalf("%s, groups of %d: ranges %v, want %v of %v", d.name, n, got, want, x)
				}
				if got, want := largest(groupAbsMax), largest(groupAbsMaxGeneric); !same(got, want) {
					t.Fatalf("%s, groups of %d: largest %v, want %v of %v", d.name, n, got, want, x)
				}
			}
		}
	}
}

func TestPackFP4Twins(t *testing.T) {
	for _, data := range datasets {
		if !data.finite {
			continue
		}
		for _, k := range [][2]int{{32, 1}, {16, 4}, {16, 1}, {32, 3}} {
			n, per := k[0], k[1]
			for blocks := range 4 {
				x := placed(data.make(n*per*blocks, uint64(blocks)), blocks, nan)
				d := make([]float32, per*blocks)
				groupAbsMaxGeneric(d, x, n)
				for g := range d {
					d[g] = math.Float32frombits(math.Float32bits(d[g]/12) &^ 0x7ffff)
					if g%7 == 3 {
						d[g] = 0
					}
				}
				stored := floatBytes(d)[:len(d)]
				pack := func(f func(dst []byte, x, d []float32, stored []uint8, n, per int)) any {
					return written(input{off: blocks}, blocks*per*(1+n/2), func(b []byte) { f(b, x, d, stored, n, per) })
				}
				if got, want := pack(packFP4), pack(packFP4Generic); !same(got, want) {
					t.Fatalf("%s, %v: % x, want % x of %v, scales %v", data.name, k, got, want, x, d)
				}
			}
		}
	}
}

// TestScalesFP4 holds scales of magnitudes of all kinds against the twins.
func TestScalesFP4(t *testing.T) {
	for _, data := range datasets {
		if !data.finite {
			continue
		}
		for n := range 23 {
			v := placed(weightsLike(data, n, uint64(n)), n%4, nan)
			for i := range v {
				if i%5 == 1 {
					v[i] = math.Float32frombits(math.Float32bits(v[i]) | 0x7fff00)
				}
				if i%3 == 0 {
					v[i] = math.Float32frombits(math.Float32bits(v[i])&0xfffff | uint32(110+i)<<23)
				}
			}
			for _, k := range []struct {
				name            string
				active, generic func(codes []uint8, d, v []float32) bool
			}{
				{"E8M0", scalesE8M0, scalesE8M0Generic},
				{"UE4M3", func(codes []uint8, d, v []float32) bool { scalesUE4M3(codes, d, v, 6); return false },
					func(codes []uint8, d, v []float32) bool { scalesUE4M3Generic(codes, d, v, 6); return false }},
			} {
				var near [2]bool
				run := func(f func(codes []uint8, d, v []float32) bool, near *bool) string {
					codes, d := make([]uint8, n+5), make([]float32, n+5)
					*near = f(codes[:n], d[:n], v)
					return groupsResult(codes, d)
				}
				got, want := run(k.active, &near[0]), run(k.generic, &near[1])
				if got != want || near[0] != near[1] {
					t.Fatalf("%s, %s: %s %v, want %s %v of %v", data.name, k.name, got, near[0], want, near[1], v)
				}
			}
		}
	}
}

// TestTrits packs trits of all kinds and takes them out again.
func TestTrits(t *testing.T) {
	r := rng(3)
	for range 50 {
		x := make([]float32, superLen)
		for i := range x {
			x[i] = float32(int(r.next()%3)) - 1
		}
		x[r.next()%superLen] = 1
		for _, k := range []struct {
			size    int
			write   func([]byte, []float32)
			read    func([]float32, []byte)
			inBlock int
		}{
			{tq1_0Bytes, QuantizeTQ1_0, DequantizeTQ1_0, superLen},
			{tq2_0Bytes, QuantizeTQ2_0, DequantizeTQ2_0, superLen},
			{q2_0Bytes, QuantizeQ2_0, DequantizeQ2_0, q2_0Len},
		} {
			b, y := make([]byte, superLen/k.inBlock*k.size), make([]float32, superLen)
			k.write(b, x)
			k.read(y, b)
			for i, v := range x {
				if y[i] != v {
					t.Fatalf("%d bytes a block: value %d is %v, want %v", k.size, i, y[i], v)
				}
			}
		}
	}
}

// What does not fit is left out, and nothing is written past an end.
func TestBlocksShort(t *testing.T) {
	x, b := make([]float32, 600), make([]byte, 400)
	for n := range 300 {
		for _, f := range []func([]float32, []byte){DequantizeTQ1_0, DequantizeTQ2_0, DequantizeQ2_0, DequantizeQ1_0} {
			f(x[:n], b)
			f(x, b[:n])
		}
		for _, f := range []func([]byte, []float32){QuantizeTQ1_0, QuantizeTQ2_0, QuantizeQ2_0, QuantizeQ1_0} {
			f(b[:n], x)
			f(b, x[:n])
		}
		for _, f := range []func([]float32, []byte, *[16]int8){DequantizeIQ4_NL, DequantizeIQ4_XS, DequantizeMXFP4, DequantizeNVFP4} {
			f(x[:n], b, anyTable)
			f(x, b[:n], anyTable)
		}
		DequantizeIQ2_XXS(x[:n], b, (*[256]uint64)(anyPoints[:]))
		DequantizeIQ2_XS(x, b[:n], (*[512]uint64)(anyPoints[:]))
		DequantizeIQ2_S(x[:n], b, (*[1024]uint64)(anyPoints[:]))
		DequantizeIQ3_XXS(x, b[:n], (*[256]uint32)(anyPoints4[:]))
		DequantizeIQ3_S(x[:n], b, &anyPoints4)
		DequantizeIQ1_S(x, b[:n], &anyPoints)
		DequantizeIQ1_M(x[:n], b, &anyPoints)
	}
}
