package session

import (
	"fmt"
	"math"
	"slices"
	"time"

	"fewbits/kernels"
	"fewbits/quant"
	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// analysis is an answer to wire.AnalyzeArgs on its way: rows are quantized a
// few at a time and compared chunk by chunk, so that it can stop in between.
// Other workers may do some of the rows: see sharing.
type analysis struct {
	s       *Session
	args    wire.AnalyzeArgs
	t       quant.Tensor // whole or sampled, or the rows of it that are here
	of      *part
	format  quant.Format // with its importance
	options quant.Options
	stored  string // type of the blocks, where they are as they were
	kind    string // of importance that was used
	cutter
	lo, hi float32 // of the whole

	base, here int    // rows [base, base+here) of the whole are here
	until      int    // rows [at, until) are to be done next
	at         int    // rows before it are quantized
	compared   int    // and compared
	heated     int    // rows of the heat map that are drawn
	counted    int    // values of own whose error is counted
	own        []span // rows that are done here
	unit       int    // rows to quantize next
	began      time.Duration
	sharing    *sharing // nil where all is done here
	alone      bool     // nothing is to be shared
	out        piece
	lost       int // values that are not finite
	diff       []float32
	params     *quant.Params // of the whole, where it is not cut
}

// piece is what came of some rows. Pieces of rows that follow one another add up.
type piece struct {
	packed      *quant.Packed
	own         bool // the bytes are the session's to use again
	chunks      []wire.Chunk
	scale, zero spread
	flat        bool      // they are of blocks that run on across rows
	heat        []float32 // cells
	elapsed     float64   // ms to quantize and to reconstruct
	errs        metric.Errors
}

// spread is the range over rows of one number a group; of blocks that run on
// across rows it is the number of each.
type spread struct{ lo, hi []float32 }

// add takes in the numbers from one on, of as many as there are.
func (b *spread) add(lo, hi []float32, from, all int) {
	if b.lo == nil {
		b.lo, b.hi = slices.Repeat([]float32{inf}, all), slices.Repeat([]float32{-inf}, all)
	}
	for i := range lo {
		b.lo[from+i], b.hi[from+i] = min(b.lo[from+i], lo[i]), max(b.hi[from+i], hi[i])
	}
}

var inf = float32(math.Inf(1))

// begin prepares an answer for the tensor or its sample.
func (s *Session) begin(a wire.AnalyzeArgs) (*analysis, error) {
	if !s.loaded {
		return nil, errNoTensor
	}
	s.drop()
	n := &analysis{s: s, args: a, began: s.clock()}
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
	n.options = o
	n.cut(newCutter(f, o, n.t.Rows(), n.t.Cols()), 0)
	if n.how == cutRange {
		if n.lo, n.hi = s.extent(n.t, n.of); s.nonFinite > 0 {
			n.how = cutNot // the format says where
		}
	}
	return n, nil
}

// cut prepares for the rows that are here, from one of the whole's on.
func (n *analysis) cut(c cutter, base int) {
	n.cutter, n.base, n.here = c, base, n.t.Rows()
	n.unit = n.step * max(1, unitValues/n.cols/n.step)
	n.out = piece{chunks: make([]wire.Chunk, (n.here+n.chunk-1)/max(1, n.chunk))}
	first, end := n.heatRows(base, base+n.here)
	n.out.heat = make([]float32, max(0, end-first)*min(heatSide, n.cols))
	n.own, n.lost, n.counted = nil, 0, 0
	n.do(base, base+n.here)
}

// do makes rows [from, to) those that are done next.
func (n *analysis) do(from, to int) {
	n.at, n.compared, n.until = from, from, to
	n.heated, _ = n.heatRows(from, to)
	n.own = append(n.own, span{lo: from, hi: to})
}

// keep takes the blocks as they are stored.
func (n *analysis) keep() (err error) {
	if n.format, n.out.packed, err = n.s.asStored(n.t, n.of); err != nil {
		return err
	}
	n.stored = n.out.packed.Format
	p := n.out.packed
	n.cut(newCutter(n.format, quant.Options{}, n.t.Rows(), n.t.Cols()), 0)
	n.out.packed = p
	n.perRow = len(p.Bytes) / max(1, n.rows)
	n.at = n.rows
	return nil
}

const (
	unitValues  = 1 << 14              // that are quantized first, to see how fast it goes
	unitLeast   = time.Millisecond     // a piece that took less may be twice as large
	unitMost    = 2 * time.Millisecond // one that took more is halved
	countValues = 1 << 20              // whose errors are counted at a time
)

// work does a little, and says whether all is done but the counting of errors.
func (n *analysis) work() (done bool, err error) {
	if n.how == cutNot && n.stored == "" && n.at < n.rows {
		return false, n.whole()
	}
	if end := min(n.until, n.compared+n.chunk); n.at < end {
		if err := n.pack(end); err != nil || n.at < end {
			return false, err
		}
	}
	if n.compared < n.until {
		if err := n.compare(n.compared, min(n.until, n.compared+n.chunk)); err != nil {
			return false, err
		}
	}
	return n.compared == n.until, nil
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
		if n.how == cutRange && n.here == n.rows { // the whole says where it is at fault
			n.again()
			n.how = cutNot
			return n.whole()
		}
		return err
	}
	row := n.at - n.base
	n.at += k
	took := n.s.clock() - start
	n.out.elapsed += millis(took)
	if took < unitLeast {
		n.unit = min(2*n.unit, n.chunk)
	} else if took > unitMost {
		n.unit = max(n.step, n.unit/2/n.step*n.step)
	}
	if k == n.here {
		n.out.packed = p
		n.out.packed.Shape = n.t.Shape
	} else {
		if n.out.packed == nil {
			all := *p
			all.Shape, all.Bytes = n.t.Shape, n.s.bytes(n.size(n.here))
			n.out.packed, n.out.own = &all, true
		}
		n.put(n.out.packed.Bytes, n.here, p.Bytes, row, k)
	}
	return nil
}

// again begins the whole anew, without other workers.
func (n *analysis) again() {
	n.s.drop()
	n.s.busy, n.sharing, n.alone = n, nil, true
	n.cut(n.cutter, 0)
}

// rowsOf is rows [from, to) of the whole.
func (n *analysis) rowsOf(from, to int) quant.Tensor {
	if from -= n.base; from == 0 && to == n.base+n.here {
		return n.t
	}
	return n.t.Slice(from, to-n.base)
}

// compare measures rows [from, to), which are quantized.
func (n *analysis) compare(from, to int) error {
	x := n.rowsOf(from, to).Data
	rec, m, err := n.rebuilt(from, to)
	if err != nil {
		return err
	}
	n.diff = n.differences()
	diff := n.diffs(from, to)
	c := &n.out.chunks[(from-n.base)/n.chunk]
	var lost int
	c.Sums, lost = compareChunk(diff, x, rec)
	c.Clip = clipped(m, n.out.packed.Options.Rounding, diff)
	n.lost += lost
	if n.how != cutNot || n.stored != "" {
		n.spread(m, from)
	} else if to == n.rows {
		n.spread(n.params, 0)
	}
	n.compared = to
	n.heatTo(to)
	return nil
}

// differences is memory for x̂ − x of all that is here.
func (n *analysis) differences() []float32 {
	if n.diff != nil {
		return n.diff
	}
	return scratch(&n.s.diff, n.here*n.cols)
}

// diffs are x̂ − x of rows [from, to).
func (n *analysis) diffs(from, to int) []float32 {
	return n.diff[(from-n.base)*n.cols : (to-n.base)*n.cols]
}

// rebuilt is what rows [from, to) became, and their parameters.
func (n *analysis) rebuilt(from, to int) (rec []float32, m *quant.Params, err error) {
	if n.how == cutNot {
		return n.s.rec[from*n.cols : to*n.cols], rowsOfParams(n.params, from, to), nil
	}
	p := *n.out.packed
	if n.here != to-from {
		p.Shape, p.Bytes = []int{to - from, n.cols}, n.take(&n.s.raw, p.Bytes, n.here, from-n.base, to-from)
	}
	start := n.s.clock()
	if n.stored != "" {
		rec = n.rowsOf(from, to).Data
	} else {
		rec = scratch(&n.s.rec, (to-from)*n.cols)
		if err = n.format.Dequantize(&p, rec); err != nil {
			return nil, nil, err
		}
		n.out.elapsed += millis(n.s.clock() - start)
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

// spread takes in the parameters of rows from one on.
func (n *analysis) spread(m *quant.Params, from int) {
	zeros := m.Zeros
	if zeros == nil {
		zeros = m.Mins
	}
	n.out.flat = m.Flat
	lo, hi := band(m.Scales, m.Groups)
	n.spreadOf(&n.out.scale, lo, hi, m.Flat, from)
	lo, hi = band(zeros, m.Groups)
	n.spreadOf(&n.out.zero, lo, hi, m.Flat, from)
}

// spreadOf takes in what rows from one on span: of blocks that run on across
// rows each has its own place.
func (n *analysis) spreadOf(b *spread, lo, hi []float32, flat bool, from int) {
	all := len(lo)
	if flat = flat && n.how == cutBlocks; flat {
		from = (from - n.base) * n.cols / n.block
		if all > 0 {
			all = (n.here*n.cols + n.block - 1) / n.block
		}
	} else {
		from = 0
	}
	b.add(lo, hi, from, all)
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

// heatStart is the first row of the whole that a row of the heat map covers.
func (n *analysis) heatStart(c int) int {
	h := min(heatSide, n.rows)
	return (c*n.rows + h - 1) / max(1, h)
}

// heatRows are the rows [first, end) of the heat map whose weights are all in
// rows [from, to): those with ⌈first·rows/h⌉ ≥ from and ⌈end·rows/h⌉ ≤ to.
func (n *analysis) heatRows(from, to int) (first, end int) {
	h := min(heatSide, n.rows)
	if from > 0 {
		first = (from-1)*h/n.rows + 1
	}
	return first, max(first, to*h/max(1, n.rows))
}

// heatTo draws the rows of the heat map whose weights are all before a row.
func (n *analysis) heatTo(row int) {
	for h := min(heatSide, n.rows); n.heated < h && n.heatStart(n.heated+1) <= row; n.heated++ {
		n.heat(n.heated)
	}
}

// heat draws a row of the heat map.
func (n *analysis) heat(c int) {
	first, _ := n.heatRows(n.base, n.base+n.here)
	from, to, w := n.heatStart(c), n.heatStart(c+1), min(heatSide, n.cols)
	copy(n.out.heat[(c-first)*w:][:w], metric.ErrorHeat(n.diffs(from, to), to-from, n.cols, heatSide, 1).Cells)
}

// sum is the report of all chunks, and the share of clipping.
func (n *analysis) sum() (r metric.Report, clip float64) {
	p := &n.out
	var all metric.Sums
	for _, c := range p.chunks {
		all.Merge(c.Sums)
		clip += c.Clip
	}
	if all.Bytes = len(p.packed.Bytes); n.stored != "" && n.s.shelved != nil {
		all.Bytes = int(float64(n.s.shelved.bytes) * (float64(n.rows*n.cols) / float64(n.s.tensor.Len())))
	}
	r = all.Report(p.packed.Format, p.packed.Name)
	if n.lost > 0 {
		every := (&metric.Sums{Values: n.rows * n.cols, Bytes: all.Bytes}).Report("", "")
		r.Values, r.BitsPerWeight, r.Ratio = every.Values, every.BitsPerWeight, every.Ratio
	}
	return r, min(1, clip/max(r.MSE*float64(all.Values), math.SmallestNonzeroFloat64))
}

// count counts some errors, of bins that follow from the whole's report, and
// says whether all that are here are counted.
func (n *analysis) count(rmse, maxAbs float64) bool {
	at := n.counted
	for _, rows := range n.own {
		d := n.diffs(rows.lo, rows.hi)
		if at >= len(d) {
			at -= len(d)
			continue
		}
		d = d[at:min(len(d), at+countValues)]
		n.out.addErrors(metric.ErrorHistogram(d, rmse, maxAbs))
		n.counted += len(d)
		return false
	}
	return true
}

// countLost takes out what is not finite: it has a difference of 0, and does not count.
func (n *analysis) countLost(rmse, maxAbs float64) {
	n.out.addErrors(metric.ErrorHistogram(nil, rmse, maxAbs))
	for i, one := range metric.ErrorHistogram([]float32{0}, rmse, maxAbs).Counts {
		n.out.errs.Counts[i] -= one * float32(n.lost)
	}
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
	s.last = result{format: f, tensor: t, part: n.of, packed: p.packed, params: n.params, cutter: n.cutter, scales: p.scale.lo, own: p.own, stored: n.stored != "", kind: n.kind}
	r, clip := n.sum()
	if n.stored != "" {
		clear(p.errs.Counts) // no error is known
	}
	h := min(heatSide, n.rows)
	out := wire.Analysis{
		Format: f.Info().Name, Label: label(f.Info(), p.packed.Options), Name: t.Name,
		Rows: s.tensor.Rows(), Cols: s.tensor.Cols(), Sampled: n.of != nil, Stored: n.stored, Importance: n.kind,
		Metrics: wire.Losses{Report: s.whole(r, n.of), Rounding: 1 - clip, Clipping: clip, NonFinite: n.lost},
		Hist:    wire.HistMeta{Lo: s.hist.Lo, Hi: s.hist.Hi, Bins: len(s.hist.Counts)},
		Err:     wire.ErrMeta{Step: p.errs.Step, First: p.errs.First, Bins: len(p.errs.Counts)},
		Heat:    wire.HeatMeta{W: min(heatSide, n.cols), H: h, Max: float64(kernels.AbsMax(p.heat))},
		Elapsed: p.elapsed, Workers: n.sharing.workers(), Kernel: kernels.Active(),
	}
	if s.stored != nil {
		out.From = s.stored.Format
	} else if s.shelved != nil {
		out.From = s.shelved.name
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
