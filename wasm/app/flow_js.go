package app

import (
	"syscall/js"

	"fewbits/wasm/app/page"
	"fewbits/wasm/wire"
)

// flowView is what web/js/flow.js draws; it puts the numbers into words.
type flowView struct {
	Model   int               `json:"model"` // how many were opened
	File    string            `json:"file"`
	Why     string            `json:"why"`
	Ready   bool              `json:"ready"`
	Running string            `json:"running"` // the job
	Done    int64             `json:"done"`
	Total   int64             `json:"total"`
	Status  string            `json:"status"`
	Fault   string            `json:"fault"`
	Job     string            `json:"job"` // the latest
	Open    wire.Flow         `json:"open"`
	Text    string            `json:"text"`
	Method  string            `json:"method"`
	Trace   []wire.FlowTensor `json:"trace"`
	Runs    []flowRow         `json:"runs"`
	Schemes []flowRow         `json:"schemes"`
	Matrix  string            `json:"matrix"` // what the files are called
	Looked  bool              `json:"looked"`
}

// flowRow is a way with its numbers: values and standard errors.
type flowRow struct {
	wire.FlowRunArgs
	Open     wire.Flow    `json:"open"`
	Text     string       `json:"text"`
	CodeBits float64      `json:"codeBits"`
	Used     []string     `json:"used"`
	Name     string       `json:"name"`
	File     bool         `json:"file"`
	InFile   bool         `json:"inFile"`
	Lost     [][2]float64 `json:"lost"`
	Plain    [][2]float64 `json:"plain,omitempty"`
}

// flowPlace is filled by web/js/flow.js, which is loaded when there is a model.
func (a *app) flowPlace() {
	place := a.make("div", "", "id", "f-sec")
	a.el("m-repsec").Call("after", place.Underlying()) // last: it is long, and grows
}

// doFlow takes what web/js/flow.js asks for.
func (a *app) doFlow(v []js.Value) {
	switch v[0].String() {
	case "run":
		var job wire.FlowRunArgs
		if err := wire.Unmarshal([]byte(v[1].String()), &job); err == nil {
			a.dispatch(&page.FlowAsked{FlowRunArgs: job, Text: v[2].String(), Name: v[3].String(), InFile: v[4].Bool(), Tokens: v[5].Int(), At: a.now()})
		}
	case "cancel":
		a.dispatch(page.FlowCancelled{})
	case "save":
		a.dispatch(page.FlowSaved{At: v[1].Int()})
	case "files":
		a.dispatch(page.FlowAdopted{Refs: [2]int{v[1].Int(), v[2].Int()}})
	case "stage":
		a.dispatch(page.FlowStageChosen{FlowStageArgs: wire.FlowStageArgs{Layer: v[1].Int(), Stage: v[2].Int(), Alpha: v[3].Float(), Threshold: v[4].Float()}})
	}
}

// performFlow does what page.Flow asks for.
func (a *app) performFlow(effect page.Effect) {
	switch f := effect.(type) {
	case page.Adopt:
		forget := make([]any, len(f.Forget))
		for i, ref := range f.Forget {
			forget[i] = ref
		}
		a.host.Call("adopt", f.ID, f.Names[0], f.Names[1], forget)
	case page.SaveFile:
		a.host.Call("saveFile", f.Ref)
	case page.DrawFlow:
		a.host.Call("flowFigures", f.ID)
	}
}

// renderFlow draws what flows through the model.
func (a *app) renderFlow() {
	m := &a.state.Model
	if m.File == nil {
		return
	}
	if a.changed("made", "f-sec", "yes") {
		a.flowPlace()
	}
	f := &m.Flow
	v := flowView{Model: m.Opened, File: m.File.Name, Why: m.NotMeasured(), Status: f.Status, Fault: f.Fault, Job: f.Job, Open: f.Open, Text: f.Text,
		Method: f.Method, Trace: f.Trace, Matrix: f.Named, Looked: f.Looked,
		Runs: flowRows(f.Runs), Schemes: flowRows(f.Schemes)}
	if f.Step != nil {
		v.Done, v.Total = f.Step.Done, f.Step.Total
	}
	if f.Matrix[0] == 0 {
		v.Matrix = ""
	}
	if f.Running() {
		v.Running = f.Job
	}
	v.Ready = v.Why == "" && m.Idle()
	text, err := wire.Marshal(v)
	if err == nil && a.changed("flow", "f-sec", string(text)) {
		a.host.Call("flow", string(text))
	}
}

func flowRows(list []*page.FlowRun) []flowRow {
	rows := []flowRow{}
	for _, r := range list {
		row := flowRow{FlowRunArgs: r.FlowRunArgs, Open: r.Open, Text: r.FlowAsked.Name, InFile: r.InFile, CodeBits: r.CodeBits, Used: r.Used, Name: r.FlowStep.Name, File: r.File > 0}
		for k, t := range []*[][2]float64{&row.Lost, &row.Plain} {
			sums := r.Own
			if k == 1 {
				sums = r.Plain
			}
			if sums == nil {
				continue
			}
			s := sums.Strayed()
			*t = [][2]float64{{sums.Perplexity().Value, sums.Perplexity().Error}, {s.KL.Value, s.KL.Error}, {s.SameTop.Value, s.SameTop.Error}, {s.Perplexity.Value, s.Perplexity.Error}}
		}
		rows = append(rows, row)
	}
	return rows
}
