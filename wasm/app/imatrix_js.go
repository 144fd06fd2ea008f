package app

import (
	"fmt"
	"strconv"

	"honnef.co/go/js/dom/v2"

	"fewbits/quant"
	"fewbits/wasm/app/page"
	"fewbits/wasm/wire"
)

// bindImportance puts what importance matrices need into both views. It is not
// in the page's HTML: nothing of it works before the engine does.
func (a *app) bindImportance() {
	a.importanceOption()
	a.importancePanel()
	a.importanceFigure()
	a.on("imp", "change", func(v string) { a.dispatch(page.ImportanceChosen{Kind: v}) })
	a.on("i-use", "change", func(string) {
		a.dispatch(page.ImatrixUsed{Yes: a.el("i-use").Underlying().Get("checked").Bool()})
	})
	a.click("i-drop", func() { a.dispatch(page.ImatrixDropped{}); a.el("m-imatrix").Underlying().Call("focus") })
	a.click("i-see", func() { a.el("i-sec").Underlying().Call("scrollIntoView") })
	a.on("i-entry", "change", func(v string) { a.dispatch(page.WeightsChosen{Name: v}) })
}

// matrixInput is a file input for an importance matrix.
func (a *app) matrixInput(id, name string) element {
	label := a.make("label", name)
	input := a.make("input", "", "type", "file", "id", id, "accept", ".dat,.gguf,.imatrix")
	u := input.Underlying()
	input.AddEventListener("change", false, func(e dom.Event) {
		e.Underlying().Call("stopPropagation") // it is no model
		if file := u.Get("files").Index(0); file.Truthy() {
			a.dispatch(page.ImatrixChosen{Ref: a.host.Call("take", file).Int(), Name: file.Get("name").String()})
		}
		u.Set("value", "")
	})
	label.AppendChild(input)
	return label
}

// importanceOption is Tensor's, among the options of a format that takes some.
func (a *app) importanceOption() {
	field := a.make("div", "", "class", "field", "data-opt", "importance", "hidden", "")
	field.AppendChild(a.make("label", "Importance", "for", "imp"))
	field.AppendChild(a.make("select", "", "id", "imp", "class", "wide"))
	field.AppendChild(a.make("span", "", "class", "help", "id", "imp-help"))
	drop := a.make("div", "", "class", "drop wide")
	drop.AppendChild(a.matrixInput("t-imatrix", "Importance matrix"))
	drop.AppendChild(a.make("span", "", "class", "note", "id", "imp-name"))
	field.AppendChild(drop)
	a.all(`#options > [data-opt=none]`)[0].Call("before", field.Underlying())
}

// importancePanel is Model's, below the recipe.
func (a *app) importancePanel() {
	stack := a.make("div", "", "class", "stack")
	drop := a.make("div", "", "class", "drop")
	drop.AppendChild(a.matrixInput("m-imatrix", "Open an importance matrix"))
	stack.AppendChild(drop)
	checks := a.make("div", "", "class", "checks simple", "id", "i-uses", "hidden", "")
	label := a.make("label", "")
	label.AppendChild(a.make("input", "", "type", "checkbox", "id", "i-use"))
	label.AppendChild(a.make("span", "Quantize with it"))
	checks.AppendChild(label)
	stack.AppendChild(checks)
	stack.AppendChild(a.make("p", "", "class", "help note", "id", "i-help"))
	acts := a.make("div", "", "class", "acts", "id", "i-acts", "hidden", "")
	acts.AppendChild(a.make("button", "See it by column", "type", "button", "class", "plain", "id", "i-see"))
	acts.AppendChild(a.make("button", "Remove", "type", "button", "class", "plain", "id", "i-drop"))
	stack.AppendChild(acts)
	a.el("i-fold").AppendChild(stack)
}

// importanceFigure is a section of Model, after the table.
func (a *app) importanceFigure() {
	section := a.make("section", "", "class", "sec hr", "id", "i-sec", "aria-labelledby", "i-h", "hidden", "")
	header := a.make("header", "")
	header.AppendChild(a.make("h2", "Importance", "id", "i-h"))
	header.AppendChild(a.make("span", "The mean of the squared activations that met each column of a tensor.", "class", "note"))
	filters := a.make("div", "", "class", "filters")
	filters.AppendChild(a.make("select", "", "id", "i-entry", "aria-label", "Importance of"))
	header.AppendChild(filters)
	section.AppendChild(header)
	figure := a.make("figure", "", "class", "plot", "id", "i-plot", "aria-labelledby", "i-b")
	caption := a.make("figcaption", "")
	caption.AppendChild(a.make("b", "Importance by column", "id", "i-b"))
	caption.AppendChild(a.make("span", "", "data-sentence", ""))
	caption.AppendChild(a.make("button", "data", "type", "button", "class", "plain", "data-data", "", "aria-label", "Data of Importance by column"))
	figure.AppendChild(caption)
	figure.AppendChild(a.make("div", "", "class", "cv h-hist"))
	section.AppendChild(figure)
	a.el("m-cmdsec").Call("before", section.Underlying())
}

// renderImportance draws Tensor's option for the format f.
func (a *app) renderImportance(f *wire.FormatRow) {
	if f.Importance == quant.Never {
		return
	}
	info := a.state.Importance.Info
	values, labels := []string{"", wire.ImportanceAlike}, []string{"None", "Every column alike"}
	if f.Importance == quant.Required {
		labels[0] = "None; " + f.Name + " needs one"
	}
	name := "from llama-imatrix, either form"
	if info != nil {
		values, labels = append(values, wire.ImportanceMatrix), append(labels, "From "+info.Name)
		name = info.Name
	}
	a.options("imp", values, labels)
	kind := a.state.Tensor.Importance
	if info == nil && kind == wire.ImportanceMatrix {
		kind = ""
	}
	a.value("imp", kind)
	a.text("imp-name", name)
	a.text("imp-help", a.importanceHelp(f, kind))
}

func (a *app) importanceHelp(f *wire.FormatRow, kind string) string {
	switch {
	case kind == wire.ImportanceMatrix && !a.state.Weighed():
		return "The matrix has no weights for this tensor: it is quantized without."
	case kind == wire.ImportanceMatrix:
		return "Columns that met larger activations are kept closer."
	case kind == wire.ImportanceAlike:
		return "Not measured: a weight of 1 for every column. It shows how the format works, not how well it can do."
	case f.Importance == quant.Required:
		return fmt.Sprintf("%s has so few levels that it needs to know which columns matter. llama-imatrix makes such a matrix from a text; open its file, or take every column alike to see the format at work.", f.Name)
	}
	return "Which columns matter. Without, each weight counts by its own size."
}

// renderMatrix draws Model's part: the panel, and the plot's place.
func (a *app) renderMatrix() {
	i := &a.state.Importance
	has := i.Info != nil
	name := "none yet"
	if has {
		name = i.Info.Name
	}
	a.text("i-name", name)
	a.text("i-help", a.state.ImatrixText())
	a.show("i-uses", has)
	a.show("i-acts", has)
	a.show("i-sec", has)
	aside := has && a.state.Aside()
	if aside {
		a.text("i-name", name+", set aside")
	}
	a.prop("i-use", "checked", i.Use && !aside)
	for _, id := range []string{"i-use", "i-drop", "m-imatrix"} {
		a.prop(id, "disabled", a.state.Model.Working() || aside && id == "i-use")
	}
	if !has {
		return
	}
	var values, labels []string
	for _, e := range i.Info.Entries {
		values, labels = append(values, e.Name), append(labels, e.Name)
	}
	a.options("i-entry", values, labels)
	a.value("i-entry", i.Entry)
	shown := ""
	if i.Shown != nil {
		shown = strconv.Itoa(i.ShownID)
	}
	a.attr("i-plot", "data-shown", shown)
}
