package main

import (
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"fewbits/quant/imatrix"
)

// matrixInfo is what imatrix -json prints.
type matrixInfo struct {
	In        string        `json:"in"`
	Out       string        `json:"out,omitempty"`
	Chunks    int           `json:"chunks"`    // 0 where that is not known
	ChunkSize int           `json:"chunkSize"` // tokens
	Datasets  []string      `json:"datasets"`
	Entries   []matrixEntry `json:"entries"`
}

// matrixEntry is the importance of one tensor.
type matrixEntry struct {
	Name    string  `json:"name"`
	Weights int     `json:"weights"`
	Counts  []int64 `json:"counts"` // rows of activations, one a matrix where that is known
	Least   float32 `json:"least"`
	Mean    float64 `json:"mean"`
	Most    float32 `json:"most"`
}

// imatrixCommand says what an importance matrix holds, and writes it in the
// other form; of a model and a text it collects one.
func imatrixCommand(c *call) error {
	path, err := c.one()
	if err != nil {
		return err
	}
	if len(c.options) > 0 {
		return usagef("imatrix takes no option %q", c.options[0][0])
	}
	out := c.flags["o"]
	ext := strings.ToLower(filepath.Ext(out))
	if out != "" && ext != ".gguf" && ext != ".dat" {
		return usagef("OUT ends in .gguf (the form of today) or .dat (the old one), and %q does not", out)
	}
	if c.flags["text"] != "" {
		return c.collectImatrix(path, out, ext)
	}
	for _, flag := range []string{"ctx", "chunks"} {
		if c.flags[flag] != "" {
			return usagef("-%s goes with -text, which has a model collect a matrix", flag)
		}
	}
	m, err := readMatrix(path)
	if err != nil {
		return err
	}
	return c.writeMatrix(path, out, ext, m)
}

func readMatrix(path string) (*imatrix.Matrix, error) {
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	m, err := imatrix.Open(f, size)
	return m, named(path, err)
}

// noteLost says what the old form has no room for.
func (c *call) noteLost(m *imatrix.Matrix) {
	idle := 0
	for _, counts := range m.Counts {
		if len(counts) > 0 && slices.Max(counts) == 0 {
			idle++
		}
	}
	if idle > 0 {
		c.note("%s met no activations; the old form leaves such out", plural(idle, "tensor"))
	}
	if n := len(m.Datasets); n > 1 {
		c.note("of %d texts the old form names the last", n)
	}
}

func describeMatrix(in, out string, m *imatrix.Matrix) matrixInfo {
	info := matrixInfo{In: in, Out: out, Chunks: m.Chunks, ChunkSize: m.ChunkSize, Datasets: append([]string{}, m.Datasets...), Entries: []matrixEntry{}}
	for _, name := range slices.Sorted(maps.Keys(m.Weights)) {
		w := m.Weights[name]
		e := matrixEntry{Name: name, Weights: len(w), Counts: append([]int64{}, m.Counts[name]...), Least: math.MaxFloat32}
		for _, v := range w {
			e.Least, e.Most = min(e.Least, v), max(e.Most, v)
			e.Mean += float64(v) / float64(len(w))
		}
		info.Entries = append(info.Entries, e)
	}
	return info
}

func (i *matrixInfo) print(w io.Writer) {
	fmt.Fprintf(w, "importance for %s", plural(len(i.Entries), "tensor"))
	if i.Chunks > 0 {
		fmt.Fprintf(w, ", from %s of %s", plural(i.Chunks, "chunk"), plural(i.ChunkSize, "token"))
	}
	if len(i.Datasets) > 0 {
		fmt.Fprintf(w, ", text %s", clean(strings.Join(i.Datasets, ", ")))
	}
	fmt.Fprint(w, "\n\n")
	t := table{right: columns(1, 2, 3, 4)}
	t.row("tensor", "weights", "least", "mean", "most")
	for _, e := range i.Entries {
		t.row(clean(e.Name), count(int64(e.Weights)), short(float64(e.Least)), short(e.Mean), short(float64(e.Most)))
	}
	t.print(w)
	if i.Out != "" {
		fmt.Fprintf(w, "\n%s is written\n", clean(i.Out))
	}
}
