package app

// modelDialogs makes Model's tables of metadata and of the mix. They are not in
// the page's HTML: nothing opens them before a model is open.
func (a *app) modelDialogs() {
	a.tableDialog("metadialog", "Metadata", "Metadata entries", "m-metarows", [][2]string{{"Key", ""}, {"Type", "opt"}, {"Value", ""}})
	a.tableDialog("mixdialog", "Mix", "Bytes by type", "m-mixrows", [][2]string{{"Type", ""}, {"Tensors", "num"}, {"Weights", "num opt"}, {"MiB", "num"}, {"Share, %", "num"}, {"Bits", "num"}})
}

// tableDialog makes a dialog with a table; columns are headings with their classes.
func (a *app) tableDialog(id, title, region, rows string, columns [][2]string) {
	dialog := a.make("dialog", "", "class", "roomy", "id", id, "aria-labelledby", id+"-h")
	dialog.AppendChild(a.make("h2", title, "id", id+"-h"))
	scroll := a.make("div", "", "class", "scroll", "tabindex", "0", "role", "region", "aria-label", region)
	table, head, tr := a.make("table", ""), a.make("thead", ""), a.make("tr", "")
	for _, c := range columns {
		tr.AppendChild(a.make("th", c[0], "class", c[1]))
	}
	head.AppendChild(tr)
	table.AppendChild(head)
	table.AppendChild(a.make("tbody", "", "id", rows))
	scroll.AppendChild(table)
	dialog.AppendChild(scroll)
	form := a.make("form", "", "method", "dialog", "class", "acts")
	form.AppendChild(a.make("button", "Close"))
	dialog.AppendChild(form)
	a.el("stage").AppendChild(dialog)
}
