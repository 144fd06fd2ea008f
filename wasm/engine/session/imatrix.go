package session

import (
	"fmt"
	"maps"
	"slices"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/formats"
	"fewbits/quant/imatrix"
	"fewbits/quant/recipe"
	"fewbits/wasm/wire"
)

// imatrix takes an importance matrix in, or forgets the one that there is.
func (s *Session) imatrix(v wire.ImatrixArgs, a Attachment) (Reply, error) {
	s.made = nil
	if a.File == nil {
		s.matrix, s.matrixName = nil, ""
		return Reply{JSON: wire.Imatrix{Entries: []wire.ImatrixEntry{}}}, nil
	}
	m, err := imatrix.Open(a.File, a.Size)
	if err != nil {
		return Reply{}, err
	}
	s.matrix, s.matrixName = m, v.Name
	out := wire.Imatrix{Name: v.Name, Chunks: m.Chunks, ChunkSize: m.ChunkSize, Datasets: m.Datasets, Entries: []wire.ImatrixEntry{}}
	for _, name := range slices.Sorted(maps.Keys(m.Weights)) {
		out.Entries = append(out.Entries, wire.ImatrixEntry{Name: name, Weights: len(m.Weights[name])})
	}
	return Reply{JSON: out}, nil
}

var errNoMatrix = fmt.Errorf("there is no importance matrix here: add one, as llama-imatrix makes it")

// weights sends one entry of the matrix, to be drawn.
func (s *Session) weights(a wire.WeightsArgs) (Reply, error) {
	if s.matrix == nil {
		return Reply{}, errNoMatrix
	}
	w := s.matrix.Weights[a.Name]
	if w == nil {
		return Reply{}, fmt.Errorf("%s has no weights for tensor %q", s.matrixName, a.Name)
	}
	rows := s.matrix.Matrices(a.Name, a.Columns)
	out := wire.Weights{Name: a.Name, Rows: rows, Cols: len(w) / rows}
	return Reply{JSON: out, Arrays: map[string]any{"weights": w}}, nil
}

// weigh gives the steps of a plan their importance, as the command does, and
// fails where there is none and it is needed.
func (s *Session) weigh(a wire.PlanArgs, steps []convert.Step) error {
	if a.Importance {
		if s.matrix == nil {
			return errNoMatrix
		}
		used, could, err := imatrix.Put(steps, s.matrix.Of, formats.Lookup)
		if err != nil {
			return fmt.Errorf("%s has %w; is it of another model? Go without it, or open this model's", s.matrixName, err)
		}
		if could > 0 && used == 0 {
			return fmt.Errorf("%s has no weights for any of the %d tensors of %s that take some; is it of another model? Go without it, or open this model's", s.matrixName, could, s.fileName)
		}
	}
	if name, ok := s.recipe(a); ok {
		return recipe.Check(steps, name)
	}
	for _, step := range steps {
		f, ok := formats.Lookup(step.To)
		if !ok || step.Copied() || f.Info().Importance != quant.Required || step.Options.Importance != nil {
			continue
		}
		return &recipe.NeedsImportanceError{Recipe: step.To, Tensor: step.Name, Type: step.To}
	}
	return nil
}

// provenance are the keys about the matrix, where steps use it.
func (s *Session) provenance(steps []convert.Step) []quant.Meta {
	if slices.ContainsFunc(steps, func(step convert.Step) bool { return step.Options.Importance != nil }) {
		return s.matrix.Meta(s.matrixName)
	}
	return nil
}

// guided is f with importance of a kind for the tensor, or for the sample that
// is of of it; and what kind that came to.
func (s *Session) guided(f quant.Format, kind string, of *part) (quant.Format, string, error) {
	if f.Info().Importance == quant.Never {
		return f, "", nil
	}
	cols := s.tensor.Cols()
	var w []float32
	switch kind {
	case wire.ImportanceAlike:
		w = slices.Repeat([]float32{1}, cols)
	case wire.ImportanceMatrix:
		if s.matrix == nil {
			return nil, "", errNoMatrix
		}
		var err error
		if w, err = s.matrix.Of(s.tensor.Name, s.tensor.Shape); err != nil {
			return nil, "", fmt.Errorf("%s has %w; is it of another model? Go without it, or open this model's", s.matrixName, err)
		}
	}
	if w == nil || cols == 0 {
		return f, "", nil
	}
	matrices := len(w) / cols
	g := guide{Format: f, of: of, weights: of.weights(w, cols), rows: s.tensor.Rows() / matrices}
	return g, kind, nil
}

// guide is a format that packs with importance.
type guide struct {
	quant.Format
	of      *part
	weights []float32 // of a row's columns, for each matrix
	rows    int       // of a matrix
	from    int       // row of the whole, or of the sample, that the first is
	first   int       // matrix that the first weights are of
}

// Quantize packs the rows of each matrix with its own weights. Formats that
// take importance are made of rows that follow one another.
func (g guide) Quantize(t quant.Tensor, o quant.Options) (*quant.Packed, error) {
	cols := t.Cols()
	matrix := func(row int) int { return g.of.row(g.from+row) / g.rows }
	var all *quant.Packed
	for from := 0; from < t.Rows(); {
		to := from + 1
		for to < t.Rows() && matrix(to) == matrix(from) {
			to++
		}
		o.Importance = g.weights[(matrix(from)-g.first)*cols:][:cols]
		x := t
		if from > 0 || to < t.Rows() {
			x = t.Slice(from, to)
		}
		p, err := g.Format.Quantize(x, o)
		if err != nil {
			return nil, placedAt(err, from)
		}
		if all == nil {
			all = p
		} else {
			all.Bytes = append(all.Bytes, p.Bytes...)
		}
		from = to
	}
	if all != nil {
		all.Shape = t.Shape
	}
	return all, nil
}
