package train

import (
	"fmt"
	"math"

	"fewbits/quant/llama"
	"fewbits/quant/qat"
	"fewbits/quant/tales"
)

// AwareOptions says how a model is trained on with few bits in mind. The zero
// value of a field but Bits is its default.
type AwareOptions struct {
	Bits      int     // of a weight: 2 … 8, or qat.Ternary
	Group     int     // weights of a row that share a step; 0 is all of the row
	Seed      uint64  // of the stories; 0 is 1
	Steps     int     // 0 is 60
	Sequences int     // of a step; 0 is 4
	Rate      float64 // of learning, at first; 0 is 0.0004
}

// fresh is the first seed, of those above a training's own, of stories that no
// Trainer has told.
const fresh = 1 << 31

// heldBatches is how many batches of a step's size perplexity is measured on.
const heldBatches = 2

// tries is how many steps are tried for a group to begin with.
const tries = 40

// Aware trains a model on while all its matrices are rounded in every pass:
// quantization-aware training. Weights stay floats and learn through the
// rounding; each group's step learns as well (see package qat). Norms are not
// rounded. The same options give the same numbers.
type Aware struct {
	Float   float64 // perplexity of the model as it came
	Rounded float64 // perplexity of it rounded, each step that of least squared error

	model     *Model
	options   AwareOptions
	stories   stories
	optimizer *optimizer
	matrices  []matrix // those that are rounded
	steps     []qat.LSQ
	slopes    []float64    // of steps, from the last pass
	moments   [][2]float64 // Adam's running means of them
	held      []Batch
}

// NewAware begins a training of m, which it changes from then on. Memory: three
// more arrays as long as the weights.
func NewAware(m *Model, v *llama.Vocab, o AwareOptions) (*Aware, error) {
	o, err := o.withDefaults(m)
	if err != nil {
		return nil, err
	}
	a := &Aware{model: m, options: o, stories: stories{v, m.Context}, optimizer: newOptimizer(m)}
	m.coarse = nil // of a training before
	held, n := a.stories.batch(tales.Measuring, heldBatches*o.Sequences), o.Sequences*m.Context
	for i := range heldBatches {
		a.held = append(a.held, Batch{held.Tokens[i*n : (i+1)*n], held.Targets[i*n : (i+1)*n]})
	}
	if a.Float, err = a.Perplexity(); err != nil {
		return nil, err
	}
	m.coarse = make([]float32, m.size)
	levels := qat.Signed(o.Bits)
	for _, w := range m.all {
		if !w.norm {
			a.matrices = append(a.matrices, w)
			each(w, o.Group, func(from, to int) { a.steps = append(a.steps, qat.BestOf(levels, m.weights[from:to], tries)) })
		}
	}
	a.slopes, a.moments = make([]float64, len(a.steps)), make([][2]float64, len(a.steps))
	a.round()
	a.Rounded, err = a.Perplexity()
	return a, err
}

func (o AwareOptions) withDefaults(m *Model) (AwareOptions, error) {
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.Steps == 0 {
		o.Steps = 60
	}
	if o.Sequences == 0 {
		o.Sequences = 4
	}
	if o.Rate == 0 {
		o.Rate = 0.0004
	}
	switch {
	case o.Bits != qat.Ternary && (o.Bits < 2 || o.Bits > 8):
		return o, fmt.Errorf("train: weights of %d bits; 2 … 8 are possible, or %d for ternary", o.Bits, qat.Ternary)
	case o.Group < 0 || o.Group > 0 && (m.Width%o.Group != 0 || m.Hidden%o.Group != 0 || m.Heads*m.Dim%o.Group != 0):
		return o, fmt.Errorf("train: groups of %d weights do not fill rows of %d, %d and %d", o.Group, m.Width, m.Hidden, m.Heads*m.Dim)
	case o.Seed >= 1<<32:
		return o, fmt.Errorf("train: the seed %d is too large; below 2^32 are possible", o.Seed)
	case o.Steps < 1 || o.Steps > maxSteps || o.Sequences < 1 || o.Sequences > 1024:
		return o, fmt.Errorf("train: %d steps of %d sequences: out of range", o.Steps, o.Sequences)
	case !(o.Rate > 0) || o.Rate > 1:
		return o, fmt.Errorf("train: a rate of %v; more than 0 and at most 1 are possible", o.Rate)
	}
	return o, nil
}

// each calls f with where every group of a matrix lies in the parameters.
func each(w matrix, group int, f func(from, to int)) {
	if group == 0 {
		group = w.cols
	}
	for from := w.at; from < w.at+w.rows*w.cols; from += group {
		f(from, from+group)
	}
}

// Done is how many steps were taken, of how many.
func (a *Aware) Done() (steps, of int) { return a.optimizer.steps, a.options.Steps }

// Step takes one step, and returns the loss before it.
func (a *Aware) Step() (float64, error) {
	step := a.optimizer.steps
	loss, err := a.model.Loss(a.stories.batch(a.options.Seed*tales.Training+fresh+uint64(step), a.options.Sequences), true)
	if err != nil {
		return 0, err
	}
	if math.IsNaN(loss) {
		return 0, fmt.Errorf("train: the loss of step %d is no number; choose a lower rate than %v", step, a.options.Rate)
	}
	a.through()
	rate := a.options.Rate * falling(float64(step)/float64(a.options.Steps), 0.02)
	a.optimizer.step(a.model, rate)
	a.stride(rate)
	a.round()
	return loss, nil
}

// Perplexity is e to the mean loss on stories that are not trained on, of the model
// as it stands: rounded, once the training has begun.
func (a *Aware) Perplexity() (float64, error) {
	var sum float64
	for _, b := range a.held {
		loss, err := a.model.Loss(b, false)
		if err != nil {
			return 0, err
		}
		sum += loss
	}
	return math.Exp(sum / float64(len(a.held))), nil
}

// groups calls f with every group: its step's place, and where it lies.
func (a *Aware) groups(f func(i, from, to int)) {
	i := 0
	for _, w := range a.matrices {
		each(w, a.options.Group, func(from, to int) {
			f(i, from, to)
			i++
		})
	}
}

// round takes the weights as they stand to what the passes use.
func (a *Aware) round() {
	m := a.model
	copy(m.coarse, m.weights)
	a.groups(func(i, from, to int) { qat.Fake(a.steps[i], m.coarse[from:to], m.weights[from:to]) })
}

// through makes gradients of the weights, and of the steps, from those of the
// rounded weights.
func (a *Aware) through() {
	m := a.model
	a.groups(func(i, from, to int) {
		g := m.grads[from:to]
		a.slopes[i] = qat.Back(a.steps[i], g, m.weights[from:to], g)
	})
}

// stride moves the steps as Adam moves weights, each by a share of itself.
func (a *Aware) stride(rate float64) {
	n := float64(a.optimizer.steps)
	c1, c2 := 1-math.Pow(keepFirst, n), 1-math.Pow(keepSecond, n)
	for i, g := range a.slopes {
		p := &a.moments[i]
		p[0] = float64(keepFirst*p[0]) + float64((1-keepFirst)*g)
		p[1] = float64(keepSecond*p[1]) + float64((1-keepSecond)*float64(g*g))
		a.steps[i].Step *= 1 - rate*(p[0]/c1)/(math.Sqrt(p[1]/c2)+1e-12)
	}
}
