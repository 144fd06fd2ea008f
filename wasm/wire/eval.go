package wire

import "fewbits/quant/metric"

// Operations that run models. Only the whole program has them.
const (
	OpEvalOpen = "eval-open" // EvalOpenArgs + files → EvalPlan; the worker keeps the models
	OpEvalStep = "eval-step" // EvalStepArgs → EvalStep
)

// EvalOpenArgs names the models that are to read a text.
type EvalOpenArgs struct {
	Name     string `json:"name"`               // of the file or files that come along first: the original
	Made     string `json:"made,omitempty"`     // of the file that comes last, which is measured against the original; "" where the original is measured
	Alone    bool   `json:"alone,omitempty"`    // the original is not run: only what was made of it comes along
	Text     string `json:"text,omitempty"`     // "" is a built-in one
	Tokens   int    `json:"tokens,omitempty"`   // that are read at most; 0 is all
	Resident int64  `json:"resident,omitempty"` // bytes of weights that may be held; the others are read each time
}

// EvalPlan is the answer: chunks are read in steps, each by whichever worker.
type EvalPlan struct {
	Tokens  int `json:"tokens"`  // of the whole text
	Context int `json:"context"` // tokens in a chunk
	Chunks  int `json:"chunks"`  // to be read
	Step    int `json:"step"`    // tokens in a step
}

// EvalStepArgs asks for the step of a chunk that begins with token From of it.
// The steps of a chunk follow each other in one worker.
type EvalStepArgs struct {
	Chunk int `json:"chunk"`
	From  int `json:"from"`
}

// EvalStep is the answer: what was counted in the chunk, after its last step.
type EvalStep struct {
	Sums *metric.Tokens `json:"sums,omitempty"`
}

// Operations that let a model go on with a prompt.
const (
	OpSayOpen = "say-open" // SayOpenArgs + the files of one model → Said; the worker keeps it
	OpLlama   = "llama"    // the same, to llama.cpp in place of the engine: web/js/llama.js
	OpSay     = "say"      // nothing → Said: a few tokens more
)

// SayOpenArgs names the model, and what it is to go on with.
type SayOpenArgs struct {
	Name     string `json:"name"`
	Prompt   string `json:"prompt"`
	Tokens   int    `json:"tokens"`             // that it says at most
	Resident int64  `json:"resident,omitempty"` // as of EvalOpenArgs
}

// Said is all that the model said after the prompt so far.
type Said struct {
	Text   string `json:"text"`
	News   string `json:"news,omitempty"` // how far it is, before it says anything
	Tokens int    `json:"tokens"`
	Done   bool   `json:"done"` // it is through, or there is no room for more
}
