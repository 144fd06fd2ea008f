package kernels

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
)

// searches are those that the formats make.
var minSearches = []MinSearch{
	{Top: 15, From: -1, By: 0.1, Last: 20, Weights: WeightsTypical},
	{Top: 31, From: -0.5, By: 0.1, Last: 15, Weights: WeightsTypical},
	{Top: 3, From: -0.5, By: 0.1, Last: 15, Absolute: true, Weights: WeightsMagnitude},
	{Top: 15, From: -0.9, By: 0.05, Last: 36, Weights: WeightsGiven},
	{Top: 3, From: -0.9, By: 0.05, Last: 36, Weights: WeightsGiven},
	{Top: 31, From: -0.9, By: 0.05, Last: 36, Weights: WeightsSquare},
}

// weightsLike are weights no less than 0, of the magnitudes of a dataset.
func weightsLike(d dataset, n int, seed uint64) []float32 {
	w := d.make(n, seed)
	for i := range w {
		w[i] = magnitude(w[i])
	}
	return w
}

// kqTwins run a kernel of the K-quants, or its twin, on groups of n values. What
// they return is compared.
var kqTwins = []struct {
	name            string
	active, generic func(x, w []float32, n int) any
}{
	{"SearchMin",
		func(x, w []float32, n int) any { return minSearchResults(x, w, n, searchMin) },
		func(x, w []float32, n int) any { return minSearchResults(x, w, n, searchMinGeneric) }},
	{"SearchScale",
		func(x, w []float32, n int) any { return scaleSearchResults(x, w, n, searchScale) },
		func(x, w []float32, n int) any { return scaleSearchResults(x, w, n, searchScaleGeneric) }},
	{"SearchSteps",
		func(x, _ []float32, _ int) any { return stepSearchResults(x, searchSteps) },
		func(x, _ []float32, _ int) any { return stepSearchResults(x, searchStepsGeneric) }},
	{"SettleScales",
		func(x, _ []float32, _ int) any { return settleResults(x, settleScales) },
		func(x, _ []float32, _ int) any { return settleResults(x, settleScalesGeneric) }},
	{"QuantizeQ4_1",
		func(x, _ []float32, _ int) any { return blockResults(x, layoutQ4_1.size, quantizeQ4_1) },
		func(x, _ []float32, _ int) any { return blockResults(x, layoutQ4_1.size, quantizeQ4_1Generic) }},
	{"DequantizeQ4_1",
		func(x, w []float32, _ int) any { return valueResults(x, w, layoutQ4_1.size, dequantizeQ4_1) },
		func(x, w []float32, _ int) any { return valueResults(x, w, layoutQ4_1.size, dequantizeQ4_1Generic) }},
	{"QuantizeQ5_0",
		func(x, _ []float32, _ int) any { return blockResults(x, layoutQ5_0.size, quantizeQ5_0) },
		func(x, _ []float32, _ int) any { return blockResults(x, layoutQ5_0.size, quantizeQ5_0Generic) }},
	{"DequantizeQ5_0",
		func(x, w []float32, _ int) any { return valueResults(x, w, layoutQ5_0.size, dequantizeQ5_0) },
		func(x, w []float32, _ int) any { return valueResults(x, w, layoutQ5_0.size, dequantizeQ5_0Generic) }},
	{"QuantizeQ5_1",
		func(x, _ []float32, _ int) any { return blockResults(x, layoutQ5_1.size, quantizeQ5_1) },
		func(x, _ []float32, _ int) any { return blockResults(x, layoutQ5_1.size, quantizeQ5_1Generic) }},
	{"DequantizeQ5_1",
		func(x, w []float32, _ int) any { return valueResults(x, w, layoutQ5_1.size, dequantizeQ5_1) },
		func(x, w []float32, _ int) any { return valueResults(x, w, layoutQ5_1.size, dequantizeQ5_1Generic) }},
	{"DequantizeQ2_K",
		func(x, w []float32, _ int) any { return superResults(x, w, q2KBytes, dequantizeQ2_K) },
		func(x, w []float32, _ int) any { return superResults(x, w, q2KBytes, dequantizeQ2_KGeneric) }},
	{"DequantizeQ3_K",
		func(x, w []float32, _ int) any { return superResults(x, w, q3KBytes, dequantizeQ3_K) },
		func(x, w []float32, _ int) any { return superResults(x, w, q3KBytes, dequantizeQ3_KGeneric) }},
	{"DequantizeQ4_K",
		func(x, w []float32, _ int) any { return superResults(x, w, q4KBytes, dequantizeQ4_K) },
		func(x, w []float32, _ int) any { return superResults(x, w, q4KBytes, dequantizeQ4_KGeneric) }},
	{"DequantizeQ5_K",
		func(x, w []float32, _ int) any { return superResults(x, w, q5KBytes, dequantizeQ5_K) },
		func(x, w []float32, _ int) any { return superResults(x, w, q5KBytes, dequantizeQ5_KGeneric) }},
	{"DequantizeQ6_K",
		func(x, w []float32, _ int) any { return superResults(x, w, q6KBytes, dequantizeQ6_K) },
		func(x, w []float32, _ int) any { return superResults(x, w, q6KBytes, dequantizeQ6_KGeneric) }},
	{"Weigh",
		func(x, w []float32, n int) any { d := make([]float32, len(x)); weigh(d, x, w, w[0]); return d },
		func(x, w []float32, n int) any { d := make([]float32, len(x)); weighGeneric(d, x, w, w[0]); return d }},
	{"RoundGroups",
		func(x, w []float32, n int) any { return roundResults(x, w, n, roundGroups) },
		func(x, w []float32, n int) any { return roundResults(x, w, n, roundGroupsGeneric) }},
	{"PackQ3_K",
		func(x, w []float32, _ int) any { return packBlockResults(x, w, q3KBytes, packQ3_K) },
		func(x, w []float32, _ int) any { return packBlockResults(x, w, q3KBytes, packQ3_KGeneric) }},
	{"PackQ6_K",
		func(x, w []float32, _ int) any { return packBlockResults(x, w, q6KBytes, packQ6_K) },
		func(x, w []float32, _ int) any { return packBlockResults(x, w, q6KBytes, packQ6_KGeneric) }},
	{"PackBits",
		func(x, _ []float32, n int) any { return packResults(x, n, packBits) },
		func(x, _ []float32, n int) any { return packResults(x, n, packBitsGeneric) }},
	{"UnpackBits",
		func(x, _ []float32, n int) any { return unpackResults(x, n, unpackBits) },
		func(x, _ []float32, n int) any { return unpackResults(x, n, unpackBitsGeneric) }},
}

// groupsResult is what a search gives: floats compare by their bits.
func groupsResult(q []byte, f ...[]float32) string { return fmt.Sprintf("%v %x", q, floatsBytes(f)) }

func floatsBytes(f [][]float32) (b []byte) {
	for _, x := range f {
		b = append(b, floatBytes(x)...)
	}
	return b
}

func minSearchResults(x, w []float32, n int, search func(q []uint8, scale, minimum, x, w []float32, n int, c *MinSearch)) (all []string) {
	groups := len(x) / n
	for i := range minSearches {
		q, s, m := make([]byte, len(x)+8), make([]float32, groups), make([]float32, groups)
		search(q[:groups*n], s, m, x[:groups*n], w[:groups*n], n, &minSearches[i])
		all = append(all, groupsResult(q, s, m))
	}
	return all
}

func scaleSearchResults(x, w []float32, n int, search func(q []uint8, scale, x, w []float32, n int, half int32, k Weights)) (all []string) {
	groups := len(x) / n
	for _, half := range []int32{4, 8, 16, 32} {
		for _, k := range []Weights{WeightsGiven, WeightsSquare, WeightsTypical} {
			q, s := make([]byte, len(x)+8), make([]float32, groups)
			search(q[:groups*n], s, x[:groups*n], w[:groups*n], n, half, k)
			all = append(all, groupsResult(q, s))
			search(nil, s, x[:groups*n], w[:groups*n], n, half, k)
			all = append(all, groupsResult(nil, s))
		}
	}
	return all
}

func stepSearchResults(x []float32, search func(q []uint8, scale, x []float32)) any {
	groups := len(x) / stepsLen
	q, s := make([]byte, len(x)+8), make([]float32, groups)
	search(q[:groups*stepsLen], s, x[:groups*stepsLen])
	all := groupsResult(q, s)
	search(nil, s, x[:groups*stepsLen])
	return all + groupsResult(nil, s)
}

// packBlockResults are two blocks of x, over and over, some steps of which are 0.
func packBlockResults(x, w []float32, size int, pack func(dst []byte, x, s []float32)) any {
	v, s := make([]float32, 2*superLen), make([]float32, 2*superGroups)
	for i := range v {
		v[i] = x[i%len(x)]
	}
	for i := range s {
		if i%5 != 3 {
			s[i] = w[i%len(w)] * float32(1-i%3) / 8
		}
	}
	b := make([]byte, 2*size+16)
	pack(b[:2*size], v, s)
	return groupsResult(b)
}

// blockResults are the packed blocks of x, from each place of it on.
func blockResults(x []float32, size int, quantize func(dst []byte, x []float32)) (all []string) {
	for at := 0; at+blockLen <= len(x); at += 16 {
		n := (len(x) - at) / blockLen
		b := make([]byte, n*size+16)
		quantize(b[:n*size], x[at:at+n*blockLen])
		all = append(all, groupsResult(b))
	}
	return all
}

func valueResults(x, w []float32, size int, dequantize func(dst []float32, src []byte)) any {
	src := append(floatBytes(x), floatBytes(w)...)
	n := len(src) / size
	dst := make([]float32, n*blockLen+4)
	dequantize(dst[:n*blockLen], src[:n*size])
	return groupsResult(nil, dst)
}

// superResults are the values of blocks made of the bytes of x and w, at places
// that have all sorts of scales first.
func superResults(x, w []float32, size int, dequantize func(dst []float32, src []byte)) (all []string) {
	b := append(append(floatBytes(x), floatBytes(w)...), make([]byte, size+8)...)
	for at := 0; at < min(len(b)-size, 64); at += 2 {
		n := (len(b) - at) / size
		dst := make([]float32, n*superLen+4)
		dequantize(dst[:n*superLen], b[at:at+n*size])
		all = append(all, groupsResult(nil, dst))
	}
	return all
}

func settleResults(x []float32, settle func(of []Settled, codes []uint8, steps, scales []float32, least int32)) (all []string) {
	x = append([]float32{inf, nan, -inf, 1, 0, 0, 0, 0, 1e-45, -1e-45, 0, 0, 0, 2, -2, 1, nan, 3}, x...)
	x = append(x, make([]float32, 2*superGroups)...)
	for _, least := range []int32{-128, -32, -1} {
		for at := 0; at+2*superGroups <= len(x); at += 4 {
			of, codes, steps := make([]Settled, 2), make([]uint8, 2*superGroups+4), make([]float32, 2*superGroups+4)
			settle(of, codes[:2*superGroups], steps[:2*superGroups], x[at:at+2*superGroups], least)
			all = append(all, fmt.Sprint(of), groupsResult(codes, steps))
		}
	}
	return all
}

// The scales and minimums of roundResults are weights, the codes of the others bytes of
// the values. What is written has a margin.

func roundResults(x, w []float32, n int, round func(q []uint8, x, s, m []float32, n int, least, most int32)) (all []string) {
	groups := len(x) / n
	for _, r := range [][2]int32{{0, 15}, {0, 3}, {-32, 31}, {-4, 3}, {-128, 127}} {
		for _, m := range [][]float32{make([]float32, groups), w[len(w)-groups:]} {
			q := make([]uint8, len(x)+8)
			round(q[:groups*n], x[:groups*n], w[:groups], m, n, r[0], r[1])
			all = append(all, groupsResult(q))
		}
	}
	return all
}

// layouts are bits, run and shift.
var layouts = [][3]int{{4, 32, 0}, {2, 32, 0}, {1, 32, 4}, {4, 16, 0}, {4, 64, 0}, {2, 32, 4}, {1, 32, 2}, {4, 5, 4}, {2, 1, 6}, {1, 8, 7}}

func packResults(x []float32, n int, pack func(dst []byte, q []uint8, bits, run, shift int)) (all []string) {
	q := floatBytes(x)
	for _, l := range layouts {
		chunks := len(q) * l[0] / l[1] / 8
		dst := make([]byte, len(q))
		pack(dst[:chunks*l[1]], q[:chunks*l[1]*8/l[0]], l[0], l[1], l[2])
		all = append(all, groupsResult(dst))
	}
	return all
}

func unpackResults(x []float32, n int, unpack func(q []int8, src []byte, bits, run, shift int)) (all []string) {
	src := floatBytes(x)
	for _, l := range layouts {
		chunks := len(src) / l[1]
		q := make([]int8, len(src)*8+16)
		for i := range q {
			q[i] = int8(i)
		}
		unpack(q[:chunks*l[1]*8/l[0]], src[:chunks*l[1]], l[0], l[1], l[2])
		all = append(all, fmt.Sprint(q))
	}
	return all
}

func TestPackBits(t *testing.T) {
	q := make([]uint8, 256)
	for i := range q {
		q[i] = uint8(i*7 + i/3)
	}
	for _, l := range layouts {
		bits, run, shift := l[0], l[1], l[2]
		n := 256 / (run * 8 / bits) * run * 8 / bits
		packed, back := make([]byte, 256), make([]int8, 256)
		PackBits(packed, q[:n], bits, run, shift)
		UnpackBits(back[:n], packed, bits, run, shift)
		for i := range n {
			chunk, in := i/(run*8/bits), i%(run*8/bits)
			want := q[i] >> shift & (1<<bits - 1)
			if got := packed[chunk*run+in%run] >> (in / run * bits) & (1<<bits - 1); got != want {
				t.Errorf("%v: code %d is packed as %d, want %d", l, i, got, want)
			}
			if uint8(back[i]) != want<<shift {
				t.Errorf("%v: code %d comes back as %d, want %d", l, i, uint8(back[i]), want<<shift)
			}
		}
	}
}

func TestGroupTwins(t *testing.T) {
	seeds := uint64(2)
	if testing.Short() {
		seeds = 1
	}
	for _, d := range datasets {
		if !d.finite || Active() == "portable" && d.name != "normal" {
			continue // where a kernel is its own twin there is little to see
		}
		t.Run(d.name, func(t *testing.T) {
			for _, n := range []int{4, 7, 16, 32} {
				for _, groups := range []int{1, 4, 11} {
					for seed := range seeds {
						x := placed(d.make(n*groups, 100*seed+uint64(n)), int(seed), nan)
						for _, weights := range datasets[:11:11] {
							if (n != 16 || groups != 4) && weights.name != d.name {
								continue
							}
							w := placed(weightsLike(weights, n*groups, 5+seed), int(seed), nan)
							checkGroupTwins(t, x, w, n)
						}
						if t.Failed() {
							return
						}
					}
				}
			}
		})
	}
}

func checkGroupTwins(t *testing.T, x, w []float32, n int) {
	t.Helper()
	for _, k := range kqTwins {
		if got, want := k.active(x, w, n), k.generic(x, w, n); !same(got, want) {
			t.Errorf("%s, groups of %d: %s gives\n%v, portable\n%v\nof %v\nweights %v", k.name, n, Active(), got, want, x, w)
			return
		}
	}
}

// What does not fit is left out, and nothing is written past an end.
func TestGroupsShort(t *testing.T) {
	x := datasets[0].make(100, 1)
	for n := range 100 {
		q, f, c := make([]byte, n), make([]float32, n), make([]int8, n)
		for _, size := range []int{-1, 0, 1, 4, 16, 32, 33} {
			SearchMin(q, f, f, x, nil, size, &minSearches[0])
			SearchMin(q, f, f, x[:n], x[n:], size, &minSearches[3])
			SearchScale(q, f, x, x[:n], size, 8, WeightsGiven)
			SearchScale(q, f, x[:n], nil, size, 8, WeightsSquare)
			RoundGroups(q, x, f, f, size, 0, 15)
			PackBits(q, floatBytes(x), 4, size, 0)
			PackBits(floatBytes(x), q, 1, size, 7)
			UnpackBits(c, floatBytes(x), 2, size, 6)
			UnpackBits(signed(floatBytes(x)), q, 4, size, 5)
		}
		for _, dequantize := range []func([]float32, []byte){
			DequantizeQ2_K, DequantizeQ3_K, DequantizeQ4_K, DequantizeQ5_K, DequantizeQ6_K,
		} {
			dequantize(f, make([]byte, 800))
			dequantize(make([]float32, 600), q)
		}
		SearchSteps(q, f, x)
		SearchSteps(nil, f, x)
		SearchScale(nil, f, x, nil, 16, 8, WeightsSquare)
		PackQ3_K(make([]byte, 300), make([]float32, 600), f)
		PackQ6_K(make([]byte, 500), make([]float32, 600), f)
		PackQ3_K(q, make([]float32, 600), x)
		PackQ6_K(q, make([]float32, 600), x)
		SearchSteps(floatBytes(x), f, x[:n])
		SettleScales(make([]Settled, 3), q, x, f, -32)
		SettleScales(make([]Settled, 3), q, f, x, -1000)
		SettleScales(make([]Settled, n/32), make([]uint8, 99), x, x, 0)
		Weigh(f, x, x, 1)
		QuantizeQ4_1(q, x)
		QuantizeQ5_0(q, x)
		QuantizeQ5_1(q, x[:n])
		DequantizeQ4_1(f, floatBytes(x))
		DequantizeQ5_0(f, q)
		DequantizeQ5_1(x[:n], floatBytes(f))
	}
}

// The package compiled for arm64, whose compiler fuses products and sums where
// the language lets it, holds no such instruction.
func TestGroupsNotFused(t *testing.T) {
	if testing.Short() || runtime.GOOS == "js" {
		t.Skip("compiles the package for arm64")
	}
	cmd := exec.Command("go", "build", "-gcflags=-S", ".")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
	listing, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%.2000s", err, listing)
	}
	products := 0
	for line := range strings.Lines(string(listing)) {
		if strings.Contains(line, "\tFMULS\t") {
			products++
		}
		for _, op := range []string{"FMADDS", "FMSUBS", "FNMADDS", "FNMSUBS"} {
			if strings.Contains(line, "\t"+op+"\t") {
				t.Errorf("fused: %s", line)
			}
		}
	}
	if products == 0 {
		t.Fatal("the listing shows no multiplications")
	}
}
