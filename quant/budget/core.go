package budget

import (
	"cmp"
	"slices"
)

// core searches around the solution of the linear relaxation. With the slope λ
// at which the limit cuts it, each choice has a reduced cost r ≥ 0: by how much
// loss + λ·bytes is above the item's least. A solution loses Σr + λ·(room left)
// more than the relaxation does. So choices whose r alone is as much as the
// best solution known are out, and so are part solutions; what is left is
// settled by dynamic programming over lists of states of which none is better
// than another in both bytes and loss (Nemhauser and Ullmann 1969; the core and
// its bounds as in Pisinger 1995, A minimal algorithm for the multiple-choice
// knapsack problem).
type core struct {
	f     *Frontier
	start []int // of the relaxation
	slope float64
	base  float64 // start's loss
	room  int64   // that start leaves
	gap   float64 // by which the best solution known is above the relaxation
	best  []int
	rows  []row
	links []link
	spare []state // scratch of merge
	exact bool
}

// row is an item that may have another choice than start's.
type row struct {
	item    int
	cheap   float64 // the least reduced cost of an option
	options []option
}

// option is a choice of an item, against that of start.
type option struct {
	choice int
	bytes  int64
	loss   float64
}

// state is a part solution, against start.
type state struct {
	bytes  int64 // more than start has; it may be less than 0
	loss   float64
	before int32 // in links, −1 for none
	choice int32 // for the item that is being added, −1 for start's
}

// link is a choice taken, and the one before it.
type link struct{ before, item, choice int32 }

const (
	maxStates = 1 << 10 // that are kept of an item
	maxWork   = 1 << 19 // states made in all: some milliseconds
	enough    = 1e-6    // part of the loss below which a better solution is not looked for
)

func newCore(f *Frontier, start, known []int, slope float64, limit int64) *core {
	c := &core{f: f, start: start, slope: slope, room: limit, best: known}
	for i, k := range start {
		c.room -= f.items[i][k].Bytes
		c.base += f.items[i][k].Loss
	}
	bytes, loss := int64(0), 0.0
	for i, k := range known {
		if k != start[i] {
			o := c.option(i, k)
			bytes, loss = bytes+o.bytes, loss+o.loss
		}
	}
	c.gap = loss + float64(slope*float64(c.room))
	return c
}

func (c *core) option(item, choice int) option {
	a, b := c.f.items[item][c.start[item]], c.f.items[item][choice]
	return option{choice, b.Bytes - a.Bytes, b.Loss - a.Loss}
}

// cost is the reduced cost.
func (c *core) cost(bytes int64, loss float64) float64 { return loss + float64(c.slope*float64(bytes)) }

// solve finds best; exact says whether it is certainly the best.
func (c *core) solve() {
	if least := c.gap * (1 - enough) / enough; c.base > least {
		return
	}
	c.pick()
	// How much smaller and how much larger the rows from one on can make a solution.
	shrink, grow := make([]int64, len(c.rows)+1), make([]int64, len(c.rows)+1)
	for i := len(c.rows) - 1; i >= 0; i-- {
		var least, most int64
		for _, o := range c.rows[i].options {
			least, most = min(least, o.bytes), max(most, o.bytes)
		}
		shrink[i], grow[i] = shrink[i+1]+least, grow[i+1]+most
	}
	states := []state{{before: -1, choice: -1}}
	c.exact = true
	work := 0
	for i, r := range c.rows {
		if work += len(states) * (len(r.options) + 1); work > maxWork {
			c.exact = false
			return
		}
		states = c.add(states, r, shrink[i+1], grow[i+1])
		c.look(states)
	}
}

// pick lists the rows, those with the cheapest options first.
func (c *core) pick() {
	for i, choices := range c.f.items {
		r := row{item: i, cheap: c.gap}
		for k := range choices {
			o := c.option(i, k)
			if cost := c.cost(o.bytes, o.loss); k != c.start[i] && cost < c.gap {
				r.options = append(r.options, o)
				r.cheap = min(r.cheap, cost)
			}
		}
		if r.options != nil {
			c.rows = append(c.rows, r)
		}
	}
	slices.SortStableFunc(c.rows, func(a, b row) int { return cmp.Compare(a.cheap, b.cheap) })
}

// add gives all states a choice of a row. Rows after it can make solutions
// smaller by shrink (0 or less) and larger by grow.
func (c *core) add(states []state, r row, shrink, grow int64) []state {
	out := c.merge(nil, states, option{choice: -1}, shrink, grow)
	for _, o := range r.options {
		was := out
		out = c.merge(out, states, o, shrink, grow)
		c.spare = was[:0]
		if len(out) > maxStates {
			// Those near the limit are kept.
			at, _ := slices.BinarySearchFunc(out, c.room, func(s state, room int64) int { return cmp.Compare(s.bytes, room) })
			from := max(0, min(at-maxStates/2, len(out)-maxStates))
			out = out[from : from+maxStates]
			c.exact = false
		}
	}
	for i := range out {
		if s := &out[i]; s.choice >= 0 {
			c.links = append(c.links, link{s.before, int32(r.item), s.choice})
			s.before, s.choice = int32(len(c.links)-1), -1
		}
	}
	return out
}

// merge adds to a list the states with an option taken. Both lists have rising
// bytes and falling losses, and so has what comes of them.
func (c *core) merge(list, states []state, o option, shrink, grow int64) []state {
	out := c.spare
	c.spare = nil
	keep := func(s state) {
		if n := len(out); n == 0 || s.loss < out[n-1].loss {
			out = append(out, s)
		}
	}
	for _, s := range states {
		n := state{s.bytes + o.bytes, s.loss + o.loss, s.before, int32(o.choice)}
		left := max(0, c.room-n.bytes-grow)
		if n.bytes+shrink > c.room || c.cost(n.bytes, n.loss)+float64(c.slope*float64(left)) >= c.gap {
			continue
		}
		for len(list) > 0 && (list[0].bytes < n.bytes || list[0].bytes == n.bytes && list[0].loss <= n.loss) {
			keep(list[0])
			list = list[1:]
		}
		keep(n)
	}
	for _, s := range list {
		keep(s)
	}
	return out
}

// look takes note of the best state that is within the limit: the last such,
// as losses fall.
func (c *core) look(states []state) {
	n, _ := slices.BinarySearchFunc(states, c.room+1, func(s state, most int64) int { return cmp.Compare(s.bytes, most) })
	if n == 0 {
		return
	}
	s := states[n-1]
	if gap := s.loss + float64(c.slope*float64(c.room)); gap < c.gap {
		c.gap = gap
		c.best = slices.Clone(c.start)
		for l := s.before; l >= 0; l = c.links[l].before {
			c.best[c.links[l].item] = int(c.links[l].choice)
		}
	}
}
