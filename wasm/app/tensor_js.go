package app

import (
	"math"
	"strconv"
	"strings"

	"honnef.co/go/js/dom/v2"

	"fewbits/wasm/app/page"
)

// bindTensor turns what is done in the Tensor view into events.
func (a *app) bindTensor() {
	a.bindSource()
	a.bindFormats()
	a.bindOptions()
	a.bindImportance()

	a.number("split", "input", func(n int) { a.dispatch(page.SplitMoved{Percent: n}) })
	a.radio("show", func(v string) { a.dispatch(page.ShowChosen{Value: v}) })
	a.radio("blk", func(v string) { a.dispatch(page.BlockChosen{Side: v}) })
	a.on("side-b", "change", func(v string) { a.dispatch(page.SideBChosen{Name: v}) })
	a.number("row", "input", func(n int) { a.dispatch(page.Picked{Row: n, Col: a.state.Tensor.Col}) })
	a.number("col", "input", func(n int) { a.dispatch(page.Picked{Row: a.state.Tensor.Row, Col: n}) })
	a.click("t-dismiss", a.dismiss)
	a.click("t-download", func() { a.host.Call("openDialog", "dldialog") })
	for _, b := range a.all("[data-export]") {
		as := b.GetAttribute("data-export")
		b.AddEventListener("click", false, func(dom.Event) { a.dispatch(page.ExportAsked{As: as}) })
	}
}

func (a *app) bindSource() {
	a.radio("sample", func(v string) { a.dispatch(page.SampleChosen{Name: v}) })
	a.on("size", "change", func(v string) {
		r, c, _ := strings.Cut(v, "x")
		rows, _ := strconv.Atoi(r)
		cols, _ := strconv.Atoi(c)
		a.dispatch(page.SampleChosen{Rows: rows, Cols: cols})
	})
	a.number("tensors", "change", func(n int) { a.dispatch(page.TensorChosen{Index: n}) })
	a.click("t-paste", func() { a.host.Call("openDialog", "pastedialog") })
	d := a.el("pastedialog")
	d.AddEventListener("close", false, func(dom.Event) {
		if text := a.el("pastetext").Underlying().Get("value").String(); d.Underlying().Get("returnValue").String() == "use" && strings.TrimSpace(text) != "" {
			a.dispatch(page.NumbersPasted{Text: text})
		}
	})
}

func (a *app) bindOptions() {
	set := func(name string) func(string) {
		return func(v string) { a.dispatch(page.OptionChosen{Name: name, Value: v}) }
	}
	a.number("bits", "input", func(n int) { a.dispatch(page.BitsChosen{Bits: a.rung(n)}) })
	a.number("bits-n", "change", func(n int) { a.dispatch(page.BitsChosen{Bits: n}) })
	a.on("granularity", "change", func(v string) { a.dispatch(page.GranularityChosen{Value: v}) })
	a.number("group", "input", func(n int) { set("group")(strconv.Itoa(1 << n)) })
	a.on("group-n", "change", set("group"))
	a.radio("sym", set("sym"))
	checked := func(id, name string) {
		a.on(id, "change", func(string) {
			set(name)(strconv.FormatBool(a.el(id).Underlying().Get("checked").Bool()))
		})
	}
	checked("narrow", "narrow")
	checked("nested", "nested")
	a.on("range", "change", set("range"))
	a.number("percentile", "input", func(n int) { set("percentile")(strconv.FormatFloat(float64(n)/10, 'g', -1, 64)) })
	a.on("percentile-n", "change", set("percentile"))
	a.on("rounding", "change", set("rounding"))
	a.on("seed", "change", set("seed"))
	a.on("scaletype", "change", set("scale"))
	a.number("block", "input", func(n int) { set("block")(strconv.Itoa(1 << n)) })
	a.on("block-n", "change", set("block"))
	a.click("undo", func() { a.dispatch(page.Undone{}) })
	a.click("reset", func() { a.dispatch(page.OptionsReset{}) })
}

// rung is the bits at a place of the Bits slider, which has one a rung.
func (a *app) rung(at int) int {
	ladder := a.state.Ladder(a.state.Tensor.A.Format)
	if at < 0 || at >= len(ladder) {
		return 0
	}
	return ladder[at].Bits
}

// log2 is the nearest power of two's exponent.
func log2(n int) int { return int(math.Round(math.Log2(float64(max(1, n))))) }

// dismiss takes a fault away. Its button goes with it, so the focus goes to the
// stage, from where Tab leads on.
func (a *app) dismiss() {
	a.dispatch(page.FaultDismissed{})
	a.el("stage").Underlying().Call("focus")
}
