package page

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// ModelReport is what a report of the model says that the page's Go knows, in
// the words of report.Report; the host adds hashes and the engine.
type ModelReport struct {
	Name    string   `json:"name"` // of what was opened
	Files   int      `json:"files"`
	Size    int64    `json:"size"`
	URL     string   `json:"url,omitempty"`
	Ref     int      `json:"ref"`  // of the host
	Kept    int      `json:"kept"` // what keeps the file that was made from this plan, or 0
	Choice  string   `json:"choice"`
	Command string   `json:"command,omitempty"`
	Matrix  int      `json:"matrix,omitempty"` // ref of the importance matrix that the plan goes by
	Model   modelRun `json:"model"`
}

type modelRun struct {
	Recipe        string            `json:"recipe"`
	Pure          bool              `json:"pure,omitempty"`
	Types         map[string]string `json:"types,omitempty"`
	Matrix        *namedFile        `json:"matrix,omitempty"`
	Made          *namedFile        `json:"made,omitempty"`
	Size          int64             `json:"size"`
	Bytes         int64             `json:"bytes"`
	BitsPerWeight float64           `json:"bitsPerWeight"`
	Tensors       []modelTensor     `json:"tensors"`
	Measured      []modelMeasured   `json:"measured,omitempty"`
	Budget        *modelBudget      `json:"budget,omitempty"`
}

type namedFile struct {
	Name string `json:"name"`
	Size int64  `json:"size"`
}

type modelTensor struct {
	Index int      `json:"index"` // in the file
	Name  string   `json:"name"`
	Shape []int    `json:"shape"`
	From  string   `json:"from"`
	To    string   `json:"to"`
	Bytes int64    `json:"bytes"`
	Why   string   `json:"why,omitempty"`
	SQNR  *float64 `json:"sqnr,omitempty"`
}

// modelMeasured is what came of a text.
type modelMeasured struct {
	What       string          `json:"what"` // "original", or what was made or tried
	Text       string          `json:"text"` // what it is called
	Scored     int             `json:"scored"`
	Perplexity metric.Estimate `json:"perplexity"`
	Strayed    *strayed        `json:"strayed,omitempty"` // from the original
}

type strayed struct {
	Ratio   metric.Estimate `json:"ratio"`
	KL      metric.Estimate `json:"kl"`
	SameTop metric.Estimate `json:"sameTop"`
}

type modelBudget struct {
	Limit  int64         `json:"limit"`
	Bytes  int64         `json:"bytes"`
	Loss   float64       `json:"loss"`
	Exact  bool          `json:"exact"`
	By     string        `json:"by,omitempty"`
	Text   string        `json:"text,omitempty"`
	Judged []modelJudged `json:"judged,omitempty"`
}

type modelJudged struct {
	Name string `json:"name"`
	wire.BudgetJudged
}

// Report is JSON of the model as it is planned, or was made, and what was
// measured; "" where there is no plan.
func (s *State) Report() string {
	m := &s.Model
	if m.File == nil || m.Plan == nil {
		return ""
	}
	r := ModelReport{Name: m.File.Name, Files: m.File.Files, Size: m.File.Size, URL: m.Remote.opened, Ref: m.ref, Choice: m.choice(), Model: m.run()}
	r.Command, _ = m.Commands()
	if m.Made != nil {
		r.Kept = m.fileID
		r.Model.Made = &namedFile{Name: m.Made.Name, Size: m.Made.Size}
	}
	if m.guided {
		r.Matrix = s.Importance.ref
		r.Model.Matrix = &namedFile{Name: m.matrix}
	}
	b, err := wire.Marshal(r)
	if err != nil {
		return ""
	}
	return string(b)
}

func (m *Model) run() modelRun {
	p, args := m.Plan, m.args()
	out := modelRun{Types: args.Types, Size: p.Size, Bytes: p.To}
	out.Recipe, out.Pure = strings.CutSuffix(args.Recipe, wire.Pure)
	out.Pure = out.Pure || args.Mix != ""
	values := 0
	for i, step := range p.Steps {
		t := &m.File.Tensors[step.Tensor]
		values += t.Values
		row := modelTensor{Index: step.Tensor, Name: step.Name, Shape: t.Shape, From: step.From, To: step.To, Bytes: step.Bytes, Why: step.Why}
		if m.Made != nil && m.Made.Losses[i].XSq > 0 {
			if v := float64(m.Made.Losses[i].SQNR); !math.IsInf(v, 0) && v == v {
				row.SQNR = &v
			}
		}
		out.Tensors = append(out.Tensors, row)
	}
	out.BitsPerWeight = 8 * float64(p.To) / float64(max(1, values))
	for i := range m.Measuring.Results {
		q := &m.Measuring.Results[i]
		what := q.Choice
		if q.Made == "" {
			what = "original"
		}
		out.measured(what, q.Text, &q.Sums, q.Made != "" && !q.Alone)
	}
	for _, q := range m.Flow.Runs {
		name := strings.ToLower(q.Format) + " " + strings.Join(q.Used, " ")
		out.measured(name, q.FlowAsked.Name, q.Own, true)
		out.measured("rounding, as "+name, q.FlowAsked.Name, q.Plain, true)
	}
	for _, q := range m.Flow.Schemes {
		name := "weights " + cmp.Or(q.Format, "as they are")
		if q.Bits > 0 {
			name += ", activations INT" + strconv.Itoa(q.Bits)
		}
		out.measured(name, q.FlowAsked.Name, q.Own, true)
	}
	if b := &m.Budget; b.Mix != nil {
		out.Budget = &modelBudget{b.Mix.Limit, b.Mix.Bytes, b.Mix.Loss, b.Mix.Exact, b.By, b.Text, nil}
		for _, j := range b.Judged {
			out.Budget.Judged = append(out.Budget.Judged, modelJudged(j))
		}
	}
	return out
}

// measured adds what came of a text, and the original before it where it was read too.
func (r *modelRun) measured(what, text string, t *metric.Tokens, against bool) {
	if t == nil || t.Scored < 2 {
		return
	}
	m := modelMeasured{What: what, Text: text, Scored: t.Scored, Perplexity: t.Perplexity()}
	if against {
		s := t.Strayed()
		first := modelMeasured{What: "original", Text: text, Scored: t.Scored, Perplexity: s.Perplexity}
		if !slices.ContainsFunc(r.Measured, func(o modelMeasured) bool { return o.What == first.What && o.Text == text && o.Scored == t.Scored }) {
			r.Measured = append(r.Measured, first)
		}
		m.Strayed = &strayed{s.Ratio, s.KL, s.SameTop}
	}
	r.Measured = append(r.Measured, m)
}
