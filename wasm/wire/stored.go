package wire

// AsStored is the format of a tensor that is quantized already, as its file
// has it: nothing is quantized anew.
const AsStored = "stored"

// OpInside asks what the quantized tensors of the open file lost before they
// came here: nothing → Inside.
const OpInside = "inside"

// Estimate is what a tensor in blocks lost when it was quantized, as far as
// its blocks tell; see ggml.Noise.
type Estimate struct {
	Tensor int     `json:"tensor"` // in FileInfo.Tensors
	Type   string  `json:"type"`   // "Q4_K"
	Values int     `json:"values"`
	Noise  float64 `json:"noise"`  // mean of (x̂ − x)²
	Power  float64 `json:"power"`  // mean of x̂²
	Within float64 `json:"within"` // dB that the estimate may be off, on Gaussian weights

	// Of a matrix of another project's checkpoint, whose Type is no format here.
	Bits  int     `json:"bits,omitempty"`  // of a code
	Group int     `json:"group,omitempty"` // values that share a scale
	Cost  float64 `json:"cost,omitempty"`  // bits that a weight takes in all
}

// Inside is the answer to OpInside: one entry for each tensor in blocks.
type Inside struct {
	Tensors []Estimate `json:"tensors"`
}

// The kinds of importance that AnalyzeArgs may ask for.
const (
	ImportanceMatrix = "matrix" // what OpImatrix gave for the tensor
	ImportanceAlike  = "alike"  // every column counts the same
)

// Operations on importance matrices.
const (
	OpImatrix = "imatrix" // ImatrixArgs + a Blob → Imatrix; the worker keeps it
	OpWeights = "weights" // WeightsArgs → Weights, arrays: weights
)

// ImatrixArgs names the matrix whose Blob comes along; without a Blob the
// worker forgets the one that it has.
type ImatrixArgs struct {
	Name string `json:"name"`
}

// Imatrix describes an importance matrix.
type Imatrix struct {
	Name      string         `json:"name"`
	Chunks    int            `json:"chunks"`    // of text that it was computed on; 0 where that is not known
	ChunkSize int            `json:"chunkSize"` // tokens
	Datasets  []string       `json:"datasets,omitempty"`
	Entries   []ImatrixEntry `json:"entries"` // by name
}

// ImatrixEntry is the importance of one tensor.
type ImatrixEntry struct {
	Name    string `json:"name"`
	Weights int    `json:"weights"`
}

// WeightsArgs asks for one entry of the matrix. Columns is how many columns
// the tensor has, 0 where that is not known.
type WeightsArgs struct {
	Name    string `json:"name"`
	Columns int    `json:"columns,omitempty"`
}

// Weights describes arrays.weights: Rows × Cols, a row an expert.
type Weights struct {
	Name string `json:"name"`
	Rows int    `json:"rows"`
	Cols int    `json:"cols"`
}
