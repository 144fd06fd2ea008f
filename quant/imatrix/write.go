package imatrix

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"fewbits/quant"
	"fewbits/quant/gguf"
)

// entry is what is written of one tensor.
type entry struct {
	name    string
	weights []float32
	counts  []int64 // one a matrix, 1 where it is not known
}

// entries are all tensors by name, checked.
func (m *Matrix) entries() ([]entry, error) {
	var list []entry
	for name, x := range m.Weights {
		e := entry{name, x, slices.Clone(m.Counts[name])}
		if len(e.counts) == 0 {
			e.counts = []int64{1}
		}
		if len(x) == 0 || len(x)%len(e.counts) != 0 {
			return nil, fmt.Errorf("imatrix: entry %q: %d weights are not a multiple of its %d counts", clip(name), len(x), len(e.counts))
		}
		if err := check(name, x); err != nil {
			return nil, err
		}
		cols := len(x) / len(e.counts)
		for k, n := range e.counts {
			if n < 0 || n > 1<<53 {
				return nil, fmt.Errorf("imatrix: entry %q: count %d is %d; it is a number of rows", clip(name), k, n)
			}
			if other := slices.ContainsFunc(x[k*cols:(k+1)*cols], func(w float32) bool { return w != 1 }); n == 0 && other {
				e.counts[k] = 1
			}
		}
		list = append(list, e)
	}
	if len(list) == 0 {
		return nil, errors.New("imatrix: there are no entries to write")
	}
	if m.Chunks < 0 || m.Chunks > math.MaxInt32 || m.ChunkSize < 0 || m.ChunkSize > math.MaxInt32 {
		return nil, fmt.Errorf("imatrix: %d chunks of %d tokens: a file has room for numbers of 31 bits", m.Chunks, m.ChunkSize)
	}
	slices.SortFunc(list, func(a, b entry) int {
		if a.name < b.name {
			return -1
		}
		return 1
	})
	return list, nil
}

// chunk is the size of a chunk.
func (m *Matrix) chunk() int64 {
	if m.ChunkSize > 0 {
		return int64(m.ChunkSize)
	}
	return LegacyChunk
}

// Write writes the matrix in the form of GGUF, as llama-imatrix does: by name,
// for each tensor NAME.in_sum2 and NAME.counts. What Open read comes back the
// same, weight for weight.
func (m *Matrix) Write(w io.Writer) error {
	list, err := m.entries()
	if err != nil {
		return err
	}
	datasets := m.Datasets
	if datasets == nil {
		datasets = []string{}
	}
	meta := []quant.Meta{
		{Key: "general.type", Value: "imatrix"},
		{Key: keyDatasets, Value: datasets},
		{Key: keyChunks, Value: uint32(m.Chunks)},
		{Key: keyChunkSize, Value: uint32(m.chunk())},
	}
	var plans []gguf.TensorPlan
	for _, e := range list {
		n := len(e.counts)
		plans = append(plans,
			gguf.TensorPlan{Name: e.name + suffixSums, Shape: []int{n, len(e.weights) / n}, Type: "F32"},
			gguf.TensorPlan{Name: e.name + suffixCounts, Shape: []int{n, 1}, Type: "F32"})
	}
	out, err := gguf.NewWriter(w, meta, plans)
	if err != nil {
		return fmt.Errorf("imatrix: %w", err)
	}
	for i, e := range list {
		var counts []byte
		for _, n := range e.counts {
			counts = appendFloat(counts, float32(n))
		}
		if err := errors.Join(out.WriteTensor(2*i, e.sums()), out.WriteTensor(2*i+1, counts)); err != nil {
			return fmt.Errorf("imatrix: %w", err)
		}
	}
	return out.Close()
}

// sums are the weights times their counts.
func (e entry) sums() (b []byte) {
	cols := len(e.weights) / len(e.counts)
	for i, w := range e.weights {
		b = appendFloat(b, multiple(w, float32(e.counts[i/cols])))
	}
	return b
}

// WriteLegacy writes the matrix in the old form, as llama-imatrix does with
// --output-format dat: by name, but for tensors that met no activations. Of
// the texts it names the last. What Open read comes back the same, weight for
// weight.
func (m *Matrix) WriteLegacy(w io.Writer) error {
	list, err := m.entries()
	if err != nil {
		return err
	}
	list = slices.DeleteFunc(list, func(e entry) bool { return slices.Max(e.counts) == 0 })
	if len(list) == 0 {
		return errors.New("imatrix: no tensor met any activations; there is nothing to write")
	}
	var b []byte
	number := func(n int64) { b = binary.LittleEndian.AppendUint32(b, uint32(n)) }
	number(int64(len(list)))
	for _, e := range list {
		// Rounded up, so that what was counted is never none.
		calls := (slices.Max(e.counts)-1)/m.chunk() + 1
		if calls > math.MaxInt32 {
			return fmt.Errorf("imatrix: entry %q: %d rows in chunks of %d are more than the old form can count", clip(e.name), slices.Max(e.counts), m.chunk())
		}
		number(int64(len(e.name)))
		b = append(b, e.name...)
		number(calls)
		number(int64(len(e.weights)))
		for _, w := range e.weights {
			b = appendFloat(b, multiple(w, float32(calls)))
		}
		if _, err := w.Write(b); err != nil {
			return fmt.Errorf("imatrix: %w", err)
		}
		b = b[:0]
	}
	text := ""
	if len(m.Datasets) > 0 {
		text = m.Datasets[len(m.Datasets)-1]
	}
	number(int64(m.Chunks))
	number(int64(len(text)))
	if _, err := w.Write(append(b, text...)); err != nil {
		return fmt.Errorf("imatrix: %w", err)
	}
	return nil
}

// multiple is w·n, where it can be the neighbour of it that divided by n is w
// again: the quotients that Open finds are such.
func multiple(w, n float32) float32 {
	if n <= 0 {
		return 0
	}
	x := float32(w * n)
	for _, y := range []float32{x, math.Nextafter32(x, 0), math.Nextafter32(x, math.MaxFloat32)} {
		if y/n == w && !math.IsInf(float64(y), 0) {
			return y
		}
	}
	return x
}

func appendFloat(b []byte, v float32) []byte {
	return binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
}
