package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"fewbits/quant"
	"fewbits/quant/budget"
	"fewbits/quant/budget/probe"
	"fewbits/quant/convert"
	"fewbits/quant/eval"
	"fewbits/quant/metric"
	"fewbits/quant/recipe"
)

// budgeting is one run of the command.
type budgeting struct {
	*call
	in      *input
	weights *importance
	o       convert.Options
	table   *budget.Table
	front   *budget.Frontier
	held    *probe.Reference // nil without a text
	out     budgeted
	ahead   int64 // overhead
}

func budgetCommand(c *call) error {
	path, err := c.one()
	if err != nil {
		return err
	}
	kind := strings.ToLower(filepath.Ext(c.flags["o"]))
	switch {
	case len(c.options) > 0:
		return usagef("budget takes no option %q", c.options[0][0])
	case (c.flags["size"] == "") == (c.flags["bpw"] == ""):
		return usagef("either -size or -bpw says how large the model may be")
	case c.flags["o"] != "" && kind != ".gguf" && kind != ".txt":
		return usagef("OUT ends in .gguf (the model) or .txt (lines for --tensor-type-file), and %q does not", c.flags["o"])
	}
	b := &budgeting{call: c}
	b.out.In, b.out.Out = path, c.flags["o"]
	if c.flags["size"] != "" {
		if b.out.Limit, err = sizeOf(c.flags["size"]); err != nil {
			return err
		}
	}
	if b.out.Out != "" {
		if err := checkOutput(b.out.Out); err != nil {
			return err
		}
	}
	if b.in, err = c.open(path); err != nil {
		return err
	}
	defer b.in.Close()
	if err := recipe.Applies(b.in.Source); err != nil {
		return named(path, err)
	}
	if b.weights, err = c.importance(); err != nil {
		return err
	}
	if b.weights.vector != nil {
		return usagef("%s is the importance of one tensor; give an importance matrix", b.weights.path)
	}
	if err := b.run(); err != nil {
		return named(path, err)
	}
	if c.json {
		return c.printJSON(b.out)
	}
	b.print(c.out)
	return nil
}

// sizes are the units of a size.
var sizes = []struct {
	unit  string
	bytes float64
}{{"KIB", 1 << 10}, {"MIB", 1 << 20}, {"GIB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}, {"", 1}}

// sizeOf reads a size: 3.2MB, 3MiB, 812345.
func sizeOf(s string) (int64, error) {
	number, factor := strings.ToUpper(strings.TrimSpace(s)), 1.0
	for _, u := range sizes {
		if rest, ok := strings.CutSuffix(number, u.unit); ok {
			number, factor = strings.TrimSpace(rest), u.bytes
			break
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil || !(v > 0) || v*factor > 1<<50 {
		return 0, usagef("-size wants a size as 3.2MB, 3MiB or a number of bytes, and %q is none", s)
	}
	return int64(v * factor), nil
}

// run measures, solves, and writes.
func (b *budgeting) run() error {
	m := &meter{sums: map[string]*metric.Sums{}}
	b.o = convert.Options{Formats: m.lookup}
	if err := b.measure(); err != nil {
		return err
	}
	if err := b.limit(); err != nil {
		return err
	}
	if err := b.calibrate(); err != nil {
		return err
	}
	s, err := b.solve(b.out.Limit)
	if err != nil {
		return err
	}
	lines, err := b.table.Lines(s.Choice)
	if err != nil {
		return err
	}
	b.describe(s, lines)
	if err := b.compare(s); err != nil {
		return err
	}
	return b.write(s, lines)
}

// measure fills the table of errors.
func (b *budgeting) measure() error {
	o := budget.Options{Formats: b.o.Formats}
	if !b.weights.none() {
		o.Importance = b.weights.of
	}
	for typ := range strings.SplitSeq(b.flags["types"], ",") {
		if typ = strings.TrimSpace(typ); typ == "" {
			continue
		}
		if err := weightType(typ); err != nil {
			return err
		}
		o.Types = append(o.Types, typ)
	}
	var err error
	if b.table, err = budget.NewTable(b.in.Source, o); err != nil {
		return err
	}
	bar := b.progress()
	defer bar.clear()
	return b.table.Measure(b.ctx, b.o.Formats, func(name string, done, total int64) { bar.expect(total); bar.show(name, done) })
}

// limit is what the file may take, and what of it no type changes.
func (b *budgeting) limit() error {
	meta := b.meta("Q8_0")
	var err error
	b.ahead, err = b.table.Overhead(convert.Options{Formats: b.o.Formats, Meta: meta})
	if err != nil {
		return err
	}
	if s := b.flags["bpw"]; s != "" {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil || !(v > 0) || v > 64 {
			return usagef("-bpw wants bits a weight, as 4.5, and %q is none", s)
		}
		b.out.Limit = int64(v/8*float64(b.table.Values)) - b.table.Kept + b.ahead
	}
	return nil
}

// meta are the keys of the output.
func (b *budgeting) meta(base string) []quant.Meta {
	meta := recipe.Meta(b.in.Source, base)
	if !b.weights.none() {
		meta = append(meta, b.weights.matrix.Meta(b.weights.path)...)
	}
	return meta
}

// solve is the mix for a file's size.
func (b *budgeting) solve(file int64) (s budget.Solution, err error) {
	if b.front == nil {
		if b.front, err = b.table.Frontier(); err != nil {
			return s, err
		}
	}
	if least := b.front.Least() + b.ahead; file < least {
		return s, fmt.Errorf("a file of %s is too small: with the smallest types it takes %s; give more, or allow smaller types with -types", bytesText(file), bytesText(least))
	}
	return b.front.Solve(file - b.ahead)
}

// calibrate makes losses of errors: by the text where there is one.
func (b *budgeting) calibrate() error {
	path := b.flags["text"]
	if path == "" {
		b.table.Relative()
		return nil
	}
	text, err := readText(path)
	if err != nil {
		return err
	}
	ctx, err := b.whole("ctx", eval.DefaultContext)
	if err != nil {
		return err
	}
	chunks, err := b.whole("chunks", 4)
	if err != nil {
		return err
	}
	first, rest := probe.Halves(text)
	o := eval.Options{Context: ctx, Chunks: chunks, Shorter: true}
	ref, err := probe.New(b.ctx, b.in.Source, first, o)
	if err != nil {
		return fmt.Errorf("the first half of %s: %w", path, err)
	}
	o.Chunks *= 2
	if b.held, err = probe.New(b.ctx, b.in.Source, rest, o); err != nil {
		return fmt.Errorf("the second half of %s: %w", path, err)
	}
	bar := b.progress()
	defer bar.clear()
	of := ref.Divergence(b.o)
	if _, err = b.table.Calibrate(b.ctx, of, func(name string, done, total int) { bar.expect(int64(total)); bar.show(name, int64(done)) }); err != nil {
		return err
	}
	s, err := b.solve(b.out.Limit)
	if err != nil {
		return err
	}
	b.front = nil // losses change
	b.out.Calibrated = true
	return b.table.Fit(b.ctx, of, s.Choice)
}

// describe takes the mix into the output.
func (b *budgeting) describe(s budget.Solution, l budget.Lines) {
	b.out.Bytes, b.out.Overhead = s.Bytes+b.ahead, b.ahead
	b.out.Loss, b.out.Bound = real(s.Loss), real(s.Bound)
	b.out.BitsPerWeight = b.bits(s.Bytes)
	b.out.Base, b.out.Arguments = l.Base, l.Arguments()
	for _, p := range b.front.Curve() {
		b.out.Frontier = append(b.out.Frontier, frontierPoint{p.Bytes + b.ahead, real(p.Loss)})
	}
	for i, t := range b.table.Tensors {
		row := budgetTensor{Name: t.Name, Shape: t.Shape, To: t.Types[s.Choice[i]].Name}
		for _, c := range t.Types {
			row.Types = append(row.Types, budgetType{c.Name, c.Bytes, real(c.Error), real(c.Loss)})
		}
		b.out.Tensors = append(b.out.Tensors, row)
	}
}

// bits is bits a weight, of all tensors.
func (b *budgeting) bits(bytes int64) float64 {
	return float64(bytes+b.table.Kept) * 8 / float64(max(1, b.table.Values))
}

// compared are the recipes that a mix is held against.
var compared = []string{"Q4_K_M", "Q5_K_M"}

// compare adds the mix, recipes and mixes of their sizes, each run on the text
// where there is one.
func (b *budgeting) compare(s budget.Solution) error {
	if err := b.addMix("mix", s); err != nil {
		return err
	}
	for _, name := range compared {
		plan, err := recipe.Plan(b.in.Source, name, recipe.Options{Importance: !b.weights.none()})
		if err != nil {
			return err
		}
		b.table.Weigh(plan)
		bytes := b.table.Bytes(plan)
		m := budgetModel{Name: name, Bytes: bytes + b.ahead, BitsPerWeight: b.bits(bytes), plan: plan}
		if choice, ok := b.table.Of(plan); ok {
			_, loss := b.table.Sum(choice)
			m.Loss = ptr(loss)
		}
		b.out.Models = append(b.out.Models, m)
		if bytes < b.front.Least() {
			continue
		}
		same, err := b.solve(bytes + b.ahead)
		if err != nil {
			return err
		}
		if err := b.addMix("mix of that size", same); err != nil {
			return err
		}
	}
	return b.judge()
}

func ptr(v float64) *real { r := real(v); return &r }

func (b *budgeting) addMix(name string, s budget.Solution) error {
	plan, err := b.table.Plan(s.Choice)
	b.out.Models = append(b.out.Models, budgetModel{Name: name, Bytes: s.Bytes + b.ahead, BitsPerWeight: b.bits(s.Bytes), Loss: ptr(s.Loss), plan: plan})
	return err
}

// judge runs the models on the text that is held back.
func (b *budgeting) judge() error {
	if b.held == nil {
		return nil
	}
	bar := b.progress()
	defer bar.clear()
	bar.expect(int64(len(b.out.Models)))
	for i := range b.out.Models {
		m := &b.out.Models[i]
		bar.show(m.Name, int64(i))
		src, err := probe.Applied(b.ctx, b.in.Source, m.plan, b.o)
		if err != nil {
			return err
		}
		sums, err := b.held.Against(b.ctx, src)
		if err != nil {
			return err
		}
		r := sums.Strayed()
		m.KL, m.KLError, m.SameTop = ptr(r.KL.Value), ptr(r.KL.Error), ptr(r.SameTop.Value)
	}
	return nil
}

// write writes the model, or its lines.
func (b *budgeting) write(s budget.Solution, l budget.Lines) error {
	if b.out.Out == "" {
		return nil
	}
	if strings.EqualFold(filepath.Ext(b.out.Out), ".txt") {
		return create(b.ctx, b.out.Out, func(w io.Writer) error { _, err := io.WriteString(w, l.String()); return err })
	}
	plan, err := b.table.Plan(s.Choice)
	if err != nil {
		return err
	}
	bar := b.progress()
	defer bar.clear()
	o := b.o
	o.Meta = b.meta(l.Base)
	o.Progress = func(p convert.Progress) { bar.expect(p.Total); bar.show(p.Name, p.Done) }
	return create(b.ctx, b.out.Out, func(w io.Writer) error { return convert.ToGGUF(b.ctx, w, b.in.Source, plan, o) })
}
