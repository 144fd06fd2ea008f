package page

import (
	"fmt"
	"slices"

	"fewbits/wasm/wire"
)

// Model is the state of the Model view.
type Model struct {
	File     *wire.FileInfo
	Opened   int // how many files were
	Recipe   string
	Plan     *wire.Plan      // of File with Recipe; nil while it is made, and where it cannot be
	Progress *wire.Progress  // of the conversion under way, if any
	Made     *wire.Converted // made from Plan, read back and found right

	Filter string // of the table
	Sort   string // a column; "" is the order of the file
	Desc   bool

	Status string // news
	Fault  string // what went wrong last; the last good model stays
	Busy   string // what is being read; "" when nothing is

	opening map[int]opening // by the request
	ref     int             // of File
	wantID  int             // request whose plan is waited for
	jobID   int             // request that makes the file, or made it
	checkID int             // request that reads it back
	working bool
	ended   *wire.Converted // made and not yet read back
	said    float64         // ms into the conversion when Status last changed

	modelTable
}

// opening is a file that is being opened.
type opening struct {
	ref  int
	name string
}

// Working says whether a file is being made or read back.
func (m *Model) Working() bool { return m.working }

// defaultRecipe is what every file can take.
const defaultRecipe = "Q4_K"

// The events of Model.
type (
	// RecipeChosen says what the tensors should become.
	RecipeChosen struct{ Name string }
	// QuantizeAsked starts the conversion.
	QuantizeAsked struct{}
	// CancelAsked stops it.
	CancelAsked struct{}
	// DownloadAsked offers the file that was made.
	DownloadAsked struct{}
	// Filtered shows the tensors whose row holds every word of Text.
	Filtered struct{ Text string }
	// Sorted orders the table by a column, or turns its order around.
	Sorted struct{ Column string }
	// TensorAsked opens a tensor of the model in Tensor.
	TensorAsked struct{ Index int }
)

// The effects of Model.
type (
	// Drop forgets the parts that a conversion sent.
	Drop struct{ ID int }
	// End stops the worker of a lane; it starts again when it is next asked.
	End struct{ Lane string }
	// Go leads to another view, as a link does.
	Go struct{ Hash string }
)

func (s *State) updateModel(e Event) ([]Effect, bool) {
	m := &s.Model
	switch e := e.(type) {
	case RecipeChosen:
		return s.chooseRecipe(e.Name), true
	case QuantizeAsked:
		return s.quantize(), true
	case CancelAsked:
		return s.cancelModel(), true
	case DownloadAsked:
		if m.Made == nil {
			return nil, true
		}
		return []Effect{Save{ID: m.jobID, Name: m.Made.Name, Type: "application/octet-stream"}}, true
	case Filtered:
		m.Filter = e.Text
		m.changed()
		return nil, true
	case Sorted:
		m.sortBy(e.Column)
		return nil, true
	case TensorAsked:
		return s.openInTensor(e.Index), true
	}
	return nil, false
}

func (s *State) openModel(e FileChosen) []Effect {
	m := &s.Model
	if m.working {
		m.Fault = fmt.Sprintf("%s is still being quantized; wait for it or cancel it, then open %s", m.File.Name, e.Name)
		return nil
	}
	m.Fault, m.Busy = "", "Reading the header of "+e.Name
	c := s.call("model", "open", Call{Lane: "job", Op: wire.OpOpen, Args: wire.OpenArgs{Name: e.Name}, File: e.Ref, Remember: true})
	if m.opening == nil {
		m.opening = map[int]opening{}
	}
	m.opening[c.ID] = opening{e.Ref, e.Name}
	return []Effect{c}
}

// modelReply takes an answer in. Answers to OpOpen come in the order of the
// requests, so File is always what the worker holds.
func (s *State) modelReply(kind string, e Reply) []Effect {
	m := &s.Model
	switch kind {
	case "open":
		return s.modelOpened(e)
	case "plan":
		if m.wantID != e.ID {
			return nil
		}
		var p wire.Plan
		if err := wire.Unmarshal(e.JSON, &p); err != nil {
			return s.modelBroken(err)
		}
		m.Plan, m.Status = &p, m.ready(&p)
		m.renewed()
	case "convert":
		if m.jobID != e.ID || !m.working {
			return []Effect{Drop{e.ID}} // cancelled as it ended
		}
		var c wire.Converted
		if err := wire.Unmarshal(e.JSON, &c); err != nil {
			return append(s.stopModel(), s.modelBroken(err)...)
		}
		m.ended, m.Status = &c, "Reading "+c.Name+" back"
		check := s.call("model", "check", Call{Lane: "check", Op: wire.OpOpen, Args: wire.OpenArgs{Name: c.Name}, Parts: e.ID})
		m.checkID = check.ID
		return []Effect{check}
	case "check":
		return s.modelChecked(e)
	}
	return nil
}

func (s *State) modelOpened(e Reply) []Effect {
	m := &s.Model
	o := m.opening[e.ID]
	delete(m.opening, e.ID)
	var info wire.FileInfo
	if err := wire.Unmarshal(e.JSON, &info); err != nil {
		return s.modelBroken(err)
	}
	if len(m.opening) == 0 {
		m.Busy = ""
	}
	drop := s.dropMade()
	m.File, m.ref, m.Filter, m.Sort, m.Desc = &info, o.ref, "", "", false
	m.Opened++
	s.fitRecipe()
	m.Status = fmt.Sprintf("%s holds %s", info.Name, count(len(info.Tensors), "tensor"))
	m.renewed()
	return append(drop, s.planModel()...)
}

// planModel asks what the file becomes with the recipe.
func (s *State) planModel() []Effect {
	m := &s.Model
	m.Plan = nil
	m.renewed()
	if m.File == nil {
		return nil
	}
	c := s.call("model", "plan", Call{Lane: "job", Op: wire.OpPlan, Args: wire.PlanArgs{Recipe: m.Recipe}, Latest: true})
	m.wantID = c.ID
	return []Effect{c}
}

func (s *State) chooseRecipe(name string) []Effect {
	m := &s.Model
	if name == m.Recipe || m.working {
		return nil
	}
	m.Recipe, m.Fault = name, ""
	return append(s.dropMade(), s.planModel()...)
}

// dropMade forgets the file that was made.
func (s *State) dropMade() []Effect {
	m := &s.Model
	m.Made, m.ended = nil, nil
	if m.jobID == 0 {
		return nil
	}
	id := m.jobID
	m.jobID = 0
	return []Effect{Drop{id}}
}

func (s *State) quantize() []Effect {
	m := &s.Model
	if m.Plan == nil || m.working || len(m.opening) > 0 {
		return nil // the worker is about to hold another file
	}
	out := s.dropMade()
	c := s.call("model", "convert", Call{Lane: "job", Op: wire.OpConvert, Args: wire.PlanArgs{Recipe: m.Plan.Recipe}})
	m.jobID, m.working, m.said = c.ID, true, 0
	m.Progress = &wire.Progress{Count: len(m.Plan.Steps), Size: m.Plan.Size}
	m.Status, m.Fault = "Quantizing to "+m.Plan.Recipe, ""
	m.renewed()
	return append(out, c)
}

// stopModel goes back to where the model was before Quantize.
func (s *State) stopModel() []Effect {
	m := &s.Model
	var out []Effect
	if m.checkID != 0 {
		out = append(out, End{"check"})
	}
	m.working, m.Progress, m.checkID = false, nil, 0
	m.renewed()
	return append(out, s.dropMade()...)
}

func (s *State) cancelModel() []Effect {
	m := &s.Model
	if !m.working {
		return nil
	}
	var out []Effect
	if m.ended == nil {
		out = append(out, Cancel{"job"})
	}
	m.Status = "Cancelled; nothing was kept"
	return append(out, s.stopModel()...)
}

// sayEvery is how often news of a conversion changes, in ms, so that it can be
// read, and read out.
const sayEvery = 1000

func (s *State) modelProgress(e Progress) []Effect {
	m := &s.Model
	if p, ok := s.pending[e.ID]; !ok || p.kind != "model" || e.ID != m.jobID || !m.working {
		return nil
	}
	var p wire.Progress
	if err := wire.Unmarshal(e.JSON, &p); err != nil {
		return s.modelBroken(err)
	}
	m.Progress = &p
	if p.Index < len(m.Plan.Steps) && (m.said == 0 || p.Elapsed-m.said >= sayEvery) {
		m.said = max(p.Elapsed, 1)
		m.Status = fmt.Sprintf("%s to %s · tensor %s of %s", p.Tensor, m.Plan.Steps[p.Index].To, grouped(p.Index+1), grouped(p.Count))
	}
	return nil
}

// modelChecked compares the file that was made, as it was read back, with the plan.
func (s *State) modelChecked(e Reply) []Effect {
	m := &s.Model
	if m.checkID != e.ID || m.ended == nil {
		return nil
	}
	m.checkID = 0
	out := []Effect{End{"check"}}
	var back wire.FileInfo
	if err := wire.Unmarshal(e.JSON, &back); err != nil {
		return append(append(out, s.stopModel()...), s.modelBroken(err)...)
	}
	if wrong := m.differs(&back); wrong != "" {
		out = append(out, s.stopModel()...)
		m.Status, m.Fault = "", "the file that was made does not read back as planned and is not offered: "+wrong
		return out
	}
	m.Made, m.ended, m.working, m.Progress = m.ended, nil, false, nil
	m.Status = fmt.Sprintf("Done in %.1f s. Read back: %s, the same names, shapes and offsets", m.Made.Elapsed/1000, count(len(back.Tensors), "tensor"))
	m.renewed()
	return out
}

// differs says where a file is not what was planned, "" nowhere.
func (m *Model) differs(back *wire.FileInfo) string {
	if back.Size != m.Plan.Size {
		return fmt.Sprintf("it has %d bytes, not %d", back.Size, m.Plan.Size)
	}
	if len(back.Tensors) != len(m.Plan.Steps) {
		return fmt.Sprintf("it has %d tensors, not %d", len(back.Tensors), len(m.Plan.Steps))
	}
	for i, b := range back.Tensors {
		p := m.Plan.Steps[i]
		shape := m.File.Tensors[p.Tensor].Shape
		switch {
		case b.Name != p.Name:
			return fmt.Sprintf("tensor %d is called %q, not %q", i, b.Name, p.Name)
		case !slices.Equal(b.Shape, shape):
			return fmt.Sprintf("tensor %q has the shape %v, not %v", b.Name, b.Shape, shape)
		case b.Type != p.To || b.Bytes != p.Bytes:
			return fmt.Sprintf("tensor %q is %s in %d bytes, not %s in %d", b.Name, b.Type, b.Bytes, p.To, p.Bytes)
		case b.Offset != p.Offset:
			return fmt.Sprintf("tensor %q stands at byte %d, not %d", b.Name, b.Offset, p.Offset)
		}
	}
	return ""
}

func (s *State) modelFault(kind string, e Fault) []Effect {
	m := &s.Model
	switch kind {
	case "open":
		name := m.opening[e.ID].name
		delete(m.opening, e.ID)
		if len(m.opening) == 0 {
			m.Busy = ""
		}
		m.Fault = fmt.Sprintf("%s cannot be opened: %s. Get it anew, or open another file.", name, e.Message)
		return nil
	case "plan":
		if m.wantID != e.ID {
			return nil
		}
		m.Status = ""
	case "convert", "check":
		if e.ID != m.jobID && e.ID != m.checkID {
			return nil
		}
		out := s.stopModel()
		m.Status, m.Fault = m.ready(m.Plan), e.Message
		return out
	}
	m.Fault = e.Message
	return nil
}

// modelBroken is an answer that cannot be read: a fault of ours.
func (s *State) modelBroken(err error) []Effect {
	s.Model.Busy = ""
	s.Model.Fault = "the answer of the worker cannot be read: " + err.Error()
	return nil
}

// ready is the news of a plan.
func (m *Model) ready(p *wire.Plan) string {
	n := 0
	for _, s := range p.Steps {
		if s.From != s.To {
			n++
		}
	}
	return fmt.Sprintf("Ready. %s of %s will change", grouped(n), count(len(p.Steps), "tensor"))
}

// openInTensor shows one tensor of the model in the Tensor view.
func (s *State) openInTensor(i int) []Effect {
	m, t := &s.Model, &s.Tensor
	if m.File == nil || i < 0 || i >= len(m.File.Tensors) {
		return nil
	}
	out := []Effect{Go{"#/tensor"}}
	if t.File != nil && t.openRef == m.ref {
		more, _ := s.updateTensor(TensorChosen{i})
		return append(out, more...)
	}
	t.wanted = m.File.Tensors[i].Name
	return append(out, s.openFile(FileChosen{Ref: m.ref, Name: m.File.Name, View: "tensor"})...)
}
