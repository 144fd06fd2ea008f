//go:build !first

package session

import (
	"context"
	"errors"
	"math"
	"slices"

	"fewbits/quant"
	"fewbits/quant/budget"
	"fewbits/quant/budget/probe"
	"fewbits/quant/convert"
	"fewbits/quant/eval"
	"fewbits/quant/formats"
	"fewbits/quant/recipe"
	"fewbits/quant/tales"
	"fewbits/wasm/wire"
)

// budgeting is the table of what a model's tensors cost and lose, with what
// mixes are run on.
type budgeting struct {
	table *budget.Table
	meter *budget.Meter
	front *budget.Frontier // nil until there are errors
	ahead int64            // bytes of the file beside the table's tensors

	first, rest string // halves of the text
	chunks      int
	seen, held  *probe.Reference // of the first half and the second; held when it is asked for
}

var errNoBudget = errors.New("no table of errors is here: open the model and measure it first")

func (s *Session) weighUp(op string, args []byte, a Attachment) (Reply, error) {
	if op == wire.OpBudgetOpen {
		return call(args, func(v wire.BudgetOpenArgs) (Reply, error) { return s.budgetOpen(v, a) })
	}
	b := &s.budget
	if b.table == nil {
		return Reply{}, errNoBudget
	}
	switch op {
	case wire.OpBudgetRows:
		return call(args, b.rows)
	case wire.OpBudgetErrors:
		return call(args, s.budgetErrors)
	case wire.OpBudgetText:
		return call(args, s.budgetText)
	case wire.OpBudgetProbe:
		return call(args, b.probe)
	}
	if b.front == nil {
		return Reply{}, errNoBudget
	}
	if op == wire.OpBudgetMix {
		return call(args, b.mix)
	}
	return call(args, s.judge)
}

func converting() convert.Options { return convert.Options{Formats: formats.Lookup} }

// budgetOpen lists what may be quantized, and to what.
func (s *Session) budgetOpen(v wire.BudgetOpenArgs, a Attachment) (Reply, error) {
	s.budget = budgeting{}
	if _, err := s.open(wire.OpenArgs{Name: v.Name, Whole: true}, a); err != nil {
		return Reply{}, err
	}
	s.plain = convert.Plain(s.file)
	if err := recipe.Applies(s.file); err != nil {
		return Reply{}, err
	}
	o, with := budget.Options{Formats: formats.Lookup}, converting()
	with.Meta = recipe.Meta(s.file, "Q8_0") // as long as any other's
	if v.Importance {
		if s.matrix == nil {
			return Reply{}, errNoMatrix
		}
		o.Importance = s.matrix.Of
		with.Meta = append(with.Meta, s.matrix.Meta(s.matrixName)...)
	}
	t, err := budget.NewTable(s.plain, o)
	if err != nil {
		return Reply{}, err
	}
	b := budgeting{table: t, meter: budget.NewMeter(t, formats.Lookup)}
	if b.ahead, err = t.Overhead(with); err != nil {
		return Reply{}, err
	}
	if len(t.Tensors) == 0 {
		return Reply{}, errors.New("the model has no tensor that may be quantized")
	}
	s.budget = b
	out := wire.BudgetTable{Overhead: b.ahead, Values: t.Values, Kept: t.Kept}
	for _, r := range t.Tensors {
		row := wire.BudgetTensor{Name: r.Name, Rows: quant.Rows(r.Shape), Cols: quant.Cols(r.Shape)}
		for _, typ := range r.Types {
			row.Types = append(row.Types, typ.Name)
		}
		out.Tensors = append(out.Tensors, row)
	}
	return Reply{JSON: out}, nil
}

// rows quantizes some rows to all their types.
func (b *budgeting) rows(a wire.BudgetRowsArgs) (Reply, error) {
	if a.Tensor < 0 || a.Tensor >= len(b.table.Tensors) {
		return Reply{}, errNoBudget
	}
	e, err := b.meter.Rows(context.Background(), a.Tensor, a.Row, a.Rows)
	if err != nil {
		return Reply{}, err
	}
	out := wire.BudgetErrors{Energy: told(e.Energy)}
	for _, v := range e.Of {
		out.Of = append(out.Of, told(v))
	}
	return Reply{JSON: out}, nil
}

// told is a number as messages have it, and heard what it means: −1 is not finite.
func told(v float64) float64 {
	if v-v != 0 {
		return -1
	}
	return v
}

func heard(v float64) float64 {
	if v < 0 {
		return math.Inf(1)
	}
	return v
}

// budgetErrors makes losses of errors, and of those a front.
func (s *Session) budgetErrors(a wire.BudgetErrorsArgs) (Reply, error) {
	b := &s.budget
	t := b.table
	if len(a.Errors) != len(t.Tensors) {
		return Reply{}, errNoBudget
	}
	for i, e := range a.Errors {
		of := budget.Errors{Energy: heard(e.Energy)}
		for _, v := range e.Of {
			of.Of = append(of.Of, heard(v))
		}
		if err := t.Set(i, of); err != nil {
			return Reply{}, err
		}
	}
	t.Relative()
	out := wire.BudgetFront{Recipes: []wire.BudgetRecipe{}, Probes: []wire.BudgetProbe{}}
	for _, p := range t.Probes() {
		out.Probes = append(out.Probes, wire.BudgetProbe{Tensor: p.Tensor, Type: p.Type})
	}
	if len(a.Probes) > 0 {
		var list []budget.Probe
		for _, p := range a.Probes {
			q := budget.Probe{Tensor: p.Tensor, Type: p.Type, KL: p.KL}
			if _, err := t.Alone(q); err != nil {
				return Reply{}, err
			}
			list = append(list, q)
		}
		t.Apply(list)
	}
	if a.Scale > 0 {
		t.Scale(a.Scale)
	}
	f, err := t.Frontier()
	if err != nil {
		return Reply{}, err
	}
	b.front = f
	out.Least, out.Most = f.Least()+b.ahead, f.Most()+b.ahead
	for _, p := range f.Curve() {
		out.Curve = append(out.Curve, [2]float64{float64(p.Bytes + b.ahead), p.Loss})
	}
	for _, r := range recipe.All() {
		if row, ok := s.recipeRow(r.Name); ok && r.Name != "MXFP4_MOE" { // which is of experts
			out.Recipes = append(out.Recipes, row)
		}
	}
	return Reply{JSON: out}, nil
}

// recipePlan is what a recipe makes of the model; false where it cannot, or
// where it has types that the table has not.
func (s *Session) recipePlan(name string) (plan []convert.Step, choice []int, ok bool) {
	t := s.budget.table
	plan, err := recipe.Plan(s.plain, name, recipe.Options{Importance: s.matrix != nil})
	if err != nil {
		return nil, nil, false
	}
	t.Weigh(plan)
	if recipe.Check(plan, name) != nil {
		return nil, nil, false
	}
	choice, ok = t.Of(plan)
	return plan, choice, ok
}

func (s *Session) recipeRow(name string) (row wire.BudgetRecipe, ok bool) {
	b := &s.budget
	_, choice, ok := s.recipePlan(name)
	if !ok {
		return row, false
	}
	bytes, loss := b.table.Sum(choice)
	row = wire.BudgetRecipe{Name: name, Bytes: bytes + b.ahead, Loss: loss, Best: -1}
	if best, err := b.front.Solve(bytes); err == nil {
		row.Best = best.Loss
	}
	return row, loss-loss == 0
}

// solve is the best choice for a file of at most so many bytes.
func (b *budgeting) solve(limit int64) (budget.Solution, error) {
	return b.front.Solve(limit - b.ahead)
}

func (b *budgeting) mix(a wire.BudgetMixArgs) (Reply, error) {
	x, err := b.solve(a.Limit)
	if err != nil {
		return Reply{}, err
	}
	l, err := b.table.Lines(x.Choice)
	if err != nil {
		return Reply{}, err
	}
	out := wire.BudgetMix{Limit: a.Limit, Bytes: x.Bytes + b.ahead, Loss: x.Loss, Exact: x.Exact, Base: l.Base}
	for i, k := range x.Choice {
		out.Types = append(out.Types, b.table.Tensors[i].Types[k].Name)
	}
	for _, line := range l.List {
		out.Lines = append(out.Lines, line.String())
	}
	return Reply{JSON: out}, nil
}

// budgetText lets the original read the first half of a text.
func (s *Session) budgetText(a wire.BudgetTextArgs) (Reply, error) {
	b := &s.budget
	text := a.Text
	if text == "" {
		text = tales.Text(tales.Measuring, taleStories)
	}
	b.first, b.rest = probe.Halves(text)
	b.chunks, b.held = max(1, a.Chunks), nil
	var err error
	if b.seen, err = s.reference(b.first, b.chunks); err != nil {
		return Reply{}, err
	}
	return Reply{JSON: wire.BudgetText{Scored: b.seen.Scored, Context: b.seen.Context}}, nil
}

func (s *Session) reference(text string, chunks int) (*probe.Reference, error) {
	return probe.New(context.Background(), s.plain, text, eval.Options{Shorter: true, Chunks: chunks})
}

var errNoText = errors.New("no text has been read by the original")

// probe runs the model with one tensor quantized.
func (b *budgeting) probe(a wire.BudgetProbe) (Reply, error) {
	if b.seen == nil {
		return Reply{}, errNoText
	}
	plan, err := b.table.Alone(budget.Probe{Tensor: a.Tensor, Type: a.Type})
	if err != nil {
		return Reply{}, err
	}
	a.KL, err = b.seen.Divergence(converting())(context.Background(), plan)
	if err == nil && a.KL-a.KL != 0 {
		a.KL = -1 // counts for nothing
	}
	return Reply{JSON: a}, err
}

// judge runs a recipe, or the best mix for a size.
func (s *Session) judge(a wire.BudgetJudgeArgs) (Reply, error) {
	b := &s.budget
	if b.seen == nil {
		return Reply{}, errNoText
	}
	out := wire.BudgetJudged{Loss: -1}
	var plan []convert.Step
	var choice []int
	if a.Recipe != "" {
		var ok bool
		if plan, choice, ok = s.recipePlan(a.Recipe); !ok {
			return Reply{}, errors.New(a.Recipe + " cannot be held against mixes of this model")
		}
	} else {
		x, err := b.solve(a.Limit)
		if err != nil {
			return Reply{}, err
		}
		choice = slices.Clone(x.Choice)
		if plan, err = b.table.Plan(choice); err != nil {
			return Reply{}, err
		}
	}
	out.Bytes, out.Loss = b.table.Sum(choice)
	out.Bytes += b.ahead
	by := b.seen
	if !a.First {
		if b.held == nil {
			var err error
			if b.held, err = s.reference(b.rest, 2*b.chunks); err != nil {
				return Reply{}, err
			}
		}
		by = b.held
	}
	src, err := probe.Applied(context.Background(), s.plain, plan, converting())
	if err != nil {
		return Reply{}, err
	}
	sums, err := by.Against(context.Background(), src)
	if err != nil {
		return Reply{}, err
	}
	r := sums.Strayed()
	out.KL, out.KLError, out.SameTop, out.Scored = told(r.KL.Value), told(r.KL.Error), told(r.SameTop.Value), by.Scored
	return Reply{JSON: out}, nil
}
