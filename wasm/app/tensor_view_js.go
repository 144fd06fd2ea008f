package app

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"fewbits/quant"
	"fewbits/wasm/wire"
)

// renderTensor draws everything of the Tensor view but its plots, which are
// drawn from typed arrays by the host. The opened weight follows the plots.
func (a *app) renderTensor() {
	a.renderSource()
	a.renderFormats()
	a.renderOptions()
	a.renderNews()
	a.renderHeads()
	a.renderTwice()
	if !a.waits {
		a.waits = true
		a.host.Call("later", a.after)
	}
}

func (a *app) renderSource() {
	t := &a.state.Tensor
	note := "reading …"
	if st := t.Stats; st != nil {
		note = fmt.Sprintf("%s · %s · %s", sourceName(t.Source.Kind, st.Name), shaped(st.Shape), st.Type)
	}
	a.text("src-note", note)
	a.renderOffer("t", &t.Remote)
	sample := ""
	if t.Source.Kind == "sample" {
		sample = t.Source.Name
	}
	a.choose("sample", sample)
	a.show("sizefield", t.Source.Kind == "sample" && t.Source.Name != "example")
	a.value("size", fmt.Sprintf("%dx%d", t.Source.Rows, t.Source.Cols))
	a.show("filefield", t.File != nil)
	if t.File == nil {
		return
	}
	var values, labels []string
	for i, r := range t.File.Tensors {
		if r.Readable {
			values = append(values, strconv.Itoa(i))
			labels = append(labels, fmt.Sprintf("%s · %s · %s", r.Name, shaped(r.Shape), r.Now()))
		}
	}
	if t.Source.Kind != "file" {
		values, labels = append([]string{"-1"}, values...), append([]string{"choose one"}, labels...)
	}
	a.options("tensors", values, labels)
	at := "-1"
	if t.Source.Kind == "file" {
		at = strconv.Itoa(t.Source.Index)
	}
	a.value("tensors", at)
	help := fmt.Sprintf("%s, %s: %s", t.File.Name, t.File.Container, counted(len(t.File.Tensors), "tensor"))
	if n := len(t.File.Tensors) - len(values); n > 0 && t.Source.Kind == "file" {
		help += fmt.Sprintf(", %d of them in types that cannot be read", n)
	}
	if len(t.File.Notes) > 0 {
		help += ". " + strings.Join(t.File.Notes, " ")
	}
	a.text("tensors-help", help)
}

var sampleNames = map[string]string{"outliers": "outlier channels", "normal": "normal", "uniform": "uniform", "example": "worked example", "pasted": "pasted numbers"}

func sourceName(kind, name string) string {
	if s := sampleNames[name]; s != "" && kind != "file" {
		return s
	}
	return name
}

func shaped(s []int) string {
	if len(s) == 0 {
		return "a scalar"
	}
	var p []string
	for _, d := range s {
		p = append(p, grouped(d))
	}
	return strings.Join(p, " × ")
}

func (a *app) renderOptions() {
	side := &a.state.Tensor.A
	f := a.state.Format(side.Format)
	if f == nil {
		return
	}
	o := &side.Options
	ladder := a.state.Ladder(f.Name)
	at := 0
	for i, r := range ladder {
		if r.Name == f.Name {
			at = i
		}
	}
	a.attr("bits", "min", "0")
	a.attr("bits", "max", strconv.Itoa(max(0, len(ladder)-1)))
	a.attr("bits", "aria-valuetext", fmt.Sprintf("%d bits, %s", f.Bits, a.state.Label(f.Name)))
	a.slide("bits", at, 0, len(ladder)-1)
	a.prop("bits", "disabled", len(ladder) < 2)
	a.prop("bits-n", "disabled", len(ladder) < 2)
	a.attr("bits-n", "min", "1")
	a.attr("bits-n", "max", "32")
	a.value("bits-n", strconv.Itoa(f.Bits))
	a.text("bits-help", bitsHelp(f))

	has := map[string]bool{"none": len(f.Options) == 0 && f.Importance == quant.Never, "importance": f.Importance != quant.Never}
	a.renderImportance(f)
	for _, name := range f.Options {
		has[name] = true
	}
	grouping := o.Granularity == quant.PerGroup || o.Granularity == "" && o.Group != 0
	has["group"] = has["group"] && grouping
	has["narrow"] = has["narrow"] && o.Symmetric
	has["percentile"] = has["percentile"] && o.Range == quant.RangePercentile
	has["seed"] = has["seed"] && o.Rounding == quant.RoundStochastic
	for _, e := range a.all("[data-opt]") {
		e.Underlying().Set("hidden", !has[e.GetAttribute("data-opt")])
	}

	gran, note := "tensor", "per tensor"
	switch {
	case grouping:
		gran, note = "group", fmt.Sprintf("group %d", o.Group)
	case o.Granularity == quant.PerChannel && o.Axis == 1:
		gran, note = "column", "per column"
	case o.Granularity == quant.PerChannel:
		gran, note = "row", "per row"
	}
	a.value("granularity", gran)
	a.slide("group", max(3, min(9, log2(o.Group))), 3, 9)
	a.attr("group", "aria-valuetext", fmt.Sprintf("%d weights", o.Group))
	a.value("group-n", strconv.Itoa(max(1, o.Group)))
	a.choose("sym", strconv.FormatBool(o.Symmetric))
	a.prop("narrow", "checked", o.Narrow)
	a.prop("nested", "checked", o.Nested)
	rng := orDefault(string(o.Range), string(quant.RangeMinMax))
	a.value("range", rng)
	a.text("range-help", rangeHelp[rng])
	p := o.Percentile
	if p == 0 {
		p = 99.9
	}
	a.slide("percentile", int(math.Round(max(90, p)*10)), 900, 1000)
	a.value("percentile-n", strconv.FormatFloat(p, 'g', -1, 64))
	a.value("rounding", orDefault(string(o.Rounding), string(quant.RoundEven)))
	a.value("seed", strconv.FormatUint(o.Seed, 10))
	a.value("scaletype", orDefault(string(o.ScaleType), string(quant.ScaleF32)))
	block := o.Block
	if block == 0 {
		block = 64
	}
	a.slide("block", log2(block), 5, 12)
	a.attr("block", "aria-valuetext", fmt.Sprintf("%d weights", block))
	a.value("block-n", strconv.Itoa(block))
	a.text("opt-note", optionNote(f, o, note, rng, block, a.importanceNote(f)))
	a.prop("undo", "disabled", !a.state.CanUndo())
}

func bitsHelp(f *wire.FormatRow) string {
	switch f.Family {
	case "float":
		return fmt.Sprintf("%d bits of sign, exponent and mantissa.", f.Bits)
	case "codebook":
		return fmt.Sprintf("2%s = %d levels from a fixed table.", superscript(f.Bits), 1<<f.Bits)
	}
	return fmt.Sprintf("2%s = %d levels under each scale.", superscript(f.Bits), 1<<f.Bits)
}

var rangeHelp = map[string]string{
	"minmax":     "From the smallest to the largest value; nothing is clipped.",
	"mse":        "Clips a little where that lowers the squared error.",
	"percentile": "The rare values beyond it are clipped.",
	"entropy":    "Keeps the most information: least KL divergence of the histograms, as TensorRT calibrates.",
}

func optionNote(f *wire.FormatRow, o *quant.Options, gran, rng string, block int, guided string) string {
	switch {
	case f.Family == "codebook" && o.Nested:
		return fmt.Sprintf("block %d, nested", block)
	case f.Family == "codebook":
		return fmt.Sprintf("block %d", block)
	case guided != "":
		return guided
	case f.Family != "affine":
		return "none"
	}
	sym := "asymmetric"
	if o.Symmetric {
		sym = "symmetric"
	}
	if rng == "minmax" {
		return gran + " · " + sym
	}
	return gran + " · " + sym + " · " + map[string]string{"mse": "MSE", "percentile": "percentile", "entropy": "entropy"}[rng]
}

func orDefault(v, d string) string {
	if v == "" {
		return d
	}
	return v
}

func (a *app) renderNews() {
	t := &a.state.Tensor
	a.show("t-alert", t.Fault != "")
	a.show("t-dismiss", t.Fault != "")
	a.show("t-status", t.Fault == "")
	a.text("t-alert", t.Fault)
	a.show("t-busy", t.Busy != "")
	// What is shown of another tensor than the one named is dimmed.
	dim := t.Busy != "" || t.A.Stale()
	if a.changed("dim", "plots", strconv.FormatBool(dim)) {
		a.host.Call("dim", dim)
		for _, e := range a.all("[data-view=tensor] dl.dim, [data-view=tensor] section.dim") {
			e.SetAttribute("aria-busy", strconv.FormatBool(dim))
		}
	}
	a.prop("t-download", "disabled", t.A.Result == nil || t.A.Result.Sampled || t.A.Stale())
	if t.A.Result != nil {
		a.text("t-kernel", kernelsSay(t.A.Result.Kernel))
	}
	switch r := t.A.Result; {
	case t.Busy != "":
		a.text("t-status", t.Busy)
	case r != nil && t.Stats != nil && !t.A.Stale(): // else the result is of the tensor before
		exact := "exact"
		if r.Sampled {
			exact = "from a sample, the exact numbers follow"
		}
		s := counted(t.Stats.Values, "value")
		if n := r.Metrics.NonFinite; n > 0 {
			s += fmt.Sprintf(", %s of them NaN or infinite and left out of the numbers", grouped(n))
		} else if t.Stats.NonFinite > 0 {
			s += fmt.Sprintf(", %s of them NaN or infinite", grouped(t.Stats.NonFinite))
		}
		how := fmt.Sprintf("quantized in %s ms in this tab; nothing leaves it", decimal(r.Elapsed, 1))
		if r.Workers > 1 {
			how = fmt.Sprintf("quantized in %s ms of work, by %d workers of this tab; nothing leaves it", decimal(r.Elapsed, 1), r.Workers)
		}
		if r.Stored != "" {
			how = "the blocks of the file, read in this tab; nothing leaves it"
		}
		s += fmt.Sprintf(" · %s · %s", exact, how)
		a.status(sourceName(t.Source.Kind, t.Stats.Name), ", "+s)
	}
}

// kernelsSay tells which twin of the kernels runs.
func kernelsSay(active string) string {
	if active == "portable" {
		return "Kernels: portable. This browser has no SIMD128, so it is slower; the numbers are the same."
	}
	return "Kernels: " + strings.ToUpper(active) + "."
}

// status writes the news: its subject, and what there is to say of it.
func (a *app) status(subject, rest string) {
	if !a.changed("text", "t-status", subject+rest) {
		return
	}
	e := a.el("t-status")
	e.SetTextContent("")
	e.AppendChild(a.make("b", subject))
	e.AppendChild(a.plain(rest))
}

func (a *app) renderHeads() {
	t := &a.state.Tensor
	a.text("a-name", t.A.Format)
	if r := t.A.Result; r != nil {
		name, more := r.Format, strings.TrimPrefix(r.Label, r.Format)
		if r.Stored != "" {
			name, more = "As stored", "("+r.Stored+")"
		}
		a.text("a-name", name)
		a.text("a-more", more)
		m := r.Metrics
		n, unit := size(float64(m.Bytes))
		a.figure("h-bpw", fixed(m.BitsPerWeight, 2), "")
		a.figure("h-size", n, unit)
		a.figure("h-ratio", fixed(m.Ratio, 2), "×")
		a.figure("h-sqnr", decibel(float64(m.SQNR)), "dB")
		v, unit := scientific(m.MaxAbs)
		a.figure("h-max", v, unit)
		a.renderShare(m)
		if r.Stored != "" {
			a.renderUnknown(r.Stored)
		}
	}
	b := [5]string{}
	if r := t.B.Result; r != nil && t.B.Format != "" && !t.B.Stale() {
		m := r.Metrics
		v, unit := scientific(m.MaxAbs)
		b = [5]string{"B " + fixed(m.BitsPerWeight, 2), "B " + sized(float64(m.Bytes)), "B " + fixed(m.Ratio, 2) + " ×",
			"B " + decibel(float64(m.SQNR)) + " dB", strings.TrimSpace("B " + v + " " + unit)}
	}
	if r := t.B.Result; b[3] != "" && r.Stored != "" {
		b[3], b[4] = "B not in the file", ""
		if w, ok := a.state.Twice(&t.B); ok {
			b[3] = "B ≈ " + decibel(w.Before) + " dB"
		}
	}
	for i, id := range []string{"h-bpw-b", "h-size-b", "h-ratio-b", "h-sqnr-b", "h-max-b"} {
		a.text(id, b[i])
	}
	a.slide("split", t.Split, 0, 100)
	a.prop("split", "disabled", t.B.Format == "")
	shown := t.Show
	if t.B.Format == "" {
		shown = "a"
	}
	a.choose("show", shown)
	a.enable("show", "a", t.B.Format != "")
}

// figure writes a headline number and its unit.
func (a *app) figure(id, number, unit string) {
	if !a.changed("figure", id, number+" "+unit) {
		return
	}
	e := a.el(id)
	e.SetTextContent(number + " ")
	if unit != "" {
		e.AppendChild(a.make("small", unit))
	}
}

// enable lets the radio buttons of that name be chosen; one always can be.
func (a *app) enable(name, always string, yes bool) {
	if !a.changed("enabled", name, strconv.FormatBool(yes)) {
		return
	}
	for _, r := range a.all(`input[name="` + name + `"]`) {
		u := r.Underlying()
		u.Set("disabled", !yes && u.Get("value").String() != always)
	}
}

func (a *app) renderShare(m wire.Losses) {
	text := "no error at all"
	a.attr("h-share", "class", "share none")
	if m.MSE > 0 {
		a.attr("h-share", "class", "share")
		r := int(math.Round(100 * m.Rounding))
		text = fmt.Sprintf("%d %% rounding, %d %% clipping", r, 100-r)
	}
	a.text("h-split", text)
	if a.changed("share", "h-share", text) {
		a.el("h-share").Underlying().Get("style").Call("setProperty", "--w", fmt.Sprintf("%.1f%%", 100*m.Rounding))
	}
}

func decibel(v float64) string {
	if math.IsInf(v, 1) {
		return "∞"
	}
	return decimal(v, 1)
}

// scientific splits a small number in digits and power: "9.9", "× 10⁻³".
func scientific(v float64) (string, string) {
	s := significant(v, 3)
	if v != 0 && math.Abs(v) < 0.1 && !math.IsInf(v, 0) {
		e := int(math.Floor(math.Log10(math.Abs(v))))
		return decimal(v/math.Pow(10, float64(e)), 2), "× 10" + superscript(e)
	}
	return s, ""
}
