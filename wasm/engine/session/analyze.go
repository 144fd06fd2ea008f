package session

import (
	"fmt"
	"math"
	"slices"

	"fewbits/kernels"
	"fewbits/quant"
	"fewbits/wasm/wire"
)

// heatSide is the most cells of the heat map along one side.
const heatSide = 512

// analyze answers at once, or with More where it takes longer than a slice.
func (s *Session) analyze(a wire.AnalyzeArgs) (Reply, error) {
	n, err := s.begin(a)
	if err != nil {
		return Reply{}, err
	}
	return s.sliced(n.finish)
}

// finish does a little more, and answers when all is done.
func (n *analysis) finish() (Reply, bool, error) {
	n.share()
	if done, err := n.work(); err != nil || !done {
		return Reply{}, false, n.s.placed(err, n.of)
	}
	if n.next() {
		return Reply{}, false, nil
	}
	if n.sharing.working() {
		return n.wait()
	}
	r, _ := n.sum()
	n.join(r.RMSE, r.MaxAbs)
	if !n.count(r.RMSE, r.MaxAbs) {
		return Reply{}, false, nil
	}
	if n.sharing.counting() {
		return n.wait()
	}
	n.countLost(r.RMSE, r.MaxAbs)
	answer, err := n.answer()
	return answer, true, err
}

// wait is for other workers.
func (n *analysis) wait() (Reply, bool, error) {
	return Reply{Wait: true, More: func() (Reply, error) { return n.s.sliced(n.finish) }}, true, nil
}

// sliced calls f until it is done, or for as long as a slice may take.
func (s *Session) sliced(f func() (Reply, bool, error)) (Reply, error) {
	until := s.clock() + s.Slice
	for {
		if r, done, err := f(); done || err != nil {
			return r, err
		}
		if s.Slice > 0 && s.clock() >= until {
			return Reply{More: func() (Reply, error) { return s.sliced(f) }}, nil
		}
	}
}

// scratch is n float32 of a buffer that stays the session's own between results.
func scratch(buffer *[]float32, n int) []float32 {
	if cap(*buffer) < n {
		*buffer = make([]float32, n)
	}
	return (*buffer)[:n]
}

// clipped is the part of Σ d², d = x̂ − x, that comes from values beyond the
// levels of their block: an error larger than rounding can make. Only formats
// with even steps have such a bound.
func clipped(m *quant.Params, rounding quant.Rounding, d []float32) float64 {
	if m.Scales == nil || m.Table {
		return 0
	}
	share := 0.5 // of a step that rounding can be off
	if rounding == quant.RoundStochastic {
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
		for g, v := range x[i : i+groups] { // min and max are calls here
			if v < lo[g] {
				lo[g] = v
			}
			if v > hi[g] {
				hi[g] = v
			}
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
		out.Refused = Say(s.placed(err, of))
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
