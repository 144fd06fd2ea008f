package session

import (
	"fmt"

	"fewbits/quant"
	"fewbits/wasm/wire"
)

// helping is what a worker has as a helper of another.
type helping struct {
	tensor, answer int
	held           map[int]*holding // by first row
}

// holding is rows of a tensor, and what became of them in the latest answer.
type holding struct {
	t    quant.Tensor
	diff []float32
	done *analysis // nil where they were another's
}

// piece quantizes and compares some rows, as OpAnalyze does the whole.
func (s *Session) piece(a wire.PieceArgs, values []float32) (Reply, error) {
	h := &s.help
	if h.tensor != a.Tensor || h.held == nil {
		h.tensor, h.held = a.Tensor, map[int]*holding{}
	}
	if h.answer != a.Answer {
		h.answer = a.Answer
		for _, held := range h.held {
			held.done = nil
		}
	}
	if count := a.Rows * a.Cols; !a.Held {
		if a.Rows <= 0 || a.Cols <= 0 || len(values) != count+a.Weights {
			return Reply{}, fmt.Errorf("%d × %d values and %d weights came as %d numbers", a.Rows, a.Cols, a.Weights, len(values))
		}
		h.held[a.From] = &holding{
			t:    quant.Tensor{Name: a.Name, Shape: []int{a.Rows, a.Cols}, Data: values[:count]},
			diff: make([]float32, count),
		}
		values = values[count:]
	}
	held := h.held[a.From]
	if held == nil || held.t.Rows() != a.Rows || len(values) != a.Weights {
		return Reply{}, fmt.Errorf("rows %d to %d are not here", a.From, a.From+a.Rows)
	}
	f, o, err := lookup(a.Format, a.Options)
	if err != nil {
		return Reply{}, err
	}
	if a.Weights > 0 {
		f = guide{Format: f, weights: values, rows: a.Tall, first: a.Matrix}
	}
	s.drop()
	n := &analysis{s: s, t: held.t, format: f, options: o, lo: float32(a.Lo), hi: float32(a.Hi), diff: held.diff}
	s.busy = n
	n.cut(newCutter(f, o, a.All, a.Cols), a.From)
	return s.sliced(func() (Reply, bool, error) {
		if done, err := n.work(); err != nil || !done {
			return Reply{}, false, err
		}
		held.done = n
		return n.pieceAnswer(), true, nil
	})
}

func (n *analysis) pieceAnswer() Reply {
	p := &n.out
	n.s.drop() // its bytes are copied before anything else is done
	before, after := n.ends(n.base, n.base+n.here)
	return Reply{
		JSON: wire.Piece{Chunks: p.chunks, NonFinite: n.lost, Flat: p.flat, Elapsed: p.elapsed},
		Arrays: map[string]any{
			"bytes": p.packed.Bytes, "heat": p.heat, "before": orEmpty(before), "after": orEmpty(after),
			"scaleLo": orEmpty(p.scale.lo), "scaleHi": orEmpty(p.scale.hi), "zeroLo": orEmpty(p.zero.lo), "zeroHi": orEmpty(p.zero.hi),
		},
	}
}

// count counts the errors of the rows that were done here.
func (s *Session) count(a wire.CountArgs) (Reply, error) {
	h := &s.help
	all := &piece{}
	var todo []*analysis
	if h.answer == a.Answer {
		for _, held := range h.held {
			if held.done != nil {
				todo = append(todo, held.done)
			}
		}
	}
	if len(todo) == 0 {
		return Reply{}, fmt.Errorf("no rows of answer %d are here", a.Answer)
	}
	return s.sliced(func() (Reply, bool, error) {
		if n := todo[0]; n.count(a.RMSE, a.MaxAbs) {
			all.addErrors(n.out.errs)
			todo = todo[1:]
		}
		return Reply{Arrays: map[string]any{"err": all.errs.Counts}}, len(todo) == 0, nil
	})
}
