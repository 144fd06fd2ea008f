package app

import (
	"syscall/js"

	"fewbits/wasm/app/page"
	"fewbits/wasm/wire"
)

// checkpointView is what web/js/checkpoint.js draws; it puts the numbers into words.
type checkpointView struct {
	File    string   `json:"file"`
	Ready   bool     `json:"ready"`
	Working bool     `json:"working"`
	Written int64    `json:"written"`
	Share   float64  `json:"share"`
	Status  string   `json:"status"`
	Fault   string   `json:"fault"`
	Picker  bool     `json:"picker"`
	Run     *flowRow `json:"run"`   // of the method whose codes are at hand
	Asked   any      `json:"asked"` // wire.CheckpointArgs
	By      *flowRow `json:"by"`    // whose codes were taken
	Made    bool     `json:"made"`
	Offered bool     `json:"offered"`
	Plan    string   `json:"plan"` // wire.CheckpointPlan, as JSON
	Last    string   `json:"last"` // wire.CheckpointStep, likewise
}

// doCheckpoint takes what web/js/checkpoint.js asks for.
func (a *app) doCheckpoint(v []js.Value) {
	switch v[0].String() {
	case "save":
		e := &page.CheckpointAsked{Straight: v[2].Bool(), At: a.now()}
		if err := wire.Unmarshal([]byte(v[1].String()), &e.CheckpointArgs); err == nil {
			a.dispatch(e)
		}
	case "cancel":
		a.dispatch(page.CheckpointCancelled{})
	case "download":
		a.dispatch(page.CheckpointSaved{})
	}
}

// renderCheckpoint draws the model as other projects keep it.
func (a *app) renderCheckpoint() {
	m := &a.state.Model
	if m.File == nil {
		return
	}
	if a.changed("made", "x-sec", "yes") {
		a.el("m-cmdsec").Get("parentNode").Call("append", a.make("div", "", "id", "x-sec").Underlying()) // last: what grows moves nothing
	}
	c := &m.Checkpoint
	v := checkpointView{File: m.File.Name, Ready: m.Idle() && m.Busy == "", Working: c.Working(), Written: c.Written, Share: c.Share(), Run: rowOf(m.Flow.Kept),
		Status: c.Status, Fault: c.Fault, Picker: m.Room != nil && m.Room.Picker, Made: c.Made(), Offered: c.Offered(), Plan: string(c.Plan)}
	if c.Asked != nil {
		v.Asked = c.Asked.CheckpointArgs
	}
	if c.Made() {
		v.Last, v.By = string(c.Last), rowOf(c.Asked.Run)
	}
	text, err := wire.Marshal(v)
	if err == nil && a.changed("checkpoint", "x-sec", string(text)) {
		a.host.Call("checkpoint", string(text))
	}
}

// rowOf is a run as flow.js has it, without its numbers.
func rowOf(r *page.FlowRun) *flowRow {
	if r == nil {
		return nil
	}
	return &flowRow{FlowRunArgs: r.FlowRunArgs, Open: r.Open, Text: r.FlowAsked.Name, InFile: r.InFile}
}
