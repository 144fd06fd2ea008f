package app

import (
	"syscall/js"

	"honnef.co/go/js/dom/v2"

	"fewbits/wasm/app/page"
	"fewbits/wasm/wire"
)

// app ties one State to one document.
type app struct {
	*elements
	state *page.State
	hash  string  // the address as last written
	after js.Func // draws what can wait for the plots
	waits bool    // it will be called
}

// Run is the page's Go; it does not return.
func Run() {
	host := js.Global().Get("fewbitsHost")
	a := &app{elements: newElements(dom.GetWindow().Document(), host), state: page.Start()}
	a.after = js.FuncOf(func(js.Value, []js.Value) any {
		a.waits = false
		a.renderOpened()
		return nil
	})
	a.expose()
	a.bindShell()
	a.bindSources()
	a.bindTensor()
	a.bindModel()
	a.bindCompare()
	a.bindLearn()
	a.dispatch(page.Went{Hash: js.Global().Get("location").Get("hash").String()})
	a.host.Call("ready")
	select {}
}

// expose sets what the host calls.
func (a *app) expose() {
	on := func(f func(v []js.Value)) js.Func {
		return js.FuncOf(func(_ js.Value, v []js.Value) any { f(v); return nil })
	}
	js.Global().Set("fewbitsPage", map[string]any{
		"booted": on(func(v []js.Value) {
			var rows []wire.FormatRow
			if err := wire.Unmarshal([]byte(v[0].String()), &rows); err != nil {
				a.dispatch(page.Fault{Message: err.Error()})
				return
			}
			a.dispatch(page.Booted{Formats: rows})
		}),
		"reply": on(func(v []js.Value) {
			a.dispatch(page.Reply{ID: v[0].Int(), JSON: []byte(v[1].String()), At: a.now()})
		}),
		"fault": on(func(v []js.Value) {
			a.dispatch(page.Fault{ID: v[0].Int(), Message: v[1].String(), Superseded: v[2].Bool(), Died: v[3].Bool()})
		}),
		"stored": on(func(v []js.Value) {
			a.dispatch(page.Stored{ID: v[0].Int(), Workers: v[1].Int(), Kept: v[2].String(), At: a.now()})
		}),
		"measure": on(func(v []js.Value) {
			a.dispatch(page.MeasureAsked{Text: v[0].String(), Name: v[1].String(), InFile: v[2].Bool(), Tokens: v[3].Int(), Workers: v[4].Int(), At: a.now()})
		}),
		"say":       on(func(v []js.Value) { a.dispatch(page.SayAsked{Prompt: v[0].String(), With: v[1].String()}) }),
		"budget":    on(func(v []js.Value) { a.budget(v) }),
		"hush":      on(func([]js.Value) { a.dispatch(page.SayStopped{}) }),
		"unmeasure": on(func([]js.Value) { a.dispatch(page.MeasureCancelled{}) }),
		"room":      on(func(v []js.Value) { a.dispatch(page.Room{Free: v[0].Float(), Picker: v[1].Bool()}) }),
		"type":      on(func(v []js.Value) { a.dispatch(page.TypeChosen{Index: v[0].Int(), Type: v[1].String()}) }),
		"filter":    on(func(v []js.Value) { a.dispatch(page.Filtered{Text: v[0].String()}) }),
		"went":      on(func(v []js.Value) { a.dispatch(page.Went{Hash: v[0].String()}) }),
		"file": on(func(v []js.Value) {
			a.dispatch(page.FileChosen{Ref: v[0].Int(), Name: v[1].String(), View: v[2].String(), URL: v[3].String()})
		}),
		"finding": on(func(v []js.Value) { a.dispatch(page.FilesSought{What: v[0].String(), View: v[1].String()}) }),
		"unfound": on(func(v []js.Value) { a.dispatch(page.FilesUnfound{Message: v[0].String(), View: v[1].String()}) }),
		"pick":    on(func(v []js.Value) { a.dispatch(page.Picked{Row: v[0].Int(), Col: v[1].Int()}) }),
		"split":   on(func(v []js.Value) { a.dispatch(page.SplitMoved{Percent: v[0].Int()}) }),
		"value":   on(func(v []js.Value) { a.dispatch(page.ValuePicked{Value: v[0].Float()}) }),
		"flow":    on(a.doFlow),

		"report":     js.FuncOf(func(js.Value, []js.Value) any { return a.state.Report() }),
		"checkpoint": on(a.doCheckpoint),
		"format":     on(func(v []js.Value) { a.dispatch(page.FormatChosen{Name: v[0].String()}) }),
	})
}

// now is the time since the page opened, in ms.
func (a *app) now() float64 { return js.Global().Get("performance").Call("now").Float() }

// dispatch is the only way that the state changes.
func (a *app) dispatch(e page.Event) {
	effects := a.state.Update(e)
	for _, f := range effects {
		if pressing(f) {
			a.perform(f)
		}
	}
	a.render()
	for _, f := range effects {
		if !pressing(f) {
			a.perform(f)
		}
	}
	if h := a.state.Address(); h != a.hash {
		a.hash = h
		a.host.Call("address", h)
	}
}

// pressing says whether an effect comes before the page is drawn: a worker is at
// work meanwhile, and plots are drawn in the same frame.
func pressing(f page.Effect) bool {
	switch f.(type) {
	case page.Call, page.End, page.Draw: // a worker ends before one of its name is asked anew
		return true
	}
	return false
}

func (a *app) perform(effect page.Effect) {
	switch f := effect.(type) {
	case page.Call:
		args, err := wire.Marshal(f.Args)
		if err != nil {
			a.dispatch(page.Fault{ID: f.ID, Message: err.Error()})
			return
		}
		a.host.Call("send", f.ID, f.Lane, f.Op, string(args), f.File, f.Parts, f.Latest, f.Remember, f.Into, float64(f.At),
			float64(f.Reads[0]), float64(f.Reads[1]), f.Drop)
	case page.FetchSample:
		a.host.Call("sample", f.Name)
	case page.OpenLesson:
		a.host.Call("lesson", f.ID, f.Exercise, f.Seed)
	case page.End:
		a.host.Call("end", f.Lane)
	case page.AskRoom:
		a.host.Call("room")
	case page.Keep:
		a.host.Call("keep", f.ID, f.Name, float64(f.Size), f.Straight, f.Alone)
	case page.Drop:
		a.host.Call("drop", f.ID)
	case page.Go:
		js.Global().Get("location").Set("hash", f.Hash)
	case page.Save:
		a.host.Call("save", f.ID, f.Name, f.Type)
	case page.Later:
		dom.GetWindow().SetTimeout(func() { a.dispatch(f.Event) }, f.Millis)
	case page.Adopt, page.SaveFile, page.DrawFlow:
		a.performFlow(f)
	case page.DrawWeights:
		a.host.Call("weights", f.ID)
	case page.Draw:
		t := &a.state.Tensor
		a.host.Call("draw", t.A.ID, t.A.PickID, t.B.ID, t.B.PickID, float64(t.Split)/100, t.Show)
	}
}

// render draws the view that is open.
func (a *app) render() {
	a.renderShell()
	switch a.state.Route {
	case "tensor":
		a.renderTensor()
	case "model":
		a.renderModel()
	case "compare":
		a.renderCompare()
	case "learn":
		a.renderLearn()
	}
}
