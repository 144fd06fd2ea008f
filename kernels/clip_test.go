package kernels

import (
	"math"
	"testing"
)

func TestRangeScalesTwins(t *testing.T) {
	ranges := [][2]float32{{-1, 1}, {-0.3, 0.2}, {0, 5}, {-7, 0}, {2, 3}, {-9, -4}, {-1e20, 1e-20}, {-1e-30, 1e-31}, {-1e30, 1e30}, {negZ, 1}, {-1, negZ}, {0.1, 0.7}}
	r := rng(1)
	for range 60 {
		v := [2]float32{float32(r.normal()), float32(r.normal())}
		ranges = append(ranges, [2]float32{min(v[0], v[1]), max(v[0], v[1])})
	}
	for _, c := range [][2]int32{{-128, 127}, {-8, 7}, {-7, 7}, {-2, 1}, {-1, 1}} {
		for _, symmetric := range []bool{false, true} {
			for n := range len(ranges) {
				lo, hi := make([]float32, n), make([]float32, n)
				for i := range n {
					lo[i], hi[i] = ranges[i][0], ranges[i][1]
				}
				run := func(f func(scale, least, most, lo, hi []float32, bottom, top int32, symmetric bool)) any {
					return written(input{off: n % 3}, 3*n, func(d []float32) { f(d[:n], d[n:2*n], d[2*n:], lo, hi, c[0], c[1], symmetric) })
				}
				if got, want := run(rangeScales), run(rangeScalesGeneric); !same(got, want) {
					t.Fatalf("%v, codes %v, symmetric %v: %v, want %v", ranges[:n], c, symmetric, got, want)
				}
			}
		}
	}
}

// TestAffineBlocks packs blocks of all kinds and takes them apart.
func TestAffineBlocks(t *testing.T) {
	for bits := 2; bits <= 8; bits++ {
		for _, n := range []int{1, 16, 21, 32, 48} {
			for kind := range 4 {
				l := &AffineBlocks{Bits: bits, N: n, Half: kind&1 != 0, Zero: kind&2 != 0, Bottom: -1 << (bits - 1)}
				for blocks := range 9 {
					checkAffineBlocks(t, l, blocks)
				}
			}
		}
	}
}

func checkAffineBlocks(t *testing.T, l *AffineBlocks, blocks int) {
	x := placed(datasets[0].make(l.N*blocks, uint64(blocks)), blocks%4, nan)
	lo, hi, scale, least, most := make([]float32, blocks), make([]float32, blocks), make([]float32, blocks), make([]float32, blocks), make([]float32, blocks)
	groupRangesGeneric(lo, hi, x, l.N)
	rangeScalesGeneric(scale, least, most, lo, hi, l.Bottom, -l.Bottom-1, !l.Zero)
	for i, s := range scale {
		if l.Half {
			scale[i] = halfToFloat(floatToHalf(s))
		}
		if scale[i] == 0 {
			scale[i] = 1
		}
	}
	pack := func(f func(dst []byte, x, scale, least, most []float32, l *AffineBlocks)) []byte {
		return written(input{off: blocks % 3}, blocks*l.Size(), func(b []byte) { f(b, x, scale, least, most, l) }).([]byte)
	}
	got, want := pack(quantizeAffineBlocks), pack(quantizeAffineBlocksGeneric)
	if !same(got, want) {
		t.Fatalf("%+v, %d blocks: % x, want % x of %v", l, blocks, got, want, x)
	}
	src := placed(got, blocks%4, 0xff)
	read := func(f func(dst []float32, src []byte, l *AffineBlocks)) []float32 {
		return written(input{off: blocks % 3}, blocks*l.N, func(d []float32) { f(d, src, l) }).([]float32)
	}
	back, twin := read(dequantizeAffineBlocks), read(dequantizeAffineBlocksGeneric)
	if !same(back, twin) {
		t.Fatalf("%+v, %d blocks: %v, want %v", l, blocks, back, twin)
	}
	for i, v := range back {
		if s := scale[i/l.N]; v < lo[i/l.N]-s || v > hi[i/l.N]+s || most[i/l.N]*s > x[i] && x[i] > least[i/l.N]*s && magnitude(v-x[i]) > 0.51*s {
			t.Fatalf("%+v: %v comes back as %v, scale %v", l, x[i], v, s)
		}
	}
	QuantizeAffineBlocks(got[:len(got)/2], x, scale, least, most, l)
	DequantizeAffineBlocks(back[:len(back)/2], got, l)
}

func TestSquaredErrors(t *testing.T) {
	for _, d := range datasets {
		if !d.finite {
			continue
		}
		for n := range 23 {
			x := placed(d.make(n, uint64(n)), n%4, nan)
			for candidates := range 10 {
				var scale, lo, hi []float32
				r := rng(n)
				for range candidates {
					scale = append(scale, magnitude(d.value(&r, 1))+math.SmallestNonzeroFloat32)
					lo = append(lo, -float32(r.next()%300))
					hi = append(hi, float32(r.next()%300))
				}
				run := func(f func(sums []float64, x, scale, lo, hi []float32)) []float64 {
					sums := make([]float64, candidates+2)
					sums[0] = 0.1
					f(sums[:candidates], x, scale, lo, hi)
					return sums
				}
				got, want := run(squaredErrors), run(squaredErrorsGeneric)
				for i := range want {
					if !same64(got[i], want[i]) {
						t.Fatalf("%s: sum %d of %d is %v, want %v; of %v on %v from %v to %v", d.name, i, candidates, got[i], want[i], x, scale, lo, hi)
					}
				}
			}
		}
	}
	// By hand: levels of 2 from −2 to 2.
	sums := []float64{1}
	SquaredErrors(sums, []float32{0.5, 1, 3, -9, 2.5}, []float32{2}, []float32{-1}, []float32{1})
	if want := 1 + 0.25 + 1 + 1 + 49 + 0.25; sums[0] != want {
		t.Errorf("%v, want %v", sums[0], want)
	}
}
