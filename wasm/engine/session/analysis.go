package session

import (
	"fmt"
	"math"
	"time"

	"fewbits/kernels"
	"fewbits/quant"
	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// analysis is an answer to wire.AnalyzeArgs on its way: rows are quantized a
// few at a time and compared chunk by chunk, so that it can stop in between.
type analysis struct {
	s       *Session
	args    wire.AnalyzeArgs
	t       quant.Tensor // whole or sampled
	of      *part
	format  quant.Format // with its importance
	options quant.Options
	stored  string // type of the blocks, where they are as they were
	kind    string // of importance that was used
	cutter
	lo, hi float32 // of the whole

	at       int // rows before it are quantized
	compared int // and compared
	counted  int // values whose error is counted
	unit     int // rows to quantize next
	out      piece
	lost     int // values that are not finite
	diff     []float32
	params   *quant.Params // of the whole, where it is not cut
}

// piece is what came of some rows. Pieces of rows that follow one another add up.
type piece struct {
	packed      *quant.Packed
	own         bool          // the bytes are the session's to use again
	sums        []metric.Sums // of the finite pairs of each chunk
	clip        []float64     // Σ d² of each chunk beyond the levels
	values      int
	nonFinite   int
	scale, zero spread
	heat        []float32 // cells
	elapsed     float64   // ms to quantize and to reconstruct
	errs        metric.Errors
}

// spread is the range over rows of one number a group; of blocks that run on
// across rows it is the number of each.
type spread struct{ lo, hi []float32 }

func (b *spread) add(lo, hi []float32, flat bool) {
	if flat || b.lo == nil {
		b.lo, b.hi = append(b.lo, lo...), append(b.hi, hi...)
		return
	}
	for i := range lo {
		b.lo[i], b.hi[i] = min(b.lo[i], lo[i]), max(b.hi[i], hi[i])
	}
}

// begin prepares an answer for the tensor or its sample.
func (s *Session) begin(a wire.AnalyzeArgs) (*analysis, error) {
	if !s.loaded {
		return nil, errNoTensor
	}
	s.drop()
	n := &analysis{s: s, args: a}
	s.busy = n
	n.t, n.of = s.sampled(a.Sample, a.Row, a.Col)
	if a.Format == wire.AsStored {
		return n, n.keep()
	}
	f, o, err := lookup(a.Format, a.Options)
	if err != nil {
		return nil, err
	}
	if n.t.Len() == 0 {
		return nil, fmt.Errorf("tensor %q is empty: there is nothing to quantize", n.t.Name)
	}
	if n.format, n.kind, err = s.guided(f, a.Importance, n.of); err != nil {
		return nil, err
	}
	n.options, n.cutter = o, newCutter(f, o, n.t.Rows(), n.t.Cols())
	if n.how == cutRange {
		if n.lo, n.hi = s.extent(n.t, n.of); s.nonFinite > 0 {
			n.how = cutNot // the format says where
		}
	}
	n.unit = n.step * max(1, unitValues/n.cols/n.step)
	return n, nil
}

// keep takes the blocks as they are stored.
func (n *analysis) keep() (err error) {
	if n.format, n.out.packed, err = n.s.asStored(n.t, n.of); err != nil {
		return err
	}
	n.stored = n.out.packed.Format
	n.cutter = newCutter(n.format, quant.Options{}, n.t.Rows(), n.t.Cols())
	n.perRow = len(n.out.packed.Bytes) / max(1, n.rows)
	n.at = n.rows
	return nil
}

const (
	unitValues  = 1 << 14              // that are quantized first, to see how fast it goes
	unitLeast   = time.Millisecond     // a piece that took less may be twice as large
	unitMost    = 3 * time.Millisecond // one that took more is halved
	countValues = 1 << 20              // whose errors are counted at a time
)

// work does a little, and says whether all is done but the counting of errors.
func (n *analysis) work() (done bool, err error) {
	if n.how == cutNot && n.stored == "" && n.at < n.rows {
		return false, n.whole()
	}
	if end := min(n.rows, n.compared+n.chunk); n.at < end {
		if err := n.pack(end); err != nil || n.at < end {
			return false, err
		}
	}
	if n.compared < n.rows {
		if err := n.compare(n.compared, min(n.rows, n.compared+n.chunk)); err != nil {
			return false, err
		}
	}
	return n.compared == n.rows, nil
}

// whole quantizes and reconstructs all at once.
func (n *analysis) whole() (err error) {
	rec := scratch(&n.s.rec, n.t.Len())
	if n.out.packed, n.out.elapsed, err = run(n.format, n.options, n.t, rec); err != nil {
		return err
	}
	n.params, err = n.format.Params(n.out.packed, false)
	n.at = n.rows
	return err
}

// pack quantizes a few rows, up to the end of the chunk.
func (n *analysis) pack(end int) error {
	k := min(n.unit, end-n.at)
	x := n.rowsOf(n.at, n.at+k)
	f := n.format
	if g, ok := f.(guide); ok {
		g.from = n.at
		f = g
	}
	start := n.s.clock()
	p, err := n.cutter.pack(f, n.options, x, n.at, n.lo, n.hi, &n.s.pad)
	if err != nil {
		if n.how == cutRange {
			n.how, n.out.elapsed = cutNot, 0 // the whole says where it is at fault
			return n.whole()
		}
		return err
	}
	row := n.at
	n.at += k
	took := n.s.clock().Sub(start)
	n.out.elapsed += millis(took)
	if took < unitLeast {
		n.unit = min(2*n.unit, n.chunk)
	} else if took > unitMost {
		n.unit = max(n.step, n.unit/2/n.step*n.step)
	}
	if k == n.rows {
		n.out.packed = p
		n.out.packed.Shape = n.t.Shape
	} else {
		if n.out.packed == nil {
			all := *p
			all.Shape, all.Bytes = n.t.Shape, n.s.bytes(n.size(n.rows))
			n.out.packed, n.out.own = &all, true
		}
		n.put(n.out.packed.Bytes, n.rows, p.Bytes, row, k)
	}
	return nil
}

// rowsOf is rows [from, to) of the whole.
func (n *analysis) rowsOf(from, to int) quant.Tensor {
	if from == 0 && to == n.rows {
		return n.t
	}
	return n.t.Slice(from, to)
}

// compare measures rows [from, to), which are quantized.
func (n *analysis) compare(from, to int) error {
	x := n.rowsOf(from, to).Data
	rec, m, err := n.rebuilt(from, to)
	if err != nil {
		return err
	}
	if n.diff == nil {
		n.diff = scratch(&n.s.diff, n.rows*n.cols)
	}
	diff := n.diff[from*n.cols:][:len(x)]
	sums, lost := compareChunk(diff, x, rec)
	n.out.sums = append(n.out.sums, sums)
	n.out.nonFinite += lost
	n.lost += lost
	n.out.values += len(x)
	n.out.clip = append(n.out.clip, clipped(m, n.out.packed.Options.Rounding, diff))
	if n.how != cutNot || n.stored != "" {
		n.out.spread(m)
	} else if to == n.rows {
		n.out.spread(n.params)
	}
	n.compared = to
	n.heatTo(to)
	return nil
}

// rebuilt is what rows [from, to) became, and their parameters.
func (n *analysis) rebuilt(from, to int) (rec []float32, m *quant.Params, err error) {
	if n.how == cutNot {
		return n.s.rec[from*n.cols : to*n.cols], rowsOfParams(n.params, from, to), nil
	}
	p := *n.out.packed
	if n.rows != to-from {
		n.s.raw = n.take(n.s.raw, p.Bytes, n.rows, from, to-from)
		p.Shape, p.Bytes = []int{to - from, n.cols}, n.s.raw
	}
	start := n.s.clock()
	if n.stored != "" {
		rec = n.rowsOf(from, to).Data
	} else {
		rec = scratch(&n.s.rec, (to-from)*n.cols)
		if err = n.format.Dequantize(&p, rec); err != nil {
			return nil, nil, err
		}
		n.out.elapsed += millis(n.s.clock().Sub(start))
	}
	m, err = n.format.Params(&p, false)
	return rec, m, err
}

// rowsOfParams are those of some rows.
func rowsOfParams(m *quant.Params, from, to int) *quant.Params {
	if m.Flat || m.Scales == nil {
		return m
	}
	r := *m
	r.Rows, r.Scales = to-from, m.Scales[from*m.Groups:to*m.Groups]
	return &r
}

// spread takes in the parameters of more rows.
func (p *piece) spread(m *quant.Params) {
	lo, hi := band(m.Scales, m.Groups)
	p.scale.add(lo, hi, m.Flat)
	zeros := m.Zeros
	if zeros == nil {
		zeros = m.Mins
	}
	lo, hi = band(zeros, m.Groups)
	p.zero.add(lo, hi, m.Flat)
}

// compareChunk writes rec − x to diff and sums up the pairs that are finite;
// the others are counted, and have a difference of 0.
func compareChunk(diff, x, rec []float32) (sums metric.Sums, lost int) {
	sums.AddSub(diff, x, rec, 0)
	if v := sums.ErrSq; !math.IsNaN(v) && !math.IsInf(v, 0) {
		return sums, 0
	}
	var fx, fy []float32
	for i, v := range x {
		if y := rec[i]; v-v == 0 && y-y == 0 {
			fx, fy = append(fx, v), append(fy, y)
		} else {
			diff[i] = 0
		}
	}
	sums = metric.Sums{}
	sums.Add(fx, fy, 0)
	return sums, len(x) - len(fx)
}

// heatTo draws the rows of the heat map whose weights are all before a row.
func (n *analysis) heatTo(row int) {
	h := min(heatSide, n.rows)
	start := func(c int) int { return (c*n.rows + h - 1) / h }
	w := min(heatSide, n.cols)
	for c := len(n.out.heat) / w; c < h && start(c+1) <= row; c++ {
		d := n.diff[start(c)*n.cols : start(c+1)*n.cols]
		n.out.heat = append(n.out.heat, metric.ErrorHeat(d, start(c+1)-start(c), n.cols, heatSide, 1).Cells...)
	}
}

// sum is the report of all chunks, and the share of clipping.
func (n *analysis) sum() (r metric.Report, clip float64) {
	p := &n.out
	var all metric.Sums
	for _, s := range p.sums {
		all.Merge(s)
	}
	all.Bytes = len(p.packed.Bytes)
	r = all.Report(p.packed.Format, p.packed.Name)
	if p.nonFinite > 0 {
		every := (&metric.Sums{Values: p.values, Bytes: all.Bytes}).Report("", "")
		r.Values, r.BitsPerWeight, r.Ratio = every.Values, every.BitsPerWeight, every.Ratio
	}
	for _, c := range p.clip {
		clip += c
	}
	return r, min(1, clip/max(r.MSE*float64(all.Values), math.SmallestNonzeroFloat64))
}

// count counts some errors, of bins that follow from the whole's report, and
// says whether all that are here are counted.
func (n *analysis) count(rmse, maxAbs float64) bool {
	to := min(len(n.diff), n.counted+countValues)
	e := metric.ErrorHistogram(n.diff[n.counted:to], rmse, maxAbs)
	n.counted = to
	if to == len(n.diff) && n.lost > 0 {
		// What is not finite has a difference of 0, and does not count.
		for i, one := range metric.ErrorHistogram([]float32{0}, rmse, maxAbs).Counts {
			e.Counts[i] -= one * float32(n.lost)
		}
	}
	n.out.addErrors(e)
	return to == len(n.diff)
}

func (p *piece) addErrors(e metric.Errors) {
	if p.errs.Counts == nil {
		p.errs = e
		return
	}
	for i, c := range e.Counts {
		p.errs.Counts[i] += c
	}
}

// answer is the finished analysis; the session keeps its result.
func (n *analysis) answer() (Reply, error) {
	s, p := n.s, &n.out
	f, t := n.format, n.t
	if s.last.own {
		s.spare = s.last.packed.Bytes
	}
	s.busy, p.packed.Shape = nil, t.Shape
	s.last = result{format: f, tensor: t, part: n.of, packed: p.packed, params: n.params, cutter: n.cutter, scales: p.scale.lo, own: p.own, stored: n.stored != ""}
	r, clip := n.sum()
	if n.stored != "" {
		clear(p.errs.Counts) // no error is known
	}
	h := min(heatSide, n.rows)
	out := wire.Analysis{
		Format: f.Info().Name, Label: label(f.Info(), p.packed.Options), Name: t.Name,
		Rows: s.tensor.Rows(), Cols: s.tensor.Cols(), Sampled: n.of != nil, Stored: n.stored, Importance: n.kind,
		Metrics: wire.Losses{Report: s.whole(r, n.of), Rounding: 1 - clip, Clipping: clip, NonFinite: p.nonFinite},
		Hist:    wire.HistMeta{Lo: s.hist.Lo, Hi: s.hist.Hi, Bins: len(s.hist.Counts)},
		Err:     wire.ErrMeta{Step: p.errs.Step, First: p.errs.First, Bins: len(p.errs.Counts)},
		Heat:    wire.HeatMeta{W: min(heatSide, n.cols), H: h, Max: float64(kernels.AbsMax(p.heat))},
		Elapsed: p.elapsed, Kernel: kernels.Active(),
	}
	if s.stored != nil {
		out.From = s.stored.Format
	}
	picked, arrays, err := s.opened(n.args.Row, n.args.Col)
	if err != nil {
		return Reply{}, err
	}
	out.Scale, out.Zero, out.Levels, out.Opened = picked.Scale, picked.Zero, picked.Levels, picked.Opened
	arrays["hist"], arrays["err"], arrays["heat"] = s.hist.Counts, p.errs.Counts, p.heat
	arrays["scaleLo"], arrays["scaleHi"] = orEmpty(p.scale.lo), orEmpty(p.scale.hi)
	arrays["zeroLo"], arrays["zeroHi"] = orEmpty(p.zero.lo), orEmpty(p.zero.hi)
	return Reply{JSON: out, Arrays: arrays}, nil
}
