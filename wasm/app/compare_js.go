package app

import (
	"fmt"
	"math"
	"strconv"
	"syscall/js"

	"honnef.co/go/js/dom/v2"

	"fewbits/wasm/app/page"
	"fewbits/wasm/wire"
)

// bindCompare turns what is done in the Compare view into events.
func (a *app) bindCompare() {
	a.on("c-metric", "change", func(v string) { a.dispatch(page.MetricChosen{Name: v}) })
	a.bindTrials()
	for _, family := range append(page.Families, page.FamilyMethod, page.FamilyActivations) {
		a.on("c-fam-"+family, "change", func(string) {
			a.dispatch(page.FamilyShown{Family: family, Show: a.el("c-fam-" + family).Underlying().Get("checked").Bool()})
		})
	}
	a.number("c-weights", "input", func(n int) { a.dispatch(page.ModelSized{Billions: billions(n)}) })
	a.on("c-weights-n", "input", func(v string) {
		if x, err := strconv.ParseFloat(v, 64); err == nil {
			a.dispatch(page.ModelSized{Billions: x})
		}
	})
	a.number("c-context", "input", func(n int) { a.dispatch(page.ContextSized{Tokens: 1 << n}) })
	a.number("c-context-n", "input", func(n int) { a.dispatch(page.ContextSized{Tokens: n}) })
	for _, b := range a.all("[data-sort]") {
		column := b.GetAttribute("data-sort")
		b.AddEventListener("click", false, func(dom.Event) { a.dispatch(page.TableSorted{Column: column}) })
	}
	a.click("c-all", func() { a.dispatch(page.TableWhole{All: !a.state.Compare.All}) })
	a.click("c-again", func() { a.dispatch(page.MeasuredAgain{}) })
	a.click("c-csv", func() { a.host.Call("saveText", "fewbits-compare.csv", "text/csv", a.state.CompareCSV()) })
	a.el("c-body").AddEventListener("click", false, func(e dom.Event) {
		u := e.Underlying()
		if u.Get("ctrlKey").Bool() || u.Get("metaKey").Bool() || u.Get("shiftKey").Bool() {
			return // the link opens elsewhere
		}
		if l := u.Get("target").Call("closest", "[data-way]"); !l.IsNull() {
			e.PreventDefault()
			a.openWay(wrap(l).GetAttribute("data-way"))
		}
	})
	js.Global().Get("fewbitsPage").Set("way", js.FuncOf(func(_ js.Value, v []js.Value) any {
		a.openWay(v[0].String())
		return nil
	}))
	a.host.Call("familyMarks")
}

// openWay goes to Tensor; Back comes here again.
func (a *app) openWay(name string) {
	if _, ok := a.state.Way(name); !ok {
		return // a method is no format of Tensor's
	}
	a.host.Call("step")
	a.dispatch(page.WayOpened{Name: name})
	a.el("stage").Underlying().Call("focus")
}

// The slider of a model's size runs from 0.1 to 1000 billion, a power of ten
// in 25 steps, and stops at numbers of two digits.
func billions(at int) float64 {
	x := 0.1 * math.Pow(10, float64(at)/25)
	unit := math.Pow(10, math.Floor(math.Log10(x))-1)
	return math.Round(x/unit) * unit
}

func sliderAt(billions float64) int {
	return max(0, min(100, int(math.Round(25*math.Log10(billions/0.1)))))
}

func (a *app) renderCompare() {
	a.renderCompareRail()
	a.renderTrials()
	if a.state.Compare.On == "model" {
		a.renderTable()
		a.renderRefused()
		return
	}
	a.renderCompareNews()
	if text, err := wire.Marshal(a.state.Plot()); err == nil && a.changed("plot", "c-rd", string(text)) {
		a.host.Call("scatter", string(text))
	}
	bars := struct {
		Bars     []page.SpeedBar `json:"bars"`
		Unit     string          `json:"unit"`
		Sentence string          `json:"sentence"`
	}{a.state.Bars(), "million weights a second", "Million weights a second, one worker."}
	if text, err := wire.Marshal(bars); err == nil && a.changed("plot", "c-speed", string(text)) {
		a.host.Call("bars", string(text))
	}
	a.renderTable()
	a.renderRefused()
}

var metricHelp = map[string]string{
	"sqnr":    "Signal to quantization noise: higher is better, and a bit more gives a uniform source 6 dB.",
	"relrmse": "Root mean square of the error, as a share of that of the values: lower is better.",
	"max":     "The largest distance between a value and what it becomes: lower is better.",
	"cosine":  "How far the direction of the whole tensor turns, 0 where it does not: lower is better.",
}

func (a *app) renderCompareRail() {
	c, t := &a.state.Compare, &a.state.Tensor
	if st := t.Stats; st != nil && c.On != "model" {
		a.text("c-on", fmt.Sprintf("%s, %s", sourceName(t.Source.Kind, st.Name), shaped(st.Shape)))
	}
	a.value("c-metric", c.Shown().Name)
	a.text("c-metric-help", metricHelp[c.Shown().Name])
	all := len(a.state.ShownWays())
	for _, family := range page.Families {
		a.prop("c-fam-"+family, "checked", !c.Hidden[family])
		if all > 0 {
			a.text("c-n-"+family, strconv.Itoa(a.state.FamilySize(family)))
		}
	}
	if all > 0 {
		a.text("c-ways", fmt.Sprintf("%d ways", all))
	}
	weights := decimal(c.Weights, 3)
	if c.Weights >= 1000 {
		weights = grouped(int(math.Round(c.Weights)))
	}
	a.text("c-size-note", weights+" billion")
	a.slide("c-weights", sliderAt(c.Weights), 0, 100)
	a.attr("c-weights", "aria-valuetext", weights+" billion")
	a.value("c-weights-n", strconv.FormatFloat(c.Weights, 'g', -1, 64))
	a.slide("c-context", max(9, min(17, log2(c.Context))), 9, 17)
	a.attr("c-context", "aria-valuetext", grouped(c.Context)+" tokens")
	a.value("c-context-n", strconv.Itoa(c.Context))
	on := "the tensor"
	switch name, _ := c.Trials.Model(); {
	case c.On == "model" && name != "":
		on = name
	case c.On != "model" && t.Stats != nil:
		on = sourceName(t.Source.Kind, t.Stats.Name)
	}
	a.text("c-table-note", fmt.Sprintf("Sizes of a model of %s billion weights; errors measured on %s.", weights, on))
}

func (a *app) renderCompareNews() {
	c, st := &a.state.Compare, a.state.Tensor.Stats
	done, all, millis := a.state.Progress()
	a.text("c-alert", c.Fault)
	a.show("c-alert", c.Fault != "")
	a.show("c-status", c.Fault == "")
	sweep := c.Running && done < all
	a.show("c-busy", c.Running)
	a.show("c-progress", sweep)
	a.attr("c-progress", "aria-valuemax", strconv.Itoa(all))
	a.attr("c-progress", "aria-valuenow", strconv.Itoa(done))
	a.text("c-progress", fmt.Sprintf("%d of %d", done, all))
	if c.Fault != "" {
		a.text("c-again", "Go on")
	} else {
		a.text("c-again", "Measure again")
	}
	a.prop("c-again", "disabled", done == 0 && c.Fault == "")
	if st == nil {
		return
	}
	name := sourceName(a.state.Tensor.Source.Kind, st.Name)
	what, how := "Every format on "+name, ""
	switch {
	case st.Values == 0:
		what, how = name+" is empty:", " there is nothing to compare. Choose another in Tensor."
	case sweep:
		how = " is being measured"
	case done == all && all > 0:
		values := grouped(st.Values) + " values"
		if n := a.state.SampleSize(); n > 0 {
			values = grouped(n) + " of " + values
		}
		what = fmt.Sprintf("%d ways on %s", all, name)
		how = fmt.Sprintf(", %s · measured in %s s in this tab; nothing leaves it", values, decimal(millis/1000, 1))
	}
	a.text("c-what", what)
	a.text("c-how", how)
}
