package page

import (
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"

	"fewbits/wasm/wire"
)

func taleTable() wire.BudgetTable {
	return wire.BudgetTable{Overhead: 640, Values: 640, Kept: 256, Tensors: []wire.BudgetTensor{
		{Name: "blk.10.w.weight", Rows: 2, Cols: 256, Types: []string{"Q4_K", "Q8_0"}},
		{Name: "blk.2.w.weight", Rows: 1, Cols: 64, Types: []string{"Q4_0", "Q8_0"}},
	}}
}

func taleFront() wire.BudgetFront {
	return wire.BudgetFront{Least: 950, Most: 1252, Curve: [][2]float64{{950, 0.02}, {1252, 0.0002}},
		Probes:  []wire.BudgetProbe{{Tensor: 0}, {Tensor: 1}},
		Recipes: []wire.BudgetRecipe{{Name: "Q4_K_M", Bytes: 1000, Loss: 0.02, Best: 0.015}}}
}

func taleMix(limit int64, types ...string) wire.BudgetMix {
	return wire.BudgetMix{Limit: limit, Types: types, Bytes: 950, Loss: 0.02, Exact: true, Base: "Q4_K_M", Lines: []string{`^blk\.10\.w\.weight$=` + types[0], `^blk\.2\.w\.weight$=` + types[1]}}
}

// finds is the call of an op among effects.
func finds(t *testing.T, effects []Effect, op string) Call {
	t.Helper()
	for _, c := range calls(effects) {
		if c.Op == op {
			return c
		}
	}
	t.Fatalf("no %s in %+v", op, effects)
	return Call{}
}

func ops(effects []Effect) (list []string) {
	for _, c := range calls(effects) {
		list = append(list, c.Op)
	}
	return list
}

// mixed is a page whose model is measured, and goes by the first mix.
func mixed(t *testing.T) *State {
	t.Helper()
	s := readable(t, false)
	out := s.Update(BudgetAsked{Workers: 2, At: 1000})
	open := calls(out)
	if len(open) != 2 || open[0].Op != wire.OpBudgetOpen || open[0].File != 7 || open[0].Lane == open[1].Lane || open[0].Args != (wire.BudgetOpenArgs{Name: "tale.gguf"}) {
		t.Fatalf("%+v", open)
	}
	b := &s.Model.Budget
	if !b.Running() || b.Checking() || s.Update(BudgetAsked{Workers: 2}) != nil {
		t.Fatal("it begins twice")
	}
	var tasks []Call
	for _, c := range open {
		tasks = append(tasks, calls(answer(t, s, c, taleTable()))...)
	}
	if len(tasks) != 2 || tasks[0].Args != (wire.BudgetRowsArgs{Tensor: 0, Row: 0, Rows: 2}) || tasks[1].Args != (wire.BudgetRowsArgs{Tensor: 1, Row: 0, Rows: 1}) {
		t.Fatalf("%+v", tasks)
	}
	if out := answer(t, s, tasks[1], wire.BudgetErrors{Energy: 2, Of: []float64{0.5, -1}}); out != nil {
		t.Fatalf("%+v", out)
	}
	if share, _ := b.Progress(); math.Abs(share-64.0/576) > 1e-9 {
		t.Error(share)
	}
	out = answer(t, s, tasks[0], wire.BudgetErrors{Energy: 4, Of: []float64{1, 0.25}})
	if !slices.Contains(out, Effect(End{open[0].Lane})) || !slices.Contains(out, Effect(End{open[1].Lane})) || b.Running() || b.Part != 1 {
		t.Fatalf("%+v", out)
	}
	errors := finds(t, out, wire.OpBudgetErrors)
	want := wire.BudgetErrorsArgs{Errors: []wire.BudgetErrors{{Energy: 4, Of: []float64{1, 0.25}}, {Energy: 2, Of: []float64{0.5, -1}}}}
	if !reflect.DeepEqual(errors.Args, want) || !reflect.DeepEqual(ops(out), []string{wire.OpBudgetOpen, wire.OpBudgetErrors}) {
		t.Fatalf("%+v", errors)
	}
	mix := only(t, answer(t, s, errors, taleFront()), wire.OpBudgetMix, errors.Lane)
	if !mix.Latest || b.Limit < 950 || mix.Args != (wire.BudgetMixArgs{Limit: b.Limit}) {
		t.Fatalf("%+v", mix)
	}
	plan := only(t, answer(t, s, mix, taleMix(b.Limit, "Q4_K", "Q8_0")), wire.OpPlan, "job")
	args := plan.Args.(wire.PlanArgs)
	if args.Recipe != "Q4_K_M" || args.Mix == "" || !reflect.DeepEqual(args.Types, map[string]string{"blk.10.w.weight": "Q4_K", "blk.2.w.weight": "Q8_0"}) {
		t.Fatalf("%+v", args)
	}
	if s.Model.Ready() {
		t.Error("Quantize can begin before the plan is there")
	}
	answer(t, s, plan, talePlan())
	return s
}

func TestBudgetFillsTheTable(t *testing.T) {
	s := mixed(t)
	m := &s.Model
	if !m.Ready() || m.Recipe != MixRecipe || s.choice() == nil || !strings.HasPrefix(m.Plan.Recipe, "mix of at most ") {
		t.Fatalf("%q, %q", m.Recipe, m.Plan.Recipe)
	}
	own, llama := m.Commands()
	flags := ` '^blk\.10\.w\.weight$=Q4_K' %s '^blk\.2\.w\.weight$=Q8_0'`
	if !strings.HasPrefix(own, "fewbits quantize tale.gguf -to Q4_K_M -pure -tensor-type"+strings.Replace(flags, "%s", "-tensor-type", 1)) ||
		!strings.HasPrefix(llama, "llama-quantize --pure --tensor-type"+strings.Replace(flags, "%s", "--tensor-type", 1)) || !strings.HasSuffix(llama, " Q4_K_M") {
		t.Errorf("%s\n%s", own, llama)
	}
	// A row changed by hand comes first, and goes when the size changes.
	plan := only(t, s.Update(TypeChosen{Index: 0, Type: "Q6_K"}), wire.OpPlan, "job")
	if plan.Args.(wire.PlanArgs).Types["blk.10.w.weight"] != "Q6_K" {
		t.Fatalf("%+v", plan)
	}
	answer(t, s, plan, talePlan())
	if lines := m.MixLines(); lines[0] != `^blk\.10\.w\.weight$=Q6_K` || len(lines) != 3 {
		t.Errorf("%q", lines)
	}
	mix := only(t, s.Update(BudgetMoved{1100}), wire.OpBudgetMix, m.Budget.solver)
	newer := only(t, s.Update(BudgetMoved{1200}), wire.OpBudgetMix, m.Budget.solver)
	if out := answer(t, s, mix, taleMix(1100, "Q4_K", "Q4_0")); out != nil {
		t.Fatalf("a mix that nobody waits for is taken: %+v", out)
	}
	plan = only(t, answer(t, s, newer, taleMix(1200, "Q8_0", "Q4_0")), wire.OpPlan, "job")
	if m.Types != nil || plan.Args.(wire.PlanArgs).Types["blk.10.w.weight"] != "Q8_0" {
		t.Errorf("%+v, %+v", m.Types, plan)
	}
	answer(t, s, plan, talePlan())
	if out := s.Update(BudgetMoved{900}); out != nil || !strings.Contains(m.Budget.Fault, "too small") {
		t.Errorf("%+v, %q", out, m.Budget.Fault)
	}
	// Recipes can be chosen, and the mix again.
	plan = only(t, s.Update(RecipeChosen{"Q4_K"}), wire.OpPlan, "job")
	if !reflect.DeepEqual(plan.Args, wire.PlanArgs{Recipe: "Q4_K"}) || m.MixLines() != nil {
		t.Errorf("%+v", plan)
	}
	answer(t, s, plan, talePlan())
	plan = only(t, s.Update(RecipeChosen{MixRecipe}), wire.OpPlan, "job")
	if plan.Args.(wire.PlanArgs).Mix == "" {
		t.Errorf("%+v", plan)
	}
}

// TestBudgetWakes starts the worker that solves again, with what was measured.
func TestBudgetWakes(t *testing.T) {
	s := mixed(t)
	b := &s.Model.Budget
	was := b.solver
	out := s.Update(QuantizeAsked{})
	if !slices.Contains(out, Effect(End{was})) || b.solver != "" {
		t.Fatalf("%+v", out)
	}
	if out := s.Update(BudgetMoved{1100}); out != nil {
		t.Fatalf("the size changes while the file is made: %+v", out)
	}
	s.Update(CancelAsked{})
	out = s.Update(BudgetMoved{1100})
	if !reflect.DeepEqual(ops(out), []string{wire.OpBudgetOpen, wire.OpBudgetErrors, wire.OpBudgetMix}) || b.solver == was {
		t.Fatalf("%+v", out)
	}
	s.Update(Fault{ID: finds(t, out, wire.OpBudgetMix).ID, Message: "it died", Died: true})
	if b.Fault != "it died" || b.solver != "" || b.Front == nil {
		t.Errorf("%q", b.Fault)
	}
	if out = s.Update(BudgetMoved{1150}); len(calls(out)) != 3 || b.Fault != "" {
		t.Errorf("%+v", out)
	}
}

func TestBudgetGoesByTheMatrixAndTheFile(t *testing.T) {
	s := mixed(t)
	b := &s.Model.Budget
	solver := b.solver
	s.Importance = Importance{Info: &wire.Imatrix{Name: "m.dat", Entries: []wire.ImatrixEntry{{Name: "blk.10.w.weight", Weights: 256}}}, ref: 9}
	out := s.Update(ImatrixUsed{Yes: true})
	if b.Front != nil || s.Model.Recipe == MixRecipe || !slices.Contains(out, Effect(End{solver})) {
		t.Fatalf("%+v", out)
	}
	answer(t, s, finds(t, out, wire.OpPlan), talePlan())
	out = s.Update(BudgetAsked{Workers: 1})
	if !reflect.DeepEqual(ops(out), []string{wire.OpImatrix, wire.OpBudgetOpen}) || calls(out)[0].File != 9 || !calls(out)[0].Remember || !calls(out)[1].Args.(wire.BudgetOpenArgs).Importance || b.By != "m.dat" {
		t.Fatalf("%+v", out)
	}
	lane := calls(out)[1].Lane
	out = answer(t, s, only(t, s.Update(FileChosen{Ref: 8, Name: "b.gguf", View: "model"}), wire.OpOpen, "job"), tale())
	if b.Running() || b.Table != nil || !slices.Contains(out, Effect(End{lane})) {
		t.Errorf("%+v", out)
	}
}

func TestBudgetStopsAndFails(t *testing.T) {
	s := readable(t, false)
	b := &s.Model.Budget
	open := calls(s.Update(BudgetAsked{Workers: 1}))
	out := s.Update(BudgetCancelled{})
	if !slices.Contains(out, Effect(End{open[0].Lane})) || b.Running() || b.Status != "Cancelled" {
		t.Fatalf("%+v", out)
	}
	if out := answer(t, s, open[0], taleTable()); out != nil || b.Table != nil {
		t.Errorf("%+v", out)
	}
	// A worker that died is started again with its task; not for ever.
	open = calls(s.Update(BudgetAsked{Workers: 1}))
	task := only(t, answer(t, s, open[0], taleTable()), wire.OpBudgetRows, open[0].Lane)
	for i := 1; i < maxTries; i++ {
		out := s.Update(Fault{ID: task.ID, Message: "it died", Died: true})
		again := finds(t, out, wire.OpBudgetOpen)
		if again.Lane == task.Lane || !slices.Contains(out, Effect(End{task.Lane})) {
			t.Fatalf("%+v", out)
		}
		next := only(t, answer(t, s, again, taleTable()), wire.OpBudgetRows, again.Lane)
		if next.Args != task.Args {
			t.Fatalf("%+v, want %+v", next, task)
		}
		task = next
	}
	s.Update(Fault{ID: task.ID, Message: "it died", Died: true})
	if b.Running() || b.Fault != "it died" {
		t.Errorf("%q", b.Fault)
	}
	s.Model.File.Meta = nil
	if out := s.Update(BudgetAsked{Workers: 1}); out != nil || !strings.Contains(b.Fault, "does not say what its model is") {
		t.Errorf("%+v, %q", out, b.Fault)
	}
}

// checking is a page that runs tensors alone; the calls are of the two probes.
func checking(t *testing.T, s *State) []Call {
	t.Helper()
	out := s.Update(BudgetChecked{Text: "Once", Name: "a.txt", Workers: 2, At: 5000})
	if !reflect.DeepEqual(ops(out), []string{wire.OpBudgetOpen, wire.OpBudgetText, wire.OpBudgetOpen, wire.OpBudgetText}) || !s.Model.Budget.Checking() {
		t.Fatalf("%+v", out)
	}
	var probes []Call
	for _, c := range calls(out) {
		if c.Op == wire.OpBudgetOpen {
			answer(t, s, c, taleTable())
			continue
		}
		if c.Args.(wire.BudgetTextArgs).Text != "Once" {
			t.Fatalf("%+v", c)
		}
		probes = append(probes, only(t, answer(t, s, c, wire.BudgetText{Scored: 10, Context: 128}), wire.OpBudgetProbe, c.Lane))
	}
	return probes
}

func TestBudgetIsChecked(t *testing.T) {
	s := mixed(t)
	b := &s.Model.Budget
	probes := checking(t, s)
	if s.Update(BudgetMoved{1100}) != nil || s.Update(MeasureAsked{Workers: 1}) != nil || s.Update(SayAsked{Prompt: "a"}) != nil {
		t.Error("other things begin meanwhile")
	}
	answer(t, s, probes[1], wire.BudgetProbe{Tensor: 1, KL: 0.2})
	out := answer(t, s, probes[0], wire.BudgetProbe{Tensor: 0, KL: 0.1})
	want := []wire.BudgetProbe{{Tensor: 0, KL: 0.1}, {Tensor: 1, KL: 0.2}}
	if args := finds(t, out, wire.OpBudgetErrors).Args.(wire.BudgetErrorsArgs); !reflect.DeepEqual(args.Probes, want) || args.Scale != 0 {
		t.Fatalf("%+v", args)
	}
	answer(t, s, finds(t, out, wire.OpBudgetErrors), taleFront())
	first := finds(t, out, wire.OpBudgetJudge)
	if first.Args != (wire.BudgetJudgeArgs{Limit: b.Mix.Limit, First: true}) {
		t.Fatalf("%+v", first)
	}
	out = answer(t, s, first, wire.BudgetJudged{Loss: 0.1, KL: 0.3})
	if args := finds(t, out, wire.OpBudgetErrors).Args.(wire.BudgetErrorsArgs); math.Abs(args.Scale-3) > 1e-12 {
		t.Errorf("%+v", args)
	}
	judges := calls(out)[1:]
	if len(judges) != 3 || judges[1].Args != (wire.BudgetJudgeArgs{Recipe: "Q4_K_M"}) || judges[2].Args != (wire.BudgetJudgeArgs{Limit: 1000}) {
		t.Fatalf("%+v", judges)
	}
	for i, c := range judges {
		out = answer(t, s, c, wire.BudgetJudged{Bytes: 1000, KL: float64(i + 1)})
	}
	if b.Running() || len(b.Judged) != 3 || b.Judged[1].Name != "Q4_K_M" || b.Judged[2].KL != 3 || b.Text != "a.txt" || b.Loss(0.5) != 0.5 {
		t.Fatalf("%+v", b.Judged)
	}
	// The same size by other losses: a row that was changed stays.
	s.Model.Types = map[string]string{"blk.2.w.weight": "F16"}
	plan := only(t, answer(t, s, only(t, out, wire.OpBudgetMix, b.solver), taleMix(b.Mix.Limit, "Q8_0", "Q4_0")), wire.OpPlan, "job")
	if types := plan.Args.(wire.PlanArgs).Types; types["blk.2.w.weight"] != "F16" || types["blk.10.w.weight"] != "Q8_0" {
		t.Errorf("%+v", types)
	}
	answer(t, s, plan, talePlan())
	// By the same text only the mix is run.
	out = s.Update(BudgetChecked{Text: "Once", Name: "a.txt", Workers: 2})
	if !slices.Contains(ops(out), wire.OpBudgetJudge) || slices.Contains(ops(out), wire.OpBudgetProbe) || len(b.run.lanes) != 0 {
		t.Fatalf("%+v", out)
	}
	answer(t, s, finds(t, out, wire.OpBudgetJudge), wire.BudgetJudged{Bytes: 950, KL: 9})
	if b.Running() || b.Judged[len(b.Judged)-1].KL != 9 {
		t.Errorf("%+v", b.Judged)
	}
}

// TestBudgetCheckStopped leaves all as it was before.
func TestBudgetCheckStopped(t *testing.T) {
	s := mixed(t)
	b := &s.Model.Budget
	probes := checking(t, s)
	answer(t, s, probes[0], wire.BudgetProbe{KL: 0.1})
	out := answer(t, s, probes[1], wire.BudgetProbe{Tensor: 1, KL: 0.2})
	other := taleFront()
	other.Least = 1
	answer(t, s, finds(t, out, wire.OpBudgetErrors), other)
	solver := b.solver
	if out := s.Update(BudgetCancelled{}); !slices.Contains(out, Effect(End{solver})) {
		t.Errorf("%+v", out)
	}
	if b.Running() || b.Text != "" || b.probes != nil || b.Front.Least != 950 || b.Status != "Cancelled" {
		t.Errorf("%+v", b)
	}
	s.Model.File.Size = trialMost + 1
	if out := s.Update(BudgetChecked{Name: "a.txt", Workers: 2}); out != nil || !strings.Contains(b.Fault, "64 MiB") {
		t.Errorf("%+v, %q", out, b.Fault)
	}
}

func TestSpans(t *testing.T) {
	for _, c := range []struct{ rows, cols int }{{1, 1}, {3, 256}, {100, 64}, {32000, 4096}, {1000, 256}, {5, 1 << 20}, {257, 255}, {64, 1024}} {
		list := spans(3, c.rows, c.cols)
		seen, last := 0, 0
		for _, a := range list {
			if a.Tensor != 3 || a.Row < last || a.Rows < 1 || a.Row+a.Rows > c.rows || a.Rows > 1 && a.Rows*c.cols > budgetSpan {
				t.Fatalf("%v: %+v", c, a)
			}
			seen, last = seen+a.Rows, a.Row+a.Rows
		}
		if want := min(c.rows, max(1, budgetSample/c.cols)); seen < want || seen > want+budgetSpan/c.cols {
			t.Errorf("%v: %d rows of %d wanted", c, seen, want)
		}
	}
}
