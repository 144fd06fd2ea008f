package app

import (
	"fmt"
	"strconv"
	"strings"
	"syscall/js"

	"fewbits/wasm/app/page"
	"fewbits/wasm/wire"
)

// bindTrials turns what is done about models, claims and speed into events.
func (a *app) bindTrials() {
	// Not dispatched: the address is not read yet, and nothing shows the number.
	a.state.Update(page.WorkersCounted{N: a.host.Call("workers").Int()})
	a.radio("c-on", func(v string) { a.dispatch(page.ComparedOn{On: v}) })
	a.on("c-model", "change", func(v string) { a.dispatch(page.DemoChosen{Demo: v == "demo"}) })
	a.number("c-tokens", "change", func(n int) { a.dispatch(page.TrialTokens{N: n}) })
	a.click("c-cancel", func() { a.dispatch(page.TrialsStopped{}); a.focus("c-go") })
	a.click("c-go", func() { a.dispatch(page.TrialsAsked{}); a.focus("c-cancel") })
	a.click("c-test", func() { a.dispatch(page.ComparedOn{On: "model"}); a.focus("c-cancel") })
	a.click("c-time", func() { a.dispatch(page.SpeedAsked{}); a.focus("c-untime") })
	a.click("c-untime", func() { a.dispatch(page.SpeedStopped{}); a.focus("c-time") })
	js.Global().Get("fewbitsPage").Set("sample", js.FuncOf(func(_ js.Value, v []js.Value) any {
		a.dispatch(page.SampleFetched{Name: v[0].String(), Ref: v[1].Int(), Bytes: v[2].Float(), Fault: v[3].String()})
		return nil
	}))
}

func (a *app) focus(id string) { a.el(id).Underlying().Call("focus") }

// renderTrials draws what Compare shows of models, and what both of its sides share.
func (a *app) renderTrials() {
	c := &a.state.Compare
	a.attr("c-view", "data-on", c.On)
	a.choose("c-on", c.On)
	a.show("c-change", c.On == "tensor")
	a.renderPrecisions()
	a.renderClaims()
	a.renderSpeeds()
	if c.On != "model" {
		a.show("c-cancel", false)
		a.show("c-go", false)
		return
	}
	a.renderTrialRail()
	a.renderTrialNews()
	for _, id := range []string{"c-ppl", "c-kl"} {
		p := a.state.TrialPlot(id == "c-kl")
		a.drawPlot("scatter", id, p.Points, p)
	}
}

// drawPlot draws data and options where they changed.
func (a *app) drawPlot(kind, id string, data, options any) {
	d, err := wire.Marshal(data)
	if err != nil {
		return
	}
	o, err := wire.Marshal(options)
	if err != nil || len(o) < 2 {
		return
	}
	text := `{"data":` + string(d) + "," + string(o[1:])
	if a.changed("plot", id, text) {
		a.host.Call("plot", kind, id, text)
	}
}

func (a *app) renderTrialRail() {
	t := &a.state.Compare.Trials
	open, why := a.state.OpenModel()
	names, values := []string{"The demo model"}, []string{"demo"}
	if open != "" && why == "" {
		names, values = append(names, open), append(values, "open")
	}
	a.options("c-model", values, names)
	if open != "" && why == "" && !t.Demo {
		a.value("c-model", "open")
	} else {
		a.value("c-model", "demo")
	}
	a.value("c-tokens", strconv.Itoa(t.Tokens))
	counts := map[string]int{}
	for _, w := range a.state.ShownWays() {
		counts[w.Family]++
	}
	for _, family := range []string{page.FamilyMethod, page.FamilyActivations} {
		a.text("c-n-"+family, strconv.Itoa(counts[family]))
	}
	name, v := t.Model()
	say := name
	if v != nil {
		say = fmt.Sprintf("%s: perplexity %s on %s tokens.", name, significant(v.Sums.Perplexity().Value, 4), grouped(v.Chunks*v.Context))
	}
	if why != "" {
		say += " " + open + " cannot be tried: " + why
	}
	a.text("c-on", say)
}

func (a *app) renderTrialNews() {
	t := &a.state.Compare.Trials
	done, all := a.state.TrialProgress()
	name, v := t.Model()
	if !t.Running() && isActive(a.el("c-cancel").Underlying()) {
		a.focus("stage") // the button goes
	}
	a.text("c-alert", t.Fault)
	a.show("c-alert", t.Fault != "")
	a.show("c-status", t.Fault == "")
	a.show("c-busy", t.Running())
	a.show("c-progress", t.Running())
	a.show("c-cancel", t.Running())
	a.show("c-go", !t.Running() && done < all)
	a.attr("c-progress", "aria-valuemax", strconv.Itoa(all))
	a.attr("c-progress", "aria-valuenow", strconv.Itoa(done))
	a.text("c-progress", fmt.Sprintf("%d of %d", done, all))
	what, how := "Every format on a model", ""
	switch {
	case t.Running():
		what = t.Status
	case done == all && all > 0 && v != nil:
		what, how = fmt.Sprintf("%d ways on %s", len(a.state.ShownWays()), name), fmt.Sprintf(" · measured on %s tokens in this tab; nothing leaves it", grouped(v.Chunks*v.Context))
	case t.Stopped:
		how = ": stopped"
	}
	a.text("c-what", what)
	a.text("c-how", how)
}

// renderPrecisions fills the table of the field's precisions, whose rows stand in
// the document.
func (a *app) renderPrecisions() {
	c := &a.state.Compare
	rows := a.state.Precisions()
	for i := range rows {
		a.renderPrecision(&rows[i], "c-prec-"+strconv.Itoa(i))
	}
	on := "a model: choose Model on the left"
	if name, v := c.Trials.Model(); v != nil {
		on = name
	}
	a.text("c-prec-note", fmt.Sprintf("%s billion weights. Quality is measured on %s; what is claimed stands beside it.", decimal(c.Weights, 3), on))
}

func (a *app) renderPrecision(r *page.Precision, id string) {
	a.text(id+"-gb", decimal(r.GB, max(2, 3-len(strconv.Itoa(int(r.GB))))))
	a.text(id+"-mem", gigabytes(r.Memory))
	real, way, same, best, ppl := "–", r.Way, "–", "", "–"
	if l := r.Loss; l != nil {
		real = gigabytes(r.RealGB)
		way = fmt.Sprintf("%s, %s bits", r.Way, fixed(r.Real, 2))
		same, ppl = estimated(l.SameTop), perplexity(l)
		if b := r.Better; b != nil {
			best = r.Best + ": " + estimated(b.SameTop)
		}
	}
	a.text(id+"-real", real)
	a.text(id+"-real2", way)
	a.inexact(id+"-same", same)
	a.text(id+"-same2", best)
	a.inexact(id+"-ppl", ppl)
}

// plotOptions are what plots of claims and speeds take beside their data.
type plotOptions struct {
	Unit     string `json:"unit,omitempty"`
	RoofName string `json:"roofName,omitempty"`
	Sentence string `json:"sentence,omitempty"`
	Digits   int    `json:"digits,omitempty"`
	YName    string `json:"yName,omitempty"`
	Better   string `json:"better,omitempty"`
}

func (a *app) renderClaims() {
	for _, c := range a.state.Claims() {
		id := "c-cl-" + c.ID
		verdict := ""
		if c.Verdict != "" {
			verdict = c.Verdict + "."
		}
		a.text(id+"-v", verdict)
		a.text(id+"-s", strings.TrimSpace(strings.ReplaceAll(c.Says, " -", " −")))
		switch {
		case len(c.Points) > 0:
			a.drawPlot("scatter", id, c.Points, plotOptions{YName: c.Unit, Better: "low", Sentence: "Perplexity when the memory that is saved buys weights: lower is better."})
		case len(c.Bars) > 0:
			a.drawPlot("bars", id, c.Bars, plotOptions{Unit: c.Unit, RoofName: c.Roof, Digits: 2, Sentence: claimSentences[c.ID]})
		}
	}
}

var claimSentences = map[string]string{
	"k":       "KL divergence from the original, thousandths of a nat a token: lower is better.",
	"sizes":   "KL divergence of the smaller model, in times that of the larger.",
	"methods": "KL divergence, in times that of rounding: lower is better.",
}

func (a *app) renderSpeeds() {
	v := &a.state.Compare.Speeds
	done, all := v.Progress()
	had := !v.Running && isActive(a.el("c-untime").Underlying())
	a.show("c-time", !v.Running)
	a.show("c-untime", v.Running)
	if had {
		a.focus("c-time")
	}
	a.show("c-time-a", v.Fault != "")
	a.text("c-time-a", v.Fault)
	say := "Takes a few seconds; leave the tab in front."
	switch {
	case v.Running && done == 0: // how many there are depends on the browser
		say = "Timing"
	case v.Running:
		say = fmt.Sprintf("Timing, %d of %d", done, all)
	case done > 0 && done < all:
		say = fmt.Sprintf("Stopped after %d of %d.", done, all)
	case done > 0:
		say = fmt.Sprintf("Memory is read at %s GB a second by one worker. %s", fixed(v.Read/1e9, 1), v.Ran())
	}
	a.show("c-time-s", v.Fault == "")
	a.text("c-time-s", say)
	if done > 0 {
		roof := fmt.Sprintf("what memory allows, %s GB/s", fixed(v.Read/1e9, 1))
		a.drawPlot("bars", "c-vec", v.Products(1), plotOptions{Unit: "10⁹ weights a second", RoofName: roof, Digits: 2, Sentence: "10⁹ weights a second: a matrix times a vector."})
		a.drawPlot("bars", "c-mat", v.Products(page.BatchTokens), plotOptions{Unit: "10⁹ multiplications a second", Digits: 1, Sentence: fmt.Sprintf("10⁹ multiplications a second: a matrix times %d vectors.", page.BatchTokens)})
	}
	lines := v.Says()
	if a.changed("lines", "c-ratios", strings.Join(lines, "\n")) {
		list := a.el("c-ratios")
		list.SetTextContent("")
		for _, l := range lines {
			list.AppendChild(a.make("li", l))
		}
	}
}
