package wire

import "fewbits/quant/metric"

// Operations that try ways to quantize on a whole model. Only the whole
// program has them.
const (
	OpTrialOpen = "trial-open" // TrialOpenArgs + the files of one model → Trial; the worker keeps it
	OpTrial     = "trial"      // TrialArgs → Tried
)

// TrialOpenArgs names the model, and says how much of the built-in text is read.
type TrialOpenArgs struct {
	Name   string `json:"name"`
	Tokens int    `json:"tokens,omitempty"` // at most, in whole chunks; 0 is so many that reading takes about a second
}

// Trial is the answer: the model as it is, which is what ways are held against.
type Trial struct {
	Weights int           `json:"weights"` // in the matrices of the layers, which are quantized
	Context int           `json:"context"` // tokens in a chunk
	Chunks  int           `json:"chunks"`
	Sums    metric.Tokens `json:"sums"`
	Parts   []float64     `json:"parts"`   // nats that a token of each chunk surprises by
	Elapsed float64       `json:"elapsed"` // ms to read the text
}

// TrialArgs is one way: a format, or a method that calibrates.
type TrialArgs struct {
	Format  string            `json:"format"`
	Options map[string]string `json:"options,omitempty"`
	Plain   bool              `json:"plain,omitempty"` // only round, to a method's bits and groups

	// Activations are the bits that each token of a layer's input is rounded to
	// beside a format; 0 leaves them. SmoothQuant and LLM.int8() round them to 8
	// in any case: without that they would be rounding of weights.
	Activations int `json:"activations,omitempty"`
}

// Tried is the answer: numbers, or why there are none.
type Tried struct {
	Refused    string        `json:"refused,omitempty"`
	Bits       float64       `json:"bits"`                 // that a weight of the layers really takes
	Importance bool          `json:"importance,omitempty"` // collected on a text for calibration
	Sums       metric.Tokens `json:"sums"`
	Parts      []float64     `json:"parts"`   // nats a token of each chunk that it strays by
	Elapsed    float64       `json:"elapsed"` // ms, of which
	Read       float64       `json:"read"`    // to read the text
}
