package page

import (
	"cmp"
	"fmt"

	"fewbits/wasm/wire"
)

// Flow is what flows through the model while it reads a text, and what
// quantizes by that.
type Flow struct {
	Open    wire.Flow // the text, as it is cut
	Text    string    // what it is called; "" before one was read
	Status  string
	Fault   string
	Job     string            // that is under way, or was last
	Step    *wire.FlowStep    // how far it is; nil before it says so
	Trace   []wire.FlowTensor // of the latest method
	Method  string            // whose trace it is
	Runs    []*FlowRun        // of methods; the latest last
	Schemes []*FlowRun
	Kept    *FlowRun // of GPTQ or AWQ, whose codes the worker still has; nil for none
	Matrix  [2]int   // files of the importance matrix that was collected, in both forms, or 0
	Named   string   // what they are called, without their ends

	Stage   wire.FlowStageArgs
	Looked  bool
	Layers  int
	stageID int

	model wire.FlowOpenArgs // that the worker has, with Name "" where it has none
	asked *FlowAsked
	want  int // request; 0 where none is under way
}

// FlowRun is what came of a way.
type FlowRun struct {
	*FlowAsked
	*wire.FlowStep
	Open wire.Flow
	File int // of what was made, or 0
}

const flowLane = "flow"

// flowKept is how large a model may be that stays while others read, in bytes.
const flowKept = 32 << 20

// newFlow has nothing yet, and what SmoothQuant and LLM.int8() start from.
func newFlow() Flow { return Flow{Stage: wire.FlowStageArgs{Alpha: 0.5, Threshold: 6}} }

// The events of flow.
type (
	// FlowAsked begins a job on a text, "" for the built-in one.
	FlowAsked struct {
		wire.FlowRunArgs
		Text, Name string
		InFile     bool
		Tokens     int // at most; 0 is all
		At         float64
	}
	// FlowCancelled stops it.
	FlowCancelled struct{}
	// FlowStageChosen asks for the figures of a stage.
	FlowStageChosen struct{ wire.FlowStageArgs }
	// FlowAdopted says where the files of a job are.
	FlowAdopted struct{ Refs [2]int }
	// FlowSaved downloads a file by its place in Runs; −1 and −2 are the
	// importance matrix in its forms.
	FlowSaved struct{ At int }
)

// The effects of flow.
type (
	// Adopt makes files of the arrays of an answer; FlowAdopted answers.
	Adopt struct {
		ID     int
		Names  [2]string // "" for none
		Forget []int     // files that are not needed any more
	}
	// SaveFile offers a file.
	SaveFile struct{ Ref int }
	// DrawFlow paints the figures of a stage.
	DrawFlow struct{ ID int }
)

func (s *State) updateFlow(e Event) ([]Effect, bool) {
	f := &s.Model.Flow
	switch e := e.(type) {
	case *FlowAsked:
		return s.flow(e), true
	case FlowCancelled:
		if !f.Running() {
			return nil, true
		}
		out := s.restFlow()
		f.Status = "Cancelled"
		return out, true
	case FlowStageChosen:
		return s.flowStage(e.FlowStageArgs), true
	case FlowAdopted:
		return s.flowAdopted(e.Refs), true
	case FlowSaved:
		switch {
		case e.At < 0 && e.At >= -2:
			return []Effect{SaveFile{f.Matrix[-1-e.At]}}, true
		case e.At >= 0 && e.At < len(f.Runs) && f.Runs[e.At].File > 0:
			return []Effect{SaveFile{f.Runs[e.At].File}}, true
		}
		return nil, true
	}
	return nil, false
}

// Running says whether a job is under way.
func (f *Flow) Running() bool { return f.want != 0 }

func (s *State) flow(e *FlowAsked) []Effect {
	m := &s.Model
	f := &m.Flow
	if !m.Idle() {
		return nil
	}
	f.Status, f.Fault = "", cmp.Or(m.NotMeasured(), tooLong(e.Text))
	open := wire.FlowOpenArgs{Name: m.File.Name, Text: e.Text, TextName: e.Name, Tokens: e.Tokens}
	if f.Fault == "" {
		open.Resident, f.Fault = m.flowRoom(e.Kind)
	}
	if f.Fault != "" {
		return nil
	}
	f.asked, f.Job, f.Step = e, e.Kind, nil
	if e.Kind == wire.FlowMethod {
		f.Trace, f.Method, f.Kept = nil, e.Format, nil
	}
	if f.model == open {
		return s.flowCall("run", wire.OpFlowRun, e.FlowRunArgs, 0)
	}
	f.model, f.Looked, f.Kept, f.Status = open, false, nil, "Loading "+open.Name
	return s.flowCall("open", wire.OpFlowOpen, open, m.ref)
}

func (s *State) flowCall(what, op string, args any, file int) []Effect {
	c := s.call("flow", what, Call{Lane: flowLane, Op: op, Args: args, File: file})
	s.Model.Flow.want = c.ID
	return []Effect{c}
}

// flowRoom says how many bytes of weights may be held, 0 for all, or why there
// is no room. Methods hold the new weights beside the old, and the file that
// becomes of them; their codes stay for a checkpoint.
func (m *Model) flowRoom(kind string) (resident int64, why string) {
	_, resident, why = m.share(1)
	if kind == wire.FlowMatrix || kind == wire.FlowLook || why != "" {
		return resident, why
	}
	const mib = 1 << 20
	weights, values := 0.0, 0.0
	for _, t := range m.File.Tensors {
		weights, values = weights+float64(t.Bytes)/mib, values+float64(t.Values)/mib
	}
	if need := readWorker + 2*(readTiles+m.keysMiB()) + readHead*m.headMiB() + readSlack*(weights+7*values); need > readRoom {
		return 0, fmt.Sprintf("There is no room here: this takes about %s, and the tab has %s for it. The fewbits command does the same to models of any size.", bytesOf(need*mib), bytesOf(readRoom*mib))
	}
	return resident, ""
}

func (s *State) flowReply(what string, e Reply) []Effect {
	f := &s.Model.Flow
	if what == "stage" {
		if e.ID != f.stageID {
			return nil
		}
		return []Effect{DrawFlow{e.ID}}
	}
	if e.ID != f.want {
		return nil
	}
	if what == "open" {
		if err := wire.Unmarshal(e.JSON, &f.Open); err != nil {
			return s.flowFailed("the answer of the worker cannot be read: " + err.Error())
		}
		f.Text = f.asked.Name
		return s.flowCall("run", wire.OpFlowRun, f.asked.FlowRunArgs, 0)
	}
	step := &wire.FlowStep{}
	if err := wire.Unmarshal(e.JSON, step); err != nil {
		return s.flowFailed("the answer of the worker cannot be read: " + err.Error())
	}
	f.Step, f.Status = step, step.Phase
	if f.Job == wire.FlowMethod {
		f.Trace = append(f.Trace, step.Tensors...)
	}
	if !step.Through {
		return s.flowCall("step", wire.OpFlowStep, struct{}{}, 0)
	}
	return s.flowThrough(e)
}

// flowThrough takes in what a job came to.
func (s *State) flowThrough(e Reply) []Effect {
	f := &s.Model.Flow
	f.want = 0
	f.Status = fmt.Sprintf("Done in %.1f s", (e.At-f.asked.At)/1000)
	run := &FlowRun{FlowAsked: f.asked, FlowStep: f.Step, Open: f.Open}
	switch f.Job {
	case wire.FlowMethod:
		old := f.dropFiles() // one at a time is kept
		f.Runs = append(f.Runs, run)
		if run.Format == "GPTQ" || run.Format == "AWQ" {
			f.Kept = run
		}
		return []Effect{Adopt{ID: e.ID, Names: [2]string{f.Step.Name}, Forget: old}}
	case wire.FlowMatrix:
		f.Named = f.Step.Name
		return []Effect{Adopt{ID: e.ID, Names: [2]string{f.Named + ".gguf", f.Named + ".dat"}}}
	case wire.FlowScheme:
		f.Schemes = append(f.Schemes, run)
		return nil
	}
	f.Looked = true
	return s.flowStage(f.Stage)
}

// dropFiles are the files of the runs, which have them no more.
func (f *Flow) dropFiles() (old []int) {
	for _, r := range f.Runs {
		if r.File > 0 {
			old = append(old, r.File)
		}
		r.File = 0
	}
	return old
}

// flowAdopted goes by a matrix that was collected as by one that was opened.
func (s *State) flowAdopted(refs [2]int) []Effect {
	f := &s.Model.Flow
	if f.Job == wire.FlowMethod && len(f.Runs) > 0 {
		f.Runs[len(f.Runs)-1].File = refs[0]
		return nil
	}
	if f.Job != wire.FlowMatrix {
		return nil
	}
	f.Matrix = refs
	out, _ := s.updateImportance(ImatrixChosen{Ref: refs[0], Name: f.Named + ".gguf"})
	return out
}

// flowStage asks for the figures of a stage.
func (s *State) flowStage(a wire.FlowStageArgs) []Effect {
	f := &s.Model.Flow
	f.Stage = a
	if !f.Looked || f.Running() {
		return nil
	}
	a.Layer = max(0, min(f.Open.Layers-1, a.Layer))
	c := s.call("flow", "stage", Call{Lane: flowLane, Op: wire.OpFlowStage, Args: a, Latest: true})
	f.stageID = c.ID
	return []Effect{c}
}

// restFlow stops the worker, so that another may have its room; nil where there
// is none.
func (s *State) restFlow() []Effect {
	f := &s.Model.Flow
	if f.model.Name == "" {
		return nil
	}
	if f.Running() {
		f.Status = "Stopped"
	}
	f.want, f.stageID, f.model, f.Looked, f.Kept = 0, 0, wire.FlowOpenArgs{}, false, nil
	return []Effect{End{flowLane}}
}

// yieldFlow does so where what the worker holds is large.
func (s *State) yieldFlow() []Effect {
	held := int64(0)
	for _, t := range s.Model.File.Tensors {
		held += t.Bytes
	}
	if held < flowKept {
		return nil
	}
	return s.restFlow()
}

func (s *State) flowFailed(why string) []Effect {
	out := s.restFlow()
	s.Model.Flow.Status, s.Model.Flow.Fault = "", why
	return out
}

func (s *State) flowFault(what string, e Fault) []Effect {
	f := &s.Model.Flow
	if e.ID != f.want && e.ID != f.stageID {
		return nil
	}
	if !e.Died && what != "open" {
		f.want, f.Status, f.Fault = 0, "", e.Message // the worker still has the model
		return nil
	}
	return s.flowFailed(e.Message)
}

// forgetFlow leaves what belongs to a model that is closed.
func (s *State) forgetFlow() []Effect {
	out := s.restFlow()
	old := s.Model.Flow.dropFiles()
	s.Model.Flow = newFlow()
	if len(old) > 0 {
		out = append(out, Adopt{Forget: old})
	}
	return out
}
