package page

import (
	"fmt"

	"fewbits/wasm/wire"
)

// Model is the state of the Model view.
type Model struct {
	File    *wire.FileInfo
	Opened  int // how many files were
	Recipe  string
	Types   map[string]string // of tensors by their names, where a person wants another than the recipe's
	Plan    *wire.Plan        // of File with Recipe; nil while it is made, and where it cannot be
	Room    *Room             // for what is to be made; nil while it is not known
	Made    *Made             // from Plan, read back and found right
	Earlier *Made             // made before the choice changed, and still to be had

	Filter string // of the table
	Sort   string // a column; "" is the order of the file
	Desc   bool

	Status string // news
	Fault  string // what went wrong last; the last good model stays
	Busy   string // what is being read; "" when nothing is

	Remote Remote

	opening map[int]opening   // by the request
	ref     int               // of File
	chosen  bool              // a person did choose Recipe
	wantID  int               // request whose plan is waited for
	types   map[string]string // of Plan
	waiting bool              // for a plan with other Types, while Plan still stands
	fileID  int               // request that keeps the file that is made, or was
	kept    string            // where
	checkID int               // request that reads it back
	working bool
	job     *job    // from when there is where to keep it until it is all made
	ended   *Made   // made and not yet read back
	said    float64 // ms into the conversion when Status last changed

	Measuring Measuring
	Saying    Saying
	Budget    Budget
	Flow      Flow

	Checkpoint Checkpoint

	modelTable
	extras
}

// opening is a file that is being opened.
type opening struct {
	ref  int
	name string
	url  string
}

// Working says whether a file is being made or read back.
func (m *Model) Working() bool { return m.working }

// Ready says whether Quantize can begin.
func (m *Model) Ready() bool {
	return m.Plan != nil && !m.working && !m.Checkpoint.working && !m.waiting && !m.weighing && len(m.opening) == 0 // else the worker is about to hold another file
}

// News is what is done now, or was last.
func (m *Model) News() string {
	switch {
	case m.Busy != "":
		return m.Busy
	case m.Status != "":
		return m.Status
	case m.File != nil:
		return m.holds()
	}
	return "No model yet."
}

func (m *Model) holds() string {
	say := fmt.Sprintf("%s holds %s", m.File.Name, count(len(m.File.Tensors), "tensor"))
	if as := m.StoredAs(); as != "" {
		say += ". Stored as " + as
	}
	return say
}

// Progress is how far the conversion is.
func (m *Model) Progress() Progress {
	switch {
	case m.job != nil:
		return m.job.Progress
	case m.ended != nil:
		return Progress{Done: 1, Total: 1, Written: m.ended.Size, Size: m.ended.Size, Elapsed: m.ended.Elapsed}
	case m.Plan != nil:
		return Progress{Size: m.Plan.Size}
	}
	return Progress{}
}

// defaultRecipe is what every file can take, defaultMixture what a model can
// whose file says what it is.
const (
	defaultRecipe  = "Q4_K"
	defaultMixture = "Q4_K_M"
)

// The events of Model.
type (
	// RecipeChosen says what the tensors should become.
	RecipeChosen struct{ Name string }
	// TypeChosen gives one tensor of the file a type, "" the recipe's.
	TypeChosen struct {
		Index int
		Type  string
	}
	// TypesReset gives all tensors the recipe's types.
	TypesReset struct{}
	// Room says what there is to keep a file in.
	Room struct {
		Free   float64 // bytes in the browser's own storage, 0 where there is none, −1 where it does not say
		Picker bool    // a file may be written where the person says
	}
	// QuantizeAsked starts the conversion, into a file that the person picks
	// where it is straight.
	QuantizeAsked struct{ Straight bool }
	// Stored says that there is where to keep the file that is to be made.
	Stored struct {
		ID      int
		Workers int     // that may make it
		Kept    string  // as Made has it
		At      float64 // ms
	}
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
	// AskRoom asks for Room.
	AskRoom struct{}
	// Keep finds where to keep a file that is to be made; Stored answers.
	Keep struct {
		ID       int
		Name     string
		Size     int64
		Straight bool // where the person says
		Alone    bool // no worker of a conversion is started meanwhile
	}
	// Drop forgets a file that was made, or is being made.
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
	case TypeChosen:
		return s.chooseType(e), true
	case TypesReset:
		if m.Plan == nil && !m.working {
			m.Types, m.Fault = nil, ""
			return s.planModel(), true
		}
		return s.setTypes(nil), true
	case Room:
		m.Room = &e
		return nil, true
	case QuantizeAsked:
		return s.quantize(e.Straight), true
	case Stored:
		return s.stored(e), true
	case CancelAsked:
		return s.cancelModel(), true
	case DownloadAsked:
		if made := m.Offered(); made != nil {
			return []Effect{Save{ID: m.fileID, Name: made.Name, Type: "application/octet-stream"}}, true
		}
		return nil, true
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
	c := s.call("model", "open", Call{Lane: "job", Op: wire.OpOpen, Args: wire.OpenArgs{Name: e.Name, Whole: true}, File: e.Ref, Remember: true})
	if m.opening == nil {
		m.opening = map[int]opening{}
	}
	m.opening[c.ID] = opening{e.Ref, e.Name, e.URL}
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
		if m.mixed() {
			p.Recipe = m.Budget.MixName()
		}
		m.Plan, m.types, m.waiting, m.Status = &p, m.Types, false, m.ready(&p)
		m.renewed()
		return []Effect{AskRoom{}}
	case "make":
		return s.partMade(e)
	case "check":
		return s.modelChecked(e)
	case "inside":
		return s.insideKnown(e)
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
	m.outdate()
	m.Remote = Remote{o.url, o.url}
	m.File, m.ref, m.Types, m.Filter, m.Sort, m.Desc = &info, o.ref, nil, "", "", false
	m.Opened++
	stop := append(s.stopMeasuring(), s.stopSaying()...)
	stop = append(stop, s.dropBudget()...)
	stop = append(append(stop, s.forgetFlow()...), s.dropCheckpoint()...)
	m.Measuring, m.Saying = Measuring{}, Saying{}
	m.Budget.Status = ""
	s.fitRecipe()
	m.Status = m.holds()
	m.renewed()
	s.fitMatrix()
	return append(append(stop, s.planModel()...), s.askInside()...)
}

// planModel asks what the file becomes with the recipe.
func (s *State) planModel() []Effect {
	m := &s.Model
	m.Plan, m.waiting = nil, false
	m.renewed()
	if m.File == nil {
		return nil
	}
	return s.askPlan()
}

func (s *State) askPlan() []Effect {
	m := &s.Model
	c := s.call("model", "plan", Call{Lane: "job", Op: wire.OpPlan, Args: m.args(), Latest: true})
	m.wantID = c.ID
	return []Effect{c}
}

// args are what the plan is made from.
func (m *Model) args() wire.PlanArgs {
	if m.mixed() {
		return m.mixArgs()
	}
	return wire.PlanArgs{Recipe: m.Recipe, Types: m.Types, Importance: m.guided}
}

func (s *State) chooseRecipe(name string) []Effect {
	m := &s.Model
	m.chosen = m.chosen || !m.working
	if name == m.Recipe || m.working {
		return nil
	}
	m.Recipe, m.Fault = name, ""
	if !m.mixes() {
		m.Types = nil
	}
	m.outdate()
	return s.planModel()
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
		if m.waiting { // for types that cannot be: those before stay
			m.Types, m.waiting = m.types, false
			m.restore()
			m.renewed()
			break
		}
		m.Status = ""
	case "inside":
		if m.insideID != e.ID {
			return nil
		}
	case "make":
		return s.partFailed(e)
	case "keep", "check":
		if e.ID != m.fileID && e.ID != m.checkID {
			return nil
		}
		return s.giveUp(e.Message)
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
	s.takeMatrix(m.File.Tensors[i].Name)
	out := []Effect{Go{"#/tensor"}}
	if t.File != nil && t.openRef == m.ref {
		more, _ := s.updateTensor(TensorChosen{i})
		return append(out, more...)
	}
	t.wanted = m.File.Tensors[i].Name
	return append(out, s.openFile(FileChosen{Ref: m.ref, Name: m.File.Name, View: "tensor", URL: m.Remote.opened})...)
}
