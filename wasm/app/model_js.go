package app

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"syscall/js"

	"honnef.co/go/js/dom/v2"

	"fewbits/wasm/app/page"
)

// bindModel turns what is done in the Model view into events.
func (a *app) bindModel() {
	a.modelDialogs()
	a.on("recipe", "change", func(v string) { a.dispatch(page.RecipeChosen{Name: v}) })
	a.click("m-quantize", func() { a.dispatch(page.QuantizeAsked{}) })
	a.click("m-straight", func() { a.dispatch(page.QuantizeAsked{Straight: true}) })
	a.click("m-reset", func() { a.dispatch(page.TypesReset{}); a.el("m-filter").Underlying().Call("focus") })
	a.click("m-cancel", func() { a.dispatch(page.CancelAsked{}) })
	a.click("m-download", func() { a.dispatch(page.DownloadAsked{}) })
	a.click("m-dismiss", a.dismiss)
	a.click("m-meta", func() { a.host.Call("openDialog", "metadialog") })
	a.click("m-mixdata", func() { a.host.Call("openDialog", "mixdialog") })
	a.click("m-copy-own", func() { own, _ := a.state.Model.Commands(); a.host.Call("copy", "m-copy-own", own) })
	a.click("m-copy-llama", func() { _, llama := a.state.Model.Commands(); a.host.Call("copy", "m-copy-llama", llama) })
	a.on("m-filter", "input", func(v string) { a.dispatch(page.Filtered{Text: v}) })
	for _, b := range a.all("[data-sort]") {
		column := b.GetAttribute("data-sort")
		b.AddEventListener("click", false, func(dom.Event) { a.dispatch(page.Sorted{Column: column}) })
	}
	a.el("m-scroll").AddEventListener("scroll", false, func(dom.Event) { a.renderTensors() })
	dom.GetWindow().AddEventListener("resize", false, func(dom.Event) {
		if a.state.Route == "model" {
			a.renderMix()
			a.renderTensors()
		}
	})
	a.el("m-rows").AddEventListener("click", false, func(e dom.Event) {
		if b := e.Underlying().Get("target").Call("closest", "[data-open]"); !b.IsNull() {
			if i, err := strconv.Atoi(wrap(b).GetAttribute("data-open")); err == nil {
				a.dispatch(page.TensorAsked{Index: i})
			}
		}
	})
}

func (a *app) renderModel() {
	a.renderModelNews()
	a.renderModelFacts()
	a.renderOffer("m", &a.state.Model.Remote)
	a.renderRecipe()
	a.renderMatrix()
	a.renderJob()
	a.renderInside()
	a.renderMix()
	a.renderLayers()
	a.renderTensors()
	a.renderMeasure()
	a.renderBudget()
	a.renderFlow()
	a.renderCheckpoint()
	a.renderCommands()
}

func (a *app) renderModelNews() {
	m := &a.state.Model
	a.text("m-alert", m.Fault)
	a.show("m-alert", m.Fault != "")
	a.show("m-dismiss", m.Fault != "")
	a.show("m-local", m.Fault == "")
	a.show("m-status", m.Fault == "")
	a.show("m-busy", m.Busy != "")
	a.lead("m-status", m.News())
	busy := strconv.FormatBool(m.Busy != "" && m.File != nil)
	for _, id := range []string{"m-job", "m-mixsec", "m-tabsec"} {
		a.attr(id, "aria-busy", busy)
	}
	if a.changed("fault", "m-alert", m.Fault) && m.Fault != "" {
		a.el("m-alert").Underlying().Call("focus")
	}
}

// lead writes news whose first sentence stands out: "Ready. …", "Done in 3.4 s. …".
func (a *app) lead(id, s string) {
	if !a.changed("text", id, s) {
		return
	}
	e := a.el(id)
	e.SetTextContent("")
	if first, rest, ok := strings.Cut(s, ". "); ok {
		e.AppendChild(a.make("b", first+"."))
		s = " " + rest
	}
	e.AppendChild(a.plain(s))
}

func (a *app) renderModelFacts() {
	m := &a.state.Model
	f := m.File
	a.show("m-facts", f != nil)
	a.show("m-meta", f != nil && len(f.Meta) > 0)
	if f == nil || !a.changed("model", "m-facts", strconv.Itoa(m.Opened)) {
		return
	}
	a.text("m-note", f.Name+" · "+sized(float64(f.Size)))
	a.text("m-name", f.Name)
	a.attr("m-name", "title", f.Name)
	a.fact("m-arch", m.Architecture())
	a.text("m-params", many(m.Parameters()))
	a.text("m-count", tensorCount(m.Now(), len(f.Tensors)))
	a.attr("m-count", "title", tensorCount(m.Now(), len(f.Tensors)))
	size := sized(float64(f.Size))
	if f.Files > 1 {
		size += fmt.Sprintf(" in %d files", f.Files)
	}
	a.text("m-size", size)
	context := m.Context()
	if n, err := strconv.Atoi(context); err == nil {
		context = grouped(n)
	}
	a.fact("m-context", context)
	if as := m.StoredAs(); as != "" || a.wrote["text#m-stored"] != "" {
		a.fact("m-stored", as)
		a.el("m-stored").Underlying().Get("style").Call("setProperty", "white-space", "normal")
	}
	a.text("m-meta", fmt.Sprintf("All %d metadata entries", len(f.Meta)))
	rows := a.el("m-metarows")
	rows.SetTextContent("")
	for _, r := range f.Meta {
		tr := a.make("tr", "")
		tr.AppendChild(a.make("td", r.Key, "class", "key"))
		tr.AppendChild(a.make("td", r.Type, "class", "opt note"))
		tr.AppendChild(a.make("td", r.Value))
		rows.AppendChild(tr)
	}
	a.foldSource()
}

// fact shows what is known of a file; what is not has no line.
func (a *app) fact(id, v string) {
	a.text(id, v)
	a.attr(id, "title", v)
	a.show(id, v != "")
	for _, dt := range a.all(`[data-fact="` + id + `"]`) {
		dt.Underlying().Set("hidden", v == "")
	}
}

// foldSource folds the source on a phone once there is one, as the other views do.
func (a *app) foldSource() {
	d := a.el("m-source")
	d.SetAttribute("data-fold", "")
	if js.Global().Call("matchMedia", "(max-width: 900px)").Get("matches").Bool() {
		d.Underlying().Set("open", false)
	}
}

func tensorCount(now []page.Part, n int) string {
	var types []string
	for _, p := range now[:min(3, len(now))] {
		types = append(types, p.Type)
	}
	if len(now) > 3 {
		types = append(types, "…")
	}
	if len(types) == 0 {
		return grouped(n)
	}
	return grouped(n) + ": " + strings.Join(types, ", ")
}

// many prints a count of weights: 134.5 M.
func many(n int64) string {
	switch v := float64(n); {
	case v >= 1e9:
		return strconv.FormatFloat(v/1e9, 'f', 2, 64) + " B"
	case v >= 1e6:
		return strconv.FormatFloat(v/1e6, 'f', 1, 64) + " M"
	}
	return grouped(int(n))
}

func (a *app) renderRecipe() {
	m := &a.state.Model
	if list := a.state.Recipes(); len(list) > 0 {
		names, labels := make([]string, len(list)), make([]string, len(list))
		for i, r := range list {
			names[i], labels[i] = r.Name, r.Label
		}
		a.options("recipe", names, labels)
	}
	a.value("recipe", m.Recipe)
	a.prop("recipe", "disabled", m.Working())
	a.text("recipe-help", a.state.RecipeHelp())
	a.renderNotes()
}

func plural(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return grouped(n) + " " + what
}

// renderJob draws what the file is and becomes, or how far it is.
func (a *app) renderJob() {
	m := &a.state.Model
	working, made := m.Working(), m.Made != nil && m.Offered() != nil
	focus := js.Global().Get("document").Get("activeElement").Get("id").String()
	a.show("m-none", m.File == nil)
	a.show("m-ready", m.File != nil && !working)
	a.show("m-work", working)
	a.show("m-progress", working)
	a.show("m-sizebar", !working)
	a.show("m-cancel", working)
	a.show("m-download", !working && m.Offered() != nil)
	a.show("m-quantize", !working)
	a.show("m-straight", !working && m.Room != nil && m.Room.Picker)
	a.prop("m-quantize", "disabled", !m.Ready() || m.Busy != "")
	a.prop("m-straight", "disabled", !m.Ready() || m.Busy != "")
	short := strings.TrimSpace(m.EarlierText() + " " + m.Short())
	if working {
		short = ""
	}
	a.text("m-room", short) // its line is kept: what comes and goes must not move the rest
	class, other := "first", "again"
	if made {
		class, other = other, class
	}
	a.attr("m-quantize", "class", class)
	a.attr("m-download", "class", other)
	if working {
		a.renderProgress()
	} else if m.File != nil {
		a.renderSizes()
	}
	a.handOver(focus)
}

// handOver keeps the focus on a button of the job when the one that had it goes.
func (a *app) handOver(focus string) {
	buttons := []string{"m-cancel", "m-download", "m-quantize", "m-straight"}
	if !slices.Contains(buttons, focus) || !a.el(focus).Underlying().Get("hidden").Bool() {
		return
	}
	for _, id := range buttons {
		if u := a.el(id).Underlying(); !u.Get("hidden").Bool() && !u.Get("disabled").Bool() {
			u.Call("focus")
			return
		}
	}
}

func (a *app) renderProgress() {
	p := a.state.Model.Progress()
	share := p.Share()
	percent := int(100 * share)
	a.text("m-percent", fmt.Sprintf("%d %%", percent))
	a.text("m-written", fmt.Sprintf("%s written", sizePair(float64(p.Written), float64(p.Size), " of ")))
	speed, left := "", ""
	if v := p.Speed(); v > 0 {
		speed = significant(v/1e6, 2) + " M weights/s"
	}
	if v := p.Left(); v >= 0 {
		left = duration(v) + " left"
	}
	a.text("m-speed", speed)
	a.text("m-left", left)
	a.attr("m-progress", "aria-valuenow", strconv.Itoa(percent))
	a.attr("m-progress", "aria-valuetext", strings.TrimSuffix(fmt.Sprintf("%d %%, %s", percent, left), ", "))
	a.bar("m-progress", share)
}

// duration prints seconds as a person says them.
func duration(s float64) string {
	switch {
	case s < 9.95:
		return strconv.FormatFloat(s, 'f', 1, 64) + " s"
	case s < 99.5:
		return strconv.FormatFloat(s, 'f', 0, 64) + " s"
	case s < 5970:
		return strconv.FormatFloat(s/60, 'f', 0, 64) + " min"
	}
	return strconv.FormatFloat(s/3600, 'f', 1, 64) + " h"
}

func (a *app) renderSizes() {
	m := &a.state.Model
	if m.Plan == nil {
		a.text("m-sizes", sized(float64(m.File.Size)))
		a.text("m-bits", "")
		a.text("m-ratio", "")
		a.text("m-sqnr", "")
		a.bar("m-sizebar", 0)
		return
	}
	from, to := float64(m.File.Size), float64(m.Plan.Size)
	a.text("m-sizes", sizePair(from, to, " → "))
	bits := 8 * float64(m.Plan.To) / math.Max(1, float64(m.Parameters()))
	a.text("m-bits", decimal(bits, 2)+" bits a weight")
	ratio := decimal(from/to, 2) + " × smaller"
	if to >= from {
		ratio = decimal(to/from, 2) + " × larger"
	}
	a.text("m-ratio", ratio)
	sqnr := ""
	if m.Made != nil && m.Made.Total.Values > 0 {
		sqnr = "SQNR " + decibel(float64(m.Made.Total.SQNR)) + " dB"
	}
	a.text("m-sqnr", sqnr)
	a.bar("m-sizebar", to/math.Max(from, to))
}

// sizePair prints two sizes in one unit, that of the larger.
func sizePair(x, y float64, between string) string {
	_, unit := size(math.Max(x, y))
	scale := 1.0
	for _, u := range []string{"B", "KiB", "MiB", "GiB", "TiB"} {
		if u == unit {
			break
		}
		scale *= 1024
	}
	number := func(v float64) string {
		v /= scale
		if unit == "B" || v >= 1000 {
			return grouped(int(math.Round(v)))
		}
		if math.Max(x, y)/scale < 10 {
			return strconv.FormatFloat(v, 'f', 2, 64)
		}
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return number(x) + between + number(y) + " " + unit
}

// bar sets how far the bar in #id is filled, 0 … 1.
func (a *app) bar(id string, share float64) {
	w := fmt.Sprintf("%.1f%%", 100*share)
	if a.changed("bar", id, w) {
		a.el(id).Underlying().Get("style").Call("setProperty", "--w", w)
	}
}

func (a *app) renderCommands() {
	m := &a.state.Model
	if m.File != nil && m.Plan == nil && m.Fault == "" {
		return // what comes below would move up, and down again with the plan
	}
	own, llama := m.Commands()
	a.show("m-cmdsec", own != "")
	a.show("m-repsec", m.Plan != nil)
	a.text("m-own", own)
	a.show("m-llamabox", llama != "")
	a.text("m-llama", llama)
}
