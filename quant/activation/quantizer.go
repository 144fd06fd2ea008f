package activation

import (
	"fmt"
	"math"

	"fewbits/quant"
	"fewbits/quant/calib"
)

// Quantizer rounds activations. It serves one session at a time.
type Quantizer struct {
	scheme Scheme
	static map[string][]grid // by the layer: one, or one an input; nil where scales are dynamic
	back   []float32
}

// Dynamic finds scales anew for each product.
func Dynamic(s Scheme) (*Quantizer, error) {
	s, err := s.Resolve()
	if err != nil {
		return nil, err
	}
	return &Quantizer{scheme: s}, nil
}

// Range is what the static scales of a layer cover, one or one an input; nil
// where there are none.
func (q *Quantizer) Range(name string) (lo, hi []float32) {
	for _, g := range q.static[name] {
		lo, hi = append(lo, (g.lo-g.zero)*g.scale), append(hi, (g.hi-g.zero)*g.scale)
	}
	return lo, hi
}

// Input is llama.Options.Input: x, rows × cols, as it comes back from its
// codes. What Takes leaves out, and with static scales what was not calibrated,
// stays as it is.
func (q *Quantizer) Input(name string, x []float32, rows, cols int) []float32 {
	grids, known := q.static[name]
	if !Takes(name) || q.static != nil && !known || cols <= 0 || len(x) < rows*cols {
		return x
	}
	if cap(q.back) < rows*cols {
		q.back = make([]float32, rows*cols)
	}
	x, out := x[:rows*cols], q.back[:rows*cols]
	switch {
	case q.scheme.Granularity == quant.PerChannel:
		if grids == nil {
			grids = q.channels(x, cols)
		}
		for i, v := range x {
			out[i] = grids[i%cols].round(v)
		}
	case q.scheme.Granularity == quant.PerTensor:
		if grids == nil {
			grids = []grid{q.over(x)}
		}
		roundAll(out, x, grids[0])
	default:
		for at := 0; at < len(x); at += cols {
			roundAll(out[at:at+cols], x[at:at+cols], q.over(x[at:at+cols]))
		}
	}
	return out
}

func roundAll(out, x []float32, g grid) {
	for i, v := range x {
		out[i] = g.round(v)
	}
}

// over is the grid that x fills.
func (q *Quantizer) over(x []float32) grid {
	lo, hi := span(x)
	return q.scheme.grid(lo, hi)
}

func span(x []float32) (lo, hi float32) {
	lo, hi = float32(math.Inf(1)), float32(math.Inf(-1))
	for _, v := range x {
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}

// channels are the grids of each input of x.
func (q *Quantizer) channels(x []float32, cols int) []grid {
	c := calib.NewChannels(cols)
	_ = c.Add(x) // what is not finite stays so
	grids := make([]grid, cols)
	for i := range grids {
		grids[i] = q.scheme.grid(c.Min[i], c.Max[i])
	}
	return grids
}

// Calibrator watches a model read and finds static ranges.
type Calibrator struct {
	scheme Scheme
	layers map[string]*watched
	err    error
}

// watched is what is kept of one layer.
type watched struct {
	channels  *calib.Channels
	histogram *calib.Histogram
	lo, hi    []float32 // averages: one, or one an input
}

// momentum is how much of the average each batch replaces.
const momentum = 0.1

// NewCalibrator fails on a scheme whose scales cannot be static.
func NewCalibrator(s Scheme) (*Calibrator, error) {
	s, err := s.Resolve()
	if err == nil {
		err = s.checkStatic()
	}
	if err != nil {
		return nil, err
	}
	return &Calibrator{scheme: s, layers: map[string]*watched{}}, nil
}

// Observe is llama.Options.Observe: a batch of inputs of a layer.
func (c *Calibrator) Observe(name string, x []float32, _, cols int) {
	if !Takes(name) || len(x) == 0 || c.err != nil {
		return
	}
	w := c.layers[name]
	if w == nil {
		w = &watched{channels: calib.NewChannels(cols)}
		c.layers[name] = w
	}
	if err := w.channels.Add(x); err != nil {
		c.err = fmt.Errorf("activation: %s: %w", name, err)
		return
	}
	switch c.scheme.Range {
	case RangeAverage:
		c.average(w, x, cols)
	case quant.RangePercentile, quant.RangeEntropy, quant.RangeMSE:
		if w.histogram == nil {
			w.histogram = &calib.Histogram{}
		}
		w.histogram.Add(x)
	}
}

// average moves the averages of w to the range of a batch.
func (c *Calibrator) average(w *watched, x []float32, cols int) {
	batch := calib.NewChannels(cols)
	_ = batch.Add(x) // it was added once already
	lo, hi := batch.Min, batch.Max
	if c.scheme.Granularity == quant.PerTensor {
		a, b := batch.Range()
		lo, hi = []float32{a}, []float32{b}
	}
	if w.lo == nil {
		w.lo, w.hi = lo, hi
		return
	}
	for i := range lo {
		w.lo[i] += float32(momentum * (lo[i] - w.lo[i]))
		w.hi[i] += float32(momentum * (hi[i] - w.hi[i]))
	}
}

// Quantizer has the ranges found. It fails where nothing was observed, or
// something that is not finite.
func (c *Calibrator) Quantizer() (*Quantizer, error) {
	if c.err != nil {
		return nil, c.err
	}
	if len(c.layers) == 0 {
		return nil, fmt.Errorf("activation: no layer's input was seen: let a model read a text first")
	}
	q := &Quantizer{scheme: c.scheme, static: map[string][]grid{}}
	for name, w := range c.layers {
		q.static[name] = c.grids(w)
	}
	return q, nil
}

func (c *Calibrator) grids(w *watched) []grid {
	s := c.scheme
	lo, hi := w.lo, w.hi
	switch {
	case s.Range == RangeAverage:
	case s.Granularity == quant.PerChannel:
		lo, hi = w.channels.Min, w.channels.Max
	default:
		a, b := w.channels.Range()
		switch h := w.histogram; s.Range {
		case quant.RangePercentile:
			a, b = h.Percentile(s.Percentile, !s.Asymmetric)
		case quant.RangeEntropy:
			a, b = h.Entropy(1 << (s.Bits - 1))
		case quant.RangeMSE:
			a, b = h.LeastSquares(s.levels(), !s.Asymmetric)
		}
		lo, hi = []float32{a}, []float32{b}
	}
	grids := make([]grid, len(lo))
	for i := range grids {
		grids[i] = s.grid(lo[i], hi[i])
	}
	return grids
}
