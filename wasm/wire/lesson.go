package wire

// Operations of the lessons beyond the first. Only the whole program has them;
// what they answer is described in package lesson.
const (
	OpFigure = "figure" // FigureArgs → Figure
	OpAsk    = "ask"    // AskArgs → lesson.Question
	OpCheck  = "check"  // CheckArgs → lesson.Verdict
)

// FigureArgs asks for a widget as its controls stand.
type FigureArgs struct {
	ID       string            `json:"id"`
	Values   map[string]string `json:"values,omitempty"`
	Controls bool              `json:"controls,omitempty"` // describe the controls as well
}

// AskArgs names an exercise and what its numbers come from.
type AskArgs struct {
	ID   string `json:"id"`
	Seed uint64 `json:"seed"`
}

// CheckArgs asks for a verdict, or for a hint.
type CheckArgs struct {
	AskArgs
	Answers []string `json:"answers,omitempty"`
	Hint    int      `json:"hint,omitempty"` // the n-th, from 1; 0 judges the answers
}

// Operations of the lab that trains with few bits in mind.
const (
	OpLabOpen = "lab-open" // LabArgs → Lab; the worker keeps it
	OpLabStep = "lab-step" // LabStepArgs → Lab
)

// LabArgs says what is trained.
type LabArgs struct {
	Task        string `json:"task"` // "spirals" or "digits"
	Bits        []int  `json:"bits"` // of weights, a network each: 2 … 8, 0 for ternary ones
	Activations int    `json:"activations,omitempty"`
	Seed        uint64 `json:"seed"`
}

// LabStepArgs asks for some steps of training.
type LabStepArgs struct {
	Steps int `json:"steps"`
}

// Lab is how it stands.
type Lab struct {
	Done   int      `json:"done"` // steps, of
	All    int      `json:"all"`
	Runs   []LabRun `json:"runs"`
	Side   int      `json:"side,omitempty"`   // cells of a map, along one side
	Reach  float64  `json:"reach,omitempty"`  // it covers −Reach … Reach
	Points []LabDot `json:"points,omitempty"` // of the spirals, once
	Digits []string `json:"digits,omitempty"` // some that nobody learnt from, once: a letter a pixel, from A for paper to Z for ink
}

// LabRun is one network.
type LabRun struct {
	Name     string    `json:"name"`
	Loss     []float64 `json:"loss,omitempty"` // nats, means of a few steps each
	Every    int       `json:"every,omitempty"`
	Nats     float64   `json:"nats"`
	Accuracy float64   `json:"accuracy"`
	Bits     int       `json:"bits"`            // of its weights; -1 for floats
	Reads    string    `json:"reads,omitempty"` // what it takes each of the digits for
	Map      string    `json:"map,omitempty"`   // a letter a cell, from A where class 0 is sure to Z where 1 is
}

// LabDot is a point of a spiral.
type LabDot struct {
	X     float64 `json:"x"`
	Y     float64 `json:"y"`
	Class int     `json:"class"`
}

// Operations of the lab that trains a language model on with few bits in mind.
const (
	OpTaleOpen = "tale-open" // TaleArgs, and the model's file → Tale; the worker keeps it
	OpTaleStep = "tale-step" // LabStepArgs → Tale
)

// TaleArgs says how it is trained.
type TaleArgs struct {
	Bits  int    `json:"bits"`            // of weights: 2 … 8, 0 for ternary ones
	Group int    `json:"group,omitempty"` // weights that share a step; 0 is a row
	Steps int    `json:"steps"`
	Seed  uint64 `json:"seed"` // of the stories
}

// Tale is how it stands: perplexities, on stories that it does not learn from.
type Tale struct {
	Done    int       `json:"done"` // steps, of
	All     int       `json:"all"`
	Weights int       `json:"weights"` // that the model has
	Float   float64   `json:"float"`   // before
	Rounded float64   `json:"rounded"`
	At      []int     `json:"at"` // steps after which it was measured
	Trained []float64 `json:"trained"`
}
