package app

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"fewbits/quant/metric"
	"fewbits/wasm/app/page"
)

// cells are the columns of the precision table after the name: key, class,
// text.
var cells = []struct {
	key, class string
	text       func(r *page.WayRow) string
}{
	{"bits", "num", func(r *page.WayRow) string { return strconv.FormatFloat(r.Bits(), 'f', 2, 64) }},
	{"file", "num", func(r *page.WayRow) string { return gigabytes(r.File) }},
	{"memory", "num opt", func(r *page.WayRow) string { return gigabytes(r.Memory) }},
	{"sqnr", "num on-tensor", func(r *page.WayRow) string { return decibels(float64(r.Measured.SQNR)) }},
	{"max", "num opt opt2 on-tensor", func(r *page.WayRow) string { return significant(r.Measured.MaxAbs, 3) }},
	{"rmse", "num opt on-tensor", func(r *page.WayRow) string { return percent(r.Measured.RelRMSE) }},
	{"acts", "num opt on-model", func(r *page.WayRow) string {
		if r.Activations == 0 {
			return "float"
		}
		return "INT" + strconv.Itoa(r.Activations)
	}},
	{"ppl", "num on-model", func(r *page.WayRow) string { return perplexity(r.Loss) }},
	{"kl", "num opt on-model", func(r *page.WayRow) string {
		return significant(r.Loss.KL.Value, 3) + " ± " + significant(r.Loss.KL.Error, 1)
	}},
	{"same", "num opt on-model", func(r *page.WayRow) string { return estimated(r.Loss.SameTop) }},
}

// gigabytes prints a size with as many decimals as set neighbouring formats apart.
func gigabytes(v float64) string {
	switch {
	case v >= 100:
		return grouped(int(math.Round(v)))
	case v >= 10:
		return strconv.FormatFloat(v, 'f', 1, 64)
	case v >= 0.1:
		return strconv.FormatFloat(v, 'f', 2, 64)
	}
	return significant(v, 2)
}

// perplexity is that of a model, and how much more it is than the original's.
func perplexity(l *page.ModelLoss) string {
	return significant(l.Own.Value, 4) + " ± " + significant(l.Own.Error, 1) + " (" + plus(100*(l.Ratio.Value-1)) + " ± " + fixed(100*l.Ratio.Error, 2) + " %)"
}

// estimated is a share in per cent.
func estimated(e metric.Estimate) string {
	return fixed(100*e.Value, 1) + " ± " + fixed(100*e.Error, 1) + " %"
}

// inexact writes a text, its standard errors small.
func (a *app) inexact(id, text string) {
	if a.changed("inexact", id, text) {
		a.host.Call("inexact", id, text)
	}
}

func decibels(v float64) string {
	if math.IsInf(v, 1) {
		return "exact"
	}
	return minus(strconv.FormatFloat(v, 'f', 1, 64))
}

func percent(share float64) string {
	if v := 100 * share; v == 0 || v >= 0.095 {
		return strconv.FormatFloat(v, 'f', 1, 64) + " %"
	}
	return significant(100*share, 1) + " %"
}

// renderTable draws the precision table. A row is made once; what changes is
// its place, its cells and whether it is seen.
func (a *app) renderTable() {
	rows := a.state.TableRows()
	ways := a.state.ShownWays()
	at := map[string]int{}
	var names, order strings.Builder
	for i, w := range ways {
		at[w.Name] = i
		names.WriteString(w.Name + "\n")
	}
	if a.changed("rows", "c-body", names.String()) {
		a.makeRows(ways)
	}
	listed, worst := 0, 0.0
	for i := range rows {
		order.WriteString(strconv.Itoa(at[rows[i].Name]) + " ")
		if rows[i].Listed {
			listed++
			if rows[i].Measured != nil && rows[i].Bits() > 0 {
				worst = math.Max(worst, rows[i].Measured.RelRMSE)
			}
		}
	}
	if a.changed("order", "c-body", order.String()) {
		body := a.el("c-body")
		for _, r := range rows {
			body.AppendChild(a.el(rowID(at[r.Name])))
		}
	}
	for i := range rows {
		a.renderRow(&rows[i], rowID(at[rows[i].Name]), worst)
	}
	a.renderHead()
	a.attr("c-all", "aria-pressed", strconv.FormatBool(a.state.Compare.All))
	if len(ways) > 0 {
		a.text("c-all", fmt.Sprintf("Show all %d", len(ways)))
	}
	a.prop("c-csv", "disabled", len(ways) == 0)
}

func rowID(i int) string { return "c-row-" + strconv.Itoa(i) }

// makeRows makes an empty row for each way.
func (a *app) makeRows(ways []page.Way) {
	a.forget("c-row-")
	delete(a.wrote, "order#c-body")
	body := a.el("c-body")
	body.SetTextContent("")
	for i, w := range ways {
		id := rowID(i)
		tr := a.make("tr", "", "id", id)
		name := a.make("td", "")
		tag := "a"
		if !w.InTensor() {
			tag = "span"
		}
		name.AppendChild(a.make(tag, w.Name, "id", id+"-name", "data-way", w.Name, "href", "#/tensor"))
		name.AppendChild(a.make("span", "", "id", id+"-now", "class", "vh"))
		tr.AppendChild(name)
		for _, c := range cells {
			td := a.make("td", "", "class", c.class)
			if c.key == "rmse" {
				td.AppendChild(a.makeBar(id))
			}
			class := "fix"
			if c.key != "rmse" {
				class = ""
			}
			td.AppendChild(a.make("span", "–", "id", id+"-"+c.key, "class", class))
			tr.AppendChild(td)
		}
		body.AppendChild(tr)
	}
}

// makeBar is a bar for a share of the largest error in the table.
func (a *app) makeBar(id string) element {
	svg := a.svg("svg", "class", "bar", "viewBox", "0 0 88 8", "preserveAspectRatio", "none", "aria-hidden", "true")
	svg.AppendChild(a.svg("rect", "class", "t", "y", "3.5", "width", "88", "height", "1"))
	svg.AppendChild(a.svg("rect", "class", "e", "width", "0", "height", "8", "id", id+"-bar"))
	return svg
}

// svg is a new element of a drawing.
func (e *elements) svg(tag string, attrs ...string) element {
	n := wrap(e.doc.Call("createElementNS", "http://www.w3.org/2000/svg", tag))
	for i := 0; i+1 < len(attrs); i += 2 {
		n.SetAttribute(attrs[i], attrs[i+1])
	}
	return n
}

func (a *app) renderRow(r *page.WayRow, id string, worst float64) {
	a.show(id, r.Listed)
	if !r.Listed {
		return
	}
	class, now := "", ""
	if r.Now {
		class, now = "edited", ", in Tensor now"
	}
	a.attr(id, "class", class)
	a.text(id+"-now", now)
	if r.InTensor() {
		a.attr(id+"-name", "href", a.state.WayAddress(r.Way))
	}
	known := r.Bits() > 0 && r.Loss == nil
	for _, c := range cells {
		text := "–"
		if model, tensor := strings.Contains(c.class, "on-model"), strings.Contains(c.class, "on-tensor"); r.Bits() > 0 && !(model && r.Loss == nil) && !(tensor && !known) {
			text = c.text(r)
		}
		a.inexact(id+"-"+c.key, text)
	}
	width := 0.0
	if known && worst > 0 {
		width = 88 * r.Measured.RelRMSE / worst
	}
	a.attr(id+"-bar", "width", strconv.FormatFloat(width, 'f', 1, 64))
}

// renderHead says by which column the table is sorted.
func (a *app) renderHead() {
	column, direction := a.state.Compare.Sorted()
	if !a.changed("sorted", "c-body", column+" "+direction) {
		return
	}
	for _, th := range a.all("#c-scroll th") {
		if th.GetAttribute("data-col") == column {
			th.SetAttribute("aria-sort", direction)
		} else {
			th.RemoveAttribute("aria-sort")
		}
	}
}

// renderRefused lists what cannot hold the tensor.
func (a *app) renderRefused() {
	refused := a.state.Refusals()
	a.show("c-refused", len(refused) > 0)
	a.text("c-refused-note", "What cannot hold this "+a.state.Compare.On+", and why.")
	var key strings.Builder
	for _, r := range refused {
		key.WriteString(r.Reason + strings.Join(r.Names, ",") + "\n")
	}
	if !a.changed("refused", "c-reasons", key.String()) {
		return
	}
	list := a.el("c-reasons")
	list.SetTextContent("")
	for _, r := range refused {
		list.AppendChild(a.make("dt", strings.Join(r.Names, ", ")))
		list.AppendChild(a.make("dd", r.Reason))
	}
}

// forget drops what is known of the elements whose ids begin so: they are made anew.
func (e *elements) forget(prefix string) {
	for id := range e.byID {
		if strings.HasPrefix(id, prefix) {
			delete(e.byID, id)
		}
	}
	for key := range e.wrote {
		if _, id, _ := strings.Cut(key, "#"); strings.HasPrefix(id, prefix) {
			delete(e.wrote, key)
		}
	}
}
