package kernels

import (
	"bytes"
	"fmt"
	"slices"
	"testing"
)

// randomGrid is a grid of n packed points.
func randomGrid(n, dims, rings int, seed uint64) *Grid {
	r := rng(seed)
	taken := map[uint16]bool{}
	for len(taken) < n {
		var p uint16
		for i := range dims {
			if dims == 8 {
				p |= uint16(r.next()%3) << (2 * i)
			} else {
				p |= uint16(r.next()%8) << (3 * i)
			}
		}
		taken[p] = true
	}
	var points []uint16
	for p := range taken {
		points = append(points, p)
	}
	slices.Sort(points)
	return NewGrid(points, dims, rings)
}

// testGrids are like those of the formats, and odd ones: of one point, with lists
// that are too long for the assembly, and of a number that is no multiple of 16.
func testGrids() []*Grid {
	return []*Grid{
		randomGrid(256, 8, 2, 1), randomGrid(2048, 8, 3, 2), randomGrid(256, 4, 2, 3), randomGrid(512, 4, 3, 4),
		randomGrid(1, 8, 1, 5), randomGrid(1, 4, 3, 6), randomGrid(1600, 8, 9, 7), randomGrid(100, 8, 1, 8), randomGrid(40, 4, 30, 9),
	}
}

// The neighbours of each packed point are what a sort of the whole grid gives.
func TestGridNeighbours(t *testing.T) {
	for _, g := range testGrids() {
		t.Run(fmt.Sprint(len(g.points), " of ", g.dims), func(t *testing.T) {
			list, want := make([]uint16, len(g.points)+16), make([]uint16, len(g.points)+16)
			find, generic := neighbours(g), neighboursGeneric(g)
			const step = 101
			for p := uint16(0); int(p) < len(g.place)-step; p += step {
				if place := g.Place(p); place >= 0 {
					if g.points[place] != p {
						t.Fatalf("%x is at %d", p, place)
					}
					continue
				}
				if g.dims == 8 && p&(p>>1)&0x5555 != 0 {
					continue
				}
				sorted := g.sorted(p)
				if got := g.Neighbours(p); !slices.Equal(got, sorted) {
					t.Fatalf("neighbours of %x are %x, want %x", p, got, sorted)
				}
				n, m := find(list, p), generic(want, p)
				if !slices.Equal(list[:n], want[:m]) || !slices.Equal(list[:n], sorted) {
					t.Fatalf("neighbours of %x: %s gives %x, portable %x, a sort %x", p, Active(), list[:n], want[:m], sorted)
				}
			}
		})
	}
}

// sorted are the neighbours of p by a stable sort.
func (g *Grid) sorted(p uint16) []uint16 {
	far := func(q uint16) (sum int) {
		for i := range g.dims {
			shift, mask := i*g.width(), 1<<g.width()-1
			d := int(p)>>shift&mask - int(q)>>shift&mask
			sum += d * d
		}
		return sum
	}
	list := slices.Clone(g.points)
	slices.SortStableFunc(list, func(a, b uint16) int { return far(a) - far(b) })
	rings, n := 0, 0
	for i, q := range list {
		if i == 0 || far(q) != far(list[i-1]) {
			rings++
		}
		if rings <= g.rings {
			n = i + 1
		}
	}
	return list[:n]
}

// trialsOf are the trials of a super-block of x and w, some of them done.
func trialsOf(x, w []float32, group, tries int, seed uint64) *GridTrials {
	r := rng(seed)
	t := &GridTrials{Group: group, Tries: tries}
	copy(t.X[:], x)
	copy(t.W[:], w)
	for i, w := range t.W {
		t.Root[i] = squareRoot(w)
		if r.next()%16 != 0 {
			t.X[i] = magnitude(t.X[i]) // mostly: of an odd number of signs one stays
		}
	}
	t.Levels = [2][3]float32{{1, 3, 5}, {-1.125, -0.125, 0.875}}
	var levels [maxTries]float32
	var high [maxGroups]float32
	for i := range tries {
		if levels[i] = 12 + float32(6*i)/float32(max(tries-1, 1)); seed%3 == 0 {
			levels[i] = 12
		}
	}
	for j := range superValue / group {
		high[j] = absMaxGeneric(t.X[j*group : (j+1)*group])
		if r.next()%4 == 0 {
			high[j] *= float32(r.next()%64) / 8
		}
	}
	t.Scale = high
	tryScalesGeneric(t, &high, &levels)
	for i := range t.Done {
		t.Done[i], t.Shift[i] = r.next()%8 == 0, uint8(r.next()%2)
	}
	for i := range t.Points {
		for k := range t.Points[i] {
			t.Points[i][k] = uint16(r.next()) & 0xaaa
		}
	}
	return t
}

// differs says what of what is promised a and b differ in, or "".
func (t *GridTrials) differs(u *GridTrials, g *Grid) string {
	for r := range superValue / g.dims {
		if !slices.Equal(t.Rounded[r][:t.Tries], u.Rounded[r][:t.Tries]) {
			return fmt.Sprintf("run %d rounded: %x, %x", r, t.Rounded[r], u.Rounded[r])
		}
		j := r * g.dims / t.Group
		if t.Failed[j] != u.Failed[j] {
			return fmt.Sprintf("group %d failed: %v, %v", j, t.Failed[j], u.Failed[j])
		}
		if !t.Failed[j] && !slices.Equal(t.Points[r][:t.Tries], u.Points[r][:t.Tries]) {
			return fmt.Sprintf("run %d, rounded %x: points %x, %x; steps %v of %v, roots %v", r, t.Rounded[r], t.Points[r], u.Points[r],
				t.Step[j], t.X[r*g.dims:(r+1)*g.dims], t.Root[r*g.dims:(r+1)*g.dims])
		}
	}
	for j := range superValue / t.Group {
		sums := func(t *GridTrials) []byte { return floatBytes([]float32{t.Scale[j], t.QX[j], t.Q2[j]}) }
		if t.Kept[j] != u.Kept[j] || !bytes.Equal(sums(t), sums(u)) {
			return fmt.Sprintf("group %d: try %d, %d; scale %v, %v; %v/%v, %v/%v", j, t.Kept[j], u.Kept[j], t.Scale[j], u.Scale[j],
				t.QX[j], t.Q2[j], u.QX[j], u.Q2[j])
		}
	}
	return ""
}

func TestTryScales(t *testing.T) {
	for _, d := range datasets {
		if !d.finite {
			continue
		}
		var high [maxGroups]float32
		var levels [maxTries]float32
		copy(high[:], d.make(maxGroups, 1))
		copy(levels[:], d.make(maxTries, 2))
		for _, n := range [][2]int{{16, 1}, {32, 13}, {16, 19}, {32, 31}, {16, 32}} {
			a, b := GridTrials{Group: n[0], Tries: n[1]}, GridTrials{Group: n[0], Tries: n[1]}
			TryScales(&a, &high, &levels)
			tryScalesGeneric(&b, &high, &levels)
			for j := range superValue / n[0] {
				got := groupsResult(nil, a.Inverse[j][:n[1]], a.Step[j][:n[1]])
				if want := groupsResult(nil, b.Inverse[j][:n[1]], b.Step[j][:n[1]]); got != want {
					t.Fatalf("%s, %v: %s gives %s, portable %s", d.name, n, Active(), got, want)
				}
			}
		}
	}
}

func TestGridTrials(t *testing.T) {
	grids := testGrids()
	for _, d := range datasets {
		if !d.finite {
			continue
		}
		t.Run(d.name, func(t *testing.T) {
			seed := uint64(0)
			for _, g := range grids {
				for _, weights := range datasets[:11:11] {
					for _, n := range [][2]int{{32, 13}, {16, 19}, {32, 31}, {16, 1}, {16, 32}} {
						if seed++; seed%7 != 0 && (testing.Short() || Active() == "portable") {
							continue // where a kernel is its own twin there is little to see
						}
						x, w := d.make(superValue, seed), weightsLike(weights, superValue, seed+1)
						checkTrials(t, g, func() *GridTrials { return trialsOf(x, w, n[0], n[1], seed) })
						if t.Failed() {
							t.Fatalf("grid of %d, weights %s, groups of %d, %d tries", len(g.points), weights.name, n[0], n[1])
						}
					}
				}
			}
		})
	}
}

// checkTrials holds the three kernels against their twins, each on what the twins
// of those before it gave.
func checkTrials(t *testing.T, g *Grid, begin func() *GridTrials) {
	t.Helper()
	for i := range 3 {
		a, b := begin(), begin()
		for k, f := range [][2]func(*GridTrials, *Grid){
			{RoundTrials, roundTrialsGeneric}, {PlaceTrials, placeTrialsGeneric}, {JudgeTrials, judgeTrialsGeneric},
		} {
			if k == i {
				f[0](a, g)
			} else if k < i {
				f[1](a, g)
			}
			if k <= i {
				f[1](b, g)
			}
		}
		if what := a.differs(b, g); what != "" {
			t.Errorf("kernel %d, %s and portable: %s", i, Active(), what)
		}
	}
}

func TestSumTrials(t *testing.T) {
	for _, d := range datasets {
		if !d.finite {
			continue
		}
		for _, weights := range datasets[:11:11] {
			for seed, group := range []int{16, 32} {
				tr := trialsOf(d.make(superValue, 3), weightsLike(weights, superValue, 4), group, 1, uint64(seed))
				times := [maxGroups]float32{1, 3, 5, 7, 9, 11, 13, 15, 1, 1, 3, 5, 0, 2, 1e20, 1e-20}
				for _, on := range []bool{false, true} {
					var a, b [2][maxGroups]float32
					SumTrials(&a[0], &a[1], tr, &times, on)
					sumTrialsGeneric(&b[0], &b[1], tr, &times, on)
					if got, want := groupsResult(nil, a[0][:], a[1][:]), groupsResult(nil, b[0][:], b[1][:]); got != want {
						t.Fatalf("%s, weights %s, groups of %d, on %v: %s gives %v, portable %v", d.name, weights.name, group, on, Active(), a, b)
					}
				}
			}
		}
	}
}

// A winner is the neighbour whose sum, by the formula in float64, is least, and
// the first of equals.
func TestPlaceTrials(t *testing.T) {
	for _, g := range []*Grid{randomGrid(256, 8, 2, 1), randomGrid(256, 4, 2, 3)} {
		tr := trialsOf(datasets[0].make(superValue, 3), weightsLike(datasets[0], superValue, 4), 16, 1, 4)
		tr.Levels[1], tr.Done = tr.Levels[0], [maxRuns]bool{}
		RoundTrials(tr, g)
		PlaceTrials(tr, g)
		moved := 0
		for r := range superValue / g.dims {
			p := tr.Rounded[r][0]
			if g.Place(p) >= 0 {
				if tr.Points[r][0] != p {
					t.Errorf("run %d leaves the grid", r)
				}
				continue
			}
			moved++
			sum := func(q uint16) (sum float64) {
				for i := range g.dims {
					level := float64(2*(q>>(i*g.width())&(1<<g.width()-1)) + 1)
					d := float64(tr.Step[r*g.dims/16][0])*level - float64(tr.X[r*g.dims+i])
					sum += float64(tr.Root[r*g.dims+i]) * d * d
				}
				return sum
			}
			won := sum(tr.Points[r][0])
			for _, q := range g.Neighbours(p) {
				if sum(q) < won*(1-1e-5) {
					t.Errorf("run %d moves to %x, but %x is closer", r, tr.Points[r][0], q)
				}
			}
		}
		if moved < 10 {
			t.Errorf("only %d runs were off the grid", moved)
		}
	}
}

func TestTakeSigns(t *testing.T) {
	for _, d := range datasets {
		if !d.finite {
			continue
		}
		for _, weights := range datasets[:11:11] {
			for n := range 5 {
				v, w := placed(d.make(8*n, uint64(n)), n, nan), placed(weightsLike(weights, 8*n, 7), n, nan)
				for _, even := range []bool{false, true} {
					run := func(f func(x, root, high []float32, signs []uint8, v, w []float32, even bool)) string {
						x, root, high, signs := make([]float32, 8*n+4), make([]float32, 8*n+4), make([]float32, n+4), make([]uint8, n+4)
						f(x[:8*n], root[:8*n], high[:n], signs[:n], v, w, even)
						return groupsResult(signs, x, root, high)
					}
					if got, want := run(takeSigns), run(takeSignsGeneric); got != want {
						t.Fatalf("%s, weights %s, even %v: %s gives\n%v, portable\n%v\nof %v\nweights %v", d.name, weights.name, even, Active(), got, want, v, w)
					}
				}
			}
		}
	}
}

// What does not fit is left alone.
func TestGridsShort(t *testing.T) {
	g := randomGrid(256, 8, 2, 1)
	for _, tr := range []*GridTrials{{}, {Group: 8, Tries: 1}, {Group: 16}, {Group: 16, Tries: maxTries + 1}} {
		was := *tr
		TryScales(tr, &[maxGroups]float32{1}, &[maxTries]float32{1})
		RoundTrials(tr, g)
		PlaceTrials(tr, g)
		JudgeTrials(tr, g)
		SumTrials(&[maxGroups]float32{}, &[maxGroups]float32{}, tr, &[maxGroups]float32{}, true)
		if *tr != was {
			t.Errorf("groups of %d, %d tries: something was written", tr.Group, tr.Tries)
		}
	}
	f, u := make([]float32, 20), make([]uint8, 9)
	TakeSigns(f, f, f, u, f[:7], f, true)
	TakeSigns(nil, nil, nil, nil, nil, nil, true)
	SearchPositive(u, f, f, f[:7], 4, 4)
	SearchPositive(nil, f, f, f, 0, 4)
	SearchPositive(nil, nil, f, f, 4, 4)
	s := Splits{Group: 8}
	SearchSplits(&s, f, f)
	s.Group = 16
	SearchSplits(&s, f, f)
}

// BenchmarkGrids times the kernels and their twins on a super-block.
func BenchmarkGrids(b *testing.B) {
	x, w := datasets[0].make(superValue, 3), weightsLike(datasets[0], superValue, 4)
	for _, g := range []*Grid{randomGrid(512, 8, 2, 1), randomGrid(256, 4, 2, 3)} {
		t := trialsOf(x, w, 16, 19, 4)
		splits := Splits{Group: 32}
		for _, k := range []struct {
			name            string
			active, generic func()
		}{
			{"RoundTrials", func() { roundTrials(t, g) }, func() { roundTrialsGeneric(t, g) }},
			{"PlaceTrials", func() { placeTrials(t, g) }, func() { placeTrialsGeneric(t, g) }},
			{"JudgeTrials", func() { judgeTrials(t, g) }, func() { judgeTrialsGeneric(t, g) }},
			{"SearchSplits", func() { searchSplits(&splits, x, w) }, func() { searchSplitsGeneric(&splits, x, w) }},
		} {
			for _, v := range []struct {
				name string
				run  func()
			}{{Active(), k.active}, {"generic", k.generic}} {
				b.Run(fmt.Sprint(k.name, "/", g.dims, "/", v.name), func(b *testing.B) {
					b.SetBytes(4 * superValue)
					for b.Loop() {
						v.run()
					}
				})
			}
		}
	}
}
