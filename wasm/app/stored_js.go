package app

import (
	"fmt"
	"math"
	"strings"

	"fewbits/quant"
)

// twiceRow is a row of three figures: what numbers lost before they came here,
// what they lose on top, and both together. It stands after at, and is there
// from the first time that it is needed.
func (a *app) twiceRow(prefix string, at element) {
	if !a.changed("made", prefix, "yes") {
		return
	}
	row := a.make("dl", "", "class", "heads twice dim", "id", prefix+"-twice")
	for _, part := range []string{"before", "top", "both"} {
		cell := a.make("div", "")
		cell.AppendChild(a.make("dt", "", "id", prefix+"-"+part+"-dt"))
		cell.AppendChild(a.make("dd", "–", "id", prefix+"-"+part))
		cell.AppendChild(a.make("dd", "", "id", prefix+"-"+part+"-note"))
		row.AppendChild(cell)
	}
	at.Call("after", row.Underlying())
}

// figureNote writes one cell of such a row.
func (a *app) figureNote(id, title, number, unit, note string) {
	a.text(id+"-dt", title)
	a.figure(id, number, unit)
	a.text(id+"-note", note)
}

// renderTwice shows what a tensor lost that came in blocks.
func (a *app) renderTwice() {
	t := &a.state.Tensor
	e := t.Stats != nil && t.Stats.Inside != nil
	if !e && a.wrote["made#w2"] == "" {
		return
	}
	a.twiceRow("w2", a.all("[data-view=tensor] dl.heads")[0])
	a.show("w2-twice", e)
	w, ok := a.state.Twice(&t.A)
	if !e || !ok {
		return
	}
	about := fmt.Sprintf("an estimate from its steps, within %s dB on Gaussian weights", decimal(w.Within, 1))
	a.figureNote("w2-before", "Lost before, as "+w.Type, "≈ "+decibel(w.Before), "dB", about)
	stored := t.A.Result.Stored != ""
	other, also := a.state.Twice(&t.B)
	also = also && t.B.Format != "" && t.B.Result.Stored == ""
	top, both := "measured", "the errors taken as independent"
	if also {
		top += fmt.Sprintf("; B, %s: %s dB", t.B.Result.Format, decibel(other.Top))
		both += fmt.Sprintf("; B ≈ %s dB", decibel(other.Both))
	}
	number, unit, name := decibel(w.Top), "dB", "Lost on top, as "+t.A.Result.Format
	if stored {
		number, unit, name = "nothing", "", "Lost on top"
		top = strings.Replace(top, "measured", "choose a format to see", 1)
	}
	a.figureNote("w2-top", name, number, unit, top)
	a.figureNote("w2-both", "Both together", "≈ "+decibel(w.Both), "dB", both)
}

// renderUnknown writes what is known of the loss of blocks as they are stored.
func (a *app) renderUnknown(typ string) {
	if w, ok := a.state.Twice(&a.state.Tensor.A); ok {
		a.figure("h-sqnr", "≈ "+decibel(w.Before), "dB")
	}
	a.figure("h-max", "–", "")
	a.attr("h-share", "class", "share none")
	if strings.Contains(typ, " ") {
		typ = "it" // the layout of another project has a long name
	}
	a.text("h-split", "what "+typ+" lost is not in the file")
}

// nameOriginal says what the value is that was quantized: of a tensor in blocks
// it is not the original.
func (a *app) nameOriginal(from string) {
	if !a.changed("from", "work", from) {
		return
	}
	dt := a.all("#work .kv dt")[0]
	name := "original "
	if from != "" {
		name = "as stored, "
	}
	dt.SetTextContent(name)
	dt.AppendChild(a.make("i", "x"))
}

// renderInside shows what a model lost that came quantized.
func (a *app) renderInside() {
	m := &a.state.Model
	quantized := m.Quantized()
	if !quantized && a.wrote["made#m2"] == "" {
		return
	}
	a.twiceRow("m2", a.el("m-job"))
	a.show("m2-twice", quantized)
	in, ok := m.Inside()
	if !quantized {
		return
	}
	before, top, both, why := "–", "–", "–", "reading …"
	if m.Far() {
		why = "not estimated of a file at a URL"
	}
	title := "Lost before"
	note := "measured as it is quantized"
	if ok {
		title = "Lost before, as " + listed(in.Types)
		before = "≈ " + decibel(in.Loss.Before)
		why = fmt.Sprintf("an estimate from the steps of %s, within %s dB", counted(in.Tensors, "tensor"), decimal(in.Loss.Within, 1))
	}
	if ok && in.Done {
		top, both, note = decibel(in.Loss.Top), "≈ "+decibel(in.Loss.Both), "measured, over these tensors"
		if math.IsInf(in.Loss.Top, 1) {
			top, note = "nothing", "they are copied as they are"
		}
	}
	unit := func(s string) string {
		if s == "–" || s == "nothing" {
			return ""
		}
		return "dB"
	}
	a.figureNote("m2-before", title, before, unit(before), why)
	a.figureNote("m2-top", "Lost on top", top, unit(top), note)
	a.figureNote("m2-both", "Both together", both, unit(both), "the errors taken as independent")
}

// listed names up to three of a few: "Q4_K, Q6_K and others".
func listed(names []string) string {
	n := min(3, len(names))
	s := strings.Join(names[:n], ", ")
	if n < len(names) {
		return s + " and others"
	}
	return s
}

// importanceNote is what the fold of the options says of importance.
func (a *app) importanceNote(f *quant.Info) string {
	if f.Importance == quant.Never {
		return ""
	}
	switch r := a.state.Tensor.A.Result; {
	case r != nil && r.Importance == "matrix" && a.state.Importance.Info != nil:
		return a.state.Importance.Info.Name
	case r != nil && r.Importance == "alike":
		return "columns alike"
	}
	return ""
}
