package ggml

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"fewbits/quant"
	"fewbits/quant/internal/libggml"
)

// What TestLong holds of each type against libggml.
const (
	longPiece  = 1 << 18 // values that are asked for at once
	longPieces = 40      // of random weights: 10.5 million, as often without importance as with it
	longSeeds  = 8       // sets of hard rows
	longBack   = 10 << 20
)

// TestLong holds every type against libggml on ten million random weights
// without importance and ten million with it, of every kind of sample, several
// lengths of rows, each piece from a seed of its own; on sets of hard rows with
// every importance matrix; and reads back ten million values of random bytes.
//
// Types run at the same time, each with a child of its own, so that the tables
// of its grid are sorted once. Those that take the longest begin.
func TestLong(t *testing.T) {
	if os.Getenv("FEWBITS_LONG") == "" {
		t.Skip("takes minutes: set FEWBITS_LONG")
	}
	var groups [][]*format
	for _, f := range longOrder() {
		if last := len(groups) - 1; f.slow() && last >= 0 && groups[last][0].slow() && groups[last][0].grid.grid == f.grid.grid {
			groups[last] = append(groups[last], f)
			continue
		}
		groups = append(groups, []*format{f})
	}
	for _, group := range groups {
		t.Run(group[0].typ().Name, func(t *testing.T) {
			t.Parallel()
			o := libggml.Need(t)
			for _, f := range group {
				longType(t, o, f)
			}
		})
	}
	for _, typ := range Types() {
		if typ.Readable() && typ.quantizedOrHalf() && typ.Block == 1 {
			t.Run(typ.Name, func(t *testing.T) {
				t.Parallel()
				longRead(t, libggml.Need(t), typ)
			})
		}
	}
}

// longOrder is all formats: those on larger grids first, and formats on one
// grid behind each other.
func longOrder() []*format {
	size := func(f *format) int {
		if f.grid == nil {
			return 0
		}
		return len(f.grid.grid.points) * f.grid.grid.dims
	}
	return slices.SortedStableFunc(slices.Values(all), func(a, b *format) int { return size(b) - size(a) })
}

func longType(t *testing.T, o *libggml.Oracle, f *format) {
	start, name := time.Now(), f.typ().Name
	say := func(what string, a ...any) {
		t.Logf("%s, %.0f s: %s", name, time.Since(start).Seconds(), fmt.Sprintf(what, a...))
	}
	if want := goldenReference(t, o, f); readGolden(t)[name] != want {
		t.Errorf("%s: the golden sums are %v, libggml writes %v", name, readGolden(t)[name], want)
	}
	h := gridHold{o: o, f: f, refused: map[string]int{}}
	weights := longSamples(t, &h)
	say("%.1f million random weights", float64(weights)/1e6)
	rows := longRows(t, &h)
	say("%d hard rows", rows)
	longRead(t, o, f.typ())
	say("%.1f million values read back of random bytes", longBack/1e6)
	if f.grid != nil {
		h.aborts(t)
		say("%d rows equal, refused: %v", h.equal, h.refused)
	}
}

// longSamples compares random weights and returns how many.
func longSamples(t *testing.T, h *gridHold) (weights int) {
	lengths := []int{256, 768, 1024, 4096, 14336}
	for i := range longPieces {
		r := rand.New(rand.NewPCG(uint64(1000+i), uint64(h.f.id)))
		cols := lengths[i%len(lengths)]
		x := make([]float32, longPiece/cols*cols)
		s := samples[i%len(samples)]
		s.fill(r, x)
		_, importance := matrices(cols)
		for _, w := range [][]float32{nil, importance[1+i/len(samples)%2]} {
			if w == nil && h.f.importance == quant.Required || w != nil && h.f.importance == quant.Never {
				continue
			}
			name := fmt.Sprintf("%s, piece %d, %d columns, importance %v", s.name, i, cols, w != nil)
			if h.f.grid != nil {
				h.tensor(t, name, x, cols, w)
			} else {
				compare(t, h.o, h.f, name, x, cols, w)
			}
			weights += len(x)
		}
		if t.Failed() {
			return weights
		}
	}
	return weights
}

// longRows compares hard rows and returns how many.
func longRows(t *testing.T, h *gridHold) (n int) {
	const cols = 512
	names, importance := matrices(cols)
	for seed := range uint64(longSeeds) {
		rowNames, rows := hardRows(cols, 7+seed)
		for i, w := range importance {
			if w == nil && h.f.importance == quant.Required || w != nil && h.f.importance == quant.Never {
				continue
			}
			if h.f.grid != nil {
				h.tensor(t, "hard rows, importance "+names[i], slices.Concat(rows...), cols, w)
			} else {
				compareRows(t, h.o, h.f, rowNames, rows, names[i], w)
			}
			n += len(rows)
		}
	}
	return n
}

// longRead compares what is read of bytes that nobody quantized.
func longRead(t *testing.T, o *libggml.Oracle, typ Type) {
	r := rand.New(rand.NewPCG(9, uint64(typ.ID)))
	const piece = 1 << 20
	for range longBack / piece {
		src := make([]byte, piece/typ.Block*typ.Bytes, piece/typ.Block*typ.Bytes+8)
		for i := 0; i < len(src); i += 8 {
			binary.LittleEndian.PutUint64(src[i:i+8], r.Uint64())
		}
		got := make([]float32, piece)
		if err := Dequantize(typ, src, got); err != nil {
			t.Fatal(err)
		}
		want, err := o.Dequantize(typ.ID, src, piece)
		if err != nil {
			t.Fatal(err)
		}
		equalValues(t, typ.Name+", random bytes", got, want)
	}
}
