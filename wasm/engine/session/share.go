package session

import (
	"fmt"
	"slices"
	"time"

	"fewbits/quant/metric"
	"fewbits/wasm/wire"
)

// Helpers are other workers that do some of the rows of an answer.
type Helpers interface {
	// Most is how many there may be.
	Most() int
	// Ready is how many take calls; it may start more.
	Ready() int
	// Call asks the helper k < Ready(); Session.Take is told what came of it, with
	// the id, unless Drop is called before.
	Call(k, id int, op string, args any, values ...[]float32)
	// Drop says that nobody waits for answers to calls.
	Drop()
}

// sharesEach is into how many pieces for each worker an answer is cut: many, so
// that nobody waits long for the slowest.
const sharesEach = 6

// shareLeast is how many slices must be left for others to be of use: on two
// cores, of which the page needs one now and then, less is quicker alone.
const shareLeast = 5

// ahead is how many calls a helper has at most, so that it need not wait for the next.
const ahead = 2

// team is what helpers have of the tensor that is at hand.
type team struct {
	tensor, answer int
	calls          int            // so far
	of             int            // Session.loads
	tall           int            // rows of a piece
	held           []map[int]bool // by helper, pieces whose values it has
	copies         int
}

// sharing is who does which rows of an answer. Pieces are of equally many rows
// but for the last one. A nil sharing is of an answer that one worker works out.
type sharing struct {
	tall    int          // rows of a piece
	taken   []bool       // pieces that somebody does
	asked   map[int]task // by call
	helpers []int        // calls of each that are under way
	pieces  int          // that are asked for and not answered
	counts  int          // likewise
	did     []bool       // helpers that did some
	joined  bool         // all pieces are there, and counts are asked for
	rmse    float64
	maxAbs  float64
}

// task is what a call asked helper for; piece −1 is for a count.
type task struct{ helper, piece int }

func (w *sharing) working() bool  { return w != nil && w.pieces > 0 }
func (w *sharing) counting() bool { return w != nil && w.counts > 0 }

func (w *sharing) workers() int {
	k := 1
	if w != nil {
		for _, did := range w.did {
			if did {
				k++
			}
		}
	}
	return k
}

// left is about how long the rest takes, going by the rows that are done.
func (n *analysis) left() time.Duration {
	return time.Duration(float64(n.s.clock()-n.began) * float64(n.rows-n.at) / float64(max(1, n.at)))
}

// share gives rows to helpers, where an answer has taken longer than a slice
// and takes several more.
func (n *analysis) share() {
	m := n.s.Helpers
	if w := n.sharing; w != nil {
		if !w.joined {
			n.recruit()
		}
		return
	}
	if m == nil || n.alone || n.s.Slice == 0 || n.s.clock()-n.began < n.s.Slice || n.left() < shareLeast*n.s.Slice {
		return
	}
	chunks := len(n.out.chunks)
	tall := n.chunk * max(1, chunks/(sharesEach*(1+m.Most())))
	mine := n.compared/max(1, tall) + 1 // what is begun is finished here
	if n.of != nil || n.how == cutNot || n.stored != "" || mine*tall >= n.rows {
		n.alone = true
		return
	}
	if m.Ready() == 0 {
		return
	}
	n.diff = n.differences()
	n.until = mine * tall
	n.own[0].hi = n.until
	n.sharing = &sharing{tall: tall, taken: make([]bool, (n.rows+tall-1)/tall), asked: map[int]task{}}
	for i := range mine {
		n.sharing.taken[i] = true
	}
	n.s.team.begin(n)
	n.recruit()
}

// begin prepares for an answer: what is held of another tensor, or of other
// pieces of it, is of no more use.
func (m *team) begin(n *analysis) {
	m.answer++
	if of := n.s.loads; m.of != of || m.tall != n.sharing.tall {
		m.of, m.tall, m.held, m.copies = of, n.sharing.tall, nil, 0
		m.tensor++
	}
}

// recruit gives work to helpers that have none.
func (n *analysis) recruit() {
	w, m := n.sharing, &n.s.team
	for k := range n.s.Helpers.Ready() {
		for len(w.helpers) <= k {
			w.helpers, w.did = append(w.helpers, 0), append(w.did, false)
		}
		for len(m.held) <= k {
			m.held = append(m.held, map[int]bool{})
		}
		for w.helpers[k] < ahead && n.deal(k) {
		}
	}
}

// deal gives a piece to helper k, and says whether there was one. It is one whose
// values the helper has, if there is such; then one that nobody has; and only
// where the helper has nothing else to do one that another has.
func (n *analysis) deal(k int) bool {
	w, m := n.sharing, &n.s.team
	best, rank := -1, 0
	for i := len(w.taken) - 1; i >= 0 && rank < 3; i-- {
		r := 1
		switch {
		case w.taken[i]:
			r = 0
		case m.held[k][i]:
			r = 3
		case !m.anyHas(i):
			r = 2
		case w.helpers[k] > 0 || m.copies >= 2*len(w.taken):
			r = 0
		}
		if r > rank {
			best, rank = i, r
		}
	}
	if best < 0 {
		return false
	}
	w.taken[best] = true
	w.pieces++
	from, to := best*w.tall, min(n.rows, (best+1)*w.tall)
	a := wire.PieceArgs{
		Tensor: m.tensor, Answer: m.answer, Name: n.t.Name, From: from, Rows: to - from, Cols: n.cols, All: n.rows, Held: m.held[k][best],
		Format: n.args.Format, Options: n.args.Options, Lo: float64(n.lo), Hi: float64(n.hi),
	}
	var with [][]float32
	if !a.Held {
		m.held[k][best] = true
		m.copies++
		with = append(with, n.rowsOf(from, to).Data)
	}
	if g, ok := n.format.(guide); ok {
		first, last := from/g.rows, (to-1)/g.rows
		weights := g.weights[first*n.cols : (last+1)*n.cols]
		a.Weights, a.Matrix, a.Tall = len(weights), first, g.rows
		with = append(with, weights)
	}
	n.ask(k, best, wire.OpPiece, a, with...)
	return true
}

func (m *team) anyHas(piece int) bool {
	return slices.ContainsFunc(m.held, func(h map[int]bool) bool { return h[piece] })
}

func (n *analysis) ask(k, piece int, op string, args any, values ...[]float32) {
	w, m := n.sharing, &n.s.team
	m.calls++
	w.helpers[k]++
	w.asked[m.calls] = task{k, piece}
	n.s.Helpers.Call(k, m.calls, op, args, values...)
}

// next makes a piece that nobody does the one that is done here, and says
// whether there was one: of those that no helper has, if there are some.
func (n *analysis) next() bool {
	w := n.sharing
	if w == nil {
		return false
	}
	best := -1
	for i, taken := range w.taken {
		if taken {
			continue
		}
		if best < 0 {
			best = i
		}
		if !n.s.team.anyHas(i) {
			best = i
			break
		}
	}
	if best < 0 {
		return false
	}
	w.taken[best] = true
	n.do(best*w.tall, min(n.rows, (best+1)*w.tall))
	return true
}

// Take takes in what a helper answered, or that it could not. What nobody asked
// for any more is no matter.
func (s *Session) Take(id int, reply []byte, arrays map[string]any, failed string) {
	n := s.busy
	if n == nil || n.sharing == nil {
		return
	}
	w := n.sharing
	t, ok := w.asked[id]
	if !ok {
		return
	}
	delete(w.asked, id)
	w.helpers[t.helper]--
	err := fmt.Errorf("%s", failed)
	if failed == "" {
		err = n.took(t, reply, arrays)
	}
	if err != nil {
		n.again() // whatever it is, it shows here too, or can be done here
	}
}

// Lost says that there are no helpers any more.
func (s *Session) Lost() {
	s.team = team{tensor: s.team.tensor, answer: s.team.answer, calls: s.team.calls}
	if s.busy != nil && s.busy.sharing != nil {
		s.busy.again()
	}
}

func (n *analysis) took(t task, reply []byte, arrays map[string]any) error {
	w := n.sharing
	if t.piece < 0 {
		w.counts--
		e := metric.ErrorHistogram(nil, w.rmse, w.maxAbs)
		counts, _ := arrays["err"].([]float32)
		if len(counts) != len(e.Counts) {
			return fmt.Errorf("errors are counted in %d bins, not in %d", len(counts), len(e.Counts))
		}
		e.Counts = counts
		n.out.addErrors(e)
		return nil
	}
	w.pieces--
	w.did[t.helper] = true
	var p wire.Piece
	if err := wire.Unmarshal(reply, &p); err != nil {
		return err
	}
	return n.place(t.piece*w.tall, &p, arrays)
}

// place puts what came of rows from one on where it belongs.
func (n *analysis) place(from int, p *wire.Piece, arrays map[string]any) error {
	to := min(n.rows, from+n.sharing.tall)
	floats := func(name string) []float32 { x, _ := arrays[name].([]float32); return x }
	packed, _ := arrays["bytes"].([]byte)
	first, end := n.heatRows(from, to)
	before, after := n.ends(from, to)
	heat, w := floats("heat"), min(heatSide, n.cols)
	if n.out.packed == nil || len(packed) != n.size(to-from) || len(p.Chunks) != (to-from+n.chunk-1)/n.chunk ||
		len(heat) != (end-first)*w || len(floats("before")) != len(before) || len(floats("after")) != len(after) {
		return fmt.Errorf("what came of rows %d to %d is not what was asked for", from, to)
	}
	n.put(n.out.packed.Bytes, n.rows, packed, from, to-from)
	copy(n.out.chunks[from/n.chunk:], p.Chunks)
	copy(n.out.heat[first*w:], heat)
	copy(before, floats("before"))
	copy(after, floats("after"))
	n.spreadOf(&n.out.scale, floats("scaleLo"), floats("scaleHi"), p.Flat, from)
	n.spreadOf(&n.out.zero, floats("zeroLo"), floats("zeroHi"), p.Flat, from)
	n.lost += p.NonFinite
	n.out.elapsed += p.Elapsed
	return nil
}

// ends are x̂ − x of the rows at either end of [from, to) that are in a row of
// the heat map with others.
func (n *analysis) ends(from, to int) (before, after []float32) {
	first, end := n.heatRows(from, to)
	if first == end {
		return n.diffs(from, to), nil
	}
	return n.diffs(from, n.heatStart(first)), n.diffs(n.heatStart(end), to)
}

// join draws the rows of the heat map that are of several pieces, and has
// helpers count the errors of what they did.
func (n *analysis) join(rmse, maxAbs float64) {
	w := n.sharing
	if w == nil || w.joined {
		return
	}
	w.joined, w.rmse, w.maxAbs = true, rmse, maxAbs
	h := min(heatSide, n.rows)
	for from := w.tall; from < n.rows; from += w.tall {
		if c := from * h / n.rows; n.heatStart(c) < from {
			n.heat(c)
		}
	}
	for k, did := range w.did {
		if did {
			w.counts++
			n.ask(k, -1, wire.OpCount, wire.CountArgs{Answer: n.s.team.answer, RMSE: rmse, MaxAbs: maxAbs})
		}
	}
}
