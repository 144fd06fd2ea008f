package wire

import "fewbits/quant/metric"

// Operations on what flows through a model while it reads a text. Only the
// whole program has them.
const (
	OpFlowOpen  = "flow-open"  // FlowOpenArgs + the files of one model → Flow; the worker keeps it
	OpFlowRun   = "flow-run"   // FlowRunArgs → FlowStep: a job begins
	OpFlowStep  = "flow-step"  // nothing → FlowStep: it goes on; the last one has Through
	OpFlowStage = "flow-stage" // FlowStageArgs → FlowStage + arrays, of the activations that were looked at last
)

// The jobs of OpFlowRun.
const (
	FlowMethod = "method" // quantizes with Format, and holds that against rounding
	FlowMatrix = "matrix" // collects an importance matrix; arrays of the last step: bytes, and legacy in the old form
	FlowLook   = "look"   // gathers activations, for OpFlowStage
	FlowScheme = "scheme" // rounds weights to Format, and activations
)

// FlowOpenArgs names the model and the text.
type FlowOpenArgs struct {
	Name     string `json:"name"`
	Text     string `json:"text,omitempty"`     // "" is a built-in one
	TextName string `json:"textName,omitempty"` // what an importance matrix says that it comes from
	Tokens   int    `json:"tokens,omitempty"`   // that methods see at most; 0 is all
	Resident int64  `json:"resident,omitempty"` // as of EvalOpenArgs
}

// Flow is the answer.
type Flow struct {
	Context  int      `json:"context"`  // tokens in a chunk
	Chunks   int      `json:"chunks"`   // that methods see
	Measured int      `json:"measured"` // that quality is measured on
	Follow   bool     `json:"follow"`   // they follow in the text; else they are of a built-in one
	Layers   int      `json:"layers"`
	Stages   []string `json:"stages"` // "attention" …, as OpFlowStage takes their places

	// What methods have to go by: so many different inputs reach the first layer,
	// whose matrices have Width columns, and so many different contexts the others,
	// of which the widest has Widest. Where there are fewer than columns, the
	// Hessian of GPTQ has no full rank.
	First    int `json:"first"`
	Width    int `json:"width"`
	Contexts int `json:"contexts"`
	Widest   int `json:"widest"`
	// Seen is the share of what is measured on whose last tokens methods saw in a
	// row, 0 to 1.
	Seen float64 `json:"seen"`
}

// FlowRunArgs is a job.
type FlowRunArgs struct {
	Kind    string            `json:"kind"`
	Format  string            `json:"format,omitempty"` // of weights; "" leaves them
	Options map[string]string `json:"options,omitempty"`

	// Of FlowMethod: layers see the model as it was, not what was quantized before them.
	Parallel bool `json:"parallel,omitempty"`

	// Of FlowScheme.
	Bits        int    `json:"bits,omitempty"` // of activations; 0 leaves them
	Asymmetric  bool   `json:"asymmetric,omitempty"`
	Granularity string `json:"granularity,omitempty"`
	Range       string `json:"range,omitempty"` // of static scales; "" is dynamic ones
}

// FlowStep is how far a job is.
type FlowStep struct {
	Phase   string       `json:"phase"`
	Done    int64        `json:"done"` // of Total, of the phase
	Total   int64        `json:"total"`
	Tensors []FlowTensor `json:"tensors,omitempty"` // finished since the step before
	Through bool         `json:"through,omitempty"`

	// Of the last step.
	Name     string         `json:"name,omitempty"`     // of the file in the array "bytes"
	Own      *metric.Tokens `json:"own,omitempty"`      // of what was made, against the original
	Plain    *metric.Tokens `json:"plain,omitempty"`    // of rounding to the same bits and groups
	CodeBits float64        `json:"codeBits,omitempty"` // that a weight of the layers takes
	Used     []string       `json:"used,omitempty"`     // options that are not the defaults, name=value
}

// FlowTensor is what a matrix lost.
type FlowTensor struct {
	Name     string  `json:"name"`
	Error    float64 `json:"error"`    // relative, of the layer's output
	Rounding float64 `json:"rounding"` // with rounding alone
}

// FlowStageArgs names an input of linear layers, and what to try on it.
type FlowStageArgs struct {
	Layer     int     `json:"layer"`
	Stage     int     `json:"stage"`
	Alpha     float64 `json:"alpha"`
	Threshold float64 `json:"threshold"`
}

// FlowStage is the answer. Its arrays: least, most (by input), tokens (the
// largest magnitude of each), bins (of the histogram, over [−limit, limit]),
// weights (the largest magnitude of each column).
type FlowStage struct {
	FlowStageArgs
	Name     string      `json:"name"` // of the first matrix
	Matrices []string    `json:"matrices"`
	Inputs   int         `json:"inputs"`
	Tokens   int         `json:"tokens"`
	Limit    float64     `json:"limit"`
	Ranges   []FlowRange `json:"ranges"`

	// ‖Y−Ŷ‖²/‖Y‖² of the layer's output, weights and activations in INT8.
	Plain    float64 `json:"plain"`
	Smooth   float64 `json:"smooth"`
	Mixed    float64 `json:"mixed"`
	Outliers int     `json:"outliers"` // inputs that LLM.int8() keeps
	Sampled  int     `json:"sampled"`  // tokens that errors are of
}

// FlowRange is what a calibrator would cover.
type FlowRange struct {
	Name string  `json:"name"`
	Lo   float64 `json:"lo"`
	Hi   float64 `json:"hi"`
}
