package imatrix

import (
	"fmt"

	"fewbits/quant"
	"fewbits/quant/convert"
)

// Of are the weights for a tensor of that name and shape, nil where there are
// none: one a column; of three dimensions (experts) one a column for each
// outermost index, or the same for all. It fails where there are as many as
// suit another shape.
func (m *Matrix) Of(name string, shape []int) ([]float32, error) {
	w := m.Weights[name]
	return w, Fit(w, name, shape)
}

// Fit fails where w, if there is one, does not have the length that Of gives.
func Fit(w []float32, name string, shape []int) error {
	cols, matrices := quant.Cols(shape), 1
	if len(shape) > 2 {
		matrices = shape[0]
	}
	if w == nil || len(w) == cols || len(w) == cols*matrices {
		return nil
	}
	return fmt.Errorf("%d weights for tensor %q, which has %d columns", len(w), name, cols*matrices)
}

// Put gives the steps of a plan that quantize their importance out of of,
// which is Matrix.Of or its like. It says how many get some, of how many whose
// formats take it.
func Put(plan []convert.Step, of func(name string, shape []int) ([]float32, error), formats func(name string) (quant.Format, bool)) (used, could int, err error) {
	for i := range plan {
		s := &plan[i]
		f, ok := formats(s.To)
		if s.Copied() || !ok || f.Info().Importance == quant.Never {
			continue
		}
		could++
		w, err := of(s.Name, s.Shape)
		// Its rows are looked up, not multiplied: llama-imatrix may well have
		// collected something else under its name.
		if err != nil && s.Name != "token_embd.weight" {
			return used, could, err
		}
		if err == nil && w != nil {
			s.Options.Importance = w
			used++
		}
	}
	return used, could, nil
}

// Meta are the keys that llama-quantize writes into a model that it made with
// the matrix. m is nil for importance that came in another way.
func (m *Matrix) Meta(file string) []quant.Meta {
	meta := []quant.Meta{{Key: "quantize.imatrix.file", Type: "string", Value: file}}
	if m == nil {
		return meta
	}
	if len(m.Datasets) > 0 {
		meta = append(meta, quant.Meta{Key: "quantize.imatrix.dataset", Type: "string", Value: m.Datasets[0]})
	}
	meta = append(meta, quant.Meta{Key: "quantize.imatrix.entries_count", Type: "u32", Value: uint32(len(m.Weights))})
	if m.Chunks > 0 {
		meta = append(meta, quant.Meta{Key: "quantize.imatrix.chunks_count", Type: "u32", Value: uint32(m.Chunks)})
	}
	return meta
}

// Matrices is how many matrices (experts) entry name has weights for, each of
// columns. A file of the old form does not say; then the tensor's own number
// of columns does, 0 where that is not known.
func (m *Matrix) Matrices(name string, columns int) (matrices int) {
	n := len(m.Weights[name])
	if columns > 0 && n%columns == 0 {
		return n / columns
	}
	return max(1, len(m.Counts[name]))
}
