package page

import (
	"fmt"
	"slices"
	"strconv"

	"fewbits/wasm/wire"
)

// Trials is Compare on a model: what each way makes of it on a text.
type Trials struct {
	Demo    bool // the demo model is measured though another is open
	Tokens  int  // of the text that are read at most; 0 is about a second's worth
	Workers int  // that there may be
	Stopped bool // the person did
	Status  string
	Fault   string

	large, small trialModel
	run          *trialRun
	refs         map[string]sampleFile // of the samples that are here, by name
	hired        int                   // workers so far
}

// trialModel is a model with what is known of it.
type trialModel struct {
	name string // of its file
	ref  int    // of the file
	open *wire.Trial
	ways map[string]*wire.Tried // by Way.Name
}

type sampleFile struct {
	ref   int
	bytes float64
}

// trialRun is workers that try one way after another on one of the models.
type trialRun struct {
	m     *trialModel
	lanes []trialLane
	todo  []Way
	asked byRequest // lanes
	fetch string    // name of the sample that is waited for; "" for none
}

type trialLane struct {
	name   string // of the worker, which no earlier one had: a name may be ended after it is asked for again
	way    string // under way; "" while the model is being opened
	idle   bool
	deaths int
}

// The demo models: of one kind, trained alike, in two sizes.
const (
	demoLarge = "tale.gguf"
	demoSmall = "tale-small.gguf"
)

// The events of Compare on a model.
type (
	// ComparedOn is "tensor" or "model".
	ComparedOn struct{ On string }
	// WorkersCounted says how many workers there may be.
	WorkersCounted struct{ N int }
	// DemoChosen is whether the demo model is measured, or the open one.
	DemoChosen struct{ Demo bool }
	// TrialTokens is how much of the text is read at most.
	TrialTokens struct{ N int }
	// TrialsAsked goes on after a stop or a fault.
	TrialsAsked struct{}
	// TrialsStopped stops.
	TrialsStopped struct{}
	// SampleFetched is a file that came with the page, or why it did not.
	SampleFetched struct {
		Name  string
		Ref   int
		Bytes float64
		Fault string
	}
)

// FetchSample fetches a file that comes with the page; SampleFetched follows.
type FetchSample struct{ Name string }

func (s *State) updateTrials(e Event) ([]Effect, bool) {
	t := &s.Compare.Trials
	switch e := e.(type) {
	case ComparedOn:
		if e.On != "model" {
			e.On = "tensor"
		}
		s.Compare.On = e.On
		return append(s.pauseTrials(), s.compareShown()...), true
	case WorkersCounted:
		t.Workers = max(1, e.N)
	case DemoChosen:
		t.Demo, t.Stopped, t.Fault = e.Demo, false, ""
		return append(s.endTrials(), s.trialsShown()...), true
	case TrialTokens:
		out := s.endTrials()
		t.Tokens, t.Stopped, t.Fault, t.large, t.small = max(0, e.N), false, "", trialModel{}, trialModel{}
		return append(out, s.trialsShown()...), true
	case TrialsAsked:
		t.Stopped, t.Fault = false, ""
		return s.trialsShown(), true
	case TrialsStopped:
		t.Stopped = true
		return s.endTrials(), true
	case SampleFetched:
		return s.sampleFetched(e), true
	default:
		return nil, false
	}
	return nil, true
}

// Running says whether ways are being tried.
func (t *Trials) Running() bool { return t.run != nil }

// pauseTrials stops where nobody looks; what is known stays.
func (s *State) pauseTrials() []Effect {
	if s.Route == "compare" && s.Compare.On == "model" {
		return nil
	}
	return s.endTrials()
}

func (s *State) endTrials() (out []Effect) {
	t := &s.Compare.Trials
	if t.run == nil {
		return nil
	}
	for _, l := range t.run.lanes {
		if !l.idle {
			out = append(out, End{l.name})
		}
	}
	t.run, t.Status = nil, ""
	return out
}

// OpenModel is the name of the model that is open in Model and can be tried,
// or why it cannot; both "" where none is open.
func (s *State) OpenModel() (name, why string) {
	m := &s.Model
	if m.File == nil {
		return "", ""
	}
	why = m.NotMeasured()
	if _, fits := trialShare(float64(m.File.Size), 1); why == "" && !fits {
		why = fmt.Sprintf("%s is %s, and models of up to %s are tried here; fewbits eval -weights does it for larger ones.", m.File.Name, bytesOf(float64(m.File.Size)), bytesOf(trialMost))
	}
	return m.File.Name, why
}

// demo says whether the demo model is what ways are tried on.
func (s *State) demo() bool {
	name, why := s.OpenModel()
	return s.Compare.Trials.Demo || name == "" || why != ""
}

// Room of a worker, as in measure_room.go: it holds the model as its file has
// it and its layers as float32, which a collector lets go of late.
const (
	trialMost  = 64 << 20 // bytes of a file
	trialRoom  = 400 << 20
	trialBase  = 40 << 20
	trialTimes = 5.0 // a file's bytes
)

// trialShare is how many workers there is room for, and whether for one.
func trialShare(bytes float64, workers int) (n int, fits bool) {
	if bytes > trialMost {
		return 0, false
	}
	return max(1, min(workers, int(trialRoom/(trialBase+trialTimes*bytes)))), true
}

// trialsShown begins or goes on where the view is open and something is missing.
func (s *State) trialsShown() []Effect {
	t := &s.Compare.Trials
	if s.Route != "compare" || s.Compare.On != "model" || !s.Ready || t.run != nil || t.Fault != "" || t.Stopped {
		return nil
	}
	name, ref, bytes := demoLarge, t.refs[demoLarge].ref, t.refs[demoLarge].bytes
	if !s.demo() {
		name, ref, bytes = s.Model.File.Name, s.Model.ref, float64(s.Model.File.Size)
	}
	if t.large.name != name || t.large.ref != ref {
		t.large = trialModel{name: name, ref: ref, ways: map[string]*wire.Tried{}}
	}
	if t.small.name == "" {
		t.small = trialModel{name: demoSmall, ways: map[string]*wire.Tried{}}
	}
	m := &t.large
	todo := missing(m, s.modelWays())
	if len(todo) == 0 && s.demo() {
		m = &t.small
		m.ref, bytes = t.refs[demoSmall].ref, t.refs[demoSmall].bytes
		todo = missing(m, s.sizeWays())
	}
	if len(todo) == 0 {
		return nil
	}
	t.run = &trialRun{m: m, todo: todo, asked: byRequest{}}
	t.Status = "Loading " + m.name
	if m.ref == 0 {
		t.run.fetch = m.name
		return []Effect{FetchSample{m.name}}
	}
	return s.openTrials(bytes, len(todo))
}

// missing are the ways that were not tried on a model yet.
func missing(m *trialModel, ways []Way) []Way {
	return slices.DeleteFunc(ways, func(w Way) bool { return m.ways[w.Name] != nil })
}

func (s *State) sampleFetched(e SampleFetched) []Effect {
	t := &s.Compare.Trials
	if f, twice := t.refs[e.Name]; twice { // it was asked for again meanwhile
		e.Ref, e.Bytes, e.Fault = f.ref, f.bytes, ""
	} else if e.Fault == "" {
		if t.refs == nil {
			t.refs = map[string]sampleFile{}
		}
		t.refs[e.Name] = sampleFile{e.Ref, e.Bytes}
	}
	r := t.run
	if r == nil || r.fetch != e.Name {
		return nil
	}
	if e.Fault != "" {
		out := s.endTrials()
		t.Fault = "the demo model cannot be loaded: " + e.Fault + ". Another can be opened in Model"
		return out
	}
	r.fetch, r.m.ref = "", e.Ref
	return s.openTrials(e.Bytes, len(r.todo))
}

// openTrials gives the workers the model.
func (s *State) openTrials(bytes float64, ways int) (out []Effect) {
	t := &s.Compare.Trials
	n, _ := trialShare(bytes, min(max(1, t.Workers), ways))
	t.run.lanes = make([]trialLane, max(1, n))
	for k := range t.run.lanes {
		out = append(out, s.openTrial(k))
	}
	return out
}

func (s *State) openTrial(k int) Effect {
	r := s.Compare.Trials.run
	t := &s.Compare.Trials
	t.hired++
	r.lanes[k].way, r.lanes[k].name = "", "trial-"+strconv.Itoa(t.hired)
	args := wire.TrialOpenArgs{Name: r.m.name, Tokens: t.Tokens}
	if v := t.large.open; v != nil && r.m == &t.small {
		args.Tokens = v.Chunks * v.Context // both sizes read the same
	}
	c := s.call("trial", "open", Call{Lane: r.lanes[k].name, Op: wire.OpTrialOpen, File: r.m.ref, Args: args})
	r.asked[c.ID] = k
	return c
}

// tryOn gives a worker the next way; the last one to find none ends the run.
func (s *State) tryOn(k int) []Effect {
	t := &s.Compare.Trials
	r := t.run
	l := &r.lanes[k]
	if len(r.todo) == 0 {
		l.idle = true
		out := []Effect{End{l.name}}
		if slices.ContainsFunc(r.lanes, func(l trialLane) bool { return !l.idle }) {
			return out
		}
		s.endTrials()
		return append(out, s.trialsShown()...)
	}
	w := r.todo[0]
	r.todo = r.todo[1:]
	l.way = w.Name
	c := s.call("trial", "way", Call{Lane: l.name, Op: wire.OpTrial,
		Args: wire.TrialArgs{Format: w.Format, Options: w.Options.Map(), Plain: w.Plain, Activations: w.Activations}})
	r.asked[c.ID] = k
	return []Effect{c}
}

func (s *State) trialReply(kind string, e Reply) []Effect {
	t := &s.Compare.Trials
	r := t.run
	if r == nil {
		return nil
	}
	k, ok := r.asked.take(e.ID)
	if !ok {
		return nil
	}
	if kind == "open" {
		var v wire.Trial
		if err := wire.Unmarshal(e.JSON, &v); err != nil {
			return s.trialsFailed("the answer of the worker cannot be read: " + err.Error())
		}
		r.m.open = &v
	} else {
		var v wire.Tried
		if err := wire.Unmarshal(e.JSON, &v); err != nil {
			return s.trialsFailed("the answer of the worker cannot be read: " + err.Error())
		}
		r.m.ways[r.lanes[k].way] = &v
	}
	t.Status = "Trying every way on " + r.m.name + ": quantized, reconstructed, and run on the text"
	return s.tryOn(k)
}

func (s *State) trialsFailed(why string) []Effect {
	out := s.endTrials()
	s.Compare.Trials.Fault = why
	return out
}

// trialFault gives up a way that a worker failed at, and the whole where no
// model can be opened or workers keep dying.
func (s *State) trialFault(e Fault) []Effect {
	r := s.Compare.Trials.run
	if r == nil {
		return nil
	}
	k, ok := r.asked.take(e.ID)
	if !ok {
		return nil
	}
	l := &r.lanes[k]
	if e.Died {
		l.deaths++
	}
	if l.way == "" && !e.Died || l.deaths >= maxTries {
		return s.trialsFailed(e.Message)
	}
	if l.way != "" {
		r.m.ways[l.way] = &wire.Tried{Refused: e.Message}
	}
	if e.Died {
		gone := End{l.name}
		return []Effect{gone, s.openTrial(k)}
	}
	return s.tryOn(k)
}

// TrialProgress is how many ways are tried, of how many.
func (s *State) TrialProgress() (done, all int) {
	t := &s.Compare.Trials
	for _, w := range s.modelWays() {
		all++
		if t.large.ways[w.Name] != nil {
			done++
		}
	}
	if s.demo() {
		for _, w := range s.sizeWays() {
			all++
			if t.small.ways[w.Name] != nil {
				done++
			}
		}
	}
	return done, all
}

// Model is the name of the file that ways are tried on, and what is known of
// it, nil before it is opened.
func (t *Trials) Model() (string, *wire.Trial) { return t.large.name, t.large.open }
