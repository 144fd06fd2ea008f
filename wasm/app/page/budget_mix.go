package page

import (
	"fmt"
	"maps"
	"math"
	"strings"

	"fewbits/wasm/wire"
)

// MixRecipe is the recipe that the best mix of types for a size is.
const MixRecipe = "mix"

// What is asked of the worker that finds mixes begins with this.
const solverKind = "solve-"

func cutSolver(kind string) (string, bool) { return strings.CutPrefix(kind, solverKind) }

// wake starts the worker that finds mixes, where there is none, and tells it
// what was measured.
func (s *State) wake() []Effect {
	m := &s.Model
	b := &m.Budget
	if b.solver != "" || b.errors == nil {
		return nil
	}
	b.solver, b.read = b.newLane(), false
	out := s.openBudget(b.solver, solverKind, wire.BudgetOpenArgs{Name: m.File.Name, Importance: b.By != ""}, -1)
	return append(out, s.tellErrors())
}

func (s *State) tellErrors() Effect {
	b := &s.Model.Budget
	return s.askBudget(-1, solverKind+"errors", Call{Lane: b.solver, Op: wire.OpBudgetErrors,
		Args: wire.BudgetErrorsArgs{Errors: b.errors, Probes: b.probes, Scale: b.scale}})
}

// endSolver stops it; it is woken when it is next needed.
func (s *State) endSolver() []Effect {
	b := &s.Model.Budget
	if b.solver == "" {
		return nil
	}
	out := []Effect{End{b.solver}}
	b.solver, b.want = "", 0
	return out
}

// moveBudget asks for the best mix of a size.
func (s *State) moveBudget(bytes int64) []Effect {
	m := &s.Model
	b := &m.Budget
	if b.Front == nil || m.working || b.Checking() {
		return nil
	}
	b.Limit, b.Fault, b.keep = bytes, "", false
	if bytes < b.Front.Least {
		b.Fault = fmt.Sprintf("%s is too small: with the smallest types the file takes %s; give it more.", mib(bytes), mib(roundUp(b.Front.Least)))
		return nil
	}
	return s.askMix()
}

func (s *State) askMix() []Effect {
	b := &s.Model.Budget
	out := s.wake()
	if b.keep {
		b.Limit = b.Mix.Limit
	}
	c := s.askBudget(-1, solverKind+"mix", Call{Lane: b.solver, Op: wire.OpBudgetMix, Args: wire.BudgetMixArgs{Limit: b.Limit}, Latest: true})
	b.want = c.(Call).ID
	return append(out, c)
}

// solved takes in what the worker says that finds mixes.
func (s *State) solved(kind string, e Reply) []Effect {
	m := &s.Model
	b := &m.Budget
	if b.run != nil {
		if _, ok := b.run.asked[e.ID]; ok {
			delete(b.run.asked, e.ID)
			b.run.now = e.At
		}
	}
	switch kind {
	case "errors":
		var f wire.BudgetFront
		if err := wire.Unmarshal(e.JSON, &f); err != nil {
			return s.budgetFailed(fmt.Errorf(unread, err).Error())
		}
		first := b.Front == nil
		b.Front = &f
		if first {
			b.Limit = b.begins(m.Plan)
			return s.askMix()
		}
	case "mix":
		if e.ID != b.want {
			return nil
		}
		b.want = 0
		var x wire.BudgetMix
		if err := wire.Unmarshal(e.JSON, &x); err != nil {
			return s.budgetFailed(fmt.Errorf(unread, err).Error())
		}
		if b.Table == nil || len(x.Types) != len(b.Table.Tensors) {
			return nil
		}
		b.Mix = &x
		return s.takeMix()
	case "text":
		b.read = true
	case "first", "judge":
		return s.judged(kind, e)
	}
	return nil
}

// begins is the size that is asked for first: that of the plan there is.
func (b *Budget) begins(p *wire.Plan) int64 {
	least, most := roundUp(b.Front.Least), roundUp(b.Front.Most)
	if p == nil {
		return (least + most) / 2
	}
	return min(most, max(least, roundUp(p.Size)))
}

// hundredth of a MiB is what sizes are chosen in.
const hundredth = (1 << 20) / 100.0

func roundUp(bytes int64) int64 {
	return int64(math.Ceil(math.Ceil(float64(bytes)/hundredth) * hundredth))
}

// mib prints a size as it is chosen: 3.21 MiB.
func mib(bytes int64) string { return fmt.Sprintf("%.2f MiB", float64(bytes)/(1<<20)) }

// unsolved takes in that it failed, or died.
func (s *State) unsolved(kind string, e Fault) []Effect {
	b := &s.Model.Budget
	if r := b.run; r != nil {
		if _, ok := r.asked[e.ID]; ok {
			return s.budgetFailed(e.Message)
		}
	}
	if kind == "mix" && e.ID != b.want || b.solver == "" {
		return nil
	}
	out := s.endSolver()
	b.Fault = e.Message
	if b.Front == nil { // it cannot be solved at all
		b.Table, b.errors, b.Status = nil, nil, ""
	}
	return out
}

// takeMix fills the table of tensors with the mix.
func (s *State) takeMix() []Effect {
	m := &s.Model
	if m.working {
		return nil
	}
	if m.Budget.keep {
		if m.Budget.keep = false; m.Recipe != MixRecipe {
			return nil
		}
	} else {
		m.Types = nil
	}
	m.Recipe, m.chosen, m.Fault = MixRecipe, true, ""
	m.outdate()
	if m.Plan == nil {
		return s.planModel()
	}
	m.waiting = true // the plan before stands meanwhile
	m.renewed()
	return s.askPlan()
}

// mixed says whether the plan goes by a mix.
func (m *Model) mixed() bool { return m.Recipe == MixRecipe && m.Budget.Mix != nil }

// MixName is "mix of at most 3.21 MiB".
func (b *Budget) MixName() string { return "mix of at most " + mib(b.Mix.Limit) }

// mixArgs are what the plan of a mix is made from; rows that a person changed
// stay so.
func (m *Model) mixArgs() wire.PlanArgs {
	b := &m.Budget
	types := map[string]string{}
	for i := range b.Table.Tensors {
		types[b.Table.Tensors[i].Name] = b.Mix.Types[i]
	}
	maps.Copy(types, m.Types)
	return wire.PlanArgs{Recipe: b.Mix.Base, Mix: fmt.Sprintf("mix-%.2fmib", float64(b.Mix.Limit)/(1<<20)), Types: types, Importance: m.guided}
}

// MixLines are the mix as --tensor-type-file takes it: rows that were changed
// by hand come first, for the first pattern that fits decides.
func (m *Model) MixLines() []string {
	if !m.mixed() || m.Plan == nil {
		return nil
	}
	return append(m.typeLines(), m.Budget.Mix.Lines...)
}

// mixCommands are Commands for a mix.
func (m *Model) mixCommands() (own, llama string) {
	in, out, base := Quoted(m.File.Name), Quoted(m.Plan.Name), m.Budget.Mix.Base
	flags := func(name string) string {
		var b strings.Builder
		for _, line := range m.MixLines() {
			b.WriteString(" " + name + " " + Quoted(line))
		}
		return b.String()
	}
	own = fmt.Sprintf("fewbits quantize %s -to %s -pure%s%s -o %s", in, base, m.matrixFlag("-imatrix"), flags("-tensor-type"), out)
	if m.File.Container != "gguf" {
		return own, ""
	}
	again := ""
	if m.requantizes() {
		again = " --allow-requantize"
	}
	return own, fmt.Sprintf("llama-quantize --pure%s%s%s %s %s %s", again, m.matrixFlag("--imatrix"), flags("--tensor-type"), in, out, base)
}

// Loss is a loss as it is said: nats a token where a text was read; else the
// relative error, in per cent, that the tensors would have if all had the same.
func (b *Budget) Loss(v float64) float64 {
	if b.Text != "" {
		return v
	}
	return 100 * math.Sqrt(v/float64(max(1, len(b.Table.Tensors))))
}

// Bits is bits a weight of a file with so many bytes.
func (b *Budget) Bits(bytes int64) float64 {
	return 8 * float64(bytes-b.Table.Overhead+b.Table.Kept) / float64(max(1, b.Table.Values))
}
