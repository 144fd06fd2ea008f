package page

import (
	"slices"
	"strings"
	"testing"

	"fewbits/wasm/wire"
)

// flowing is a page whose worker has the model and is at a job.
func flowing(t *testing.T, e *FlowAsked) (*State, Call) {
	t.Helper()
	s := readable(t, false)
	c := only(t, s.Update(e), wire.OpFlowOpen, flowLane)
	if a := c.Args.(wire.FlowOpenArgs); c.File != 7 || a.Text != e.Text || a.TextName != e.Name || a.Tokens != e.Tokens {
		t.Fatalf("%+v", c)
	}
	return s, only(t, answer(t, s, c, wire.Flow{Context: 128, Chunks: 4, Measured: 4, Layers: 2}), wire.OpFlowRun, flowLane)
}

var gptqAsked = &FlowAsked{FlowRunArgs: wire.FlowRunArgs{Kind: wire.FlowMethod, Format: "GPTQ", Options: map[string]string{"group": "32", "bits": "3"}}, Text: "Once.", Name: "a b.txt", InFile: true, Tokens: 512}

func TestFlowOfAMethod(t *testing.T) {
	s, c := flowing(t, gptqAsked)
	f := &s.Model.Flow
	c = only(t, answer(t, s, c, wire.FlowStep{Phase: "GPTQ", Done: 1, Total: 4, Tensors: []wire.FlowTensor{{Name: "a", Error: 1, Rounding: 2}}}), wire.OpFlowStep, flowLane)
	if !f.Running() || f.Status != "GPTQ" || f.Step.Done != 1 || len(f.Trace) != 1 {
		t.Fatalf("%+v", f)
	}
	for _, e := range []Event{&FlowAsked{}, MeasureAsked{Workers: 2}, SayAsked{Prompt: "x"}} {
		if out := s.Update(e); len(out) > 0 {
			t.Errorf("%T meanwhile: %+v", e, out)
		}
	}
	out := answer(t, s, c, wire.FlowStep{Through: true, Name: "m-gptq.gguf", Tensors: []wire.FlowTensor{{Name: "b"}}, Own: counted(1), Plain: counted(2)})
	if len(out) != 1 || out[0].(Adopt).Names != [2]string{"m-gptq.gguf"} || f.Running() || len(f.Trace) != 2 || len(f.Runs) != 1 {
		t.Fatalf("%+v, %+v", out, f)
	}
	if out := s.Update(FlowSaved{0}); len(out) > 0 {
		t.Errorf("there is no file yet: %+v", out)
	}
	s.Update(FlowAdopted{Refs: [2]int{31}})
	if out := s.Update(FlowSaved{0}); len(out) != 1 || out[0] != Effect(SaveFile{31}) {
		t.Errorf("%+v", out)
	}

	// Once more: the worker has the model, and one file is kept.
	c = only(t, s.Update(gptqAsked), wire.OpFlowRun, flowLane)
	out = answer(t, s, c, wire.FlowStep{Through: true, Name: "n.gguf", Own: counted(1), Plain: counted(2)})
	if a := out[0].(Adopt); !slices.Equal(a.Forget, []int{31}) || f.Runs[0].File != 0 {
		t.Errorf("%+v", out)
	}
}

func TestFlowIsCancelled(t *testing.T) {
	s, c := flowing(t, gptqAsked)
	if out := s.Update(FlowCancelled{}); !slices.Contains(out, Effect(End{flowLane})) || s.Model.Flow.Running() || s.Model.Flow.Status != "Cancelled" {
		t.Fatalf("%+v, %+v", out, s.Model.Flow)
	}
	if late := answer(t, s, c, wire.FlowStep{Through: true}); len(late) > 0 {
		t.Errorf("a late answer: %+v", late)
	}
	only(t, s.Update(gptqAsked), wire.OpFlowOpen, flowLane) // the worker has to be told again
	if out := s.Update(QuantizeAsked{}); !slices.Contains(out, Effect(End{flowLane})) || s.Model.Flow.Running() {
		t.Errorf("Quantize goes before: %+v", out)
	}
}

func TestFlowFails(t *testing.T) {
	s, c := flowing(t, gptqAsked)
	s.Update(Fault{ID: c.ID, Message: "group 7 does not fit"})
	if f := &s.Model.Flow; f.Running() || f.Fault != "group 7 does not fit" {
		t.Fatalf("%+v", f)
	}
	c = only(t, s.Update(gptqAsked), wire.OpFlowRun, flowLane) // it still has the model
	if out := s.Update(Fault{ID: c.ID, Message: "it died", Died: true}); !slices.Contains(out, Effect(End{flowLane})) {
		t.Errorf("%+v", out)
	}
	only(t, s.Update(gptqAsked), wire.OpFlowOpen, flowLane)

	s = readable(t, false)
	s.Update(&FlowAsked{FlowRunArgs: gptqAsked.FlowRunArgs, Text: strings.Repeat("a", maxText+1)})
	if f := &s.Model.Flow; f.Running() || !strings.Contains(f.Fault, "longer than") {
		t.Errorf("%+v", f)
	}
	for i := range s.Model.File.Tensors {
		s.Model.File.Tensors[i].Values = 1 << 30
	}
	s.Update(gptqAsked)
	if f := &s.Model.Flow; f.Running() || !strings.Contains(f.Fault, "no room") {
		t.Errorf("%+v", f)
	}
}

func TestFlowOfAMatrix(t *testing.T) {
	s, c := flowing(t, &FlowAsked{FlowRunArgs: wire.FlowRunArgs{Kind: wire.FlowMatrix}})
	out := answer(t, s, c, wire.FlowStep{Through: true, Name: "m-imatrix"})
	if a := out[0].(Adopt); a.Names != [2]string{"m-imatrix.gguf", "m-imatrix.dat"} {
		t.Fatalf("%+v", out)
	}
	told := only(t, s.Update(FlowAdopted{Refs: [2]int{41, 42}}), wire.OpImatrix, "job")
	if told.File != 41 || told.Args.(wire.ImatrixArgs).Name != "m-imatrix.gguf" {
		t.Errorf("%+v", told)
	}
	for at, ref := range map[int]int{-1: 41, -2: 42} {
		if out := s.Update(FlowSaved{at}); len(out) != 1 || out[0] != Effect(SaveFile{ref}) {
			t.Errorf("%d: %+v", at, out)
		}
	}
}

func TestFlowOfActivations(t *testing.T) {
	s, c := flowing(t, &FlowAsked{FlowRunArgs: wire.FlowRunArgs{Kind: wire.FlowLook}})
	look := only(t, answer(t, s, c, wire.FlowStep{Through: true}), wire.OpFlowStage, flowLane)
	if a := look.Args.(wire.FlowStageArgs); a != (wire.FlowStageArgs{Alpha: 0.5, Threshold: 6}) {
		t.Errorf("%+v", a)
	}
	later := only(t, s.Update(FlowStageChosen{wire.FlowStageArgs{Layer: 9, Stage: 3, Alpha: 0.7}}), wire.OpFlowStage, flowLane)
	if a := later.Args.(wire.FlowStageArgs); a.Layer != 1 || a.Stage != 3 || !later.Latest {
		t.Errorf("%+v", later)
	}
	if out := answer(t, s, look, wire.FlowStage{}); len(out) > 0 {
		t.Errorf("what was asked before is drawn: %+v", out)
	}
	if out := answer(t, s, later, wire.FlowStage{}); len(out) != 1 || out[0] != Effect(DrawFlow{later.ID}) {
		t.Errorf("%+v", out)
	}
}
