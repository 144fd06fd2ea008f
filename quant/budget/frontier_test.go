package budget

import (
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"
)

// random are items like a model's tensors: sizes in few kinds, losses that
// about quarter with each bit.
func random(r *rand.Rand, items, choices int) [][]Choice {
	sizes := []int64{4096, 8192, 16384, 44032, 65536}
	out := make([][]Choice, items)
	for i := range out {
		values := sizes[r.IntN(len(sizes))]
		factor := math.Exp(3 * r.NormFloat64())
		for range choices {
			bits := 2 + 0.25*float64(r.IntN(28))
			out[i] = append(out[i], Choice{int64(float64(values) * bits / 8), factor * float64(values) * math.Exp2(-2*bits) * (0.7 + 0.6*r.Float64())})
		}
	}
	return out
}

// brute tries every choice.
func brute(items [][]Choice, limit int64) float64 {
	if len(items) == 0 {
		return 0
	}
	best := math.Inf(1)
	for _, c := range items[0] {
		if c.Bytes <= limit {
			best = min(best, c.Loss+brute(items[1:], limit-c.Bytes))
		}
	}
	return best
}

// check holds what is true of every solution.
func check(t *testing.T, items [][]Choice, limit int64, s Solution) {
	t.Helper()
	bytes, loss := int64(0), 0.0
	for i, k := range s.Choice {
		bytes, loss = bytes+items[i][k].Bytes, loss+items[i][k].Loss
	}
	if bytes != s.Bytes || bytes > limit || math.Abs(loss-s.Loss) > 1e-9*loss || s.Bound > s.Loss {
		t.Fatalf("limit %d: %d bytes, loss %v, said %d, %v, bound %v", limit, bytes, loss, s.Bytes, s.Loss, s.Bound)
	}
}

func TestBruteForce(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 300 {
		items := random(r, 1+n%6, 1+n%7)
		f, err := NewFrontier(items)
		if err != nil {
			t.Fatal(err)
		}
		for range 10 {
			limit := f.Least() + r.Int64N(max(1, f.Most()-f.Least()+100))
			s, err := f.Solve(limit)
			if err != nil {
				t.Fatal(err)
			}
			check(t, items, limit, s)
			if want := brute(items, limit); math.Abs(s.Loss-want) > enough*want || s.Exact && math.Abs(s.Loss-want) > 1e-9*want {
				t.Fatalf("%d items, limit %d: loss %v, exact %v; the least is %v", len(items), limit, s.Loss, s.Exact, want)
			}
		}
	}
}

// TestBound holds large instances against the linear relaxation, below which
// nothing is, and the time that a slider has.
func TestBound(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, n := range []int{30, 300, 5000} {
		items := random(r, n, 20)
		f, err := NewFrontier(items)
		if err != nil {
			t.Fatal(err)
		}
		worst, exact := 0.0, 0
		var times []time.Duration
		const limits = 50
		for i := range limits {
			limit := f.Least() + (f.Most()-f.Least())*int64(i+1)/(limits+2) + 7
			start := time.Now()
			s, err := f.Solve(limit)
			if err != nil {
				t.Fatal(err)
			}
			times = append(times, time.Since(start))
			check(t, items, limit, s)
			if s.Exact {
				exact++
			} else {
				worst = max(worst, s.Loss/s.Bound-1)
			}
			if again, _ := f.Solve(limit); !reflect.DeepEqual(again, s) {
				t.Fatalf("%d items, limit %d: another answer the second time", n, limit)
			}
		}
		slices.Sort(times)
		t.Logf("%d items: %d of %d exact, the others at most %.2g above the bound, median time %v", n, exact, limits, worst, times[limits/2])
		if worst > 1e-3 || n > 1000 && worst > 3e-5 {
			t.Errorf("%d items: %.3g above the bound", n, worst)
		}
	}
}

func TestCurve(t *testing.T) {
	items := random(rand.New(rand.NewPCG(5, 6)), 40, 12)
	f, err := NewFrontier(items)
	if err != nil {
		t.Fatal(err)
	}
	curve := f.Curve()
	if curve[0].Bytes != f.Least() || curve[len(curve)-1].Bytes != f.Most() {
		t.Fatalf("curve from %v to %v", curve[0], curve[len(curve)-1])
	}
	for i, p := range curve {
		if i > 0 && (p.Bytes <= curve[i-1].Bytes || p.Loss >= curve[i-1].Loss) {
			t.Errorf("point %d: %v after %v", i, p, curve[i-1])
		}
		s, err := f.Solve(p.Bytes)
		if err != nil || math.Abs(s.Loss-p.Loss) > 1e-9*curve[0].Loss {
			t.Errorf("point %d: %v, solved %v, %v", i, p, s.Loss, err)
		}
	}
}

func TestFaults(t *testing.T) {
	for _, items := range [][][]Choice{{{}}, {{{-1, 0}}}, {{{1, math.NaN()}}}, {{{1, -1}}}, {{{1, math.Inf(1)}}}, {{{1 << 60, 1}}}} {
		if _, err := NewFrontier(items); err == nil {
			t.Errorf("%v is taken", items)
		}
	}
	f, err := NewFrontier([][]Choice{{{10, 1}, {20, 0}}, {{5, math.Inf(1)}, {7, 3}}})
	if err != nil {
		t.Fatal(err)
	}
	var small *TooSmallError
	if _, err := f.Solve(16); !errors.As(err, &small) || small.Least != 17 {
		t.Errorf("%v", err)
	}
	if s, err := f.Solve(17); err != nil || s.Loss != 4 {
		t.Errorf("%v, %v", s, err)
	}
	empty, err := NewFrontier(nil)
	if err != nil {
		t.Fatal(err)
	}
	if s, err := empty.Solve(0); err != nil || s.Bytes != 0 || !s.Exact {
		t.Errorf("%v, %v", s, err)
	}
}
