package wire

// Operations that find the mix of types for a size. Only the whole program has
// them.
const (
	OpBudgetOpen   = "budget-open"   // BudgetOpenArgs + the files of one model → BudgetTable; the worker keeps it
	OpBudgetRows   = "budget-rows"   // BudgetRowsArgs → BudgetErrors
	OpBudgetErrors = "budget-errors" // BudgetErrorsArgs → BudgetFront; the worker can solve from then on
	OpBudgetMix    = "budget-mix"    // BudgetMixArgs → BudgetMix
	OpBudgetText   = "budget-text"   // BudgetTextArgs → BudgetText; the worker can run mixes from then on
	OpBudgetProbe  = "budget-probe"  // BudgetProbe → BudgetProbe, with its divergence
	OpBudgetJudge  = "budget-judge"  // BudgetJudgeArgs → BudgetJudged
)

// BudgetOpenArgs names the model.
type BudgetOpenArgs struct {
	Name       string `json:"name"`
	Importance bool   `json:"importance,omitempty"` // errors are weighted by the matrix that OpImatrix gave
}

// BudgetTable lists what may be quantized. Sizes are of the file to be.
type BudgetTable struct {
	Tensors  []BudgetTensor `json:"tensors"`
	Overhead int64          `json:"overhead"` // bytes of the file beside them
	Values   int64          `json:"values"`   // of all tensors, also others
	Kept     int64          `json:"kept"`     // bytes of the others
}

// BudgetTensor is a tensor with the types that suit it.
type BudgetTensor struct {
	Name  string   `json:"name"`
	Rows  int      `json:"rows"`
	Cols  int      `json:"cols"`
	Types []string `json:"types"` // fewest bytes first
}

// BudgetRowsArgs are rows of a tensor that are to be quantized to all its types.
type BudgetRowsArgs struct {
	Tensor int `json:"tensor"`
	Row    int `json:"row"`
	Rows   int `json:"rows"`
}

// BudgetErrors are what they lost; −1 stands for what is not finite.
type BudgetErrors struct {
	Energy float64   `json:"energy"` // Σ w·x²
	Of     []float64 `json:"of"`     // Σ w·(x̂ − x)², by type
}

// BudgetErrorsArgs are the errors of all tensors, and what divergences were
// measured: without any, losses are relative errors.
type BudgetErrorsArgs struct {
	Errors []BudgetErrors `json:"errors"`
	Probes []BudgetProbe  `json:"probes,omitempty"`
	Scale  float64        `json:"scale,omitempty"` // of all losses; 0 is 1
}

// BudgetFront is what sizes there are, and what recipes lose.
type BudgetFront struct {
	Least   int64          `json:"least"`  // bytes of the smallest file
	Most    int64          `json:"most"`   // as many as are of any use
	Curve   [][2]float64   `json:"curve"`  // bytes and the least loss, bytes rising
	Probes  []BudgetProbe  `json:"probes"` // that there would be, without divergences
	Recipes []BudgetRecipe `json:"recipes"`
}

// BudgetRecipe is a recipe beside the mix of its size.
type BudgetRecipe struct {
	Name  string  `json:"name"`
	Bytes int64   `json:"bytes"`
	Loss  float64 `json:"loss"`
	Best  float64 `json:"best"` // loss of the best mix of that size; −1 where no mix is so small
}

// BudgetMixArgs asks for the best mix of a file of at most so many bytes.
type BudgetMixArgs struct {
	Limit int64 `json:"limit"`
}

// BudgetMix is the answer, with the lines of llama-quantize's --tensor-type-file.
type BudgetMix struct {
	Limit int64    `json:"limit"`
	Types []string `json:"types"` // by tensor of the table
	Bytes int64    `json:"bytes"` // of the file
	Loss  float64  `json:"loss"`
	Exact bool     `json:"exact"` // nothing that fits loses less
	Base  string   `json:"base"`  // recipe that stands after --pure
	Lines []string `json:"lines"`
}

// BudgetTextArgs is a text: its first half is what divergences are measured
// on, its second what mixes are judged by.
type BudgetTextArgs struct {
	Text   string `json:"text,omitempty"` // "" is a built-in one
	Chunks int    `json:"chunks"`         // of the first half, at most; twice as many of the second
}

// BudgetText is the answer: what of the first half is read.
type BudgetText struct {
	Scored  int `json:"scored"`
	Context int `json:"context"`
}

// BudgetProbe is one tensor quantized alone.
type BudgetProbe struct {
	Tensor int     `json:"tensor"`
	Type   int     `json:"type"`
	KL     float64 `json:"kl"` // of the model then from the original, nats a token
}

// BudgetJudgeArgs is a recipe, or the best mix for a size.
type BudgetJudgeArgs struct {
	Recipe string `json:"recipe,omitempty"`
	Limit  int64  `json:"limit,omitempty"`
	First  bool   `json:"first,omitempty"` // by the first half, to set the scale of losses
}

// BudgetJudged is the answer.
type BudgetJudged struct {
	Bytes   int64   `json:"bytes"` // of the file
	Loss    float64 `json:"loss"`  // as it is predicted; −1 where it is not
	KL      float64 `json:"kl"`
	KLError float64 `json:"klError"`
	SameTop float64 `json:"sameTop"`
	Scored  int     `json:"scored"`
}
