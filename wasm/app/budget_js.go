package app

import (
	"fmt"
	"math"
	"syscall/js"

	"fewbits/wasm/app/page"
	"fewbits/wasm/wire"
)

// budgetView is what web/js/budget.js draws; sizes are in MiB.
type budgetView struct {
	Ready    bool        `json:"ready"`
	Running  bool        `json:"running"`
	Checking bool        `json:"checking"`
	Percent  int         `json:"percent"`
	Far      string      `json:"far"`
	Status   string      `json:"status"`
	Fault    string      `json:"fault"`
	Help     string      `json:"help"`
	Known    bool        `json:"known"` // it is measured: there are sizes
	Min      float64     `json:"min"`
	Max      float64     `json:"max"`
	Step     float64     `json:"step"`
	Value    float64     `json:"value"`
	Bits     string      `json:"bits"`
	CanCheck bool        `json:"canCheck"`
	Check    string      `json:"check"`
	Judged   [][]string  `json:"judged"`
	Lines    []string    `json:"lines"`
	File     string      `json:"file"` // for the lines
	Plot     *budgetPlot `json:"plot"`
}

// budgetPlot is what web/js/plots/front.js draws.
type budgetPlot struct {
	Curve    [][2]float64  `json:"curve"`
	Recipes  []budgetPoint `json:"recipes"`
	Mix      *budgetPoint  `json:"mix"`
	YName    string        `json:"yName"`
	Sentence string        `json:"sentence"`
}

type budgetPoint struct {
	Name string  `json:"name"`
	X    float64 `json:"x"`
	Y    float64 `json:"y"`
}

const mebi = 1 << 20

// budget turns what is done in web/js/budget.js into events.
func (a *app) budget(v []js.Value) {
	switch v[0].String() {
	case "measure":
		a.dispatch(page.BudgetAsked{Workers: v[1].Int(), At: a.now()})
	case "move":
		a.dispatch(page.BudgetMoved{Bytes: int64(math.Round(math.Min(v[1].Float(), 1<<30) * mebi))})
	case "check":
		a.dispatch(page.BudgetChecked{Text: v[1].String(), Name: v[2].String(), Workers: v[3].Int(), At: a.now()})
	case "cancel":
		a.dispatch(page.BudgetCancelled{})
	case "recipe":
		a.dispatch(page.RecipeChosen{Name: v[1].String()})
	}
}

// renderBudget draws the size budget, where there is a model.
func (a *app) renderBudget() {
	m := &a.state.Model
	if m.File == nil {
		return
	}
	if a.changed("made", "b-sec", "yes") {
		a.el("q-sec").Call("before", a.make("div", "", "id", "b-sec").Underlying())
	}
	text, err := wire.Marshal(a.budgetView())
	if err == nil && a.changed("budget", "b-sec", string(text)) {
		a.host.Call("budget", string(text))
	}
}

func (a *app) budgetView() budgetView {
	m := &a.state.Model
	b := &m.Budget
	v := budgetView{Running: b.Running(), Checking: b.Checking(), Status: b.Status, Fault: b.Fault, Judged: [][]string{}, Lines: []string{}}
	why := m.NotWeighed()
	v.Ready = why == "" && m.Idle()
	v.Help = why
	if share, left := b.Progress(); v.Running {
		v.Percent = int(100 * share)
		if v.Far = fmt.Sprintf("%d %%", v.Percent); left >= 0 {
			v.Far += ", " + duration(left) + " left"
		}
	}
	if why == "" {
		v.Help = "Quantizes a sample of each tensor to each type; then a size is enough to find the mix that loses least."
		if b.By != "" {
			v.Help += " Errors are weighted by " + b.By + "."
		}
	}
	if b.Front == nil || b.Table == nil {
		v.Check = "Losses are relative errors first. Once sizes are measured, a text says what each tensor costs the model's predictions."
		return v
	}
	v.Known = true
	v.Min, v.Max = hundredths(b.Front.Least, math.Ceil), hundredths(b.Front.Most, math.Ceil)
	v.Step = math.Max(0.01, math.Round((v.Max-v.Min)/4)/100)
	v.Value = float64(b.Limit) / mebi
	if b.Mix != nil {
		v.Bits = fixed(b.Bits(b.Mix.Bytes), 2) + " bits a weight"
		v.Help = b.Help(v.Bits)
	}
	v.CanCheck = m.Idle() && b.Mix != nil && m.NotChecked() == ""
	v.Check = b.CheckHelp(m.NotChecked())
	for _, j := range b.Judged {
		v.Judged = append(v.Judged, []string{j.Name, fixed(float64(j.Bytes)/mebi, 2), significant(j.Loss, 2), significant(j.KL, 2) + " ± " + significant(j.KLError, 1), fixed(100*j.SameTop, 1) + " %"})
	}
	if lines := m.MixLines(); lines != nil {
		v.Lines, v.File = lines, m.Plan.Name+".txt"
	}
	v.Plot = plotOf(b)
	return v
}

func hundredths(bytes int64, round func(float64) float64) float64 {
	return round(100*float64(bytes)/mebi) / 100
}

func plotOf(b *page.Budget) *budgetPlot {
	p := &budgetPlot{Recipes: []budgetPoint{}, YName: "error, %", Sentence: b.Say()}
	if b.Text != "" {
		p.YName = "KL, nats"
	}
	for _, c := range b.Front.Curve {
		p.Curve = append(p.Curve, [2]float64{c[0] / mebi, b.Loss(c[1])})
	}
	for _, r := range b.Front.Recipes {
		p.Recipes = append(p.Recipes, budgetPoint{r.Name, float64(r.Bytes) / mebi, b.Loss(r.Loss)})
	}
	if b.Mix != nil {
		p.Mix = &budgetPoint{"mix", float64(b.Mix.Bytes) / mebi, b.Loss(b.Mix.Loss)}
	}
	return p
}
