package qat

import (
	"math"

	"fewbits/kernels"
)

// loss is the mean cross-entropy in nats over rows of logits; they become its
// gradient.
func loss(logits []float32, labels []int, classes int) float64 {
	var sum float64
	for t, label := range labels {
		row := logits[t*classes : (t+1)*classes]
		softmax(row)
		sum -= math.Log(max(float64(row[label]), 1e-30))
		row[label]--
		for i := range row {
			row[i] /= float32(len(labels))
		}
	}
	return sum / float64(len(labels))
}

func softmax(row []float32) {
	top := row[0]
	for _, v := range row {
		top = max(top, v)
	}
	var sum float64
	for i, v := range row {
		e := math.Exp(float64(v - top))
		row[i] = float32(e)
		sum += e
	}
	for i := range row {
		row[i] = float32(float64(row[i]) / sum)
	}
}

// backward takes the gradient of the logits of the last forward pass to every
// parameter.
func (n *Net) backward(d []float32, rows int) {
	for i := len(n.layers) - 1; i >= 0; i-- {
		l := n.layers[i]
		if !l.last {
			l.throughActivation(d)
		}
		if l.norm != nil {
			l.norm.backward(d, l.out)
		}
		clear(l.b.g)
		for j, v := range d {
			l.b.g[j%l.out] += v
		}
		// dŵ = dᵀ·x
		dt, xt := transpose(d, rows, l.out), transpose(l.x, rows, l.in)
		kernels.MatMulF32(l.w.g, dt, xt, l.out, l.in, rows)
		if i > 0 { // dx = d·ŵ
			used := l.w.w
			if l.weights != nil {
				used = l.fake
			}
			dx := make([]float32, rows*l.in)
			kernels.MatMulF32(dx, d, transpose(used, l.out, l.in), rows, l.in, l.out)
			d = dx
		}
		if l.weights != nil {
			l.weights.step.g[0] = float32(Back(l.weights.lsq, l.w.g, l.w.w, l.w.g))
		}
	}
}

func (l *layer) throughActivation(d []float32) {
	if l.acts != nil {
		l.acts.step.g[0] = float32(Back(l.acts.lsq, d, l.relu, d))
	}
	for i, v := range l.pre {
		if v <= 0 {
			d[i] = 0
		}
	}
}

// backward is the gradient through a batch's own statistics (section 3 of the
// paper); γ and β get theirs.
func (n *norm) backward(d []float32, width int) {
	rows := len(d) / width
	for c := range width {
		var sum, dot float64
		for r := range rows {
			sum += float64(d[r*width+c])
			dot += float64(float64(d[r*width+c]) * float64(n.hat[r*width+c]))
		}
		n.gamma.g[c], n.beta.g[c] = float32(dot), float32(sum)
		k := float64(n.gamma.w[c]) * float64(n.dev[c])
		for r := range rows {
			j := r*width + c
			d[j] = float32(k * (float64(d[j]) - sum/float64(rows) - float64(float64(n.hat[j])*dot)/float64(rows)))
		}
	}
}

func transpose(m []float32, rows, cols int) []float32 {
	t := make([]float32, len(m))
	for r := range rows {
		for c := range cols {
			t[c*rows+r] = m[r*cols+c]
		}
	}
	return t
}

// Adam's constants, as the paper has them (Kingma, Ba 2015, arXiv 1412.6980).
const beta1, beta2, adamEps = 0.9, 0.999, 1e-8

// update makes one step of Adam with this rate.
func (n *Net) update(rate float64) {
	n.steps++
	c1, c2 := 1-math.Pow(beta1, float64(n.steps)), 1-math.Pow(beta2, float64(n.steps))
	for _, l := range n.layers {
		l.w.update(rate, c1, c2)
		l.b.update(rate, c1, c2)
		if l.norm != nil {
			l.norm.gamma.update(rate, c1, c2)
			l.norm.beta.update(rate, c1, c2)
		}
		l.weights.update(rate, c1, c2)
		l.acts.update(rate, c1, c2)
	}
}

func (p *param) update(rate, c1, c2 float64) {
	for i, g := range p.g {
		m := beta1*float64(p.m[i]) + (1-beta1)*float64(g)
		v := beta2*float64(p.v[i]) + (1-beta2)*float64(g)*float64(g)
		p.m[i], p.v[i] = float32(m), float32(v)
		p.w[i] -= float32(rate * (m / c1) / (math.Sqrt(v/c2) + adamEps))
	}
}

// update moves a step that learns; it stays above a hundredth of what it was,
// for a step of 0 has no levels.
func (q *quantizer) update(rate, c1, c2 float64) {
	if q == nil || !q.learn {
		return
	}
	was := q.step.w[0]
	q.step.update(rate*float64(was), c1, c2)
	q.step.w[0] = max(q.step.w[0], was/100)
	q.lsq.Step = float64(q.step.w[0])
}
