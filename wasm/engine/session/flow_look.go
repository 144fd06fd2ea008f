//go:build !first

package session

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"fewbits/quant"
	"fewbits/quant/activation"
	"fewbits/quant/calib"
	"fewbits/quant/calibrate"
	"fewbits/quant/llama"
	"fewbits/quant/llmint8"
	"fewbits/quant/smooth"
	"fewbits/wasm/wire"
)

// seen are the inputs of linear layers, by the first matrix that takes them.
type seen map[string]*watched

// watched is what is kept of one.
type watched struct {
	*calib.Inputs
	tops   []float32 // the largest magnitude of each token
	lo, hi float32   // moving average
	last   *compared // nil unless it was asked for last
}

// compared is a stage's weights, read once.
type compared struct {
	weights quant.Tensor // of all its matrices, one under the other
	most    []float32    // the largest magnitude of each column
}

const (
	lookSample = 96 // tokens of an input that errors are told by
	lookBins   = 192
	lookLevels = 127 // steps of INT8 on one side
)

// look lets the text flow and gathers what goes into each stage.
func (f *flow) look(t *teller, _ wire.FlowRunArgs) (Reply, error) {
	all := seen{}
	for layer := range f.model.Config().Layers {
		for s := range llama.Stages {
			all[f.model.Matrices(layer, s)[0]] = nil
		}
	}
	average, err := activation.NewCalibrator(activation.Scheme{Granularity: quant.PerTensor, Range: activation.RangeAverage})
	if err != nil {
		return Reply{}, err
	}
	err = calibrate.Read(t, f.model, f.chunks, false, func(name string, x []float32, rows, cols int) error {
		w, wanted := all[name]
		if !wanted {
			return nil
		}
		if w == nil {
			in, err := calib.NewInputs(cols, calib.Wants{Histogram: true, Sample: lookSample})
			if err != nil {
				return err
			}
			w = &watched{Inputs: in}
			all[name] = w
		}
		average.Observe(name, x, rows, cols)
		for at := 0; at+cols <= len(x); at += cols {
			top := float32(0)
			for _, v := range x[at : at+cols] {
				top = max(top, v, -v)
			}
			w.tops = append(w.tops, top)
		}
		return w.Add(t, x)
	}, func(done, total int) { t.tell("Reading", int64(done), int64(total)) })
	if err != nil {
		return Reply{}, err
	}
	q, err := average.Quantizer()
	if err != nil {
		return Reply{}, err
	}
	for name, w := range all {
		if w == nil {
			return Reply{}, fmt.Errorf("nothing flowed into %s", name)
		}
		if lo, hi := q.Range(name); len(lo) == 1 {
			w.lo, w.hi = lo[0], hi[0]
		}
	}
	f.seen = all
	return Reply{JSON: wire.FlowStep{Phase: "Done", Through: true}}, nil
}

// stage is what is known of the input of a stage, and what it loses in INT8.
func (f *flow) stage(a wire.FlowStageArgs) (Reply, error) {
	if f.seen == nil {
		return Reply{}, errors.New("no activations were looked at yet")
	}
	if a.Layer < 0 || a.Layer >= f.model.Config().Layers || a.Stage < 0 || a.Stage >= int(llama.Stages) {
		return Reply{}, fmt.Errorf("there is no stage %d of layer %d", a.Stage, a.Layer)
	}
	names := f.model.Matrices(a.Layer, llama.Stage(a.Stage))
	w := f.seen[names[0]]
	if w.last == nil {
		for _, o := range f.seen {
			o.last = nil // one at a time: weights take room
		}
		c, err := f.compare(names)
		if err != nil {
			return Reply{}, err
		}
		w.last = c
	}
	out := wire.FlowStage{FlowStageArgs: a, Name: names[0], Matrices: names, Inputs: len(w.Min), Tokens: int(w.Tokens), Limit: float64(w.Histogram.Limit), Ranges: w.ranges()}
	if err := w.measure(&out); err != nil {
		return Reply{}, err
	}
	return Reply{JSON: out, Arrays: map[string]any{
		"least": append([]float32(nil), w.Min...), "most": append([]float32(nil), w.Max...), "tokens": append([]float32(nil), w.tops...),
		"bins": bins(w.Histogram), "weights": append([]float32(nil), w.last.most...),
	}}, nil
}

// compare reads the matrices of a stage as one.
func (f *flow) compare(names []string) (*compared, error) {
	c := &compared{weights: quant.Tensor{Name: strings.Join(names, ", ")}}
	rows, cols := 0, 0
	for _, name := range names {
		m, err := f.model.Tensor(name)
		if err != nil {
			return nil, err
		}
		rows, cols = rows+m.Rows(), m.Cols()
		c.weights.Data = append(c.weights.Data, m.Data...)
	}
	c.weights.Shape = []int{rows, cols}
	c.most = make([]float32, cols)
	for i, v := range c.weights.Data {
		c.most[i%cols] = max(c.most[i%cols], v, -v)
	}
	return c, nil
}

// ranges are those that calibrators would cover with INT8, symmetric.
func (w *watched) ranges() []wire.FlowRange {
	one := func(name string, lo, hi float32) wire.FlowRange {
		return wire.FlowRange{Name: name, Lo: float64(lo), Hi: float64(hi)}
	}
	h := w.Histogram
	top := max(h.Max, -h.Min)
	lo, hi := h.Percentile(99.9, true)
	elo, ehi := h.Entropy(lookLevels + 1)
	mlo, mhi := h.LeastSquares(2*lookLevels, true)
	entropy := max(ehi, -elo)
	return []wire.FlowRange{
		one("min/max", -top, top), one("moving average", w.lo, w.hi), one("percentile 99.9", lo, hi),
		one("entropy", -entropy, entropy), one("least squares", mlo, mhi),
	}
}

// bins are the counts of a histogram over [−Limit, Limit], drawn together.
func bins(h *calib.Histogram) []float32 {
	out := make([]float32, lookBins)
	for i := range calib.Bins {
		k := i * lookBins / 2 / calib.Bins
		out[lookBins/2+k] += float32(h.Above[i])
		out[lookBins/2-1-k] += float32(h.Below[i])
	}
	out[lookBins/2] += float32(h.Zeros)
	return out
}

// measure says what the stage loses with weights and activations in INT8: as it
// is, smoothed, and with outliers in 16 bits.
func (w *watched) measure(out *wire.FlowStage) error {
	ctx := context.Background()
	c, x := w.last, w.Sample.Tensor("the inputs of "+out.Name)
	out.Sampled = x.Rows()
	most := w.AbsMax()
	o := quant.Options{Bits: 8, Alpha: quant.Some(out.Alpha)}
	r, err := smooth.Solve(c.weights, most, o)
	if err != nil {
		return err
	}
	p, err := smooth.Pack(c.weights, r, o)
	if err != nil {
		return err
	}
	e, err := smooth.Format.OutputError(ctx, c.weights, p, x)
	if err != nil {
		return err
	}
	out.Smooth, out.Plain = e.Relative, e.Rounding
	o = quant.Options{Bits: 8, Threshold: quant.Some(out.Threshold), Activations: x}
	if p, err = llmint8.Format.QuantizeContext(ctx, c.weights, o); err != nil {
		return err
	}
	if e, err = llmint8.Format.OutputError(ctx, c.weights, p, x); err != nil {
		return err
	}
	out.Mixed = e.Relative
	for _, v := range most {
		if out.Threshold > 0 && float64(v) >= out.Threshold {
			out.Outliers++
		}
	}
	return nil
}

// scheme rounds weights to a format and activations by a scheme, and holds the
// model against the original.
func (f *flow) scheme(t *teller, a wire.FlowRunArgs) (Reply, error) {
	progress := func(phase string) func(done, total int64) {
		return func(done, total int64) { t.tell(phase, done, total) }
	}
	m := f.model
	q, err := f.quantizer(t, a, progress("Calibrating activations"))
	if err != nil {
		return Reply{}, err
	}
	if a.Format != "" {
		format, o, err := lookup(a.Format, a.Options)
		if err != nil {
			return Reply{}, err
		}
		if info := format.Info(); info.Calibration == quant.Required || info.Importance == quant.Required {
			return Reply{}, fmt.Errorf("%s takes more than the weights: there are others here", info.Name)
		}
		if m, err = calibrate.Round(t, m, format, o, progress("Rounding weights")); err != nil {
			return Reply{}, err
		}
	}
	if q != nil {
		o := m.Options()
		o.Input = q.Input
		m = m.With(o)
	}
	out := wire.FlowStep{Phase: "Done", Through: true}
	if out.Own, err = f.strays(t, m, "both"); err != nil {
		return Reply{}, err
	}
	return Reply{JSON: out}, nil
}

// quantizer rounds activations as a asks; nil where it does not.
func (f *flow) quantizer(ctx context.Context, a wire.FlowRunArgs, progress func(done, total int64)) (*activation.Quantizer, error) {
	if a.Bits == 0 {
		return nil, nil
	}
	s := activation.Scheme{Bits: a.Bits, Asymmetric: a.Asymmetric, Granularity: quant.Granularity(a.Granularity), Range: quant.Range(a.Range)}
	if a.Range == "" {
		return activation.Dynamic(s)
	}
	return calibrate.Activations(ctx, f.model, f.chunks, s, func(done, total int) { progress(int64(done), int64(total)) })
}
