package kernels

import (
	"math"
	"math/big"
	"slices"
	"testing"
)

var (
	inf  = float32(math.Inf(1))
	nan  = float32(math.NaN())
	negZ = float32(math.Copysign(0, -1))
)

func TestMinMax(t *testing.T) {
	long := make([]float32, 100)
	long[3], long[97] = -2, 5
	for _, c := range []struct {
		name        string
		x           []float32
		lo, hi, abs float32
	}{
		{"nil", nil, 0, 0, 0},
		{"one", []float32{-3}, -3, -3, 3},
		{"long", long, -2, 5, 5},
		{"zeros", []float32{negZ, negZ}, 0, 0, 0},
		{"infinite", []float32{1, -inf}, -inf, 1, inf},
		{"NaN is skipped", []float32{nan, 4, nan, 2}, 2, 4, 4},
		{"only NaN", []float32{nan, nan}, 0, 0, 0},
		{"many NaN", append(slices.Repeat([]float32{nan}, 40), 4, 2), 2, 4, 4},
	} {
		t.Run(c.name, func(t *testing.T) {
			lo, hi := MinMax(c.x)
			if lo != c.lo || hi != c.hi || AbsMax(c.x) != c.abs {
				t.Errorf("%v … %v, |%v|; want %v … %v, |%v|", lo, hi, AbsMax(c.x), c.lo, c.hi, c.abs)
			}
			if math.Signbit(float64(lo)) != (c.lo < 0) || math.Signbit(float64(hi)) != (c.hi < 0) {
				t.Errorf("a bound is −0: %v, %v", lo, hi)
			}
		})
	}
	x := datasets[0].make(1000, 1)
	for n := 1; n <= len(x); n++ {
		if lo, hi := MinMax(x[:n]); lo != slices.Min(x[:n]) || hi != slices.Max(x[:n]) {
			t.Fatalf("of %d: %v, %v", n, lo, hi)
		}
	}
}

func TestCheckFinite(t *testing.T) {
	x := datasets[0].make(131, 1)
	x[5], x[6], x[7] = math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32
	if i := CheckFinite(x); i != -1 {
		t.Fatalf("finite values: %d", i)
	}
	for i := range x {
		for _, bad := range []float32{inf, -inf, nan, math.Float32frombits(0xff800001)} {
			y := slices.Clone(x)
			y[i] = bad
			y[len(y)-1] = bad
			if got := CheckFinite(y); got != i {
				t.Errorf("%v at %d: found %d", bad, i, got)
			}
			if got := CheckFinite(y[:i]); got != -1 {
				t.Errorf("%v after %d values: found %d", bad, i, got)
			}
		}
	}
}

// inLanes is Σ f(i) in the order of the package comment.
func inLanes(n int, f func(i int) float64) float64 {
	var l [4]float64
	for j := range l {
		for i := j; i < n; i += 4 {
			l[j] += f(i)
		}
	}
	return (l[0] + l[2]) + (l[1] + l[3])
}

func TestSums(t *testing.T) {
	for _, n := range []int{0, 1, 2, 3, 4, 5, 63, 64, 65, 1000} {
		x, y := datasets[0].make(n, 1), datasets[0].make(n, 2)
		at := func(s []float32, i int) float64 { return float64(s[i]) }
		want := Sums{
			ErrSq: inLanes(n, func(i int) float64 { d := at(y, i) - at(x, i); return d * d }),
			XSq:   inLanes(n, func(i int) float64 { return at(x, i) * at(x, i) }),
			YSq:   inLanes(n, func(i int) float64 { return at(y, i) * at(y, i) }),
			XY:    inLanes(n, func(i int) float64 { return at(x, i) * at(y, i) }),
		}
		exact := new(big.Float).SetPrec(200)
		for i := range x {
			want.MaxAbs = max(want.MaxAbs, float32(math.Abs(float64(y[i]-x[i]))))
			d := new(big.Float).SetPrec(200).SetFloat64(at(y, i) - at(x, i))
			exact.Add(exact, d.Mul(d, d))
		}
		if got := Compare(x, y); got != want {
			t.Errorf("Compare of %d: %v, want %v", n, got, want)
		}
		if e, _ := exact.Float64(); math.Abs(want.ErrSq-e) > 1e-15*float64(n)*e {
			t.Errorf("%v is far from the exact %v", want.ErrSq, e)
		}
	}
}

func TestQuantizeAffine(t *testing.T) {
	for _, c := range []struct {
		name             string
		scale            float32
		zero, qmin, qmax int32
		x                []float32
		want             []int8
	}{
		{"ties to even", 1, 0, -128, 127,
			[]float32{0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999997, 126.5},
			[]int8{0, 2, 2, 0, -2, -2, 0, 126}},
		{"zero point", 2, 3, -8, 7,
			[]float32{0, 1, 3, 100, -100, -21, -22},
			[]int8{3, 3, 5, 7, -8, -7, -8}},
		{"huge quotients", 1e-38, -10, -128, 127,
			[]float32{1, -1, math.MaxFloat32, -math.MaxFloat32, inf, -inf, 0, negZ},
			[]int8{127, -128, 127, -128, 127, -128, -10, -10}},
		{"scale 0", 0, 5, -8, 7,
			[]float32{0, 1, -1, nan},
			[]int8{5, 7, -8, 5}},
		{"a true division", 3, 0, -8, 7, // 4.5 · (1/3) would round to 1.5000001 and so on
			[]float32{4.5, 1.5, 7.5, -4.5},
			[]int8{2, 0, 2, -2}},
		{"zero out of range", 1, 200, -8, 7,
			[]float32{-200, -192, -193.5, 0},
			[]int8{0, 7, 6, 7}},
		{"far zero", 1, 1 << 23, -8, 7,
			[]float32{0, -1 << 23},
			[]int8{7, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			// Also as part of a longer slice, where whole vectors are used.
			for _, n := range []int{1, 20} {
				x := slices.Repeat(c.x, n)
				got := make([]int8, len(x))
				QuantizeAffine(got, x, c.scale, c.zero, c.qmin, c.qmax)
				for i, q := range got {
					if want := c.want[i%len(c.want)]; q != want {
						t.Fatalf("%v becomes %d, want %d", x[i], q, want)
					}
				}
			}
		})
	}
}

func TestDequantizeAffine(t *testing.T) {
	q := make([]int8, 256)
	for i := range q {
		q[i] = int8(i)
	}
	x := make([]float32, 256)
	DequantizeAffine(x, q, 0.1, -3)
	for i, v := range x {
		if want := float32(int(q[i])+3) * 0.1; v != want {
			t.Errorf("%d becomes %v, want %v", q[i], v, want)
		}
	}
}

func TestRoundAway(t *testing.T) {
	for k := -1 << 12; k <= 1<<12; k++ {
		u := math.Float32bits(float32(k) + 0.5)
		for d := uint32(0); d < 7; d++ {
			v := math.Float32frombits(u + d - 3)
			if got, want := roundAway(v), int32(math.Round(float64(v))); got != want {
				t.Fatalf("%v becomes %d, want %d", v, got, want)
			}
		}
	}
}

func TestBlocksOfZeros(t *testing.T) {
	x := []float32{31: negZ}
	b := make([]byte, 34)
	QuantizeQ4_0(b[:18], x)
	if b[0] != 0 || b[1] != 0x80 || b[2] != 0x88 || b[17] != 0x88 {
		t.Errorf("Q4_0: % x", b[:18])
	}
	QuantizeQ8_0(b, x)
	if !slices.Equal(b, make([]byte, 34)) {
		t.Errorf("Q8_0: % x", b)
	}
}

func TestHistogram(t *testing.T) {
	counts := make([]uint32, 4)
	for range 2 { // counts are added to
		Histogram(counts, []float32{0, 0.24, 0.25, 0.5, 0.99, 1, 2, -1, nan, inf, -inf}, 0, 1)
	}
	if want := []uint32{10, 2, 2, 8}; !slices.Equal(counts, want) {
		t.Errorf("%v, want %v", counts, want)
	}
	one := make([]uint32, 3)
	Histogram(one, []float32{7, 7, 7, 7, 8, 6}, 7, 7)
	if want := []uint32{5, 0, 1}; !slices.Equal(one, want) {
		t.Errorf("no width: %v, want %v", one, want)
	}
}

// TestInBin finds in every bin what the histogram counts there, and all of it.
func TestInBin(t *testing.T) {
	for _, d := range datasets {
		x := d.make(1001, 5)
		counts := make([]uint32, 37)
		lo, hi := MinMax(x)
		Histogram(counts, x, lo, hi)
		dst := make([]float32, len(x))
		for bin, want := range counts {
			if n := InBin(dst, x, lo, hi, len(counts), bin); n != int(want) {
				t.Errorf("%s: %d values in bin %d, want %d", d.name, n, bin, want)
			}
		}
	}
}

// TestCodes reads the stream bit by bit.
func TestCodes(t *testing.T) {
	for bits := 2; bits < 8; bits++ {
		for n := range 70 {
			q := make([]int8, n)
			for i := range q {
				q[i] = int8(i*37) >> (8 - bits)
			}
			packed := make([]byte, (n*bits+7)/8)
			PackCodes(packed, q, bits)
			for i := range 8 * len(packed) {
				want := uint8(0)
				if i/bits < n {
					want = uint8(q[i/bits]) >> (i % bits) & 1
				}
				if got := packed[i/8] >> (i % 8) & 1; got != want {
					t.Fatalf("%d codes of %d bits: bit %d is %d, want %d", n, bits, i, got, want)
				}
			}
			back := make([]int8, n)
			UnpackCodes(back, packed, bits)
			if !slices.Equal(back, q) {
				t.Fatalf("%d bits: %v comes back as %v", bits, q, back)
			}
		}
	}
}

// TestCodesTwins packs and unpacks any bytes.
func TestCodesTwins(t *testing.T) {
	for bits := 2; bits < 8; bits++ {
		for n := range 150 {
			in := makeInput(datasets[0], n, uint64(n))
			type pack = func(dst []byte, q []int8, bits int)
			type unpack = func(dst []int8, src []byte, bits int)
			packed := func(f pack) any {
				return written(in, (2*n*bits+7)/8, func(d []byte) { f(d, signed(in.raw), bits) })
			}
			unpacked := func(f unpack) any {
				m := 2 * n * 8 / bits
				return written(in, m, func(d []int8) { f(d, in.raw[:(m*bits+7)/8], bits) })
			}
			if got, want := packed(packCodes), packed(packCodesGeneric); !same(got, want) {
				t.Fatalf("%d bits: % x, want % x, of %v", bits, got, want, in.raw)
			}
			if got, want := unpacked(unpackCodes), unpacked(unpackCodesGeneric); !same(got, want) {
				t.Fatalf("%d bits: %v, want %v, of % x", bits, got, want, in.raw)
			}
		}
	}
}

func TestCodebook(t *testing.T) {
	levels := [16]float32{-8, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 8, 9}
	var c Codebook
	for i := range c.Codes {
		c.Codes[i] = uint8(15 - i)
	}
	for i := range c.Bounds {
		c.Bounds[i] = (levels[i] + levels[i+1]) / 2
	}
	x := [32]float32{-100, -16, -14, -13.9, -0.1, 0, 1, 1.1, 17, 17.1, 18, 1e9, nan, inf, -inf, 3, 5, 7}
	want := []byte{0xff, 0xfe, 0x88, 0x87, 0x10, 0x00, 0xf0, 0xf7, 0x65, 0x88}
	codes := make([]byte, 16)
	PackLevels(codes, x[:], []float32{0.5}, 32, &c)
	if !slices.Equal(codes[:10], want) {
		t.Errorf("codes % x, want % x", codes, want)
	}
	values, packed := make([]float32, 512), make([]byte, 256)
	for i := range packed {
		packed[i] = uint8(i)
	}
	UnpackLevels(values, packed, []float32{2, 2, 2, 2}, 128, &levels)
	for i, v := range values {
		if want := levels[i/2>>(4*(1-i%2))&15] * 2; v != want {
			t.Errorf("value %d is %v, want %v", i, v, want)
		}
	}
}
