package page

import (
	"slices"

	"fewbits/quant"
	"fewbits/wasm/wire"
)

// Update changes s by what happened and says what is to be done.
func (s *State) Update(e Event) []Effect {
	switch e := e.(type) {
	case Booted:
		s.Formats, s.Ready = e.Formats, true
		s.fixFormats()
		return s.load()
	case Went:
		return s.went(e.Hash)
	case Reply:
		return s.reply(e)
	case Fault:
		return s.fault(e)
	case FileChosen:
		if e.View == "model" {
			return s.openModel(e)
		}
		return s.openFile(e)
	case FaultDismissed:
		if s.Route == "model" {
			s.Model.Fault = ""
		} else {
			s.Tensor.Fault = ""
		}
		return nil
	}
	if s.updateRemote(e) {
		return nil
	}
	if out, ok := s.updateTensor(e); ok {
		return out
	}
	if out, ok := s.updateModel(e); ok {
		return out
	}
	if out, ok := s.updateImportance(e); ok {
		return out
	}
	if out, ok := s.updateMeasuring(e); ok {
		return out
	}
	if out, ok := s.updateBudget(e); ok {
		return out
	}
	if out, ok := s.updateFlow(e); ok {
		return out
	}
	if out, ok := s.updateCheckpoint(e); ok {
		return out
	}
	if out, ok := s.updateTrials(e); ok {
		return out
	}
	if out, ok := s.updateSpeed(e); ok {
		return out
	}
	if out, ok := s.updateCompare(e); ok {
		return out
	}
	out, _ := s.updateLearn(e)
	return out
}

// reply hands an answer to what asked for it.
func (s *State) reply(e Reply) []Effect {
	p, ok := s.pending[e.ID]
	if !ok {
		return nil
	}
	delete(s.pending, e.ID)
	switch p.kind {
	case "open":
		return s.fileOpened(e)
	case "load":
		return s.tensorLoaded(e)
	case "analyze":
		return s.analyzed(p.side, e)
	case "pick":
		return s.picked(p.side, e)
	case "export":
		return s.exported(e)
	case "model":
		return s.modelReply(p.side, e)
	case "compare":
		return s.compareReply(e)
	case "trial":
		return s.trialReply(p.side, e)
	case "speed":
		return s.speedReply(p.side, e)
	case "imatrix":
		return s.imatrixReply(p.side, e)
	case "eval":
		return s.evalReply(p.side, e)
	case "say":
		return s.saidMore(e)
	case "budget":
		return s.budgetReply(p.side, e)
	case "flow":
		return s.flowReply(p.side, e)
	case "checkpoint":
		return s.checkpointReply(p.side, e)
	}
	return nil
}

// fault tells the person, and keeps the last good result.
func (s *State) fault(e Fault) []Effect {
	p, ok := s.pending[e.ID]
	if !ok {
		return nil
	}
	delete(s.pending, e.ID)
	if e.Superseded {
		return nil
	}
	switch p.kind {
	case "model":
		return s.modelFault(p.side, e)
	case "eval":
		return s.evalFault(e)
	case "say":
		return s.sayFault(e)
	case "budget":
		return s.budgetFault(p.side, e)
	case "flow":
		return s.flowFault(p.side, e)
	case "checkpoint":
		return s.checkpointFault(p.side, e)
	case "trial":
		return s.trialFault(e)
	case "speed":
		return s.speedFault(e)
	case "compare":
		if e.ID != s.Compare.want {
			return nil // of another tensor
		}
		s.Compare.Running = false
		s.Compare.Fault = e.Message
		return nil
	case "imatrix":
		if e.ID == s.Importance.want {
			s.Model.weighing = false
		}
		s.setFault(e.Message)
	case "open", "load":
		s.Tensor.Busy, s.Tensor.wanted = "", ""
		s.Tensor.Source = s.Tensor.loaded
		s.Tensor.Fault = e.Message
		if p.kind == "load" {
			return s.resettle()
		}
	case "analyze":
		side := s.side(p.side)
		if side.Want != e.ID {
			return nil
		}
		s.Tensor.Fault = e.Message
		if p.side == "b" {
			s.Tensor.Fault = "Side B: " + e.Message
			side.Result, side.Opened, side.ID = nil, nil, 0
			return []Effect{Draw{}}
		}
	default:
		s.Tensor.Fault = e.Message
	}
	return nil
}

func (s *State) side(name string) *Side {
	if name == "b" {
		return &s.Tensor.B
	}
	return &s.Tensor.A
}

// updateTensor takes what changes the numbers or the formats.
func (s *State) updateTensor(e Event) ([]Effect, bool) {
	t := &s.Tensor
	switch e := e.(type) {
	case SampleChosen:
		return s.chooseSample(e), true
	case NumbersPasted:
		t.Source = from("values", "pasted")
		t.Source.Text = e.Text
		return s.load(), true
	case TensorChosen:
		if t.File == nil || e.Index < 0 || e.Index >= len(t.File.Tensors) {
			return nil, true
		}
		t.Source = from("file", t.File.Tensors[e.Index].Name)
		t.Source.Index, t.Source.File = e.Index, t.File.Name
		t.Remote.URL = t.Remote.opened
		return s.load(), true
	case FormatChosen:
		if s.Format(e.Name) == nil || e.Name == t.A.Format {
			return nil, true
		}
		s.remember()
		t.A.Format = e.Name
		return s.analyze("a"), true
	case SideBChosen:
		t.B.Format, t.B.Options = e.Name, s.defaultOptions(e.Name)
		if e.Name == "" {
			t.B = Side{}
			t.Block = "a"
			return []Effect{Draw{}}, true
		}
		return s.analyze("b"), true
	case BitsChosen:
		if name := s.Ladder(t.A.Format).nearest(e.Bits); name != "" && name != t.A.Format {
			s.remember()
			t.A.Format = name
			return s.analyze("a"), true
		}
		return nil, true
	case OptionChosen:
		return s.setOption(e.Name, e.Value), true
	case GranularityChosen:
		return s.setGranularity(e.Value), true
	case Undone:
		if last, ok := s.undone(); ok {
			t.A.Format, t.A.Options = last.format, last.options
			return s.analyze("a"), true
		}
		return nil, true
	case OptionsReset:
		s.remember()
		t.A.Options = s.defaultOptions(t.A.Format)
		return s.analyze("a"), true
	}
	return s.updateShown(e)
}

// updateShown takes what changes how the result is shown, or takes it away.
func (s *State) updateShown(e Event) ([]Effect, bool) {
	t := &s.Tensor
	switch e := e.(type) {
	case SplitMoved:
		t.Split = max(0, min(100, e.Percent))
		return []Effect{Draw{}}, true
	case ShowChosen:
		if e.Value == "b" && t.B.Format == "" {
			return nil, true
		}
		t.Show = e.Value
		return []Effect{Draw{}}, true
	case BlockChosen:
		if e.Side == "a" || t.B.Format != "" {
			t.Block = e.Side
		}
		return nil, true
	case Picked:
		return s.pick(wire.PickArgs{Row: e.Row, Col: e.Col}), true
	case ValuePicked:
		return s.pick(wire.PickArgs{Row: t.Row, Col: t.Col, Value: &e.Value}), true
	case ExportAsked:
		return []Effect{s.call("export", "a", Call{Lane: "a", Op: wire.OpExport, Args: wire.ExportArgs{As: e.As}})}, true
	case Settled:
		return s.settled(e.Want), true
	}
	return nil, false
}

// from is a source of that kind; the size of a sample stays at its default, so
// that it does not stand in the address.
func from(kind, name string) Source {
	src := defaultTensor().Source
	src.Kind, src.Name = kind, name
	return src
}

func (s *State) chooseSample(e SampleChosen) []Effect {
	src := s.Tensor.Source
	if src.Kind != "sample" {
		src = defaultTensor().Source
	}
	if e.Name != "" {
		src.Name = e.Name
	}
	if e.Rows > 0 && e.Cols > 0 {
		src.Rows, src.Cols = e.Rows, e.Cols
	}
	s.Tensor.Source = src
	if e.Name == "example" {
		// The worked example: one scale of 2/255, and 0.5 becomes 64.
		s.remember()
		s.Tensor.A.Format, s.Tensor.A.Options = "INT8", quant.Options{}
		s.Tensor.Row, s.Tensor.Col = 0, 12
		s.Tensor.Show, s.Tensor.Block = "a", "a"
	}
	return s.load()
}

// remember keeps the present format and options for Undo.
func (s *State) remember() {
	t := &s.Tensor
	t.undo = append(t.undo, setting{t.A.Format, t.A.Options})
	if len(t.undo) > 100 {
		t.undo = t.undo[1:]
	}
}

func (s *State) setOption(name, value string) []Effect {
	o := s.Tensor.A.Options
	if err := o.Set(name, value); err != nil {
		s.Tensor.Fault = err.Error()
		return nil
	}
	if o.Get(name) == s.Tensor.A.Options.Get(name) {
		return nil
	}
	if name == "group" {
		o.Granularity = quant.PerGroup
	}
	s.remember()
	s.Tensor.A.Options = o
	return s.analyze("a")
}

func (s *State) setGranularity(v string) []Effect {
	s.remember()
	o := &s.Tensor.A.Options
	group := max(o.Group, 0)
	if group == 0 {
		group = 32
	}
	o.Axis, o.Group = 0, 0
	switch v {
	case "row":
		o.Granularity = quant.PerChannel
	case "column":
		o.Granularity, o.Axis = quant.PerChannel, 1
	case "group":
		o.Granularity, o.Group = quant.PerGroup, group
	default:
		o.Granularity = quant.PerTensor
	}
	return s.analyze("a")
}

func (s *State) defaultOptions(format string) quant.Options {
	if f := s.Format(format); f != nil && slices.Contains(f.Options, "granularity") {
		return defaultTensor().A.Options
	}
	return quant.Options{}
}

// fixFormats replaces names that the engine does not have, as an address from
// elsewhere may hold.
func (s *State) fixFormats() {
	d := defaultTensor()
	if s.Format(s.Tensor.A.Format) == nil {
		s.Tensor.A.Format, s.Tensor.A.Options = d.A.Format, d.A.Options
	}
	if s.Tensor.B.Format != "" && s.Format(s.Tensor.B.Format) == nil {
		s.Tensor.B.Format, s.Tensor.B.Options = d.B.Format, d.B.Options
	}
}

// openFile opens a file in both lanes; its first tensor follows.
func (s *State) openFile(e FileChosen) []Effect {
	t := &s.Tensor
	t.fileRef, t.fileURL, t.Fault, t.Busy = e.Ref, e.URL, "", "Reading "+e.Name
	args := wire.OpenArgs{Name: e.Name}
	return []Effect{s.call("open", "a", Call{Lane: "a", Op: wire.OpOpen, Args: args, File: e.Ref, Remember: true})}
}

func (s *State) fileOpened(e Reply) []Effect {
	t := &s.Tensor
	var info wire.FileInfo
	if err := wire.Unmarshal(e.JSON, &info); err != nil {
		return s.broken(err)
	}
	t.Busy = ""
	first := -1
	for i, r := range info.Tensors {
		if !r.Readable || r.Values == 0 {
			continue
		}
		if first < 0 || len(info.Tensors[first].Shape) < 2 && len(r.Shape) >= 2 {
			first = i
		}
	}
	for i, r := range info.Tensors {
		if r.Name == t.wanted && r.Readable && r.Values > 0 {
			first = i
		}
	}
	t.wanted = ""
	if first < 0 {
		t.Fault = info.Name + " holds no tensor that can be read"
		if len(info.Tensors) > 0 && info.Tensors[0].Why != "" {
			t.Fault += ": " + info.Tensors[0].Why
		}
		return nil
	}
	t.File, t.openRef, t.Remote.opened = &info, t.fileRef, t.fileURL
	out := []Effect{s.call("open-b", "b", Call{Lane: "b", Op: wire.OpOpen, Args: wire.OpenArgs{Name: info.Name}, File: t.fileRef, Remember: true})}
	more, _ := s.updateTensor(TensorChosen{first})
	return append(out, more...)
}

// load gives both lanes the tensor of t.Source; side A is analyzed when it is there.
func (s *State) load() []Effect {
	if !s.Ready {
		return nil
	}
	t := &s.Tensor
	t.Fault = ""
	if t.Source.Kind == "file" {
		if t.File == nil || t.Remote.Offered() != "" {
			s.offerTensor() // an address names a file of its sender: it cannot come along
		} else {
			t.Busy = "Reading " + t.Source.Name
		}
	}
	fault := t.Fault
	out := []Effect{s.call("load", "a", Call{Lane: "a", Op: wire.OpLoad, Args: t.Source.Source, Remember: true})}
	t.Fault = fault
	return out
}

func (s *State) tensorLoaded(e Reply) []Effect {
	t := &s.Tensor
	var st wire.TensorStats
	if err := wire.Unmarshal(e.JSON, &st); err != nil {
		return s.broken(err)
	}
	before, said := t.Stats, t.Fault
	t.Busy, t.Stats, t.loaded = "", &st, t.Source
	s.settleStored(before)
	t.A.since, t.B.since = s.lastID+1, s.lastID+1
	t.Row, t.Col = max(0, min(t.Row, st.Rows-1)), max(0, min(t.Col, st.Cols-1))
	s.Compare.stale()
	s.fitB(st.Cols)
	out := []Effect{s.call("load-b", "b", Call{Lane: "b", Op: wire.OpLoad, Args: t.Source.Source, Remember: true})}
	out = append(out, s.analyze("a")...)
	if t.B.Format != "" {
		out = append(out, s.analyze("b")...)
	}
	if t.Fault == "" {
		t.Fault = said // of a link whose file is not here
	}
	return append(out, s.compareShown()...)
}

// fitB takes another format for side B where it stands as the page came with
// it and its blocks do not suit the rows: that is no fault of the person's.
func (s *State) fitB(cols int) {
	b, d := &s.Tensor.B, defaultTensor().B.Format
	f := s.Format(d)
	if b.Format != d || f == nil || f.BlockSize == 0 || cols%f.BlockSize == 0 {
		return
	}
	*b = Side{Format: "NF4", since: b.since}
	if s.Format(b.Format) == nil {
		*b = Side{}
	}
}

// used are the options that the side's format reads.
func (s *State) used(side *Side) map[string]string {
	m := map[string]string{}
	if f := s.Format(side.Format); f != nil {
		for _, name := range f.Options {
			if v := side.Options.Get(name); v != "" {
				m[name] = v
			}
		}
	}
	return m
}

func (s *State) analyzed(name string, e Reply) []Effect {
	side := s.side(name)
	if e.ID <= side.ID || e.ID < side.since {
		return nil // older than what is shown, or of another tensor
	}
	// A newer request may be under way: during a drag the plots follow with
	// every answer that comes, not only with the last.
	var a wire.Analysis
	if err := wire.Unmarshal(e.JSON, &a); err != nil {
		return s.broken(err)
	}
	side.Result, side.ID, side.Opened, side.PickID = &a, e.ID, &a.Opened, 0
	var out []Effect
	if !s.Tensor.A.Stale() && !s.Tensor.B.Stale() {
		out = append(out, Draw{}) // never one tensor beside another
	}
	if name == "a" {
		s.Tensor.Row, s.Tensor.Col = a.Opened.Row, a.Opened.Col
	}
	if side.Want == e.ID {
		s.paced(side, &a)
		if a.Sampled {
			out = append(out, Later{settleMillis, Settled{e.ID}})
		}
	}
	return out
}

func (s *State) pick(a wire.PickArgs) []Effect {
	t := &s.Tensor
	if t.A.Result == nil {
		return nil
	}
	t.Row, t.Col = max(0, a.Row), max(0, a.Col)
	c := s.call("pick", "a", Call{Lane: "a", Op: wire.OpPick, Latest: true, Args: a})
	t.A.wantPick = c.ID
	return []Effect{c}
}

func (s *State) picked(name string, e Reply) []Effect {
	side := s.side(name)
	if side.wantPick != e.ID || side.Result == nil {
		return nil
	}
	var p wire.Picked
	if err := wire.Unmarshal(e.JSON, &p); err != nil {
		return s.broken(err)
	}
	side.Opened, side.PickID = &p.Opened, e.ID
	out := []Effect{Draw{}}
	if name == "a" {
		s.Tensor.Row, s.Tensor.Col = p.Opened.Row, p.Opened.Col
		if s.Tensor.B.Result != nil {
			c := s.call("pick", "b", Call{Lane: "b", Op: wire.OpPick, Latest: true, Args: wire.PickArgs{Row: p.Opened.Row, Col: p.Opened.Col}})
			s.Tensor.B.wantPick = c.ID
			out = append(out, c)
		}
	}
	return out
}

func (s *State) exported(e Reply) []Effect {
	var x wire.Export
	if err := wire.Unmarshal(e.JSON, &x); err != nil {
		return s.broken(err)
	}
	s.Tensor.Status = x.Name + " is ready"
	return []Effect{Save{ID: e.ID, Name: x.Name, Type: x.Type}}
}

// broken is an answer that cannot be read: a fault of ours.
func (s *State) broken(err error) []Effect {
	s.Tensor.Fault = "the answer of the worker cannot be read: " + err.Error()
	s.Tensor.Busy = ""
	return nil
}
