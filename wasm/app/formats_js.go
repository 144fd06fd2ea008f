package app

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"honnef.co/go/js/dom/v2"

	"fewbits/quant"
	"fewbits/wasm/app/page"
	"fewbits/wasm/wire"
)

// bindFormats makes the format's search box a combobox over the list below it
// (WAI-ARIA Authoring Practices, combobox with list autocomplete).
func (a *app) bindFormats() {
	box := a.el("format")
	u := box.Underlying()
	box.AddEventListener("input", false, func(dom.Event) { a.listFormats() })
	box.AddEventListener("focus", false, func(dom.Event) { u.Call("select") })
	box.AddEventListener("change", false, func(dom.Event) { a.takeNamed() })
	box.AddEventListener("blur", false, func(dom.Event) { a.closeSearch() })
	box.AddEventListener("keydown", false, func(e dom.Event) {
		switch e.Underlying().Get("key").String() {
		case "ArrowDown":
			a.stepFormat(1)
		case "ArrowUp":
			a.stepFormat(-1)
		case "Enter":
			a.takeTyped()
		case "Escape":
			a.closeSearch()
		default:
			return
		}
		e.PreventDefault()
	})
	a.el("fmts").AddEventListener("mousedown", false, func(e dom.Event) {
		e.PreventDefault() // the box keeps the focus
		if o := e.Underlying().Get("target").Call("closest", "[data-format]"); !o.IsNull() {
			a.choose1(wrap(o).GetAttribute("data-format"))
		}
	})
}

func (a *app) choose1(name string) {
	a.dispatch(page.FormatChosen{Name: name})
	a.closeSearch()
}

// closeSearch shows the chosen format's name and the whole list again.
func (a *app) closeSearch() {
	a.el("format").Underlying().Set("value", a.state.Label(a.state.Tensor.A.Format))
	a.listFormats()
}

// takeNamed chooses the format whose name is typed, if there is one.
func (a *app) takeNamed() bool {
	typed := strings.TrimSpace(a.el("format").Underlying().Get("value").String())
	for _, f := range a.state.Choices() {
		if strings.EqualFold(a.state.Label(f.Name), typed) {
			a.choose1(f.Name)
			return true
		}
	}
	return false
}

// takeTyped chooses the format that is typed, or the first that matches.
func (a *app) takeTyped() {
	if a.takeNamed() {
		return
	}
	typed := strings.TrimSpace(a.el("format").Underlying().Get("value").String())
	if m := a.matches(); typed != "" && len(m) > 0 {
		a.choose1(m[0].Name)
		return
	}
	a.closeSearch()
}

// stepFormat moves the choice up or down the list.
func (a *app) stepFormat(by int) {
	m := a.matches()
	if len(m) == 0 {
		return
	}
	at := -1
	for i, f := range m {
		if f.Name == a.state.Tensor.A.Format {
			at = i
		}
	}
	at = max(0, min(len(m)-1, at+by))
	a.dispatch(page.FormatChosen{Name: m[at].Name})
	a.el("format").Underlying().Set("value", a.state.Label(m[at].Name))
	a.listFormats()
}

// matches are the formats whose name, title or summary holds what is typed;
// all of them where the box shows the chosen format.
func (a *app) matches() []wire.FormatRow {
	typed := strings.ToLower(strings.TrimSpace(a.el("format").Underlying().Get("value").String()))
	if typed == "" || strings.EqualFold(typed, a.state.Label(a.state.Tensor.A.Format)) {
		return a.state.Choices()
	}
	var out []wire.FormatRow
	for _, f := range a.state.Choices() {
		if strings.Contains(strings.ToLower(a.state.Label(f.Name)+" "+f.Title+" "+f.Summary), typed) {
			out = append(out, f)
		}
	}
	return out
}

// listFormats draws the list: a heading a kind, a row a format.
func (a *app) listFormats() {
	m := a.matches()
	var key strings.Builder
	for _, f := range m {
		key.WriteString(a.state.Label(f.Name) + " ")
	}
	list := a.el("fmts")
	if a.changed("list", "fmts", key.String()) {
		list.SetTextContent("")
		title := ""
		group := list
		for _, f := range m {
			if f.Title != title {
				title = f.Title
				group = a.make("div", "", "role", "group", "aria-label", title)
				group.AppendChild(a.make("div", title, "class", "fam", "aria-hidden", "true"))
				list.AppendChild(group)
			}
			o := a.make("div", "", "role", "option", "id", "f-"+f.Name, "data-format", f.Name, "aria-selected", "false")
			o.AppendChild(a.make("b", a.state.Label(f.Name)))
			o.AppendChild(a.make("span", fixed(f.BitsPerWeight, 2)))
			block := "tensor"
			if f.BlockSize > 0 {
				block = strconv.Itoa(f.BlockSize)
			}
			o.AppendChild(a.make("span", block))
			group.AppendChild(o)
		}
		if len(m) == 0 {
			list.AppendChild(a.make("p", "No format matches.", "class", "note none"))
		}
		delete(a.wrote, "selected#fmts")
		delete(a.wrote, "costs#fmts")
	}
	a.markCosts()
	a.markFormat()
}

// markCosts writes what the formats of free granularity cost with the options
// as they stand: bits a weight, and what shares a scale.
func (a *app) markCosts() {
	st, o := a.state.Tensor.Stats, &a.state.Tensor.A.Options
	if st == nil || st.Values == 0 || !a.changed("costs", "fmts", fmt.Sprint(*o, st.Rows, st.Cols)) {
		return
	}
	for _, e := range within(a.el("fmts"), "[data-format]") {
		f := a.state.Format(e.GetAttribute("data-format"))
		if f == nil || f.Family != quant.FamilyAffine {
			continue
		}
		n, block := sharing(o, st.Rows, st.Cols)
		cells := within(e, "span")
		cells[0].SetTextContent(fixed(float64(f.Bits)+headerBits(o)/float64(n), 2))
		cells[1].SetTextContent(block)
	}
}

// sharing is how many weights share a scale, and what that is called.
func sharing(o *quant.Options, rows, cols int) (int, string) {
	switch {
	case o.Granularity == quant.PerGroup || o.Granularity == "" && o.Group != 0:
		n := max(1, min(o.Group, cols))
		return n, strconv.Itoa(n)
	case o.Granularity == quant.PerChannel && o.Axis == 1:
		return max(1, rows), "column"
	case o.Granularity == quant.PerChannel:
		return max(1, cols), "row"
	}
	return max(1, rows*cols), "tensor"
}

// headerBits is what a scale and its zero point take.
func headerBits(o *quant.Options) float64 {
	bits := 40.0
	if o.ScaleType == quant.ScaleF16 {
		bits -= 16
	}
	if o.Symmetric {
		bits -= 8
	}
	return bits
}

// markFormat marks the chosen row, or the one that Enter would take where the
// search hides that, and brings it into sight.
func (a *app) markFormat() {
	name := a.state.Tensor.A.Format
	m := a.matches()
	next := ""
	if len(m) > 0 && !slices.ContainsFunc(m, func(f wire.FormatRow) bool { return f.Name == name }) {
		next = m[0].Name
	}
	if !a.changed("selected", "fmts", name+" "+next) {
		return
	}
	box := a.el("format")
	box.RemoveAttribute("aria-activedescendant")
	for _, o := range within(a.el("fmts"), "[data-format]") {
		f := o.GetAttribute("data-format")
		o.SetAttribute("aria-selected", strconv.FormatBool(f == name))
		if f == next {
			o.SetAttribute("data-next", "")
		} else {
			o.RemoveAttribute("data-next")
		}
		if f == name || f == next {
			a.host.Call("reveal", o.Underlying())
			box.SetAttribute("aria-activedescendant", o.ID())
		}
	}
}

func (a *app) renderFormats() {
	if len(a.state.Formats) == 0 {
		return
	}
	if !isActive(a.el("format").Underlying()) {
		a.value("format", a.state.Label(a.state.Tensor.A.Format))
	}
	a.listFormats()
	f := a.state.Format(a.state.Tensor.A.Format)
	note := f.Name
	if note == wire.AsStored {
		note = "As stored"
	}
	if r := a.state.Tensor.A.Result; r != nil && (r.Stored != "") == (f.Name == wire.AsStored) && (r.Stored != "" || r.Format == f.Name) {
		note += " · " + fixed(r.Metrics.BitsPerWeight, 2) + " bits a weight"
	}
	a.text("fmt-note", note)
	a.text("fmt-help", f.Summary)
	values, labels := []string{""}, []string{"None"}
	for _, f := range a.state.Choices() {
		label := f.Name
		if label == wire.AsStored {
			label = "As stored"
		}
		values, labels = append(values, f.Name), append(labels, label)
	}
	a.options("side-b", values, labels)
	a.value("side-b", a.state.Tensor.B.Format)
}
