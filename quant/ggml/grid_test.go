package ggml

import (
	"bytes"
	"cmp"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"fewbits/kernels"
	"fewbits/quant"
	"fewbits/quant/internal/libggml"
)

// quick are the formats that libggml begins on at once. Those on grids first
// sort tables for half a second to a minute: their tests share an Oracle.
func quick() []*format {
	return slices.DeleteFunc(slices.Clone(all), func(f *format) bool { return f.grid != nil })
}

// Every format on a grid, as TestReferenceSamples and TestReferenceHardRows
// hold the others. Where Quantize refuses a row, the reference aborts.
func TestReferenceGrids(t *testing.T) {
	if testing.Short() {
		t.Skip("libggml sorts its tables for seconds; the golden sums hold the bytes")
	}
	o := libggml.Need(t)
	for _, f := range all {
		if f.grid == nil || f.slow() {
			continue // TestLong has these
		}
		t.Run(f.typ().Name, func(t *testing.T) {
			const cols = 512
			names, importance := matrices(cols)
			r := rand.New(rand.NewPCG(1, uint64(f.id)))
			h := gridHold{o: o, f: f, refused: map[string]int{}}
			for _, s := range samples {
				x := make([]float32, amount()/4)
				s.fill(r, x)
				for i, w := range importance[:3] {
					h.tensor(t, s.name+", importance "+names[i], x, cols, w)
				}
			}
			var x []float32
			for _, row := range second(hardRows(cols, 7)) {
				x = append(x, row...)
			}
			for i, w := range importance {
				h.tensor(t, "hard rows, importance "+names[i], x, cols, w)
			}
			h.aborts(t)
			t.Logf("%d rows equal, refused: %v", h.equal, h.refused)
		})
	}
}

// slow says that libggml sorts this format's tables for half a minute.
func (f *format) slow() bool { return f.grid != nil && f.grid.grid.dims == 8 }

func second[A, B any](_ A, b B) B { return b }

// gridHold holds one format against the reference and collects rows refused.
type gridHold struct {
	o       *libggml.Oracle
	f       *format
	equal   int
	refused map[string]int
	rows    []refusedRow
}

type refusedRow struct {
	name string
	x, w []float32
}

// tensor compares the rows that Quantize takes.
func (h *gridHold) tensor(t *testing.T, name string, x []float32, cols int, w []float32) {
	t.Helper()
	if w == nil && h.f.importance == quant.Required {
		return
	}
	var taken []float32
	var got []byte
	for i := 0; i < len(x); i += cols {
		row := x[i : i+cols]
		p, err := h.f.Quantize(quant.Tensor{Name: name, Shape: []int{1, cols}, Data: row}, quant.Options{Importance: w})
		var bad *quant.RowError
		switch {
		case errors.As(err, &bad):
			if h.refused[name]++; h.refused[name] == 1 {
				h.rows = append(h.rows, refusedRow{name, row, w})
			}
		case err != nil:
			t.Fatal(err)
		default:
			taken, got = append(taken, row...), append(got, p.Bytes...)
		}
	}
	if len(taken) == 0 {
		return
	}
	want, values := ask(t, h.o, h.f, taken, cols, w)
	if !bytes.Equal(got, want) {
		reportBytes(t, h.f, name, got, want, taken)
		return
	}
	h.equal += len(taken) / cols
	back := make([]float32, len(taken))
	h.f.read(back, got)
	equalValues(t, name, back, values)
}

// aborts wants the reference to abort on rows that Quantize refused: on two of
// them, for the child that dies takes tables with it.
func (h *gridHold) aborts(t *testing.T) {
	t.Helper()
	for i, r := range h.rows {
		if i > 0 && i < len(h.rows)-1 {
			continue
		}
		if _, err := h.o.Quantize(h.f.id, r.x, 1, len(r.x), r.w); !errors.Is(err, libggml.ErrAborted) {
			t.Errorf("%s: a row is refused, but the reference gives %v", r.name, err)
		}
	}
}

// Neighbours are what a sort of the whole grid gives, for every packed point
// that a search can ask for.
func TestNeighbours(t *testing.T) {
	for _, g := range []*grid{grid2x256, grid2x512, grid2x1024, grid1x2048, grid3x256, grid3x512} {
		built := g.ready()
		if !slices.IsSorted(g.points) {
			t.Fatal("points do not rise")
		}
		r := rand.New(rand.NewPCG(4, uint64(len(g.points))))
		for range 300 {
			var p uint16
			for i := range g.dims {
				p |= uint16(r.IntN(g.levels())) << (i * g.bits)
			}
			type near struct{ distance, place int }
			var list []near
			for i, q := range g.points {
				d := 0
				for c := range g.dims {
					mask := 1<<g.bits - 1
					diff := int(p)>>(c*g.bits)&mask - int(q)>>(c*g.bits)&mask
					d += diff * diff
				}
				list = append(list, near{d, i})
			}
			slices.SortFunc(list, func(a, b near) int {
				return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(a.place, b.place))
			})
			var want []uint16
			rings, last := 0, -1
			for _, n := range list {
				if n.distance != last {
					if rings++; rings > g.rings {
						break
					}
					last = n.distance
				}
				want = append(want, g.points[n.place])
			}
			if place := built.Place(p); place >= 0 {
				if g.points[place] != p {
					t.Fatalf("grid of %d: %x is at %d", len(g.points), p, place)
				}
				continue
			}
			if got := built.Neighbours(p); !slices.Equal(got, want) {
				t.Fatalf("grid of %d: neighbours of %x are %v, want %v", len(g.points), p, got, want)
			}
		}
	}
}

// levels is how many values a coordinate has.
func (g *grid) levels() int {
	if g.dims == 8 {
		return 3
	}
	return 8
}

// BenchmarkGrids finds the neighbours of every packed point that there is.
func BenchmarkGrids(b *testing.B) {
	for name, g := range map[string]*grid{"IQ2_XXS": grid2x256, "IQ2_XS": grid2x512, "IQ2_S": grid2x1024, "IQ1": grid1x2048, "IQ3_XXS": grid3x256, "IQ3_S": grid3x512} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				kernels.NewGrid(g.points, g.dims, g.rings)
			}
		})
	}
}
