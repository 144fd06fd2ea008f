package session

import (
	"fmt"
	"math"
	"slices"

	"fewbits/kernels"
	"fewbits/quant"
	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// heatSide is the most cells of the heat map along one side.
const heatSide = 512

func (s *Session) analyze(a wire.AnalyzeArgs) (Reply, error) {
	if !s.loaded {
		return Reply{}, errNoTensor
	}
	t, of := s.sampled(a.Sample, a.Row, a.Col)
	done, err := s.quantized(a, t, of)
	if err != nil {
		return Reply{}, err
	}
	f, p, rec := done.format, done.packed, done.rec
	m, err := f.Params(p, false)
	if err != nil {
		return Reply{}, err
	}
	s.last = result{format: f, tensor: t, part: of, packed: p, params: m, rec: rec}

	diff := scratch(&s.diff, t.Len())
	c := compareSub(diff, t.Data, rec, p)
	heat := metric.ErrorHeat(diff, t.Rows(), t.Cols(), heatSide, heatSide)
	clip := min(1, clipped(&s.last, diff)/max(c.MSE*float64(len(c.x)), math.SmallestNonzeroFloat64))
	if c.nonFinite > 0 {
		diff = diff[:len(c.x)]
		kernels.Sub(diff, c.y, c.x)
	}
	errs := metric.ErrorHistogram(diff, c.RMSE, c.MaxAbs)
	if done.stored != "" {
		clear(errs.Counts) // no error is known
	}
	out := wire.Analysis{
		Format: f.Info().Name, Label: label(f.Info(), p.Options), Name: t.Name,
		Rows: s.tensor.Rows(), Cols: s.tensor.Cols(), Sampled: of != nil, Stored: done.stored, Importance: done.importance,
		Metrics: wire.Losses{Report: s.whole(c.Report, of), Rounding: 1 - clip, Clipping: clip, NonFinite: c.nonFinite},
		Hist:    wire.HistMeta{Lo: s.hist.Lo, Hi: s.hist.Hi, Bins: len(s.hist.Counts)},
		Err:     wire.ErrMeta{Step: errs.Step, First: errs.First, Bins: len(errs.Counts)},
		Heat:    wire.HeatMeta{W: heat.W, H: heat.H, Max: heat.Max},
		Elapsed: done.elapsed, Kernel: kernels.Active(),
	}
	if s.stored != nil {
		out.From = s.stored.Format
	}
	picked, arrays, err := s.opened(a.Row, a.Col)
	if err != nil {
		return Reply{}, err
	}
	out.Scale, out.Zero, out.Levels, out.Opened = picked.Scale, picked.Zero, picked.Levels, picked.Opened
	arrays["hist"] = s.hist.Counts
	arrays["err"] = errs.Counts
	arrays["heat"] = heat.Cells
	arrays["scaleLo"], arrays["scaleHi"] = band(m.Scales, m.Groups)
	zeros := m.Zeros
	if zeros == nil {
		zeros = m.Mins
	}
	arrays["zeroLo"], arrays["zeroHi"] = band(zeros, m.Groups)
	return Reply{JSON: out, Arrays: arrays}, nil
}

// scratch is n float32 of a buffer that stays the session's own between results.
func scratch(buffer *[]float32, n int) []float32 {
	if cap(*buffer) < n {
		*buffer = make([]float32, n)
	}
	return (*buffer)[:n]
}

// attempt is a tensor or a sample of it, quantized or as it was stored.
type attempt struct {
	format     quant.Format
	packed     *quant.Packed
	rec        []float32
	elapsed    float64 // ms to quantize and to reconstruct
	stored     string  // type of the blocks, where they are as they were
	importance string  // kind that was used
}

// quantized is t, which of is the part of, as a asks for it. It takes the
// memory of the latest result.
func (s *Session) quantized(a wire.AnalyzeArgs, t quant.Tensor, of *part) (d attempt, err error) {
	if a.Format == wire.AsStored {
		if d.format, d.packed, err = s.asStored(t, of); err != nil {
			return d, err
		}
		s.last = result{}
		d.rec, d.stored = scratch(&s.rec, t.Len()), d.packed.Format
		copy(d.rec, t.Data)
		return d, nil
	}
	f, o, err := lookup(a.Format, a.Options)
	if err != nil {
		return d, err
	}
	if d.format, d.importance, err = s.guided(f, a.Importance, of); err != nil {
		return d, err
	}
	held := s.last
	d.rec, s.last = scratch(&s.rec, t.Len()), result{} // its reconstruction is written over
	if d.packed, d.elapsed, err = run(d.format, o, t, d.rec); err != nil {
		if d.packed == nil {
			s.last = held
		}
		return d, s.placed(err, of)
	}
	return d, nil
}

// clipped is the part of Σ d², d = x̂ − x, that comes from values beyond the
// levels of their block: an error larger than rounding can make. Only formats
// with even steps have such a bound.
func clipped(r *result, d []float32) float64 {
	m := r.params
	if m.Scales == nil || m.Table {
		return 0
	}
	share := 0.5 // of a step that rounding can be off
	if r.packed.Options.Rounding == quant.RoundStochastic {
		share = 1
	}
	share *= 1 + 1e-4 // float32 arithmetic
	spans := spansOf(m.GroupIndex)
	even := evenly(spans)
	most := make([]float32, len(spans))
	sum := 0.0
	for row := range m.Rows {
		scales := m.Scales[row*m.Groups:][:m.Groups]
		if even {
			kernels.GroupAbsMax(most, d[row*m.Cols:][:m.Cols], spans[0].hi)
		}
		for i, s := range spans {
			bound := float32(math.Abs(float64(scales[s.group])) * share)
			part := d[row*m.Cols+s.lo : row*m.Cols+s.hi]
			if !even {
				most[i] = kernels.AbsMax(part)
			}
			if most[i] <= bound {
				continue
			}
			for _, e := range part {
				if e > bound || e < -bound {
					sum += float64(e) * float64(e)
				}
			}
		}
	}
	return sum
}

// span is columns [lo, hi) of one group.
type span struct{ lo, hi, group int }

func spansOf(index []int32) []span {
	var spans []span
	for c, g := range index {
		if n := len(spans); n > 0 && spans[n-1].group == int(g) {
			spans[n-1].hi = c + 1
		} else {
			spans = append(spans, span{c, c + 1, int(g)})
		}
	}
	return spans
}

// evenly says whether all spans are as long as the first.
func evenly(spans []span) bool {
	for _, s := range spans {
		if s.hi-s.lo != spans[0].hi {
			return false
		}
	}
	return len(spans) > 0
}

// band is the range over all rows of one number a group.
func band(x []float32, groups int) (lo, hi []float32) {
	if x == nil || groups == 0 {
		return []float32{}, []float32{}
	}
	lo, hi = append([]float32(nil), x[:groups]...), append([]float32(nil), x[:groups]...)
	for i := groups; i < len(x); i += groups {
		for g, v := range x[i : i+groups] {
			lo[g], hi[g] = min(lo[g], v), max(hi[g], v)
		}
	}
	return lo, hi
}

// label is a format with what sets it apart: "INT4 group 32".
func label(i quant.Info, o quant.Options) string {
	switch {
	case slices.Contains(i.Options, "block"):
		s := fmt.Sprintf("%s block %d", i.Name, o.Block)
		if o.Nested {
			s += ", nested"
		}
		return s
	case !slices.Contains(i.Options, "granularity"):
		return i.Name
	case o.Granularity == quant.PerChannel && o.Axis == 1:
		return i.Name + " per column"
	case o.Granularity == quant.PerChannel, o.Granularity == quant.PerGroup && o.Group < 0:
		return i.Name + " per row"
	case o.Granularity == quant.PerGroup:
		return fmt.Sprintf("%s group %d", i.Name, o.Group)
	}
	return i.Name + " per tensor"
}

// maxRepeat bounds the passes of one request.
const maxRepeat = 1000

func (s *Session) measure(a wire.MeasureArgs) (Reply, error) {
	f, o, err := lookup(a.Format, a.Options)
	if err != nil {
		return Reply{}, err
	}
	if len(a.Importance) > 0 {
		o.Importance = a.Importance
	}
	if !s.loaded {
		return Reply{}, errNoTensor
	}
	t, of := s.sampled(a.Sample, 0, 0)
	out := wire.Measured{Sampled: of != nil}
	out.Format = f.Info().Name
	rec := make([]float32, t.Len())
	p, there, back, err := passes(f, o, t, rec, max(1, min(a.Repeat, maxRepeat)))
	if err != nil {
		out.Refused = s.placed(err, of).Error()
		return Reply{JSON: out}, nil
	}
	c := compare(t.Data, rec, p)
	out.Report, out.NonFinite = s.whole(c.Report, of), c.nonFinite
	out.QuantizeMs, out.DequantizeMs = median(there), median(back)
	out.Elapsed = out.QuantizeMs + out.DequantizeMs
	return Reply{JSON: out}, nil
}

func median(x []float64) float64 {
	slices.Sort(x)
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}
