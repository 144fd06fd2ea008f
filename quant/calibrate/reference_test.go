//go:build linux && amd64

package calibrate

import (
	"bytes"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"fewbits/quant/imatrix"
	"fewbits/quant/internal/libllama"
	"fewbits/quant/internal/testdata"
)

// TestImportance holds the importance matrix against what libllama's own
// products see, summed as llama-imatrix sums, on the same chunks; and reads it
// back out of both forms of file.
func TestImportance(t *testing.T) {
	path := testdata.File(t, "gguf", "stories260K.gguf")
	_, m, text := stories(t)
	chunks := chunksOf(t, m, text, Text{Context: 128, Chunks: 3})
	if len(chunks) != 3 || chunks[1][0] != m.Vocab().BOS {
		t.Fatal(len(chunks), chunks)
	}
	var jobs []libllama.Job
	for _, c := range chunks {
		jobs = append(jobs, libllama.Job{In: path, Out: filepath.Join(t.TempDir(), "sums"), Tokens: c, Collect: true})
	}
	want := map[string]libllama.Sums{}
	for _, a := range libllama.Run(t, jobs) {
		if a.Err != nil {
			t.Fatal(a.Err)
		}
		for name, s := range a.Sums {
			w := want[name]
			if w.Squares == nil {
				w.Squares = make([]float32, len(s.Squares))
			}
			for i, v := range s.Squares {
				w.Squares[i] += v
			}
			w.Count += s.Count
			want[name] = w
		}
	}
	for _, output := range []bool{false, true} {
		got, err := Importance(t.Context(), m, chunks, output, nil)
		if err != nil {
			t.Fatal(err)
		}
		names := slices.Sorted(maps.Keys(want))
		if !output {
			names = slices.DeleteFunc(names, func(n string) bool { return n == "output.weight" })
		}
		if has := slices.Sorted(maps.Keys(got.Weights)); !slices.Equal(has, names) || len(has) < 35 {
			t.Fatalf("%v, libllama %v", has, names)
		}
		worst := 0.0
		for _, name := range names {
			w := want[name]
			if n := got.Counts[name]; len(n) != 1 || n[0] != int64(w.Count) || w.Count != 384 {
				t.Errorf("%s: %v tokens, libllama %d", name, n, w.Count)
			}
			for i, s := range w.Squares {
				mean := float64(s) / float64(w.Count)
				worst = max(worst, math.Abs(float64(got.Weights[name][i])-mean)/mean)
			}
		}
		t.Logf("output %v: %d matrices, largest relative difference %.2g", output, len(names), worst)
		if !(worst < 2e-5) {
			t.Errorf("weights differ by %v", worst)
		}
		back(t, got)
	}
}

// back reads a matrix out of both forms.
func back(t *testing.T, m *imatrix.Matrix) {
	t.Helper()
	for i, write := range []func(b *bytes.Buffer) error{func(b *bytes.Buffer) error { return m.Write(b) }, func(b *bytes.Buffer) error { return m.WriteLegacy(b) }} {
		var b bytes.Buffer
		if err := write(&b); err != nil {
			t.Fatal(err)
		}
		got, err := imatrix.Open(bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if got.Chunks != 3 || i == 0 && got.ChunkSize != 128 {
			t.Errorf("%d chunks of %d tokens", got.Chunks, got.ChunkSize)
		}
		for name, w := range m.Weights {
			for k, v := range got.Weights[name] {
				if d := math.Abs(float64(v - w[k])); i == 0 && d != 0 || d > 2e-7*float64(w[k]) {
					t.Fatalf("form %d: %s: weight %d comes back as %v, not %v", i, name, k, v, w[k])
				}
			}
		}
	}
}
