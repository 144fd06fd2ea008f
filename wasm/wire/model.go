package wire

import "fewbits/quant/metric"

// PlanArgs asks what a whole file would become. Recipe is the name of a
// recipe, for a model whose file says what it is; or that of a type for all
// weights, with Pure after it where a recipe has that name too.
type PlanArgs struct {
	Recipe    string            `json:"recipe"`
	Types     map[string]string `json:"types,omitempty"`     // of single tensors, by their names: what a person wants otherwise
	Output    string            `json:"output,omitempty"`    // type of output.weight
	Embedding string            `json:"embedding,omitempty"` // type of token_embd.weight

	Importance bool `json:"importance,omitempty"` // use the matrix that OpImatrix gave

	// Mix is the name of a mix of types: Types has one for every weight, and
	// Recipe says no more than what the file mostly is, as after --pure.
	Mix string `json:"mix,omitempty"`
}

// Pure ends the name of a type that all weights are to take.
const Pure = ", pure"

// Plan is the answer. Steps are in the order of the file to be.
type Plan struct {
	Recipe string    `json:"recipe"`
	Name   string    `json:"name"` // of the file to be
	Steps  []StepRow `json:"steps"`
	From   int64     `json:"from"` // bytes of all tensors now
	To     int64     `json:"to"`   // and then
	Size   int64     `json:"size"` // of the file to be
}

// StepRow is what becomes of one tensor.
type StepRow struct {
	Tensor int    `json:"tensor"` // in FileInfo.Tensors
	Name   string `json:"name"`   // in the file to be
	From   string `json:"from"`
	To     string `json:"to"`
	Asked  string `json:"asked,omitempty"` // the type that it should take; "" where it keeps its own
	Bytes  int64  `json:"bytes"`           // then
	Offset int64  `json:"offset"`          // of its first byte in the file to be
	Unit   int64  `json:"unit"`            // so many bytes are made together at least
	Why    string `json:"why,omitempty"`
}

// MakeArgs asks for bytes [From, To) of the file that a plan leads to: all that
// comes before the first tensor, or whole units of tensors and what lies
// between them. Head is where the first tensor begins.
type MakeArgs struct {
	PlanArgs
	Head int64 `json:"head"`
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// Made is the answer: what was lost on the way, of each step that took part and
// is not copied.
type Made struct {
	Lost []StepSums `json:"lost,omitempty"`
}

// StepSums compare what a step read with what became of it.
type StepSums struct {
	Step int `json:"step"` // in Plan.Steps
	metric.Sums
}
