package gptq

import (
	"context"
	"fmt"
	"math"
	"slices"

	"fewbits/quant"
	"fewbits/quant/calib"
)

// Result is what GPTQ decided for a matrix of rows × columns.
type Result struct {
	Codes       []byte    // rows × columns, in the tensor's own order
	Groups      int       // of a row
	Scales      []float32 // rows × Groups
	Zeros       []float32 // rows × Groups, in codes
	GroupIndex  []int32   // group of each column
	Permutation []int32   // columns in the order they were quantized in; nil where that is their own
	// Loss is Σ(w − q)² / (2·U[i][i]²): half of tr((W−Ŵ)·H·(W−Ŵ)ᵀ), H damped.
	Loss float64
}

// config is the options, with defaults.
type config struct {
	bits, group, block int // group is -1 for a whole row
	symmetric, mse     bool
	actOrder, static   bool
	damp               float64
}

// Solve quantizes w, whose rows have g.N values, with the activations summed
// in g. Of o it reads bits, sym, group, act-order, static-groups, mse, damp and
// block. It fails on options without a meaning, where w is not finite, and
// where the Hessian cannot be factored; once ctx is done it returns ctx.Err().
func Solve(ctx context.Context, w quant.Tensor, g *calib.Gram, o quant.Options) (*Result, error) {
	c, err := resolve(o)
	if err != nil {
		return nil, err
	}
	if w.Cols() != g.N {
		return nil, fmt.Errorf("gptq: tensor %q: rows of %d values, and activations of %d inputs", w.Name, w.Cols(), g.N)
	}
	if err := quant.CheckFinite(w); err != nil {
		return nil, err
	}
	s := newSolver(c, w)
	h := g.Hessian()
	s.prepare(h)
	if s.u, err = calib.InverseFactor(ctx, h, s.n); err != nil {
		return nil, fmt.Errorf("gptq: tensor %q: %w", w.Name, err)
	}
	losses := make([]float64, s.rows)
	err = calib.Each(ctx, (s.rows+rowsAtOnce-1)/rowsAtOnce, func(i int) {
		from := i * rowsAtOnce
		s.solveRows(ctx, from, min(rowsAtOnce, s.rows-from), losses)
	})
	if err != nil {
		return nil, err
	}
	for row, l := range losses {
		if s.Loss += l / 2; math.IsNaN(l) || math.IsInf(l, 0) {
			return nil, &quant.RowError{Tensor: w.Name, Row: row, Format: "GPTQ", Reason: "what is made up for grows past the largest float32; add more damping"}
		}
	}
	if !c.actOrder {
		s.Permutation = nil
	}
	return &s.Result, nil
}

// solver is one run. Columns are numbered in the order they are taken.
type solver struct {
	config
	grids
	Result
	rows, n int
	w       quant.Tensor
	order   []int32   // the tensor's column, of each column
	dead    []bool    // by the tensor's column
	u       []float32 // U transposed, n × n
	size    int       // columns of a group
}

func newSolver(c config, w quant.Tensor) *solver {
	c.block = min(c.block, max(1, w.Cols()))
	s := &solver{config: c, grids: newGrids(c.bits, c.symmetric, c.mse), rows: w.Rows(), n: w.Cols(), w: w}
	s.size = c.groupOf(s.n)
	s.Groups = (s.n + s.size - 1) / s.size
	s.Codes = make([]byte, s.rows*s.n)
	s.Scales, s.Zeros = make([]float32, s.rows*s.Groups), make([]float32, s.rows*s.Groups)
	return s
}

// groupOf is the values of a group in rows of n.
func (c config) groupOf(n int) int {
	if c.group < 0 {
		return max(1, n)
	}
	return min(c.group, max(1, n))
}

// prepare settles the order of the columns and makes h what is factored.
func (s *solver) prepare(h []float64) {
	n := s.n
	s.dead = make([]bool, n)
	s.order, s.GroupIndex = make([]int32, n), make([]int32, n)
	mean := 0.0
	for c := range n {
		s.order[c] = int32(c)
		if d := &h[c*n+c]; *d == 0 {
			s.dead[c], *d = true, 1
		}
		mean += h[c*n+c] / float64(n)
	}
	if s.actOrder {
		slices.SortStableFunc(s.order, func(a, b int32) int {
			da, db := h[int(a)*n+int(a)], h[int(b)*n+int(b)]
			switch {
			case da > db:
				return -1
			case da < db:
				return 1
			}
			return 0
		})
		permute(h, s.order)
	}
	s.Permutation = s.order
	for k, c := range s.order {
		h[k*n+k] += s.damp * mean
		s.GroupIndex[c] = int32(k / s.size)
		if s.static {
			s.GroupIndex[c] = c / int32(s.size)
		}
	}
}

// permute puts rows and columns of h in order.
func permute(h []float64, order []int32) {
	n := len(order)
	from := slices.Clone(h)
	for i, a := range order {
		row := from[int(a)*n:][:n]
		for j, b := range order {
			h[i*n+j] = row[b]
		}
	}
}

// rowsAtOnce is how many rows one core takes together.
const rowsAtOnce = 32

// strip is some rows in work.
type strip struct {
	*solver
	first int       // row
	m     int       // rows
	w     []float32 // m × n, in order; of finished blocks as they were when those began
	work  []float32 // m × block: the block in work
	errs  []float32 // m × block
	part  []float32 // m × columns of one update
	tri   []float32 // U of the block in work, row after row
	cuts  [][]grid  // of static groups: by row, by group
	now   []grid    // of the group in work, by row
}

// solveRows quantizes m rows from first on, and sets their losses. Rows do
// not depend on one another.
func (s *solver) solveRows(ctx context.Context, first, m int, losses []float64) {
	n := s.n
	p := &strip{solver: s, first: first, m: m,
		w: make([]float32, m*n), work: make([]float32, m*s.block), errs: make([]float32, m*s.block),
		part: make([]float32, m*updateCols), tri: make([]float32, s.block*s.block), now: make([]grid, m)}
	p.begin()
	for from := 0; from < n; from += s.block {
		if ctx.Err() != nil {
			return
		}
		w := min(s.block, n-from)
		p.solveBlock(from, w, losses)
		p.update(from, w)
	}
}

// begin takes the rows in order, with the grids that are found beforehand.
func (p *strip) begin() {
	n := p.n
	for r := range p.m {
		row := p.solver.w.Data[(p.first+r)*n:][:n]
		alive := make([]float32, n)
		for c, v := range row {
			if !p.dead[c] {
				alive[c] = v
			}
		}
		switch {
		case p.group < 0:
			p.now[r] = p.find(row) // dead columns and all
			p.keep(r, 0)
		case p.static:
			cuts := make([]grid, p.Groups)
			for g := range cuts {
				cuts[g] = p.find(alive[g*p.size : min(n, (g+1)*p.size)])
			}
			p.cuts = append(p.cuts, cuts)
		}
		for k, c := range p.order {
			p.w[r*n+k] = alive[c]
		}
	}
}

// keep stores the grid of row r as that of group g.
func (p *strip) keep(r, g int) {
	at := (p.first+r)*p.Groups + g
	p.Scales[at], p.Zeros[at] = p.now[r].scale, p.now[r].zero
}

// solveBlock quantizes w columns from column from on.
func (p *strip) solveBlock(from, w int, losses []float64) {
	n := p.n
	for j := range w {
		for i, v := range p.u[(from+j)*n+from:][:j+1] {
			p.tri[i*p.block+j] = v
		}
	}
	for r := range p.m {
		work := p.work[r*p.block:][:w]
		errs := p.errs[r*p.block:][:w]
		copy(work, p.w[r*n+from:])
		codes := p.Codes[(p.first+r)*n:][:n]
		loss := 0.0
		for i, v := range work {
			k := from + i
			p.enter(r, k)
			c := p.now[r]
			q := p.code(v, c)
			codes[p.order[k]] = byte(q)
			u := p.tri[i*p.block:][:w]
			e := (v - c.value(q)) / u[i]
			errs[i] = e
			loss += float64(e) * float64(e)
			for j := i + 1; j < w; j++ {
				work[j] -= float32(e * u[j])
			}
		}
		losses[p.first+r] += loss
	}
}

// enter sets the grid of row r for column k.
func (p *strip) enter(r, k int) {
	switch {
	case p.group < 0:
	case p.static:
		g := int(p.order[k]) / p.size
		p.now[r] = p.cuts[r][g]
		p.keep(r, g)
	case k%p.size == 0:
		p.now[r] = p.find(p.w[r*p.n+k:][:min(p.size, p.n-k)])
		p.keep(r, k/p.size)
	}
}

// updateCols is how many columns are updated together.
const updateCols = 256

// update takes from the columns after a block what its errors ask for.
func (p *strip) update(from, w int) {
	n := p.n
	for at := from + w; at < n; at += updateCols {
		cols := min(updateCols, n-at)
		calib.Dots(p.part, updateCols, p.errs, p.block, p.u[at*n+from:], n, p.m, cols, w)
		for r := range p.m {
			row := p.w[r*n+at:][:cols]
			for j, v := range p.part[r*updateCols:][:cols] {
				row[j] -= v
			}
		}
	}
}

// Round is w on the grids alone, without making up for anything: what plain
// rounding to the same bits and groups gives.
func Round(w quant.Tensor, o quant.Options) ([]float32, error) {
	c, err := resolve(o)
	if err != nil {
		return nil, err
	}
	g := newGrids(c.bits, c.symmetric, c.mse)
	n, size := w.Cols(), c.groupOf(w.Cols())
	out := make([]float32, len(w.Data))
	for row := range w.Rows() {
		for at := 0; at < n; at += size {
			x := w.Data[row*n+at:][:min(size, n-at)]
			c := g.find(x)
			for j, v := range x {
				out[row*n+at+j] = c.value(g.code(v, c))
			}
		}
	}
	return out, nil
}
