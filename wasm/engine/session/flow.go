//go:build !first

package session

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"fewbits/quant"
	"fewbits/quant/calibrate"
	"fewbits/quant/container"
	"fewbits/quant/eval"
	"fewbits/quant/llama"
	"fewbits/quant/metric"
	"fewbits/quant/tales"
	"fewbits/wasm/wire"
)

// flow is a model with a text that flows through it, and the job that it is at.
type flow struct {
	src      quant.Source
	files    []quant.File
	model    *llama.Model
	name     string
	textName string
	chunks   [][]int32         // that methods see
	measured string            // text that quality is measured on,
	from, to int               // in these chunks
	seen     seen              // of the latest FlowLook
	decided  *calibrate.Result // of the latest FlowMethod, without values; nil for none

	next func() (Reply, error) // goes on with the job; nil where there is none
	stop func()
}

// flowEvery is how often a job says how far it is.
const flowEvery = 80 * time.Millisecond

// stageNames are those of llama.Stage.
var stageNames = [llama.Stages]string{"attention", "attention output", "feed-forward", "feed-forward down"}

func (s *Session) flows(op string, args []byte, a Attachment) (Reply, error) {
	if op == wire.OpFlowOpen {
		return call(args, func(v wire.FlowOpenArgs) (Reply, error) { return s.flowOpen(v, a) })
	}
	if s.flow.model == nil {
		return Reply{}, errors.New("no model is open that a text could flow through")
	}
	switch op {
	case wire.OpFlowRun:
		return call(args, s.flow.run)
	case wire.OpFlowStage:
		return call(args, s.flow.stage)
	}
	if s.flow.next == nil {
		return Reply{}, errors.New("there is no job to go on with")
	}
	return s.flow.next()
}

// flowOpen loads a model and cuts the text.
func (s *Session) flowOpen(v wire.FlowOpenArgs, a Attachment) (Reply, error) {
	s.flow.end()
	s.flow = flow{}
	files, room := a.files(v.Name), v.Resident
	m, err := openModel(files, v.Name, &room)
	if err != nil {
		return Reply{}, err
	}
	src, err := container.Files(files)
	if err != nil {
		return Reply{}, err
	}
	f := flow{src: src.Source, files: src.All, model: m, name: v.Name, textName: v.TextName}
	out, err := f.cut(v)
	if err != nil {
		return Reply{}, err
	}
	out.Layers, out.Stages = m.Config().Layers, stageNames[:]
	s.flow = f
	return Reply{JSON: out}, nil
}

// leastContext is the shortest that a short text makes of a context.
const leastContext = 64

// cut decides what of the text methods see, and what quality is measured on:
// what follows in the text, or where that is too short a built-in one.
func (f *flow) cut(v wire.FlowOpenArgs) (wire.Flow, error) {
	text := v.Text
	if text == "" {
		text = tales.Text(tales.Calibration, taleStories)
	}
	vocab := f.model.Vocab()
	if vocab == nil {
		return wire.Flow{}, errors.New("the model has no tokenizer (key tokenizer.ggml.model), and a text cannot be read without")
	}
	tokens := len(vocab.Encode(text, true, false))
	length, trained := eval.DefaultContext, f.model.Config().TrainedFor
	for length > leastContext && (trained > 0 && length > trained || tokens < 2*length) {
		length /= 2
	}
	most := 0
	if v.Tokens > 0 {
		most = max(1, v.Tokens/length)
	}
	var err error
	if f.chunks, err = calibrate.Chunks(f.model, text, calibrate.Text{Context: length, Chunks: most}); err != nil {
		return wire.Flow{}, err
	}
	n := len(f.chunks)
	f.measured, f.from, f.to = text, n, min(tokens/length, 2*n)
	follow := v.Text != "" && f.to-f.from >= 2
	if !follow {
		f.measured = tales.Text(tales.Measuring, taleStories)
		f.from, f.to = 0, max(2, min(n, len(vocab.Encode(f.measured, true, false))/length))
	}
	out := wire.Flow{Context: length, Chunks: n, Measured: f.to - f.from, Follow: follow}
	f.tellText(&out, vocab.Encode(f.measured, true, false))
	return out, nil
}

// teller is told how far a job is.
type teller struct {
	context.Context // of the job: done once nobody hears it any more
	cancel          func()
	yield           func(wire.FlowStep) bool
	step            wire.FlowStep // that is yet to be told
	last            time.Time
}

// tell takes in how far it is, and says so now and then.
func (t *teller) tell(phase string, done, total int64) {
	fresh := phase != t.step.Phase
	t.step.Phase, t.step.Done, t.step.Total = phase, done, total
	if t.Err() != nil || !fresh && time.Since(t.last) < flowEvery {
		return
	}
	if !t.yield(t.step) {
		t.cancel()
	}
	t.step.Tensors, t.last = nil, time.Now()
}

// run begins a job and answers with its first step. The job runs aside: it
// stands still between two steps.
func (f *flow) run(a wire.FlowRunArgs) (Reply, error) {
	job := map[string]func(*teller, wire.FlowRunArgs) (Reply, error){
		wire.FlowMethod: f.method, wire.FlowMatrix: f.matrix, wire.FlowLook: f.look, wire.FlowScheme: f.scheme,
	}[a.Kind]
	if job == nil {
		return Reply{}, fmt.Errorf("there is no job %q", a.Kind)
	}
	f.end()
	var reply Reply
	var err error
	next, stop := iter.Pull(func(yield func(wire.FlowStep) bool) {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		reply, err = job(&teller{Context: ctx, cancel: cancel, yield: yield, last: time.Now()}, a)
	})
	f.stop = stop
	f.next = func() (Reply, error) {
		if step, more := next(); more {
			return Reply{JSON: step}, nil
		}
		f.next, f.stop = nil, nil
		return reply, err
	}
	return f.next()
}

// end stops the job, if there is one.
func (f *flow) end() {
	if f.stop != nil {
		f.stop()
	}
	f.next, f.stop = nil, nil
}

// strays is how m strays from the original on the text that is measured on.
func (f *flow) strays(t *teller, m *llama.Model, who string) (*metric.Tokens, error) {
	r, err := eval.New(m, f.model, f.measured, eval.Options{Context: len(f.chunks[0])})
	if err != nil {
		return nil, err
	}
	var all metric.Tokens
	total := int64((f.to - f.from) * r.Context)
	done := int64(0)
	for i := f.from; i < f.to; i++ {
		for at := 0; at < r.Context; at += evalStep {
			t.tell("Reading with "+who, done, total)
			sums, err := r.Step(t, i, at, evalStep)
			if err != nil {
				return nil, err
			}
			done += evalStep
			if sums != nil {
				all.Merge(*sums)
			}
		}
	}
	if x := all.Own.One + all.Ref.One + all.KL.One; x-x != 0 {
		return nil, fmt.Errorf("what the model says with %s is not finite", who)
	}
	return &all, nil
}
