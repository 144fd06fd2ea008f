package wire

import "fewbits/quant/metric"

// Operations between a worker and those that do some rows of its answer to
// OpAnalyze.
const (
	OpPiece = "piece" // PieceArgs + values, weights → Piece and arrays.bytes, scaleLo, scaleHi, zeroLo, zeroHi, heat, before, after
	OpCount = "count" // CountArgs → arrays.err
)

// PieceArgs asks for some rows of an answer. With them come their values, but
// for those that are held, and then the weights of importance, if any.
type PieceArgs struct {
	Tensor int    `json:"tensor"` // what is held of another is let go
	Answer int    `json:"answer"` // errors of one answer are counted together
	Name   string `json:"name"`
	From   int    `json:"from"` // row of the whole
	Rows   int    `json:"rows"`
	Cols   int    `json:"cols"`
	All    int    `json:"all"` // rows of the whole
	Held   bool   `json:"held,omitempty"`

	Format  string            `json:"format"`
	Options map[string]string `json:"options,omitempty"`
	Lo      float64           `json:"lo"` // range of the whole
	Hi      float64           `json:"hi"`

	Weights int `json:"weights,omitempty"` // numbers of importance: a row's for each matrix
	Matrix  int `json:"matrix,omitempty"`  // that the first ones are of
	Tall    int `json:"tall,omitempty"`    // rows of a matrix
}

// Chunk is what a chunk of rows lost.
type Chunk struct {
	Sums metric.Sums `json:"sums"` // of the pairs that are finite
	Clip float64     `json:"clip"` // Σ d² beyond the levels
}

// Piece is the answer. Of its arrays, heat is the rows of the heat map that it
// covers, before and after are x̂ − x of the rows at its ends that those leave.
type Piece struct {
	Chunks    []Chunk `json:"chunks"`
	NonFinite int     `json:"nonFinite,omitempty"`
	Flat      bool    `json:"flat,omitempty"` // blocks run on across rows
	Elapsed   float64 `json:"elapsed"`        // ms to quantize and to reconstruct
}

// CountArgs asks for the errors of all rows of an answer that the worker did.
type CountArgs struct {
	Answer int     `json:"answer"`
	RMSE   float64 `json:"rmse"` // of the whole
	MaxAbs float64 `json:"maxAbs"`
}
