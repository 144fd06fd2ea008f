package page

import (
	"fmt"
	"slices"
	"strings"

	"fewbits/quant"
	"fewbits/wasm/wire"
)

// Importance is the importance matrix that is there, if one is. Model and
// Tensor share it.
type Importance struct {
	Info  *wire.Imatrix
	Use   bool   // in Model
	Entry string // whose weights are drawn

	Shown   *wire.Weights
	ShownID int // answer that its weights stand in

	ref, want int // file and request of the matrix that is being read
	wantShown int
}

// extras are what Model knows of a matrix, and of what its file lost before.
type extras struct {
	guided    bool // plans go by the matrix
	weighing  bool // a matrix is being read, by which there will be another plan
	matrix    string
	quantized bool // some of the file's tensors came in blocks
	inside    []wire.Estimate
	insideID  int
}

// The events of importance.
type (
	// ImatrixChosen is an importance matrix that the person chose.
	ImatrixChosen struct {
		Ref  int // of the host
		Name string
	}
	// ImatrixDropped takes it away again.
	ImatrixDropped struct{}
	// ImatrixUsed says whether Model goes by it.
	ImatrixUsed struct{ Yes bool }
	// WeightsChosen says whose weights are drawn.
	WeightsChosen struct{ Name string }
	// ImportanceChosen is what Tensor's formats go by: "", wire.ImportanceMatrix
	// or wire.ImportanceAlike.
	ImportanceChosen struct{ Kind string }
)

// DrawWeights paints the weights of an answer.
type DrawWeights struct{ ID int }

func (s *State) updateImportance(e Event) ([]Effect, bool) {
	i := &s.Importance
	switch e := e.(type) {
	case ImatrixChosen:
		if s.Model.working {
			s.Model.Fault = fmt.Sprintf("%s is still being quantized; wait for it or cancel it, then add %s", s.Model.File.Name, e.Name)
			return nil, true
		}
		s.setFault("")
		c := s.call("imatrix", "job", Call{Lane: "job", Op: wire.OpImatrix, Args: wire.ImatrixArgs{Name: e.Name}, File: e.Ref, Remember: true})
		i.ref, i.want, s.Model.weighing = e.Ref, c.ID, true
		return []Effect{c}, true
	case ImatrixDropped:
		if i.Info == nil || s.Model.working {
			return nil, true
		}
		*i, s.Model.weighing = Importance{}, false
		return append(s.tellMatrix(0, "", "job", "a", "b"), s.matrixChanged()...), true
	case ImatrixUsed:
		if i.Info == nil || i.Use == e.Yes || s.Model.working {
			return nil, true
		}
		i.Use = e.Yes
		return s.guideModel(), true
	case WeightsChosen:
		return s.askWeights(e.Name), true
	case ImportanceChosen:
		return s.chooseImportance(e.Kind), true
	}
	return nil, false
}

// setFault says what is wrong in the view that is open.
func (s *State) setFault(why string) {
	if s.Route == "model" {
		s.Model.Fault = why
	} else {
		s.Tensor.Fault = why
	}
}

// tellMatrix gives workers the matrix, or with no file takes it from them.
func (s *State) tellMatrix(ref int, name string, lanes ...string) (out []Effect) {
	for _, lane := range lanes {
		out = append(out, s.call("imatrix", lane, Call{Lane: lane, Op: wire.OpImatrix, Args: wire.ImatrixArgs{Name: name}, File: ref, Remember: true}))
	}
	return out
}

func (s *State) imatrixReply(side string, e Reply) []Effect {
	i := &s.Importance
	switch side {
	case "job":
		if e.ID != i.want {
			return nil
		}
		s.Model.weighing = false
		var info wire.Imatrix
		if err := wire.Unmarshal(e.JSON, &info); err != nil {
			s.setFault("the answer of the worker cannot be read: " + err.Error())
			return nil
		}
		*i = Importance{Info: &info, Use: true, ref: i.ref}
		if s.Route == "tensor" || s.ofModel() && s.Weighed() {
			s.Tensor.Importance = wire.ImportanceMatrix
		}
		out := s.tellMatrix(i.ref, info.Name, "a", "b")
		out = append(out, s.matrixChanged()...)
		return append(out, s.askWeights(s.firstWeights())...)
	case "weights":
		if e.ID != i.wantShown {
			return nil
		}
		var w wire.Weights
		if err := wire.Unmarshal(e.JSON, &w); err != nil {
			s.setFault("the answer of the worker cannot be read: " + err.Error())
			return nil
		}
		i.Shown, i.ShownID = &w, e.ID
		return []Effect{DrawWeights{e.ID}}
	}
	return nil
}

// matrixChanged plans and draws anew what goes by the matrix.
func (s *State) matrixChanged() []Effect {
	out := s.guideModel()
	if s.Tensor.Importance == wire.ImportanceMatrix {
		out = append(out, s.analyzeBoth()...)
	}
	return out
}

// guideModel plans the model anew with the matrix, or without.
func (s *State) guideModel() []Effect {
	m := &s.Model
	s.fitMatrix()
	if m.File == nil {
		return nil
	}
	m.Fault = ""
	out := s.dropBudget() // errors are by importance
	m.outdate()
	return append(out, s.planModel()...)
}

// fitMatrix lets the model go by the matrix, where that is wanted and it is not
// of another model.
func (s *State) fitMatrix() {
	m, i := &s.Model, &s.Importance
	m.guided, m.matrix = i.Info != nil && i.Use && !s.Aside(), ""
	if m.guided {
		m.matrix = i.Info.Name
	}
}

// Aside says whether the matrix fits nothing of the model: it is of another.
func (s *State) Aside() bool {
	c, ok := s.Coverage()
	return ok && c.Matrices > 0 && c.Covered == 0
}

// firstWeights is the entry that is drawn first: that of the tensor which
// Tensor shows, or the first.
func (s *State) firstWeights() string {
	list := s.Importance.Info.Entries
	if len(list) == 0 {
		return ""
	}
	if at := slices.IndexFunc(list, func(e wire.ImatrixEntry) bool { return e.Name == s.Tensor.Source.Name }); at >= 0 {
		return list[at].Name
	}
	return list[0].Name
}

func (s *State) askWeights(name string) []Effect {
	i := &s.Importance
	if i.Info == nil || name == "" {
		return nil
	}
	i.Entry = name
	columns := 0
	for _, f := range []*wire.FileInfo{s.Model.File, s.Tensor.File} {
		if f == nil {
			continue
		}
		for _, t := range f.Tensors {
			if t.Name == name && len(t.Shape) > 2 { // one matrix per expert
				columns = quant.Cols(t.Shape)
			}
		}
	}
	c := s.call("imatrix", "weights", Call{Lane: "job", Op: wire.OpWeights, Args: wire.WeightsArgs{Name: name, Columns: columns}, Latest: true})
	i.wantShown = c.ID
	return []Effect{c}
}

// ofModel says whether Tensor shows a tensor of the file that Model has open.
func (s *State) ofModel() bool {
	t, m := &s.Tensor, &s.Model
	return t.Source.Kind == "file" && t.File != nil && m.File != nil && t.openRef == m.ref
}

// takeMatrix lets Tensor go by the matrix that Model goes by, for a tensor of
// the model that is opened there.
func (s *State) takeMatrix(name string) {
	has := func(e wire.ImatrixEntry) bool { return e.Name == name }
	if i := &s.Importance; s.Model.guided && s.Tensor.Importance == "" && slices.ContainsFunc(i.Info.Entries, has) {
		s.Tensor.Importance = wire.ImportanceMatrix
	}
}

func (s *State) chooseImportance(kind string) []Effect {
	t := &s.Tensor
	if kind == wire.ImportanceMatrix && s.Importance.Info == nil || kind == t.Importance {
		return nil
	}
	t.Importance = kind
	return s.analyzeBoth()
}

// analyzeBoth asks for both sides anew.
func (s *State) analyzeBoth() []Effect {
	out := s.analyze("a")
	if out != nil && s.Tensor.B.Format != "" {
		out = append(out, s.analyze("b")...)
	}
	return out
}

// importanceOf is what a side's format goes by.
func (s *State) importanceOf(format string) string {
	f := s.Format(format)
	if f == nil || f.Importance == quant.Never || s.Tensor.Importance == wire.ImportanceMatrix && s.Importance.Info == nil {
		return ""
	}
	return s.Tensor.Importance
}

// Weighed says whether the matrix has weights for the tensor that is shown.
func (s *State) Weighed() bool {
	i, st := s.Importance.Info, s.Tensor.Stats
	return i != nil && st != nil && slices.ContainsFunc(i.Entries, func(e wire.ImatrixEntry) bool { return e.Name == st.Name })
}

// Coverage says which of a model's matrices have importance.
type Coverage struct {
	Matrices int      // of the model that could have some
	Covered  int      // of these
	Missing  []string // the others
	Other    int      // entries for tensors that the model does not have
}

// Coverage holds the matrix against the model; false where one of them is missing.
func (s *State) Coverage() (c Coverage, ok bool) {
	m, i := &s.Model, s.Importance.Info
	if m.File == nil || i == nil {
		return c, false
	}
	has := map[string]int{}
	for _, e := range i.Entries {
		has[e.Name] = e.Weights
	}
	c.Other = len(has)
	for _, t := range m.File.Tensors {
		weights, known := has[t.Name]
		if known {
			c.Other--
		}
		if len(t.Shape) < 2 || !strings.HasSuffix(t.Name, "weight") {
			continue
		}
		c.Matrices++
		cols := quant.Cols(t.Shape)
		if known && (weights == cols || len(t.Shape) > 2 && weights == cols*t.Shape[0]) {
			c.Covered++
		} else {
			c.Missing = append(c.Missing, t.Name)
		}
	}
	return c, true
}

// maxMissing is how many of the missing are named.
const maxMissing = 3

// ImatrixText says what the matrix is and what it covers.
func (s *State) ImatrixText() string {
	i := s.Importance.Info
	if i == nil {
		return "Says which columns matter; lowers the error of small types, and types under 3 bits need one. llama-imatrix makes it from a text."
	}
	var say []string
	if i.Chunks > 0 {
		say = append(say, fmt.Sprintf("From %s of %s tokens", count(i.Chunks, "chunk"), grouped(i.ChunkSize)))
		if len(i.Datasets) > 0 {
			say[0] += " of " + strings.Join(i.Datasets[:min(2, len(i.Datasets))], ", ")
		}
	}
	c, ok := s.Coverage()
	switch {
	case !ok:
		say = append(say, "It has weights for "+count(len(i.Entries), "tensor"))
	case c.Covered == 0:
		say = append(say, "It covers none of the model's "+matrices(c.Matrices)+": it is of another model, and set aside")
	default:
		text := fmt.Sprintf("It covers %s of the model's %s", grouped(c.Covered), matrices(c.Matrices))
		if n := len(c.Missing); n > 0 {
			text += "; without: " + strings.Join(c.Missing[:min(maxMissing, n)], ", ")
			if n > maxMissing {
				text += fmt.Sprintf(" and %d more", n-maxMissing)
			}
		}
		say = append(say, text)
	}
	return strings.Join(say, ". ") + "."
}

func matrices(n int) string {
	if n == 1 {
		return "1 matrix"
	}
	return grouped(n) + " matrices"
}

// matrixFlag gives a command the matrix that the plan goes by.
func (m *Model) matrixFlag(flag string) string {
	if !m.guided {
		return ""
	}
	return " " + flag + " " + Quoted(m.matrix)
}
