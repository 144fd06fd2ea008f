package wire

import "fewbits/quant/metric"

// Operations that make a checkpoint of another project, as one archive of its
// files. Only the whole program has them.
const (
	OpCheckpointOpen = "checkpoint-open" // CheckpointArgs (+ the files of one model) → CheckpointPlan; the worker keeps it
	OpCheckpoint     = "checkpoint"      // nothing → CheckpointStep, arrays: bytes
)

// CheckpointArgs says what a model is written as; see checkpoint.Layouts.
type CheckpointArgs struct {
	Name    string            `json:"name"`   // of the model
	Folder  string            `json:"folder"` // that the archive holds
	As      string            `json:"as"`     // "gptq", "awq" …
	Format  string            `json:"format"`
	Options map[string]string `json:"options,omitempty"`

	// Decided takes the model that OpFlowOpen gave the worker, and what the
	// latest method decided there. No file comes along then.
	Decided bool `json:"decided,omitempty"`
}

// CheckpointPlan is the answer.
type CheckpointPlan struct {
	Size  int64            `json:"size"` // of the archive
	Files []CheckpointFile `json:"files"`
	Load  string           `json:"load"` // lines of a shell and of Python that load the folder
	Notes []string         `json:"notes,omitempty"`
}

// CheckpointFile is a file of the archive.
type CheckpointFile struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

// CheckpointStep is a piece of the archive, or what came of it all.
type CheckpointStep struct {
	At     int64  `json:"at"` // where the bytes belong
	Tensor string `json:"tensor,omitempty"`
	Bytes  int64  `json:"bytes,omitempty"` // of the piece; in the last step of all tensors

	// Of the last step, which has no bytes.
	Through   bool        `json:"through,omitempty"`
	As        string      `json:"as,omitempty"`        // "GPTQ 4-bit g128"
	Quantized int         `json:"quantized,omitempty"` // matrices
	Skipped   int         `json:"skipped,omitempty"`   // matrices that have no place in the layout
	Why       string      `json:"why,omitempty"`       // the first of them has none
	Values    int64       `json:"values,omitempty"`    // of all tensors
	Lost      metric.Sums `json:"lost"`                // of the quantized matrices; empty where scales were folded
}
