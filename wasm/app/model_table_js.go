package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"fewbits/wasm/app/page"
)

// A model may have thousands of tensors: of a long table only the rows in
// sight are there, and some around them.
const (
	wholeTable = 200 // so many rows are all there
	rowsAround = 40  // above and below those in sight
	rowsStep   = 20  // the first row there is a multiple of it
)

// renderTensors draws the rows of the table that are in sight.
func (a *app) renderTensors() {
	m := &a.state.Model
	a.show("m-empty", m.File == nil)
	a.show("m-tabsec", m.File != nil)
	if m.File == nil {
		return
	}
	lines := m.Lines()
	fresh := a.changed("version", "m-rows", strconv.Itoa(m.Version()))
	if fresh {
		a.renderTableHead(len(lines))
	}
	if a.changed("place", "m-scroll", m.File.Name+m.Filter+m.Sort+strconv.FormatBool(m.Desc)) {
		a.el("m-scroll").Underlying().Set("scrollTop", 0)
	}
	first, last := 0, len(lines)
	height := a.rowHeight()
	if len(lines) > wholeTable {
		box := a.el("m-scroll").Underlying()
		top := int(box.Get("scrollTop").Float() / height)
		first = max(0, min(top-rowsAround, len(lines)-1)) / rowsStep * rowsStep
		last = min(len(lines), top+int(box.Get("clientHeight").Float()/height)+rowsAround+rowsStep)
		last = min(len(lines), (last+rowsStep-1)/rowsStep*rowsStep)
	}
	if a.changed("window", "m-rows", fmt.Sprint(first, last, height, m.Version())) {
		a.drawRows(lines, first, last, height)
	}
}

// renderTableHead draws what stands above the table.
func (a *app) renderTableHead(shown int) {
	m := &a.state.Model
	a.value("m-filter", m.Filter)
	text := ""
	if m.Filter != "" {
		text = fmt.Sprintf("%s of %s.", grouped(shown), plural(len(m.File.Tensors), "tensor"))
	}
	a.text("m-shown", text)
	for _, column := range []string{"name", "now", "next", "bits", "loss"} {
		th := a.el("mh-" + column)
		switch {
		case m.Sort != column:
			th.RemoveAttribute("aria-sort")
		case m.Desc:
			th.SetAttribute("aria-sort", "descending")
		default:
			th.SetAttribute("aria-sort", "ascending")
		}
	}
	a.attr("m-table", "aria-rowcount", strconv.Itoa(shown+1))
	longest := 0
	for _, t := range m.File.Tensors {
		longest = max(longest, len(t.Name))
	}
	if n := strconv.Itoa(longest); a.changed("longest", "m-table", n) {
		a.el("m-table").Underlying().Get("style").Call("setProperty", "--n", n)
	}
	class := "tensors"
	if m.Made != nil {
		class += " done"
	}
	a.attr("m-table", "class", class)
}

// rowHeight is that of the rows there are, or what the style sheet gives them.
func (a *app) rowHeight() float64 {
	for _, tr := range within(a.el("m-rows"), "tr[aria-rowindex]:first-of-type, tr.gap + tr[aria-rowindex]") {
		if h := tr.Call("getBoundingClientRect").Get("height").Float(); h > 0 {
			return h
		}
	}
	return 28
}

// drawRows makes rows [first, last) anew. What had the focus keeps it.
func (a *app) drawRows(lines []page.ModelLine, first, last int, height float64) {
	body := a.el("m-rows")
	focused := ""
	if b := a.doc.Get("activeElement").Call("closest", "#m-rows [data-open]"); !b.IsNull() {
		focused = wrap(b).GetAttribute("data-open")
	}
	worst := 0.0
	for i := range lines {
		if l := lines[i].Loss; l != nil {
			worst = math.Max(worst, l.RelRMSE)
		}
	}
	digits := mibDigits(a.state.Model.Parameters())
	fragment := a.doc.Call("createDocumentFragment")
	if first > 0 {
		fragment.Call("append", a.gap(float64(first)*height).Underlying())
	}
	template := a.el("m-row").Underlying().Get("content").Get("firstElementChild")
	for i := first; i < last; i++ {
		tr := wrap(template.Call("cloneNode", true))
		a.fillRow(tr, &lines[i], digits, worst)
		tr.SetAttribute("aria-rowindex", strconv.Itoa(i+2))
		fragment.Call("append", tr.Underlying())
	}
	if last < len(lines) {
		fragment.Call("append", a.gap(float64(len(lines)-last)*height).Underlying())
	}
	if len(lines) == 0 {
		tr := a.make("tr", "", "class", "none")
		text := "No tensor matches the filter."
		if len(a.state.Model.File.Tensors) == 0 {
			text = "The file holds no tensors."
		}
		tr.AppendChild(a.make("td", text, "colspan", "8"))
		fragment.Call("append", tr.Underlying())
	}
	body.Underlying().Call("replaceChildren", fragment)
	if focused != "" {
		for _, b := range within(body, `[data-open="`+focused+`"]`) {
			b.Underlying().Call("focus", map[string]any{"preventScroll": true})
		}
	}
}

// gap stands for the rows that are not there.
func (a *app) gap(height float64) element {
	tr := a.make("tr", "", "class", "gap", "aria-hidden", "true")
	td := a.make("td", "", "colspan", "8")
	td.Underlying().Get("style").Call("setProperty", "--h", strconv.FormatFloat(height, 'f', 1, 64)+"px")
	tr.AppendChild(td)
	return tr
}

// fillRow writes one tensor into a row of the template.
func (a *app) fillRow(tr element, l *page.ModelLine, digits int, worst float64) {
	cells := tr.Get("cells")
	cell := func(i int) element { return wrap(cells.Index(i)) }
	a.fillName(cell(0), l)
	cell(1).SetTextContent(page.Shape(l.Info.Shape))
	cell(2).SetTextContent(l.Info.Type)
	if l.Step != nil {
		next := cell(3)
		if l.Step.From == l.Step.To {
			next.SetAttribute("class", "next same")
		}
		parts := next.Get("children")
		parts.Index(0).Set("textContent", l.Step.To)
		if l.Step.Why != "" {
			parts.Index(1).Set("textContent", l.Step.Why)
			next.SetAttribute("title", l.Step.Why)
		}
		cell(5).SetTextContent(mib(l.Step.Bytes, digits))
	}
	cell(4).SetTextContent(mib(l.Info.Bytes, digits))
	cell(6).SetTextContent(strconv.FormatFloat(l.Bits(), 'f', 2, 64))
	loss := cell(7).Get("children")
	text := "–"
	if l.Loss != nil {
		text = lossPercent(l.Loss.RelRMSE)
		if worst > 0 {
			w := fmt.Sprintf("%.1f%%", 100*math.Max(0, l.Loss.RelRMSE)/worst)
			loss.Index(0).Get("style").Call("setProperty", "--w", w)
		}
	}
	loss.Index(1).Set("textContent", text)
}

// fillName writes a tensor's name: a button where its values can be read.
func (a *app) fillName(td element, l *page.ModelLine) {
	td.SetAttribute("title", l.Info.Name)
	at := td
	if l.Info.Readable && l.Info.Values > 0 {
		at = a.make("button", "", "type", "button", "class", "plain", "data-open", strconv.Itoa(l.Index), "aria-label", l.Info.Name+": Open in Tensor")
		td.AppendChild(at)
	}
	if stem, ok := strings.CutSuffix(l.Info.Name, ".weight"); ok {
		at.AppendChild(a.plain(stem))
		at.AppendChild(a.make("span", ".weight", "class", "opt"))
		return
	}
	at.AppendChild(a.plain(l.Info.Name))
}

func lossPercent(share float64) string {
	switch {
	case share < 0:
		return "NaN"
	case share == 0:
		return "0"
	case share < 0.0001:
		return "< 0.01"
	}
	return strconv.FormatFloat(100*share, 'f', 2, 64)
}

// mibDigits is how many decimals sizes in MiB need: more for a small model.
func mibDigits(weights int64) int {
	if weights < 16<<20 {
		return 4
	}
	return 2
}

// mib prints bytes in MiB.
func mib(bytes int64, digits int) string {
	v := float64(bytes) / (1 << 20)
	if least := math.Pow(10, -float64(digits)); bytes > 0 && v < least/2 {
		return "< " + strconv.FormatFloat(least, 'f', digits, 64)
	}
	return strconv.FormatFloat(v, 'f', digits, 64)
}

// labelled is the least share of the mix whose part has room for its name.
const labelled = 0.12

// renderMix draws where the bytes go, by type.
func (a *app) renderMix() {
	m := &a.state.Model
	a.show("m-mixsec", m.File != nil)
	if m.File == nil {
		return
	}
	parts, when := m.Mix(), "go"
	if m.Plan == nil {
		parts, when = m.Now(), "are"
	}
	if !a.changed("mix", "m-mix", strconv.Itoa(m.Edition())) {
		return
	}
	total := 0.0
	for _, p := range parts {
		total += float64(p.Bytes)
	}
	say := fmt.Sprintf("Where the %s %s, by type; more bits are stronger.", sized(total), when)
	figure, rows := a.el("m-mix"), a.el("m-mixrows")
	figure.SetTextContent("")
	rows.SetTextContent("")
	var small []string
	for _, p := range parts {
		share := float64(p.Bytes) / math.Max(1, total)
		div := a.make("div", "", "data-ty", strconv.Itoa(strength(p.Bits())), "title", fmt.Sprintf("%s: %s, %s", p.Type, plural(p.Tensors, "tensor"), sized(float64(p.Bytes))))
		div.Underlying().Get("style").Set("flexGrow", strconv.FormatFloat(share, 'f', 6, 64))
		name, amount := a.make("span", ""), a.make("span", "")
		if share >= labelled {
			name.AppendChild(a.make("b", p.Type))
			name.AppendChild(a.make("span", " "+plural(p.Tensors, "tensor"), "class", "opt"))
			amount.SetTextContent(fmt.Sprintf("%s, %.0f %%", sized(float64(p.Bytes)), 100*share))
		} else {
			small = append(small, p.Type+" "+sized(float64(p.Bytes)))
		}
		div.AppendChild(name)
		div.AppendChild(a.make("i", ""))
		div.AppendChild(amount)
		figure.AppendChild(div)

		tr := a.make("tr", "")
		tr.AppendChild(a.make("td", p.Type))
		for i, v := range []string{grouped(p.Tensors), grouped(int(p.Values)), mib(p.Bytes, 4), strconv.FormatFloat(100*share, 'f', 1, 64), strconv.FormatFloat(p.Bits(), 'f', 2, 64)} {
			class := "num"
			if i == 1 {
				class += " opt"
			}
			tr.AppendChild(a.make("td", v, "class", class))
		}
		rows.AppendChild(tr)
	}
	if len(small) > 0 {
		say += " Also " + strings.Join(small, ", ") + "."
	}
	a.text("m-mixsay", say)
	a.attr("m-mix", "aria-description", say)
}

// strength is the step of the scale for so many bits: 0 is the strongest.
func strength(bits float64) int {
	for i, least := range []float64{15, 7.5, 6.5, 5, 4} {
		if bits >= least {
			return i
		}
	}
	return 5
}
