package imatrix

import (
	"bytes"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func write(t testing.TB, f func(io.Writer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// sample is a matrix whose weights are sums over counts, as files have them.
func sample() *Matrix {
	r := rand.New(rand.NewPCG(1, 2))
	m := &Matrix{
		Weights: map[string][]float32{}, Counts: map[string][]int64{},
		Datasets: []string{"wiki.txt", "code.txt"}, Chunks: 7, ChunkSize: 512,
	}
	for name, counts := range map[string][]int64{
		"blk.0.attn_q.weight": {3584}, "blk.10.ffn_down.weight": {7}, "blk.2.ffn_up_exps.weight": {1001, 0, 513, 99999}, "blk.1.ffn_down_exps.weight": {3584},
	} {
		for _, n := range counts {
			for range 96 {
				w := float32(math.Exp(4*r.NormFloat64())) / float32(n)
				if n == 0 {
					w = 1
				}
				m.Weights[name] = append(m.Weights[name], w)
			}
		}
		m.Counts[name] = counts
	}
	m.Weights["blk.10.ffn_down.weight"][5] = 0
	return m
}

func sameWeights(t *testing.T, got, want *Matrix) {
	t.Helper()
	if len(got.Weights) != len(want.Weights) {
		t.Errorf("%d tensors, want %d", len(got.Weights), len(want.Weights))
	}
	for name, x := range want.Weights {
		if !slices.Equal(got.Weights[name], x) {
			t.Errorf("%s: %v, want %v", name, got.Weights[name], x)
		}
	}
}

// TestRoundTrip wants what was read to be what is written, to the bit, and a
// file written again to be the same file.
func TestRoundTrip(t *testing.T) {
	m := sample()
	b := write(t, m.Write)
	got, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	sameWeights(t, got, m)
	if !maps.EqualFunc(got.Counts, m.Counts, slices.Equal) || got.Chunks != 7 || got.ChunkSize != 512 || !slices.Equal(got.Datasets, m.Datasets) {
		t.Errorf("%+v", got)
	}
	if again := write(t, got.Write); !bytes.Equal(again, b) {
		t.Error("another file the second time")
	}
}

func TestRoundTripLegacy(t *testing.T) {
	// Weights that a file of the old form can hold: sums over calls.
	m, err := open(write(t, sample().WriteLegacy))
	if err != nil {
		t.Fatal(err)
	}
	b := write(t, m.WriteLegacy)
	got, err := open(b)
	if err != nil {
		t.Fatal(err)
	}
	sameWeights(t, got, m)
	if got.Chunks != 7 || !slices.Equal(got.Datasets, []string{"code.txt"}) {
		t.Errorf("%+v", got)
	}
	if again := write(t, got.WriteLegacy); !bytes.Equal(again, b) {
		t.Error("another file the second time")
	}
	// From the old form to the new one no weight changes.
	if got, err = open(write(t, m.Write)); err != nil {
		t.Fatal(err)
	}
	sameWeights(t, got, m)
}

// TestLayout compares files with what llama-imatrix writes, put together by hand.
func TestLayout(t *testing.T) {
	m := &Matrix{
		Weights:  map[string][]float32{"b": {1, 2, 0}, "B": {1, 1, 4, 2}, "idle": {1, 1}},
		Counts:   map[string][]int64{"b": {1025}, "B": {0, 512}, "idle": {0}},
		Datasets: []string{"a.txt", "b.txt"}, Chunks: 3, ChunkSize: 512,
	}
	want := legacy([]entryFile{{"B", 1, []float32{1, 1, 4, 2}}, {"b", 3, []float32{3, 6, 0}}}, le(3), le(5), []byte("b.txt"))
	if got := write(t, m.WriteLegacy); !bytes.Equal(got, want) {
		t.Errorf("% x, want\n% x", got, want)
	}
	head := slices.Clone(meta)
	head[1].Value, head[2].Value = []string{"a.txt", "b.txt"}, uint32(3)
	want = inGGUF(t, head,
		tensor{"B.in_sum2", "F32", []int{2, 2}, []float32{0, 0, 2048, 1024}}, tensor{"B.counts", "F32", []int{2, 1}, []float32{0, 512}},
		tensor{"b.in_sum2", "F32", []int{1, 3}, []float32{1025, 2050, 0}}, tensor{"b.counts", "F32", []int{1, 1}, []float32{1025}},
		tensor{"idle.in_sum2", "F32", []int{1, 2}, []float32{0, 0}}, tensor{"idle.counts", "F32", []int{1, 1}, []float32{0}})
	if got := write(t, m.Write); !bytes.Equal(got, want) {
		t.Error("GGUF differs")
	}
}

func TestWriteDefaults(t *testing.T) {
	m := &Matrix{Weights: map[string][]float32{"w": {0.1, 3}, "x": {2, 1}}, Counts: map[string][]int64{"x": {0}}}
	for _, f := range []func(io.Writer) error{m.Write, m.WriteLegacy} {
		got, err := open(write(t, f))
		if err != nil {
			t.Fatal(err)
		}
		sameWeights(t, got, m)
		if got.Chunks != 0 || len(got.Datasets) != 0 || got.ChunkSize != LegacyChunk {
			t.Errorf("%+v", got)
		}
	}
}

func TestWriteRefuses(t *testing.T) {
	one := func(x ...float32) map[string][]float32 { return map[string][]float32{"w": x} }
	tests := []struct {
		name string
		m    Matrix
		want string
	}{
		{"nothing", Matrix{}, "no entries"},
		{"no weights", Matrix{Weights: one()}, "0 weights"},
		{"NaN", Matrix{Weights: one(1, float32(math.NaN()))}, "weight 1 is NaN"},
		{"negative", Matrix{Weights: one(-1)}, "weight 0 is -1"},
		{"ragged", Matrix{Weights: one(1, 2, 3), Counts: map[string][]int64{"w": {1, 1}}}, "3 weights are not a multiple of its 2 counts"},
		{"a count below 0", Matrix{Weights: one(1), Counts: map[string][]int64{"w": {-1}}}, "count 0 is -1"},
		{"chunks below 0", Matrix{Weights: one(1), Chunks: -1}, "-1 chunks"},
	}
	for _, tt := range tests {
		for i, f := range []func(io.Writer) error{tt.m.Write, tt.m.WriteLegacy} {
			if err := f(io.Discard); err == nil || !strings.Contains(err.Error(), tt.want) || !strings.HasPrefix(err.Error(), "imatrix: ") {
				t.Errorf("%s, form %d: %v", tt.name, i, err)
			}
		}
	}
	m := Matrix{Weights: one(1), Counts: map[string][]int64{"w": {0}}}
	if err := m.WriteLegacy(io.Discard); err == nil || !strings.Contains(err.Error(), "no tensor met any") {
		t.Error(err)
	}
}
