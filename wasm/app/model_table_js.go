package app

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"fewbits/wasm/app/page"
	"fewbits/wasm/wire"
)

// A model may have thousands of tensors: of a long table only the rows in
// sight are there, and some around them.
const (
	wholeTable = 200 // so many rows are all there
	rowsAround = 24  // above and below those in sight
	rowsStep   = 12  // the first row there is a multiple of it
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
	a.show("m-reset", len(m.Types) > 0 && !m.Working())
	a.text("m-reset", "Reset "+plural(len(m.Types), "row"))
	a.attr("m-table", "aria-rowcount", strconv.Itoa(shown+1))
	longest := 0
	for _, t := range m.File.Tensors {
		longest = max(longest, len(t.Name))
	}
	if n := strconv.Itoa(longest); a.changed("longest", "m-table", n) {
		a.el("m-table").Underlying().Get("style").Call("setProperty", "--n", n)
	}
	class := "tensors"
	if m.Made != nil || m.Working() {
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

// row is what web/js/model.js draws one tensor from.
type row struct {
	At    int      `json:"at"`
	Index int      `json:"index"`
	Open  *int     `json:"open,omitempty"`
	Name  string   `json:"name"`
	Cells []string `json:"cells"`
	Why   string   `json:"why,omitempty"`
	Same  bool     `json:"same,omitempty"`
	Bar   float64  `json:"bar,omitempty"`
	Type  *string  `json:"type,omitempty"`
	Part  *float64 `json:"part,omitempty"`
}

// rowWindow is the part of the table that is drawn; Above and Below are the
// heights of what is not, in px.
type rowWindow struct {
	Rows  []row   `json:"rows"`
	Above float64 `json:"above"`
	Below float64 `json:"below"`
	None  string  `json:"none,omitempty"`

	Types []string `json:"types"`
}

// drawRows makes rows [first, last) anew.
func (a *app) drawRows(lines []page.ModelLine, first, last int, height float64) {
	worst := 0.0
	for i := range lines {
		if l := lines[i].Loss; l != nil {
			worst = math.Max(worst, l.RelRMSE)
		}
	}
	digits := mibDigits(a.state.Model.Parameters())
	w := rowWindow{Rows: []row{}, Types: a.state.WeightTypes(), Above: float64(first) * height, Below: float64(len(lines)-last) * height}
	for i := first; i < last; i++ {
		r := tableRow(i, &lines[i], digits, worst)
		if a.state.Model.Working() {
			share := math.Round(1000*lines[i].Done) / 10
			r.Part = &share
		}
		w.Rows = append(w.Rows, r)
	}
	switch {
	case len(a.state.Model.File.Tensors) == 0:
		w.None = "The file holds no tensors."
	case len(lines) == 0:
		w.None = "No tensor matches the filter."
	}
	if text, err := wire.Marshal(w); err == nil {
		a.host.Call("tensorRows", string(text))
	}
}

// tableRow prints one tensor.
func tableRow(at int, l *page.ModelLine, digits int, worst float64) row {
	r := row{At: at, Index: l.Index, Name: l.Info.Name}
	if l.Info.Readable && l.Info.Values > 0 {
		r.Open = &l.Index
	}
	to, next, loss := "–", "–", "–"
	if l.Step != nil {
		to, next = l.Step.To, mib(l.Step.Bytes, digits)
		r.Why, r.Same = l.Step.Why, l.Step.From == l.Step.To
	}
	if l.Free {
		r.Type = &l.Own
	}
	if l.Loss != nil {
		loss = lossPercent(l.Loss.RelRMSE)
		if worst > 0 {
			r.Bar = math.Round(1000*math.Max(0, l.Loss.RelRMSE)/worst) / 10
		}
	}
	r.Cells = []string{page.Shape(l.Info.Shape), page.Short(l.Info), to, mib(l.Info.Room(), digits), next, strconv.FormatFloat(l.Bits(), 'f', 2, 64), loss}
	return r
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

// labelled is how wide a part of the mix has to be for its name and size, in px.
const labelled = 88

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
	width := a.el("m-mix").Underlying().Get("clientWidth").Int()
	if !a.changed("mix", "m-mix", fmt.Sprint(m.Edition(), " ", width)) {
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
		if share*float64(width) >= labelled {
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
