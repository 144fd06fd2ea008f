//go:build !first

package session

import (
	"context"
	"fmt"
	"math"

	"fewbits/quant"
	"fewbits/quant/container"
	"fewbits/quant/eval"
	"fewbits/quant/llama"
	"fewbits/quant/tales"
	"fewbits/wasm/wire"
)

// evaluation is what models do in this worker: they read a text, or go on with
// a prompt.
type evaluation struct {
	reading *eval.Reading
	saying  *saying
}

const (
	evalStep    = 128 // tokens that go through a model between two answers
	taleStories = 120 // of the built-in text: about 9,000 words
)

func (s *Session) evaluate(op string, args []byte, a Attachment) (Reply, error) {
	switch op {
	case wire.OpEvalOpen:
		return call(args, func(v wire.EvalOpenArgs) (Reply, error) { return s.evalOpen(v, a) })
	case wire.OpEvalStep:
		return call(args, s.evalStep)
	case wire.OpSayOpen:
		return call(args, func(v wire.SayOpenArgs) (Reply, error) { return s.sayOpen(v, a) })
	}
	return s.say()
}

// evalOpen loads the models and cuts the text into chunks.
func (s *Session) evalOpen(v wire.EvalOpenArgs, a Attachment) (Reply, error) {
	s.evaluation = evaluation{}
	files := a.files(v.Name)
	var own, ref *llama.Model
	room := v.Resident
	var err error
	if v.Made != "" && len(files) > 0 {
		last := len(files) - 1
		files[last].Name = v.Made
		if own, err = openModel(files[last:], v.Made, &room); err != nil {
			return Reply{}, err
		}
		files = files[:last]
	}
	if !v.Alone {
		if len(files) == 1 && files[0].Name == "" {
			files[0].Name = v.Name
		}
		if ref, err = openModel(files, v.Name, &room); err != nil {
			return Reply{}, err
		}
	}
	if own == nil {
		own, ref = ref, nil
	}
	if own == nil {
		return Reply{}, fmt.Errorf("no model came along that could be run")
	}
	text := v.Text
	if text == "" {
		text = tales.Text(tales.Measuring, taleStories)
	}
	r, err := eval.New(own, ref, text, eval.Options{Shorter: true, Tokens: v.Tokens})
	if err != nil {
		return Reply{}, err
	}
	s.evaluation.reading = r
	return Reply{JSON: wire.EvalPlan{Tokens: r.Tokens, Context: r.Context, Chunks: r.Chunks, Step: evalStep}}, nil
}

// openModel loads a model, of whose weights it holds what fits in room: 0 is no
// bound.
func openModel(files []quant.File, name string, room *int64) (*llama.Model, error) {
	if len(files) == 0 {
		return nil, fmt.Errorf("no file came with the request to run %s", name)
	}
	src, err := container.Files(files)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if src.Lack != nil {
		return nil, src.Lack
	}
	m, err := llama.Open(src.Source, llama.Options{Workers: 1, Resident: *room})
	if err != nil {
		return nil, fmt.Errorf("%s cannot be run: %w", name, err)
	}
	if *room > 0 {
		for _, t := range src.Tensors() {
			*room -= t.Bytes
		}
		*room = max(1, *room)
	}
	return m, nil
}

func (s *Session) evalStep(a wire.EvalStepArgs) (Reply, error) {
	r := s.evaluation.reading
	if r == nil {
		return Reply{}, fmt.Errorf("no model is open that could read a text")
	}
	sums, err := r.Step(context.Background(), a.Chunk, a.From, evalStep)
	if err != nil {
		return Reply{}, err
	}
	if sums != nil {
		if all := sums.Own.One + sums.Ref.One + sums.KL.One; math.IsNaN(all) || math.IsInf(all, 0) {
			return Reply{}, fmt.Errorf("what the model says after chunk %d of the text is not finite: there are NaN or infinities in it, or it is too far from the reference", a.Chunk+1)
		}
	}
	return Reply{JSON: wire.EvalStep{Sums: sums}}, nil
}
