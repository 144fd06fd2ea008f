package qat

import (
	"math"
	"math/rand/v2"

	"fewbits/kernels"
)

// bnEps is added to a variance, and bnKeep is what the running statistics keep
// at each step, as PyTorch's BatchNorm1d has them by default.
const bnEps, bnKeep = 1e-5, 0.9

// param is what learns: values, their gradients, and Adam's two moments.
type param struct{ w, g, m, v []float32 }

func newParam(n int) *param {
	a := make([]float32, 4*n)
	return &param{a[:n:n], a[n : 2*n : 2*n], a[2*n : 3*n : 3*n], a[3*n:]}
}

// layer is y = ReLU(norm(ŵ·x + b)), without ReLU and norm for the last.
type layer struct {
	in, out int
	w, b    *param // out × in, out
	norm    *norm  // nil once folded
	last    bool

	weights *quantizer // nil: floats
	acts    *quantizer // of what comes out

	// of one batch
	x, pre  []float32 // rows × in; rows × out before ReLU
	relu    []float32 // after it
	rounded []float32 // what comes of that as few bits
	fake    []float32 // out × in: ŵ
}

// quantizer is a learnt step with Adam's moments.
type quantizer struct {
	lsq   LSQ
	begun bool
	learn bool
	step  *param // of one value
}

// norm is batch normalization.
type norm struct {
	gamma, beta *param
	mean, vari  []float32 // running
	hat, dev    []float32 // of one batch: normalized values, and 1/√(variance + ε)
}

// Net is a network of dense layers with ReLU between them, classes at the end.
type Net struct {
	layers []*layer
	steps  int // of Adam
}

// NewNet makes a network of these widths, inputs first, classes last, with
// batch normalization after each layer but the last. Weights are normal with a
// variance of 2/inputs (He et al. 2015, arXiv 1502.01852).
func NewNet(widths []int, seed uint64) *Net {
	r := rand.New(rand.NewPCG(seed, 0x9e3779b97f4a7c15))
	n := &Net{}
	for i := range len(widths) - 1 {
		in, out := widths[i], widths[i+1]
		l := &layer{in: in, out: out, w: newParam(in * out), b: newParam(out), last: i == len(widths)-2}
		for j := range l.w.w {
			l.w.w[j] = float32(r.NormFloat64() * math.Sqrt(2/float64(in)))
		}
		if !l.last {
			l.norm = &norm{gamma: newParam(out), beta: newParam(out), mean: make([]float32, out), vari: make([]float32, out)}
			for j := range out {
				l.norm.gamma.w[j], l.norm.vari[j] = 1, 1
			}
		}
		n.layers = append(n.layers, l)
	}
	return n
}

// Weights are those of a layer, out × in, as floats and as they are used.
func (n *Net) Weights(i int) (float, used []float32) {
	l := n.layers[i]
	return l.w.w, l.used()
}

// Layers is how many there are.
func (n *Net) Layers() int { return len(n.layers) }

// Inputs and Classes are the widths at the ends.
func (n *Net) Inputs() int  { return n.layers[0].in }
func (n *Net) Classes() int { return n.layers[len(n.layers)-1].out }

// Clone copies a network; Adam begins anew in the copy.
func (n *Net) Clone() *Net {
	c := &Net{}
	for _, l := range n.layers {
		d := &layer{in: l.in, out: l.out, last: l.last, w: l.w.fresh(), b: l.b.fresh(), weights: l.weights.clone(), acts: l.acts.clone()}
		if l.norm != nil {
			d.norm = &norm{gamma: l.norm.gamma.fresh(), beta: l.norm.beta.fresh(), mean: append([]float32(nil), l.norm.mean...), vari: append([]float32(nil), l.norm.vari...)}
		}
		c.layers = append(c.layers, d)
	}
	return c
}

func (p *param) fresh() *param {
	q := newParam(len(p.w))
	copy(q.w, p.w)
	return q
}

func (q *quantizer) clone() *quantizer {
	if q == nil {
		return nil
	}
	return &quantizer{q.lsq, q.begun, q.learn, q.step.fresh()}
}

// Fold puts batch normalization with its running statistics into the weights:
// w' = w·γ/√(σ² + ε), b' = (b − μ)·γ/√(σ² + ε) + β.
func (n *Net) Fold() {
	for _, l := range n.layers {
		if l.norm == nil {
			continue
		}
		for r := range l.out {
			k := float64(l.norm.gamma.w[r]) / math.Sqrt(float64(l.norm.vari[r])+bnEps)
			for c := range l.in {
				l.w.w[r*l.in+c] = float32(float64(l.w.w[r*l.in+c]) * k)
			}
			l.b.w[r] = float32(float64((float64(l.b.w[r])-float64(l.norm.mean[r]))*k) + float64(l.norm.beta.w[r]))
		}
		l.norm = nil
	}
}

// used are the weights as the forward pass takes them.
func (l *layer) used() []float32 {
	if l.weights == nil {
		return l.w.w
	}
	l.fake = sized(l.fake, len(l.w.w))
	Fake(l.weights.lsq, l.fake, l.w.w)
	return l.fake
}

// forward runs rows of x, each as wide as the inputs; training keeps what the
// way back needs and takes the batch's own statistics. The result is the
// network's until the next call.
func (n *Net) forward(x []float32, rows int, training bool) []float32 {
	for _, l := range n.layers {
		l.x = x
		l.pre = sized(l.pre, rows*l.out)
		kernels.MatMulF32(l.pre, x, l.used(), rows, l.out, l.in)
		for i := range l.pre {
			l.pre[i] += l.b.w[i%l.out]
		}
		if l.norm != nil {
			l.norm.forward(l.pre, l.out, training)
		}
		x = l.pre
		if !l.last {
			x = l.activate()
		}
	}
	return x
}

// activate is ReLU, and rounding of what comes out where that is asked for.
func (l *layer) activate() []float32 {
	l.relu = sized(l.relu, len(l.pre))
	for i, v := range l.pre {
		l.relu[i] = max(0, v)
	}
	if l.acts == nil {
		return l.relu
	}
	if !l.acts.begun {
		l.acts.begin(Begin(l.acts.lsq.Levels, l.relu))
	}
	l.rounded = sized(l.rounded, len(l.relu))
	Fake(l.acts.lsq, l.rounded, l.relu)
	return l.rounded
}

func (q *quantizer) begin(l LSQ) {
	q.lsq, q.begun = l, true
	q.step.w[0] = float32(l.Step)
}

func (n *norm) forward(v []float32, width int, training bool) {
	rows := len(v) / width
	n.hat, n.dev = sized(n.hat, len(v)), sized(n.dev, width)
	for c := range width {
		mean, vari := float64(n.mean[c]), float64(n.vari[c])
		if training {
			mean, vari = moments(v[c:], width, rows)
			n.mean[c] = float32(bnKeep*float64(n.mean[c])) + float32((1-bnKeep)*mean)
			n.vari[c] = float32(bnKeep*float64(n.vari[c])) + float32((1-bnKeep)*vari)
		}
		dev := 1 / math.Sqrt(vari+bnEps)
		n.dev[c] = float32(dev)
		for r := range rows {
			h := float32((float64(v[r*width+c]) - mean) * dev)
			n.hat[r*width+c] = h
			v[r*width+c] = float32(h*n.gamma.w[c]) + n.beta.w[c]
		}
	}
}

func moments(v []float32, stride, n int) (mean, vari float64) {
	for r := range n {
		mean += float64(v[r*stride])
	}
	mean /= float64(n)
	for r := range n {
		d := float64(v[r*stride]) - mean
		vari += float64(d * d)
	}
	return mean, vari / float64(n)
}

func sized(s []float32, n int) []float32 {
	if cap(s) < n {
		return make([]float32, n)
	}
	return s[:n]
}
