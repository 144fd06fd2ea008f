package page

import (
	"fmt"
	"slices"

	"fewbits/wasm/wire"
)

// How much of a text is read for each tensor alone.
const (
	probeWork                = 1e9 // multiplications and additions, about a quarter of a second
	leastProbed, mostProbed  = 512, 2048
	probeLogits, mostLogits  = 24 << 20, 160 << 20 // bytes
	judgedSteps              = 2                   // a step of progress is the first half; the second has twice as much
	probeContext, budgetText = 512, 1 << 20
)

// comparedRecipes are held against mixes of their size.
var comparedRecipes = []string{"Q4_K_M", "Q5_K_M"}

// NotChecked says why losses cannot be counted by what the model predicts; ""
// where they can.
func (m *Model) NotChecked() string {
	why := m.NotMeasured()
	if _, fits := trialShare(float64(m.File.Size), 1); why == "" && !fits {
		why = fmt.Sprintf("The model is run once or twice for each tensor: up to %s that is done here. fewbits budget -text does it for larger ones.", bytesOf(trialMost))
	}
	if _, least := m.probeChunks(); why == "" && 3*least > mostLogits {
		why = "Its vocabulary is too large to keep what the original predicts here; fewbits budget -text does it."
	}
	return why
}

// probeChunks is how many chunks of the first half of the text are read, and
// the bytes of what is predicted in one.
func (m *Model) probeChunks() (chunks int, each int64) {
	context, trained := probeContext, m.metaNumber(m.Meta("general.architecture")+".context_length", probeContext)
	for context > max(64, trained) {
		context /= 2
	}
	vocabulary := int64(1)
	for i := range m.File.Tensors {
		if t := &m.File.Tensors[i]; t.Name == "token_embd.weight" && len(t.Shape) == 2 {
			vocabulary = int64(t.Shape[0])
		}
	}
	each = int64(context/2) * vocabulary * 4
	tokens := max(leastProbed, min(mostProbed, int(probeWork/float64(max(1, m.Parameters())))))
	return max(1, min(tokens/context, int(probeLogits/each))), each
}

func (s *State) checkBudget(e BudgetChecked) []Effect {
	m := &s.Model
	b := &m.Budget
	if !m.Idle() || b.Front == nil || b.Mix == nil || b.want != 0 || m.waiting {
		return nil
	}
	if b.Fault = m.NotChecked(); b.Fault == "" && len(e.Text) > budgetText {
		b.Fault = fmt.Sprintf("the text is longer than the %s that are read here: give a part of it", bytesOf(budgetText))
	}
	if b.Fault != "" {
		return nil
	}
	chunks, _ := m.probeChunks()
	r := &budgetRun{check: true, started: e.At, text: wire.BudgetTextArgs{Text: e.Text, Chunks: chunks}, name: e.Name}
	if b.Text == e.Name && b.text == e.Text {
		s.begin(r, 0)
		r.total = judgedSteps
		b.Status = "Running the mix on " + e.Name
		out := s.readText()
		return append(out, s.judgeMix()...)
	}
	n, _ := trialShare(float64(m.File.Size), max(1, e.Workers))
	s.begin(r, min(n, len(b.Front.Probes)))
	r.total = len(b.Front.Probes) + 1 + judgedSteps*(1+2*len(comparedRecipes))
	b.Status = "Running the model with one tensor quantized at a time, on " + e.Name
	out := s.yieldFlow()
	for k := range r.lanes {
		out = append(out, s.hire(k)...)
	}
	return out
}

// readText gives the text to the worker that finds mixes, where it has none.
func (s *State) readText() []Effect {
	b := &s.Model.Budget
	out := s.wake()
	if b.read && b.run.text.Text == b.text && b.Text == b.run.name {
		return out
	}
	return append(out, s.askBudget(-1, solverKind+"text", Call{Lane: b.solver, Op: wire.OpBudgetText, Args: b.run.text}))
}

// probed makes losses of divergences, and sets their scale by the mix as a whole.
func (s *State) probed() []Effect {
	b := &s.Model.Budget
	r := b.run
	out := s.endWorkers()
	r.lanes = nil
	probes := make([]wire.BudgetProbe, len(r.kl))
	for i, p := range r.kl {
		probes[i] = *p
	}
	b.probes, b.scale, b.Judged = probes, 0, nil
	b.Status = "Running mixes and recipes on " + r.name
	out = append(out, s.endSolver()...) // one that has no other text
	out = append(out, s.readText()...)
	b.Text, b.text = r.name, r.text.Text
	return append(out, s.ask("first", wire.BudgetJudgeArgs{Limit: b.Mix.Limit, First: true}))
}

func (s *State) ask(kind string, a wire.BudgetJudgeArgs) Effect {
	return s.askBudget(-1, solverKind+kind, Call{Lane: s.Model.Budget.solver, Op: wire.OpBudgetJudge, Args: a})
}

// judged takes in how far a mix or a recipe strays.
func (s *State) judged(kind string, e Reply) []Effect {
	m := &s.Model
	b := &m.Budget
	r := b.run
	var j wire.BudgetJudged
	if err := wire.Unmarshal(e.JSON, &j); err != nil {
		return s.budgetFailed(fmt.Errorf(unread, err).Error())
	}
	if r == nil {
		return nil
	}
	if kind == "first" {
		r.done++
		if j.KL > 0 && j.Loss > 0 {
			b.scale = j.KL / j.Loss
		}
		out := append([]Effect{s.tellErrors()}, s.judgeMix()...)
		for _, name := range comparedRecipes {
			if at := slices.IndexFunc(b.Front.Recipes, func(x wire.BudgetRecipe) bool { return x.Name == name && x.Best >= 0 }); at >= 0 {
				out = append(out, s.judgeOne(name, wire.BudgetJudgeArgs{Recipe: name}))
				out = append(out, s.judgeOne("Mix of "+name+"'s size", wire.BudgetJudgeArgs{Limit: b.Front.Recipes[at].Bytes}))
			}
		}
		return out
	}
	r.done += judgedSteps
	row := Judged{r.names[0], j}
	r.names = r.names[1:]
	b.Judged = slices.DeleteFunc(b.Judged, func(o Judged) bool { return o.Name == row.Name })
	b.Judged = append(b.Judged, row)
	if len(r.names) > 0 {
		return nil
	}
	b.Status = fmt.Sprintf("Checked in %.1f s", (r.now-r.started)/1000)
	probed := r.kl != nil
	b.run = nil
	if !probed {
		return nil
	}
	b.keep = true
	return s.askMix() // losses are others now
}

func (s *State) judgeMix() []Effect {
	b := &s.Model.Budget
	return []Effect{s.judgeOne("Mix of "+mib(b.Mix.Limit), wire.BudgetJudgeArgs{Limit: b.Mix.Limit})}
}

// judgeOne asks for one; answers come in the order of the requests.
func (s *State) judgeOne(name string, a wire.BudgetJudgeArgs) Effect {
	r := s.Model.Budget.run
	r.names = append(r.names, name)
	return s.ask("judge", a)
}
