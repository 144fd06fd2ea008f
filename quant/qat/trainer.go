package qat

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Trainer takes a network through batches of data, the same for the same seed.
type Trainer struct {
	Net  *Net
	data Data
	rand *rand.Rand
	rate float64

	batch, steps, total int
	order               []int
	x                   []float32
	labels              []int
}

// Plan says how to train. Zero values mean the defaults in brackets.
type Plan struct {
	Batch int     // rows a step [64]
	Rate  float64 // of Adam at its height [0.01]; it falls to 0 as half a cosine
	Steps int     // until the rate is 0 [600]; steps after that are made with a hundredth
	Seed  uint64
}

// NewTrainer begins to train a network on data.
func NewTrainer(n *Net, d Data, p Plan) (*Trainer, error) {
	if d.Rows() == 0 || len(d.X) != d.Rows()*d.Inputs {
		return nil, fmt.Errorf("qat: %d values are not %d rows of %d inputs", len(d.X), d.Rows(), d.Inputs)
	}
	if d.Inputs != n.Inputs() || d.Classes != n.Classes() {
		return nil, fmt.Errorf("qat: data of %d inputs and %d classes for a network of %d and %d", d.Inputs, d.Classes, n.Inputs(), n.Classes())
	}
	t := &Trainer{Net: n, data: d, rand: rand.New(rand.NewPCG(p.Seed, 3)), rate: p.Rate, batch: p.Batch, total: p.Steps}
	if t.batch <= 0 {
		t.batch = 64
	}
	if t.rate <= 0 {
		t.rate = 0.01
	}
	if t.total <= 0 {
		t.total = 600
	}
	t.batch = min(t.batch, d.Rows())
	return t, nil
}

// Step makes one step and returns the loss of its batch in nats, before it.
func (t *Trainer) Step() float64 {
	t.next()
	n := t.Net
	logits := n.forward(t.x, len(t.labels), true)
	l := loss(logits, t.labels, n.Classes())
	n.backward(logits, len(t.labels))
	part := min(1, float64(t.steps)/float64(t.total))
	n.update(t.rate * max(0.01, 0.5+0.5*math.Cos(math.Pi*part)))
	t.steps++
	return l
}

// next fills the batch: every row once before any comes again.
func (t *Trainer) next() {
	t.x, t.labels = t.x[:0], t.labels[:0]
	for range t.batch {
		if len(t.order) == 0 {
			t.order = t.rand.Perm(t.data.Rows())
		}
		i := t.order[0]
		t.order = t.order[1:]
		t.x = append(t.x, t.data.Row(i)...)
		t.labels = append(t.labels, t.data.Labels[i])
	}
}

// Measure gives the mean loss in nats and the share of rows whose class is
// found, with the statistics that the network has learnt.
func (n *Net) Measure(d Data) (nats, accuracy float64) {
	if d.Rows() == 0 {
		return math.NaN(), math.NaN()
	}
	logits := n.forward(d.X, d.Rows(), false)
	right := 0
	for i, label := range d.Labels {
		if Class(logits[i*d.Classes:(i+1)*d.Classes]) == label {
			right++
		}
	}
	return loss(logits, d.Labels, d.Classes), float64(right) / float64(d.Rows())
}

// Classify gives the class that each row of d is taken for.
func (n *Net) Classify(d Data) []int {
	if d.Rows() == 0 {
		return nil
	}
	logits, classes := n.forward(d.X, d.Rows(), false), n.Classes()
	out := make([]int, d.Rows())
	for i := range out {
		out[i] = Class(logits[i*classes : (i+1)*classes])
	}
	return out
}

// Class is the largest of a row, the first of equals.
func Class(row []float32) int {
	best := 0
	for i, v := range row {
		if v > row[best] {
			best = i
		}
	}
	return best
}

// Map gives the probability of the second class over a square of side × side
// points from −reach to reach, rows from the top, for a network of two inputs.
func (n *Net) Map(side int, reach float64) ([]float32, error) {
	if n.Inputs() != 2 || n.Classes() != 2 {
		return nil, fmt.Errorf("qat: a map needs 2 inputs and 2 classes, here are %d and %d", n.Inputs(), n.Classes())
	}
	if side < 2 || side > 1024 {
		return nil, fmt.Errorf("qat: a map of %d points a side; 2 … 1024 are possible", side)
	}
	x := make([]float32, 0, 2*side*side)
	for r := range side {
		for c := range side {
			x = append(x, float32(reach*(2*float64(c)/float64(side-1)-1)), float32(reach*(1-2*float64(r)/float64(side-1))))
		}
	}
	logits := n.forward(x, side*side, false)
	out := make([]float32, side*side)
	for i := range out {
		softmax(logits[2*i : 2*i+2])
		out[i] = logits[2*i+1]
	}
	return out, nil
}
