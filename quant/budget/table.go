package budget

import (
	"fmt"
	"slices"

	"fewbits/quant"
	"fewbits/quant/convert"
	"fewbits/quant/recipe"
)

// Table is what each tensor of a model costs and loses in each type.
type Table struct {
	Tensors []Tensor // that may be quantized
	Kept    int64    // bytes of all others, padded
	Values  int64    // of all tensors

	src   quant.Source
	plan  []convert.Step // of all tensors, in the order of the output
	align int64
}

// Tensor is one row of a Table.
type Tensor struct {
	Name   string
	Shape  []int
	Energy float64 // Σ w·x² of its values, measured like Type.Error
	Types  []Type  // that suit its rows

	step int // in the plan
}

// Type is one cell of a Table.
type Type struct {
	Name  string
	Bytes int64   // of the tensor, padded as a GGUF file pads it
	Error float64 // Σ w·(x̂ − x)²; of a Meter
	Loss  float64 // of Table.Relative or Table.Calibrate
}

// Options are for a Table.
type Options struct {
	Types []string // to choose from; none is DefaultTypes
	// Formats finds the quantizer of a format by the name in its Info.
	Formats func(name string) (quant.Format, bool)
	// Importance has the weights of a tensor's columns, as imatrix.Matrix.Of
	// gives them; nil for none. Types that need them are left out without.
	Importance func(name string, shape []int) ([]float32, error)
}

// DefaultTypes are those that programs have quick products for.
func DefaultTypes() []string {
	return []string{
		"IQ1_S", "IQ1_M", "IQ2_XXS", "IQ2_XS", "IQ2_S", "Q2_K", "IQ3_XXS", "IQ3_S", "Q3_K", "IQ4_XS",
		"IQ4_NL", "Q4_0", "Q4_K", "Q4_1", "Q5_0", "Q5_K", "Q5_1", "Q6_K", "Q8_0", "F16",
	}
}

// NewTable lists the tensors of src that convert.PlanPure quantizes, with the
// types whose blocks their rows fill. What is there in few bits may also stay
// as it is. Rows that fill no block of a type asked for may be F16.
func NewTable(src quant.Source, o Options) (*Table, error) {
	if len(o.Types) == 0 {
		o.Types = DefaultTypes()
	}
	plan, err := convert.PlanPure(src, "Q8_0")
	if err != nil {
		return nil, err
	}
	t := &Table{src: src, plan: plan, align: alignment(src)}
	for i := range plan {
		s := &plan[i]
		n, _ := quant.Count(s.Shape)
		t.Values += int64(n)
		if s.Asked == "" {
			t.Kept += t.pad(s.Bytes)
			continue
		}
		row, err := t.row(i, o)
		if err != nil {
			return nil, fmt.Errorf("budget: tensor %q: %w", s.Name, err)
		}
		t.Tensors = append(t.Tensors, row)
	}
	return t, nil
}

// row is one tensor with its types, of step i of the plan.
func (t *Table) row(i int, o Options) (Tensor, error) {
	s := &t.plan[i]
	if o.Importance != nil {
		// The rows of a token embedding are looked up: what was collected under
		// its name may have another length.
		w, err := o.Importance(s.Name, s.Shape)
		if err != nil && s.Name != "token_embd.weight" {
			return Tensor{}, err
		}
		if err == nil {
			s.Options.Importance = w
		}
	}
	row := Tensor{Name: s.Name, Shape: s.Shape, step: i}
	for _, name := range append(slices.Clone(o.Types), s.From) {
		as, err := s.As(name)
		if name == s.From && (name == "F32" || err != nil) {
			continue
		}
		if err != nil {
			return row, err
		}
		if as.To != as.Asked || row.find(as.To) >= 0 || !t.takes(as, o) {
			continue
		}
		row.Types = append(row.Types, Type{Name: as.To, Bytes: t.pad(as.Bytes)})
	}
	if row.Types == nil {
		as, err := s.As("F16")
		if err != nil {
			return row, err
		}
		row.Types = []Type{{Name: as.To, Bytes: t.pad(as.Bytes)}}
	}
	slices.SortStableFunc(row.Types, func(a, b Type) int { return int(min(1, max(-1, a.Bytes-b.Bytes))) })
	return row, nil
}

// takes says whether a step can be carried out with the importance there is,
// here and by llama-quantize.
func (t *Table) takes(s convert.Step, o Options) bool {
	if s.Copied() || len(s.Options.Importance) > 0 {
		return true
	}
	if recipe.Check([]convert.Step{s}, "") != nil {
		return false
	}
	f, ok := o.Formats(s.To)
	return !ok || f.Info().Importance != quant.Required
}

// find is the place of a type, −1 where the tensor has no such.
func (r *Tensor) find(typ string) int {
	return slices.IndexFunc(r.Types, func(t Type) bool { return t.Name == typ })
}

// alignment is what a file pads its tensors to.
func alignment(src quant.Source) int64 {
	for _, m := range src.Metadata() {
		if n, ok := m.Int(); ok && m.Key == "general.alignment" && n > 0 && n <= 1<<20 {
			return n
		}
	}
	return 32
}

func (t *Table) pad(n int64) int64 { return (n + t.align - 1) / t.align * t.align }

// Overhead is how many bytes a GGUF file of the model takes beside the tensors
// of the table: what stands before them, with meta set in it, and those that
// are kept.
func (t *Table) Overhead(o convert.Options) (int64, error) {
	m, err := convert.NewMaker(t.src, t.plan, o)
	if err != nil {
		return 0, err
	}
	var n counter
	if err := m.Header(&n); err != nil {
		return 0, err
	}
	return t.pad(int64(n)) + t.Kept, nil
}

// counter counts what is written.
type counter int64

func (c *counter) Write(p []byte) (int, error) { *c += counter(len(p)); return len(p), nil }

// Frontier is the knapsack of the table's losses.
func (t *Table) Frontier() (*Frontier, error) {
	items := make([][]Choice, len(t.Tensors))
	for i, r := range t.Tensors {
		for _, c := range r.Types {
			items[i] = append(items[i], Choice{c.Bytes, c.Loss})
		}
	}
	return NewFrontier(items)
}

// Plan is the model with a type for each tensor of the table, by the index of
// the type. Steps have their importance.
func (t *Table) Plan(choice []int) ([]convert.Step, error) {
	if len(choice) != len(t.Tensors) {
		return nil, fmt.Errorf("budget: %d choices for %d tensors", len(choice), len(t.Tensors))
	}
	plan := slices.Clone(t.plan)
	for i, r := range t.Tensors {
		if choice[i] < 0 || choice[i] >= len(r.Types) {
			return nil, fmt.Errorf("budget: tensor %q has no choice %d", r.Name, choice[i])
		}
		s, err := plan[r.step].As(r.Types[choice[i]].Name)
		if err != nil {
			return nil, fmt.Errorf("budget: tensor %q: %w", r.Name, err)
		}
		s.Why = ""
		plan[r.step] = s
	}
	return plan, nil
}

// Weigh gives the steps of another plan of the model the importance that the
// table goes by.
func (t *Table) Weigh(plan []convert.Step) {
	weights := map[string][]float32{}
	for _, s := range t.plan {
		weights[s.Name] = s.Options.Importance
	}
	for i := range plan {
		plan[i].Options.Importance = weights[plan[i].Name]
	}
}

// Of reads a plan as choices, one a tensor of the table, where its types are
// among the table's.
func (t *Table) Of(plan []convert.Step) (choice []int, ok bool) {
	types := map[string]string{}
	for _, s := range plan {
		types[s.Name] = s.To
	}
	for _, r := range t.Tensors {
		k := r.find(types[r.Name])
		if k < 0 {
			return nil, false
		}
		choice = append(choice, k)
	}
	return choice, true
}

// Bytes is what a plan's tensors that are in the table take, padded.
func (t *Table) Bytes(plan []convert.Step) (n int64) {
	in := map[string]bool{}
	for _, r := range t.Tensors {
		in[r.Name] = true
	}
	for _, s := range plan {
		if in[s.Name] {
			n += t.pad(s.Bytes)
		}
	}
	return n
}

// Sum is what choices take and lose.
func (t *Table) Sum(choice []int) (bytes int64, loss float64) {
	for i, k := range choice {
		bytes += t.Tensors[i].Types[k].Bytes
		loss += t.Tensors[i].Types[k].Loss
	}
	return bytes, loss
}
