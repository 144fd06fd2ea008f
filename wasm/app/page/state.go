package page

import (
	"fewbits/quant"
	"fewbits/wasm/wire"
)

// State is everything that the page shows.
type State struct {
	Route   string // "tensor", "model", "compare", "learn"
	Path    string // what follows the route in the address, as "levels" in #/learn/levels
	Formats []wire.FormatRow
	Ready   bool // the engine answers

	Tensor  Tensor
	Model   Model
	Compare Compare
	Learn   Learn

	Importance Importance

	lastID  int
	pending map[int]pending
	rates   map[string]float64 // ms that a value takes, by Side.pace
}

// Tensor is the state of the Tensor view.
type Tensor struct {
	Source Source
	File   *wire.FileInfo    // the opened file, if any
	Stats  *wire.TensorStats // of the loaded tensor
	A, B   Side
	Split  int    // per cent shown as A
	Show   string // "a", "split", "b"
	Row    int    // of the opened weight
	Col    int
	Block  string // whose block is taken apart: "a" or "b"

	Importance string // that formats go by: "", wire.ImportanceMatrix or wire.ImportanceAlike

	Status string // news
	Fault  string // what went wrong last; the last good result stays
	Busy   string // what is being read; "" when nothing is

	Remote Remote

	loaded  Source // what the workers hold
	fileRef int    // of the file that was opened last
	fileURL string // likewise
	openRef int    // of File
	wanted  string // name of the tensor to show of the file that is being opened; "" is the first
	undo    []setting
}

// Source is where the numbers come from.
type Source struct {
	wire.Source
	File string // name of the file, for Kind "file"
}

// Side is one of the two formats that are compared.
type Side struct {
	Format  string // "" is no side at all
	Options quant.Options

	Want   int // request whose answer is waited for
	Result *wire.Analysis
	ID     int // request that Result answers
	Opened *wire.Opened
	PickID int // request that moved Opened since Result, or 0

	wantPick int
	since    int // the first request on the tensor that is loaded
}

// Stale says that Result is of another tensor than the one that is loaded.
func (s *Side) Stale() bool { return s.Result != nil && s.ID < s.since }

// setting is what Undo goes back to.
type setting struct {
	format  string
	options quant.Options
}

// Start is the State of a page just opened.
func Start() *State {
	s := &State{Route: "tensor", pending: map[int]pending{}, rates: map[string]float64{}}
	s.Tensor = defaultTensor()
	s.Model = Model{Recipe: defaultRecipe, Flow: newFlow()}
	s.Compare = Compare{On: "tensor", Metric: "sqnr", Weights: 7, Context: 4096}
	s.Learn = Learn{Lessons: []string{FirstLesson}, Bits: 4, X: 0.37}
	return s
}

func defaultTensor() Tensor {
	return Tensor{
		Source: Source{Source: wire.Source{Kind: "sample", Name: "outliers", Rows: 128, Cols: 512, Seed: 1}},
		A:      Side{Format: "INT4", Options: quant.Options{Granularity: quant.PerGroup, Group: 32, ScaleType: quant.ScaleF16}},
		B:      Side{Format: "Q4_K"},
		Split:  62, Show: "split", Row: 37, Col: 75, Block: "a",
	}
}

// Format is the row of that name, or nil.
func (s *State) Format(name string) *wire.FormatRow {
	if name == wire.AsStored {
		return s.storedRow()
	}
	for i := range s.Formats {
		if s.Formats[i].Name == name {
			return &s.Formats[i]
		}
	}
	return nil
}

// Event is something that happened: a person's doing, or an answer.
type Event interface{}

// The events of the whole page and of Tensor.
type (
	// Booted says that the engine answers.
	Booted struct{ Formats []wire.FormatRow }
	// Went says that the address changed.
	Went struct{ Hash string }
	// Reply is the answer to a Call.
	Reply struct {
		ID   int
		JSON []byte
		At   float64 // ms
	}
	// Fault is a Call that failed, or that a newer one took the place of.
	Fault struct {
		ID         int
		Message    string
		Superseded bool
		Died       bool // its worker, and another one took its place
	}
	// FileChosen is a file that the person chose or dropped, or several that
	// are opened as one.
	FileChosen struct {
		Ref  int    // of the host
		Name string // of the folder, where it is one
		View string // "tensor" or "model"
		URL  string // where it lies, if not on this machine
	}
	// SampleChosen picks a built-in tensor; empty fields stay as they are.
	SampleChosen struct {
		Name       string
		Rows, Cols int
	}
	// NumbersPasted is text that holds numbers.
	NumbersPasted struct{ Text string }
	// TensorChosen picks a tensor of the opened file.
	TensorChosen struct{ Index int }
	// FormatChosen sets side A's format.
	FormatChosen struct{ Name string }
	// SideBChosen sets side B's format; "" takes B away.
	SideBChosen struct{ Name string }
	// BitsChosen moves to the format of the same kind with that many bits.
	BitsChosen struct{ Bits int }
	// OptionChosen sets one option of side A, as quant.Options.Set takes it.
	OptionChosen struct{ Name, Value string }
	// GranularityChosen is "tensor", "row", "column" or "group".
	GranularityChosen struct{ Value string }
	// Undone goes back to the format and options before the last change.
	Undone struct{}
	// OptionsReset puts side A's options back to their defaults.
	OptionsReset struct{}
	// SplitMoved moves the divider, in per cent.
	SplitMoved struct{ Percent int }
	// ShowChosen is "a", "split" or "b".
	ShowChosen struct{ Value string }
	// BlockChosen is whose block is taken apart.
	BlockChosen struct{ Side string }
	// Picked moves the opened weight.
	Picked struct{ Row, Col int }
	// ValuePicked moves it to the weight nearest to a value.
	ValuePicked struct{ Value float64 }
	// FaultDismissed clears the alert of the current view.
	FaultDismissed struct{}
	// ExportAsked downloads the result: wire.ExportArgs.As.
	ExportAsked struct{ As string }
	// Settled comes a moment after a sampled answer: time for the exact one.
	Settled struct{ Want int }
)

// Effect is something to do outside.
type Effect interface{}

// The effects.
type (
	// Call sends a request to a worker.
	Call struct {
		ID       int
		Lane     string // "a", "b", "job", "job-1" …, "check"
		Op       string
		Args     any
		File     int  // ref of a chosen file, or 0
		Parts    int  // of a Keep: what was kept comes along as a file; or 0
		Latest   bool // takes the place of a waiting one
		Drop     bool // a later one takes its place even while it runs
		Remember bool // told again to a worker that had to be restarted

		Into int   // of a Keep that the bytes of the answer go to, before it is given here; or 0
		At   int64 // where they go

		Reads [2]int64 // from and to of the bytes that it will read of the file that its worker has open; nothing where they are not known
	}
	// Draw paints the plots of Tensor from the arrays of these answers.
	Draw struct{}
	// Save offers the bytes of an answer, or what was kept, as a file.
	Save struct {
		ID         int
		Name, Type string
	}
	// Later sends Event back after some milliseconds.
	Later struct {
		Millis int
		Event  Event
	}
)

// pending is what an answer is for.
type pending struct {
	kind string
	side string
}

func (s *State) call(kind, side string, c Call) Call {
	s.lastID++
	c.ID = s.lastID
	s.pending[c.ID] = pending{kind, side}
	return c
}

// CanUndo says whether Undo has somewhere to go back to.
func (s *State) CanUndo() bool { return len(s.Tensor.undo) > 0 }
