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
	f, o, err := lookup(a.Format, a.Options)
	if err != nil {
		return Reply{}, err
	}
	t, rowOf := s.sampled(a.Sample, a.Row)
	rec := s.scratch(t.Len())
	p, elapsed, err := run(f, o, t, rec)
	if err != nil {
		return Reply{}, err
	}
	m, err := f.Params(p)
	if err != nil {
		return Reply{}, err
	}
	s.last = result{format: f, tensor: t, rowOf: rowOf, packed: p, params: m, rec: rec}

	report := metric.Measure(t.Data, rec, p)
	errs := metric.ErrorHistogram(t.Data, rec, report.RMSE, report.MaxAbs)
	heat := metric.ErrorHeat(t.Data, rec, t.Rows(), t.Cols(), heatSide, heatSide)
	clip := clipped(f.Info().Family, &s.last) / math.Max(report.MSE*float64(report.Values), math.SmallestNonzeroFloat64)
	out := wire.Analysis{
		Format: f.Info().Name, Label: label(f.Info(), p.Options), Name: t.Name,
		Rows: s.tensor.Rows(), Cols: t.Cols(), Sampled: rowOf != nil,
		Metrics: wire.Losses{Report: report, Rounding: 1 - clip, Clipping: clip},
		Hist:    wire.HistMeta{Lo: s.hist.Lo, Hi: s.hist.Hi, Bins: len(s.hist.Counts)},
		Err:     wire.ErrMeta{Step: errs.Step, First: errs.First, Bins: len(errs.Counts)},
		Heat:    wire.HeatMeta{W: heat.W, H: heat.H, Max: heat.Max},
		Elapsed: elapsed, Kernel: kernels.Active(),
	}
	if rowOf != nil {
		// A sample's size is what the whole would take.
		out.Metrics.Bytes = int(report.BitsPerWeight * float64(s.tensor.Len()) / 8)
		out.Metrics.Values = s.tensor.Len()
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

// scratch is n float32 that stay the session's own between results.
func (s *Session) scratch(n int) []float32 {
	if cap(s.rec) < n {
		s.rec = make([]float32, n)
	}
	return s.rec[:n]
}

// sampled is the session's tensor, or a fair sample of about n of its values:
// whole rows at even distances, with row keep among them, and the row of the
// whole that each of them is. n = 0 asks for all.
func (s *Session) sampled(n, keep int) (quant.Tensor, []int) {
	t := s.tensor
	rows, cols := t.Rows(), t.Cols()
	if n <= 0 || t.Len() <= n || rows < 2 {
		return t, nil
	}
	k := max(1, min(rows, n/cols))
	x := quant.Tensor{Name: t.Name, Shape: []int{k, cols}, Data: make([]float32, 0, k*cols)}
	rowOf := make([]int, k)
	for i := range rowOf {
		rowOf[i] = i * rows / k
		if next := (i + 1) * rows / k; keep >= rowOf[i] && keep < next {
			rowOf[i] = keep
		}
		x.Data = append(x.Data, t.Data[rowOf[i]*cols:][:cols]...)
	}
	return x, rowOf
}

// clipped is the part of Σ(x̂−x)² that comes from values beyond the levels of
// their block: an error larger than rounding can make. Only formats with even
// steps have such a bound.
func clipped(family quant.Family, r *result) float64 {
	m := r.params
	if m.Scales == nil || family != quant.FamilyAffine && family != quant.FamilyGGML {
		return 0
	}
	share := 0.5 // of a step that rounding can be off
	if r.packed.Options.Rounding == quant.RoundStochastic {
		share = 1
	}
	share *= 1 + 1e-4 // float32 arithmetic
	x, y := r.tensor.Data, r.rec
	sum := 0.0
	for row := range m.Rows {
		scales := m.Scales[row*m.Groups:][:m.Groups]
		for c := 0; c < m.Cols; {
			g := m.GroupIndex[c]
			bound := float32(math.Abs(float64(scales[g])) * share)
			end := c + 1
			for end < m.Cols && m.GroupIndex[end] == g {
				end++
			}
			for i := row*m.Cols + c; i < row*m.Cols+end; i++ {
				if e := y[i] - x[i]; e > bound || e < -bound {
					sum += float64(e) * float64(e)
				}
			}
			c = end
		}
	}
	return sum
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
	case i.Family == quant.FamilyCodebook && o.Block > 0:
		s := fmt.Sprintf("%s block %d", i.Name, o.Block)
		if o.Nested {
			s += ", nested"
		}
		return s
	case i.Family != quant.FamilyAffine:
		return i.Name
	case o.Granularity == quant.PerChannel && o.Axis == 1:
		return i.Name + " per column"
	case o.Granularity == quant.PerChannel:
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
	t, rowOf := s.sampled(a.Sample, 0)
	out := wire.Measured{Sampled: rowOf != nil}
	out.Format = f.Info().Name
	rec := make([]float32, t.Len())
	var p *quant.Packed
	var there, back []float64 // ms of each pass
	for range max(1, min(a.Repeat, maxRepeat)) {
		var q, d float64
		if p, q, d, err = pass(f, o, t, rec); err != nil {
			out.Refused = err.Error()
			return Reply{JSON: out}, nil
		}
		there, back = append(there, q), append(back, d)
	}
	out.Report = metric.Measure(t.Data, rec, p)
	out.QuantizeMs, out.DequantizeMs = median(there), median(back)
	out.Elapsed = out.QuantizeMs + out.DequantizeMs
	return Reply{JSON: out}, nil
}

func median(x []float64) float64 {
	slices.Sort(x)
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}
