package app

import (
	"strconv"
	"strings"

	"honnef.co/go/js/dom/v2"

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
	box.AddEventListener("change", false, func(dom.Event) { a.takeTyped() })
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
	a.el("format").Underlying().Set("value", a.state.Tensor.A.Format)
	a.listFormats()
}

// takeTyped chooses the format that is typed, or the first that matches.
func (a *app) takeTyped() {
	typed := strings.TrimSpace(a.el("format").Underlying().Get("value").String())
	for _, f := range a.state.Formats {
		if strings.EqualFold(f.Name, typed) {
			a.choose1(f.Name)
			return
		}
	}
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
	a.el("format").Underlying().Set("value", m[at].Name)
	a.listFormats()
}

// matches are the formats whose name, title or summary holds what is typed;
// all of them where the box shows the chosen format.
func (a *app) matches() []wire.FormatRow {
	typed := strings.ToLower(strings.TrimSpace(a.el("format").Underlying().Get("value").String()))
	if typed == "" || strings.EqualFold(typed, a.state.Tensor.A.Format) {
		return a.state.Formats
	}
	var out []wire.FormatRow
	for _, f := range a.state.Formats {
		if strings.Contains(strings.ToLower(f.Name+" "+f.Title+" "+f.Summary), typed) {
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
		key.WriteString(f.Name + " ")
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
			o.AppendChild(a.make("b", f.Name))
			o.AppendChild(a.make("span", strconv.FormatFloat(f.BitsPerWeight, 'f', -1, 64)))
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
	}
	a.markFormat()
}

// markFormat marks the chosen row and brings it into sight.
func (a *app) markFormat() {
	name := a.state.Tensor.A.Format
	if !a.changed("selected", "fmts", name) {
		return
	}
	for _, o := range within(a.el("fmts"), "[data-format]") {
		on := o.GetAttribute("data-format") == name
		o.SetAttribute("aria-selected", strconv.FormatBool(on))
		if on {
			a.host.Call("reveal", o.Underlying())
			a.el("format").SetAttribute("aria-activedescendant", o.ID())
		}
	}
}

func (a *app) renderFormats() {
	if len(a.state.Formats) == 0 {
		return
	}
	if !isActive(a.el("format").Underlying()) {
		a.value("format", a.state.Tensor.A.Format)
	}
	a.listFormats()
	f := a.state.Format(a.state.Tensor.A.Format)
	note := f.Name
	if r := a.state.Tensor.A.Result; r != nil && r.Format == f.Name {
		note += " · " + decimal(r.Metrics.BitsPerWeight, 3) + " bits a weight"
	}
	a.text("fmt-note", note)
	a.text("fmt-help", f.Summary)
	values, labels := []string{""}, []string{"None"}
	for _, f := range a.state.Formats {
		values, labels = append(values, f.Name), append(labels, f.Name)
	}
	a.options("side-b", values, labels)
	a.value("side-b", a.state.Tensor.B.Format)
}
