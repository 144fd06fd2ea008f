package awq

import (
	"context"
	"fmt"
	"math"

	"fewbits/quant"
	"fewbits/quant/calib"
)

// Constants of the reference.
const (
	ratios     = 20  // r = 0, 1/20 …
	clipGrid   = 20  // shrunken ranges 1 − i/20
	clipSteps  = 10  // of them, tried
	clipTokens = 512 // about as many are looked at for clips
	minScale   = 1e-4
)

// Result is what AWQ decided for a matrix of rows × columns.
type Result struct {
	Codes       []byte    // rows × columns; signed ones as their low bits
	Groups      int       // of a row
	Scales      []float32 // rows × Groups
	Zeros       []float32 // rows × Groups; nil where symmetric
	InputScales []float32 // t: one a column
	Clips       []float32 // rows × Groups: scaled weights are clipped at ± it; nil without clip
	Ratio       float64   // r
	Losses      []float64 // mean squared change of the output, for each r tried
}

// config is the options, with defaults.
type config struct {
	bits, group    int // group is -1 for a whole row
	sym, duo, clip bool
}

// groupOf is the values of a group in rows of n.
func (c config) groupOf(n int) int {
	if c.group < 0 {
		return max(1, n)
	}
	return min(c.group, max(1, n))
}

// solver is one run.
type solver struct {
	config
	quantizer
	rows, n, size int
	w             []float32
	x             *quant.Tensor
}

// Solve quantizes w for the activations x. Of o it reads bits, sym, group, duo
// and clip. It fails on options without a meaning and where w or x is not
// finite; once ctx is done it returns ctx.Err().
func Solve(ctx context.Context, w quant.Tensor, x *quant.Tensor, o quant.Options) (*Result, error) {
	found, err := Search(ctx, w, x, nil, o)
	if err != nil {
		return nil, err
	}
	r, err := apply(ctx, w, x, found.InputScales, o, false)
	if err != nil {
		return nil, err
	}
	r.Ratio, r.Losses = found.Ratio, found.Losses
	return r, nil
}

// Scales is what the search for input scales found.
type Scales struct {
	InputScales []float32 // t: one a column
	Ratio       float64   // r
	Losses      []float64 // mean squared change of the output, for each r tried
}

// Search is the search for scales alone. Layers that share their input have
// them in common: w is then the rows of all of them, one under the other. e
// judges by x, or by more than it; nil is calib.Layer's of x.
func Search(ctx context.Context, w quant.Tensor, x *quant.Tensor, e *calib.Energy, o quant.Options) (*Scales, error) {
	s, err := newSolver(w, x, o)
	if err == nil && e == nil {
		e, err = calib.Layer(ctx, x)
	}
	if err != nil {
		return nil, err
	}
	r := &Scales{}
	return r, s.search(ctx, e, r)
}

// Apply quantizes w with input scales that were found before, nil for none: the
// search for clips, and codes. Clips are judged by sums of float32, which is
// quick; where two are as good as equal it may take the other than Solve does.
func Apply(ctx context.Context, w quant.Tensor, x *quant.Tensor, inputScales []float32, o quant.Options) (*Result, error) {
	return apply(ctx, w, x, inputScales, o, true)
}

func apply(ctx context.Context, w quant.Tensor, x *quant.Tensor, inputScales []float32, o quant.Options, single bool) (*Result, error) {
	s, err := newSolver(w, x, o)
	if err != nil {
		return nil, err
	}
	if inputScales == nil {
		inputScales = make([]float32, s.n)
		for c := range inputScales {
			inputScales[c] = 1
		}
	}
	if len(inputScales) != s.n {
		return nil, fmt.Errorf("awq: tensor %q: %d input scales for %d columns", w.Name, len(inputScales), s.n)
	}
	r := &Result{Groups: (s.n + s.size - 1) / s.size, InputScales: inputScales}
	scaled := make([]float32, len(s.w))
	for i, v := range s.w {
		scaled[i] = v * r.InputScales[i%s.n]
	}
	if bad := quant.CheckFinite(quant.Tensor{Name: w.Name, Shape: w.Shape, Data: scaled}); bad != nil {
		return nil, fmt.Errorf("awq: scaled weights grow past the largest float32: %w", bad)
	}
	if s.clip {
		if err := s.clipAll(ctx, scaled, r, single); err != nil {
			return nil, err
		}
	}
	s.encode(scaled, r)
	return r, ctx.Err()
}

// newSolver checks what it is given.
func newSolver(w quant.Tensor, x *quant.Tensor, o quant.Options) (*solver, error) {
	c, err := resolve(o)
	if err != nil {
		return nil, err
	}
	if err := quant.CheckFinite(w); err != nil {
		return nil, err
	}
	if err := calib.Check(x, w.Cols()); err != nil {
		return nil, fmt.Errorf("awq: tensor %q: %w", w.Name, err)
	}
	s := &solver{config: c, quantizer: newQuantizer(c.bits, c.sym), rows: w.Rows(), n: w.Cols(), w: w.Data, x: x}
	s.size = c.groupOf(s.n)
	return s, nil
}

// search finds the input scales.
func (s *solver) search(ctx context.Context, e *calib.Energy, r *Scales) error {
	x := calib.AbsMean(s.x)
	var w []float32
	if s.duo {
		w = s.relative()
	}
	back := make([]float32, len(s.w))
	least := math.Inf(1)
	for i := range ratios {
		ratio := float64(i) / ratios
		t := inputScales(x, w, ratio)
		err := calib.Each(ctx, s.rows, func(row int) {
			s.roundRow(back[row*s.n:][:s.n], s.w[row*s.n:][:s.n], t)
		})
		if err != nil {
			return err
		}
		sum, err := e.Sum(ctx, s.w, back)
		if err != nil {
			return err
		}
		loss := sum / float64(s.rows) / float64(s.x.Rows())
		r.Losses = append(r.Losses, loss)
		if loss < least {
			least, r.Ratio, r.InputScales = loss, ratio, t
		}
	}
	if r.InputScales == nil {
		return fmt.Errorf("awq: the output's change is not a number whatever the scales: weights or activations are too large")
	}
	return nil
}

// inputScales are those of one ratio; w is nil without duo.
func inputScales(x, w []float32, ratio float64) []float32 {
	t := make([]float32, len(x))
	lo, hi := float32(math.Inf(1)), float32(0)
	for c, v := range x {
		t[c] = pow(v, ratio)
		if w != nil {
			t[c] /= pow(w[c], 1-ratio) + 1e-4
		}
		t[c] = max(t[c], minScale)
		lo, hi = min(lo, t[c]), max(hi, t[c])
	}
	middle := float32(math.Sqrt(float64(hi * lo)))
	for c := range t {
		if t[c] /= middle; !(t[c] > 0 && t[c] <= math.MaxFloat32) {
			t[c] = 1
		}
	}
	return t
}

// pow is x^y, 0^0 = 1.
func pow(x float32, y float64) float32 { return float32(math.Pow(float64(x), float64(float32(y)))) }

// relative is, for each column, the mean of |w| over the largest of its group.
func (s *solver) relative() []float32 {
	sums := make([]float64, s.n)
	for row := range s.rows {
		for at := 0; at < s.n; at += s.size {
			w := s.w[row*s.n+at:][:min(s.size, s.n-at)]
			most := float32(0)
			for _, v := range w {
				most = max(most, v, -v)
			}
			for j, v := range w {
				sums[at+j] += float64(max(v, -v) / (most + 1e-6))
			}
		}
	}
	means := make([]float32, s.n)
	for c, v := range sums {
		means[c] = float32(v / float64(s.rows))
	}
	return means
}

// roundRow sets out to Q(w·t)/t, a row.
func (s *solver) roundRow(out, w, t []float32) {
	for c, v := range w {
		out[c] = v * t[c]
	}
	for at := 0; at < s.n; at += s.size {
		g := out[at:min(s.n, at+s.size)]
		s.round(g, g)
	}
	for c := range out {
		out[c] /= t[c]
	}
}

// clipRows is how many rows are clipped at a time.
const clipRows = 16

// clipAll clips the scaled weights.
func (s *solver) clipAll(ctx context.Context, scaled []float32, r *Result, single bool) error {
	x := &quant.Tensor{Name: s.x.Name, Shape: s.x.Shape, Data: make([]float32, len(s.x.Data))}
	for i, v := range s.x.Data {
		x.Data[i] = v / r.InputScales[i%s.n]
	}
	step := max(1, x.Rows()/clipTokens)
	r.Clips = make([]float32, s.rows*r.Groups)
	chunks := (s.rows + clipRows - 1) / clipRows
	energies := make([]*calib.Energy, r.Groups)
	err := calib.Each(ctx, r.Groups, func(g int) {
		if energies[g] = calib.NewEnergy(x, g*s.size, min(s.size, s.n-g*s.size), step); single {
			energies[g] = energies[g].Single()
		}
	})
	if err != nil {
		return err
	}
	return calib.Each(ctx, r.Groups*chunks, func(k int) {
		g, first := k/chunks, k%chunks*clipRows
		s.clipGroup(energies[g], scaled, g, first, min(clipRows, s.rows-first), r, single)
	})
}

// clipGroup clips group g of some rows.
func (s *solver) clipGroup(e *calib.Energy, scaled []float32, g, first, rows int, r *Result, single bool) {
	n := min(s.size, s.n-g*s.size)
	d, short := make([]float64, clipSteps*n), make([]float32, clipSteps*n)
	cut := make([]float32, n)
	var losses [clipSteps]float64
	for row := first; row < first+rows; row++ {
		w := scaled[row*s.n+g*s.size:][:n]
		most := float32(0)
		for _, v := range w {
			most = max(most, v, -v)
		}
		var limits [clipSteps]float32
		for i := range limits {
			limits[i] = most * float32(1-float64(i)/clipGrid)
			clamp(cut, w, limits[i])
			s.round(cut, cut)
			for j, v := range cut {
				d[i*n+j], short[i*n+j] = float64(v)-float64(w[j]), v-w[j]
			}
		}
		if single {
			e.SingleRows(short, losses[:])
		} else {
			e.Rows(d, losses[:])
		}
		best := 0
		for i, l := range losses {
			if l < losses[best] {
				best = i
			}
		}
		r.Clips[row*r.Groups+g] = limits[best]
		clamp(w, w, limits[best])
	}
}

// clamp sets out to w kept within ± limit.
func clamp(out, w []float32, limit float32) {
	for i, v := range w {
		out[i] = min(max(v, -limit), limit)
	}
}

// encode finds codes and grids of the scaled and clipped weights.
func (s *solver) encode(scaled []float32, r *Result) {
	r.Codes = make([]byte, len(scaled))
	r.Scales = make([]float32, s.rows*r.Groups)
	if !s.sym {
		r.Zeros = make([]float32, s.rows*r.Groups)
	}
	for row := range s.rows {
		for g := range r.Groups {
			at := row*s.n + g*s.size
			w := scaled[at:][:min(s.size, s.n-g*s.size)]
			scale, zero := s.grid(w)
			r.Scales[row*r.Groups+g] = scale
			if !s.sym {
				r.Zeros[row*r.Groups+g] = zero
			}
			for j, v := range w {
				r.Codes[at+j] = byte(int(s.code(v, scale, zero)))
			}
		}
	}
}

// Round is w on its grids alone, neither scaled nor clipped: what plain
// rounding to the same bits and groups gives.
func Round(w quant.Tensor, o quant.Options) ([]float32, error) {
	c, err := resolve(o)
	if err != nil {
		return nil, err
	}
	z, n, size := newQuantizer(c.bits, c.sym), w.Cols(), c.groupOf(w.Cols())
	out := make([]float32, len(w.Data))
	for row := range w.Rows() {
		for at := 0; at < n; at += size {
			i := row*n + at
			m := min(size, n-at)
			z.round(out[i:i+m], w.Data[i:i+m])
		}
	}
	return out, nil
}
