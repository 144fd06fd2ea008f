package calib

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"fewbits/quant"
)

func random(seed uint64, shape ...int) *quant.Tensor {
	n, _ := quant.Count(shape)
	r := rand.New(rand.NewPCG(seed, 5))
	x := &quant.Tensor{Name: "x", Shape: shape, Data: make([]float32, n)}
	for i := range x.Data {
		x.Data[i] = float32(r.NormFloat64())
	}
	return x
}

// TestDots wants every shape of a and b to give the plain sums, and to touch
// nothing else.
func TestDots(t *testing.T) {
	const guard = -7.5
	for m := range 10 {
		for n := range 6 {
			for _, k := range []int{0, 1, 2, 5, 64} {
				a, b := random(1, m+1, k+3).Data, random(2, n+1, k+2).Data
				c := make([]float32, (m+1)*(n+1))
				for i := range c {
					c[i] = guard
				}
				Dots(c, n+1, a, k+3, b, k+2, m, n, k)
				for i := range m + 1 {
					for j := range n + 1 {
						want := float32(guard)
						if i < m && j < n {
							want = 0
							for p := range k {
								want += float32(a[i*(k+3)+p] * b[j*(k+2)+p])
							}
						}
						if got := c[i*(n+1)+j]; got != want {
							t.Fatalf("%d × %d × %d: [%d][%d] is %v, want %v", m, n, k, i, j, got, want)
						}
					}
				}
			}
		}
	}
}

func TestGram(t *testing.T) {
	for _, n := range []int{1, 3, 64, 65, 150} {
		g, err := NewGram(n)
		if err != nil {
			t.Fatal(err)
		}
		x, y := random(3, 300, n), random(4, 2, 7, n)
		for _, x := range []*quant.Tensor{x, y} {
			if err := g.Add(t.Context(), x); err != nil {
				t.Fatal(err)
			}
		}
		if g.Samples != 3 {
			t.Errorf("%d samples, want one and two batches", g.Samples)
		}
		h := g.Hessian()
		all := slices.Concat(x.Data, y.Data)
		for a := range n {
			for b := range n {
				want := 0.0
				for row := range 314 {
					want += float64(all[row*n+a]) * float64(all[row*n+b])
				}
				if got := g.Data[a*n+b]; math.Abs(got-want) > 1e-9*(1+math.Abs(want)) || h[a*n+b] != 2.0/3*got || got != g.Data[b*n+a] {
					t.Fatalf("%d inputs: [%d][%d] is %v, want %v", n, a, b, got, want)
				}
			}
		}
	}
}

// TestInverseFactor multiplies UᵀU with H again.
func TestInverseFactor(t *testing.T) {
	for _, n := range []int{1, 2, 31, 64, 65, 128, 200} {
		g, _ := NewGram(n)
		if err := g.Add(t.Context(), random(5, 2*n+3, n)); err != nil {
			t.Fatal(err)
		}
		h := g.Hessian()
		for i := range n {
			h[i*n+i] += 0.1
		}
		u, err := InverseFactor(t.Context(), slices.Clone(h), n)
		if err != nil {
			t.Fatal(err)
		}
		at := func(i, j int) float64 { return float64(u[j*n+i]) }
		inverse := make([]float64, n*n)
		for i := range n {
			for j := range n {
				if i > j && at(i, j) != 0 {
					t.Fatalf("%d: U[%d][%d] is %v, below the diagonal", n, i, j, at(i, j))
				}
				for k := range min(i, j) + 1 {
					inverse[i*n+j] += at(k, i) * at(k, j)
				}
			}
		}
		for i := range n {
			for j := range n {
				want, got := 0.0, 0.0
				if i == j {
					want = 1
				}
				for k := range n {
					got += h[i*n+k] * inverse[k*n+j]
				}
				if math.Abs(got-want) > 2e-4 {
					t.Fatalf("%d: H·UᵀU is %v at %d, %d", n, got, i, j)
				}
			}
		}
	}
	var bad *NotPositiveError
	if _, err := InverseFactor(t.Context(), []float64{1, 2, 2, 1}, 2); !errors.As(err, &bad) {
		t.Errorf("1 2 2 1: %v", err)
	}
}

// TestEnergy: by way of X and of XᵀX, whole and in part, it is the same sum.
func TestEnergy(t *testing.T) {
	for _, shape := range [][]int{{5, 40}, {90, 40}, {300, 7}} {
		x, d := random(6, shape...), random(7, 19, shape[1])
		for _, cut := range [][3]int{{0, shape[1], 1}, {2, 5, 1}, {1, 4, 3}} {
			e := NewEnergy(x, cut[0], cut[1], cut[2])
			rows := make([]float64, 19*cut[1])
			for i := range rows {
				rows[i] = float64(d.Data[i])
			}
			got := make([]float64, 19)
			e.Rows(rows, got)
			for r, g := range got {
				want := 0.0
				for tok := 0; tok < shape[0]; tok += cut[2] {
					y := 0.0
					for c := range cut[1] {
						y += rows[r*cut[1]+c] * float64(x.Data[tok*shape[1]+cut[0]+c])
					}
					want += y * y
				}
				if math.Abs(g/want-1) > 1e-9 {
					t.Fatalf("%v %v: row %d has %v, want %v", shape, cut, r, g, want)
				}
			}
		}
	}
}

// TestCompare: the error of nothing changed is 0, that of all gone 1.
func TestCompare(t *testing.T) {
	x, w := random(8, 30, 20), random(9, 33, 20)
	r, err := Compare(t.Context(), x, w.Data, w.Data, make([]float32, 660))
	if err != nil || r.Relative != 0 || r.Rounding != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	zero := &quant.Tensor{Shape: w.Shape, Data: make([]float32, 660)}
	if r, err := Compare(t.Context(), x, zero.Data, zero.Data, nil); err != nil || r != (OutputError{}) {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestStatistics(t *testing.T) {
	x := &quant.Tensor{Shape: []int{3, 2}, Data: []float32{1, -2, -3, 0, 2, 4}}
	if m := AbsMean(x); !slices.Equal(m, []float32{2, 2}) {
		t.Errorf("mean %v", m)
	}
	if m := AbsMax(x); !slices.Equal(m, []float32{3, 4}) {
		t.Errorf("max %v", m)
	}
}

func TestCheck(t *testing.T) {
	nan := random(10, 4, 3)
	nan.Data[7] = float32(math.Inf(1))
	for want, x := range map[string]*quant.Tensor{
		"":                      random(10, 4, 3),
		"no activations":        nil,
		"have 4 inputs":         random(10, 3, 4),
		"tokens × inputs":       random(10, 3),
		"row 2, column 1":       nan,
		"are all 0":             {Shape: []int{1, 3}, Data: make([]float32, 3)},
		"are empty":             {Shape: []int{0, 3}},
		"but 2 are given":       {Shape: []int{1, 3}, Data: make([]float32, 2)},
		"holds more than 2^40 ": {Shape: []int{1 << 40, 3}},
	} {
		err := Check(x, 3)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v", want, err)
		}
	}
	for _, n := range []int{0, -1, maxInputs + 1} {
		if _, err := NewGram(n); err == nil {
			t.Errorf("a Gram of %d inputs", n)
		}
	}
}

// TestEach: all is done once, and nothing more once it is cancelled.
func TestEach(t *testing.T) {
	var seen [1000]int
	if err := Each(t.Context(), len(seen), func(i int) { seen[i]++ }); err != nil || slices.Max(seen[:]) != 1 || slices.Min(seen[:]) != 1 {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Each(ctx, 5, func(int) { t.Error("called") }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func BenchmarkInverseFactor(b *testing.B) {
	for _, n := range []int{512, 1024} {
		g, _ := NewGram(n)
		if err := g.Add(b.Context(), random(11, n, n)); err != nil {
			b.Fatal(err)
		}
		for i := range n {
			g.Data[i*n+i] += 10
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := InverseFactor(b.Context(), slices.Clone(g.Data), n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
