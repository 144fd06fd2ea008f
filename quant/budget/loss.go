package budget

import (
	"context"
	"fmt"
	"math"
	"slices"

	"fewbits/quant/convert"
)

// Relative makes losses of errors by the tensors alone: each type loses its
// error as a part of the tensor's energy. With an importance matrix that is
// the squared error of the layer's output relative to the output's, where
// inputs are uncorrelated. All tensors count alike, as nothing says otherwise.
func (t *Table) Relative() {
	for i := range t.Tensors {
		r := &t.Tensors[i]
		for k := range r.Types {
			e := r.Types[k].Error
			if r.Energy > 0 && !math.IsInf(r.Energy, 0) {
				e /= r.Energy
			}
			r.Types[k].Loss = e
		}
	}
}

// Divergence is the mean KL divergence of the model that a plan makes from the
// original, in nats a token.
type Divergence func(ctx context.Context, plan []convert.Step) (float64, error)

// Probe is the divergence of the model with one tensor in one type and all
// others as they are.
type Probe struct {
	Tensor, Type int // in the table
	KL           float64
}

// Calibrate makes losses of errors by measured divergence: it quantizes each
// tensor alone, to the type that is the nearest to 4.5 bits a weight and to the
// smallest one. A type that was measured loses its divergence; any other its
// own error times the divergence a unit of error of the measured type whose
// error is the nearest. progress, which may be nil, is called before each probe
// and at the end.
func (t *Table) Calibrate(ctx context.Context, of Divergence, progress func(name string, done, total int)) ([]Probe, error) {
	list := t.Probes()
	for n := range list {
		p := &list[n]
		if progress != nil {
			progress(t.Tensors[p.Tensor].Name, n, len(list))
		}
		plan, err := t.Alone(*p)
		if err != nil {
			return nil, err
		}
		if p.KL, err = of(ctx, plan); err != nil {
			return nil, err
		}
	}
	if progress != nil {
		progress("", len(list), len(list))
	}
	t.Apply(list)
	return list, nil
}

// Probes are those that Calibrate measures, with no divergence yet: for who
// shares them out. They depend on the errors of the table.
func (t *Table) Probes() (list []Probe) {
	for i := range t.Tensors {
		for _, k := range t.probes(i) {
			list = append(list, Probe{Tensor: i, Type: k})
		}
	}
	return list
}

// probes are the types of a tensor that are measured.
func (t *Table) probes(tensor int) []int {
	const usual = 4.5 / 16 // of F16's size
	r := &t.Tensors[tensor]
	small, near := -1, -1
	full := float64(r.Types[len(r.Types)-1].Bytes)
	if k := r.find("F16"); k >= 0 {
		full = float64(r.Types[k].Bytes)
	}
	for k, typ := range r.Types {
		if !(typ.Error > 0) || math.IsInf(typ.Error, 0) || typ.Name == "F16" || typ.Name == "BF16" {
			continue
		}
		if small < 0 || typ.Bytes < r.Types[small].Bytes {
			small = k
		}
		if near < 0 || math.Abs(float64(typ.Bytes)-usual*full) < math.Abs(float64(r.Types[near].Bytes)-usual*full) {
			near = k
		}
	}
	switch {
	case small < 0:
		return nil
	case small == near:
		return []int{near}
	}
	return []int{small, near}
}

// Alone is the plan that changes the tensor of a probe only, to its type.
func (t *Table) Alone(p Probe) ([]convert.Step, error) {
	if p.Tensor < 0 || p.Tensor >= len(t.Tensors) || p.Type < 0 || p.Type >= len(t.Tensors[p.Tensor].Types) {
		return nil, fmt.Errorf("budget: there is no tensor %d with a type %d", p.Tensor, p.Type)
	}
	plan := make([]convert.Step, len(t.plan))
	for i, s := range t.plan {
		var err error
		if plan[i], err = s.Keep(""); err != nil {
			return nil, err
		}
	}
	r := &t.Tensors[p.Tensor]
	s, err := t.plan[r.step].As(r.Types[p.Type].Name)
	plan[r.step] = s
	return plan, err
}

// Apply makes losses of probes, as Calibrate does. A tensor without any has
// the median factor of the others.
func (t *Table) Apply(probes []Probe) {
	of := make([][]Probe, len(t.Tensors))
	var factors []float64
	for _, p := range probes {
		if e := t.Tensors[p.Tensor].Types[p.Type].Error; e > 0 && p.KL >= 0 {
			of[p.Tensor] = append(of[p.Tensor], p)
			factors = append(factors, p.KL/e)
		}
	}
	for i := range t.Tensors {
		r := &t.Tensors[i]
		for k := range r.Types {
			typ := &r.Types[k]
			typ.Loss = typ.Error * factor(r, of[i], typ.Error, factors)
			if typ.Error == 0 {
				typ.Loss = 0
			}
		}
		for _, p := range of[i] {
			r.Types[p.Type].Loss = p.KL
		}
	}
}

// Fit measures the divergence of choices in full and makes all losses larger or
// smaller by what they were off. Tensors together stray further than the sum of
// each alone; this sets the scale right, and leaves which choices are best.
func (t *Table) Fit(ctx context.Context, of Divergence, choice []int) error {
	plan, err := t.Plan(choice)
	if err != nil {
		return err
	}
	kl, err := of(ctx, plan)
	if err != nil {
		return err
	}
	if _, loss := t.Sum(choice); loss > 0 && kl > 0 {
		t.Scale(kl / loss)
	}
	return nil
}

// Scale makes all losses so many times as large.
func (t *Table) Scale(by float64) {
	for i := range t.Tensors {
		for k := range t.Tensors[i].Types {
			t.Tensors[i].Types[k].Loss *= by
		}
	}
}

// factor is the divergence a unit of error for a type of a tensor with an
// error: that of the probe whose error is the nearest, as a ratio.
func factor(r *Tensor, probes []Probe, e float64, all []float64) float64 {
	best, far := 0.0, math.Inf(1)
	for _, p := range probes {
		measured := r.Types[p.Type].Error
		if d := math.Abs(math.Log(e / measured)); d < far {
			best, far = p.KL/measured, d
		}
	}
	if math.IsInf(far, 1) && len(all) > 0 {
		sorted := slices.Sorted(slices.Values(all))
		return sorted[len(sorted)/2]
	}
	return best
}
