//go:build !first

package session

import (
	"fewbits/quant/qat"
	"fewbits/wasm/lesson"
	"fewbits/wasm/wire"
)

// figure is what a widget of a lesson shows.
type figure struct {
	Controls []lesson.Control `json:"controls,omitempty"`
	Parts    []lesson.Part    `json:"parts"`
}

// teaching is what the lessons keep in this worker.
type teaching struct {
	lab     *qat.Lab
	spirals bool // is what it learns
	tale    *tale
}

func (s *Session) teach(op string, args []byte, a Attachment) (Reply, error) {
	switch op {
	case wire.OpFigure:
		return call(args, drawFigure)
	case wire.OpAsk:
		return call(args, func(a wire.AskArgs) (Reply, error) {
			q, err := lesson.Ask(a.ID, a.Seed)
			return Reply{JSON: q}, err
		})
	case wire.OpLabOpen:
		return call(args, s.labOpen)
	case wire.OpLabStep:
		return call(args, s.labStep)
	case wire.OpTaleOpen:
		return call(args, func(v wire.TaleArgs) (Reply, error) { return s.taleOpen(v, a) })
	case wire.OpTaleStep:
		return call(args, s.taleStep)
	}
	return call(args, checkAnswers)
}

func drawFigure(a wire.FigureArgs) (Reply, error) {
	var f figure
	var err error
	if a.Controls {
		if f.Controls, err = lesson.Controls(a.ID); err != nil {
			return Reply{}, err
		}
	}
	f.Parts, err = lesson.Draw(a.ID, a.Values)
	return Reply{JSON: f}, err
}

func checkAnswers(a wire.CheckArgs) (Reply, error) {
	q, err := lesson.Ask(a.ID, a.Seed)
	if err != nil {
		return Reply{}, err
	}
	if a.Hint > 0 {
		return Reply{JSON: q.Hint(a.Hint - 1)}, nil
	}
	return Reply{JSON: q.Check(a.Answers)}, nil
}
