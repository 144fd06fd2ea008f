package qat

import "fmt"

// Bits says how coarse a network becomes: bits of its weights, 2 … 8 or
// Ternary, and of what its ReLUs give, 2 … 8, or 0 for floats. Steps are one a
// layer.
type Bits struct{ Weights, Activations int }

func (b Bits) check() error {
	if b.Weights != Ternary && (b.Weights < 2 || b.Weights > 8) {
		return fmt.Errorf("qat: weights of %d bits; 2 … 8 are possible, or %d for ternary", b.Weights, Ternary)
	}
	if b.Activations != 0 && (b.Activations < 2 || b.Activations > 8) {
		return fmt.Errorf("qat: activations of %d bits; 2 … 8 are possible, or 0 for floats", b.Activations)
	}
	return nil
}

// Round quantizes a trained network afterwards: PTQ. Weights get the step of
// least squared error; so do activations, from what the calibration rows give.
// The network must be folded.
func (n *Net) Round(b Bits, calibration Data) error {
	if err := n.begin(b, false); err != nil {
		return err
	}
	if b.Activations == 0 {
		return nil
	}
	if calibration.Rows() == 0 || calibration.Inputs != n.Inputs() {
		return fmt.Errorf("qat: activations need rows of %d inputs to calibrate on", n.Inputs())
	}
	// One layer after the other: each sees what the rounded ones before it give.
	for i, l := range n.layers[:len(n.layers)-1] {
		l.acts = nil
		n.forward(calibration.X, calibration.Rows(), false)
		l.acts = &quantizer{step: newParam(1)}
		l.acts.begin(Best(Unsigned(b.Activations), n.layers[i].relu))
	}
	return nil
}

// Learn makes a network's weights and activations few bits in every forward
// pass from now on, with steps that learn: QAT. The network must be folded.
func (n *Net) Learn(b Bits) error { return n.begin(b, true) }

func (n *Net) begin(b Bits, learn bool) error {
	if err := b.check(); err != nil {
		return err
	}
	for _, l := range n.layers {
		if l.norm != nil {
			return fmt.Errorf("qat: batch norm must be folded into the weights first")
		}
	}
	for _, l := range n.layers {
		levels := Signed(b.Weights)
		q := Best(levels, l.w.w)
		if learn {
			q = Begin(levels, l.w.w)
		}
		l.weights = &quantizer{learn: learn, step: newParam(1)}
		l.weights.begin(q)
		if b.Activations > 0 && !l.last && learn {
			l.acts = &quantizer{lsq: LSQ{Levels: Unsigned(b.Activations)}, learn: true, step: newParam(1)}
		}
	}
	return nil
}
