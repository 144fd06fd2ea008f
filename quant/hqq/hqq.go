package hqq

import (
	"context"
	"fmt"
	"math"

	"fewbits/quant"
	"fewbits/quant/calib"
	"fewbits/quant/internal/coded"
)

// Solver is how zero points are found.
type Solver struct {
	Norm      float64 // p, over 0 and at most 1
	Beta      float64 // β, over 0
	Kappa     float64 // growth of β each turn
	Iters     int     // turns at most
	EarlyStop bool    // stop at the first turn that began no better than the best
}

// Default is the authors' default solver, Slow the one they call slow: ten
// times the work, a little less error.
var (
	Default = Solver{Norm: 0.7, Beta: 10, Kappa: 1, Iters: 20, EarlyStop: true}
	Slow    = Solver{Norm: 0.7, Beta: 10, Kappa: 1.01, Iters: 100}
)

// Result is what HQQ decided. Groups are in the order of Layout.
type Result struct {
	Codes  []byte    // rows × columns
	Scales []float32 // one a group
	Zeros  []float32 // one a group, in codes, not whole
	Layout coded.Layout
	// MeanAbs is the mean |w − ŵ| at the start of each turn.
	MeanAbs []float64
}

// task is one run.
type task struct {
	coded.Layout
	maxq  float32
	w     []float32 // group after group
	r, z  []float32 // by group
	each  []float64 // Σ|w − ŵ| by group
	beta  float64
	solve Solver
}

// Solve quantizes w. Of o it reads bits, group, axis (as Options.Axis0 says)
// and round-zero. It fails on options without a meaning, where w is not finite
// and where groups do not fill it (*quant.ShapeError); once ctx is done it
// returns ctx.Err().
func Solve(ctx context.Context, w quant.Tensor, s Solver, o quant.Options) (*Result, error) {
	if !(s.Norm > 0 && s.Norm <= 1 && s.Beta > 0 && s.Kappa > 0 && s.Iters >= 0 && s.Iters < 1<<20) {
		return nil, fmt.Errorf("hqq: solver %+v: want a norm over 0 and up to 1, and a beta and kappa over 0", s)
	}
	t, c, err := newTask(w, o)
	if err != nil {
		return nil, err
	}
	t.solve, t.beta = s, s.Beta
	out := &Result{Layout: t.Layout}
	if err := t.start(ctx, c.roundZero); err != nil {
		return nil, err
	}
	best := float32(math.Inf(1))
	for range s.Iters {
		mean, err := t.turn(ctx)
		if err != nil {
			return nil, err
		}
		out.MeanAbs = append(out.MeanAbs, mean)
		if s.EarlyStop {
			if !(float32(mean) < best) {
				break
			}
			best = float32(mean)
		}
		t.beta *= s.Kappa
	}
	return out, t.finish(ctx, w.Name, out)
}

// newTask gathers the groups of w.
func newTask(w quant.Tensor, o quant.Options) (*task, config, error) {
	c, err := resolve(o)
	if err != nil {
		return nil, c, err
	}
	l, err := c.layout(w.Name, w.Shape)
	if err != nil {
		return nil, c, err
	}
	if err := quant.CheckFinite(w); err != nil {
		return nil, c, err
	}
	n := l.Blocks()
	t := &task{Layout: l, maxq: float32(int(1)<<c.bits - 1), w: make([]float32, len(w.Data)),
		r: make([]float32, n), z: make([]float32, n), each: make([]float64, n)}
	for i := range t.w {
		t.w[i] = w.Data[l.Index(i/l.Group, i%l.Group, nil)]
	}
	return t, c, nil
}

// perCall is how many groups one core takes at a time.
const perCall = 64

// groups calls work for each group, on all cores.
func (t *task) groups(ctx context.Context, work func(k int, w []float32)) error {
	n := len(t.r)
	return calib.Each(ctx, (n+perCall-1)/perCall, func(i int) {
		for k := i * perCall; k < min(n, (i+1)*perCall); k++ {
			work(k, t.w[k*t.Group:][:t.Group])
		}
	})
}

// start finds the grids that the solver begins with.
func (t *task) start(ctx context.Context, roundZero bool) error {
	return t.groups(ctx, func(k int, w []float32) {
		lo, hi := w[0], w[0]
		for _, v := range w {
			lo, hi = min(lo, v), max(hi, v)
		}
		r := t.maxq / (hi - lo)
		switch {
		case hi-lo <= 1e-4:
			r = 1
		case r == 0: // hi − lo is past the largest float32
			r = float32(float64(t.maxq) / (float64(hi) - float64(lo)))
		}
		r = min(r, 2e4)
		z := -lo * r
		if roundZero {
			z = roundEven(z)
		}
		t.r[k], t.z[k] = r, z
	})
}

// turn improves all zero points once. It returns the mean |w − ŵ| from before.
func (t *task) turn(ctx context.Context) (float64, error) {
	inverse, power := 1/t.beta, t.solve.Norm-1
	// |x| − |x|^(p−1)/β is over 0 from here on: a little less spares the power.
	edge := float32(math.Pow(inverse, 1/(1-power)) * 0.999)
	err := t.groups(ctx, func(k int, w []float32) {
		r, z := t.r[k], t.z[k]
		lost, sum := 0.0, 0.0
		for _, v := range w {
			q := t.code(v, r, z)
			d := v - (q-z)/r
			a := max(d, -d)
			lost += float64(a)
			e := float32(0)
			if a > edge {
				e = max(a-float32(inverse*float64(float32(math.Pow(float64(a), power)))), 0)
				if d < 0 {
					e = -e
				}
			}
			sum += float64(q - float32((v-e)*r))
		}
		t.each[k], t.z[k] = lost, float32(sum/float64(len(w)))
	})
	total := 0.0
	for _, v := range t.each {
		total += v
	}
	return total / float64(max(1, len(t.w))), err
}

func (t *task) code(v, r, z float32) float32 {
	return min(max(roundEven(float32(v*r)+z), 0), t.maxq)
}

// finish gives out its codes and grids.
func (t *task) finish(ctx context.Context, name string, out *Result) error {
	out.Codes, out.Scales, out.Zeros = make([]byte, len(t.w)), make([]float32, len(t.r)), t.z
	err := t.groups(ctx, func(k int, w []float32) {
		out.Scales[k] = 1 / t.r[k]
		for j, v := range w {
			out.Codes[t.Index(k, j, nil)] = byte(t.code(v, t.r[k], t.z[k]))
		}
	})
	if err != nil {
		return err
	}
	for k, s := range out.Scales {
		if far := s * (max(t.z[k], -t.z[k]) + t.maxq); !(far <= math.MaxFloat32) {
			return &quant.RowError{Tensor: name, Row: t.Index(k, 0, nil) / t.Cols, Format: "HQQ", Reason: "the range of its weights is past the largest float32"}
		}
	}
	return nil
}

// Round is w on the grids that the solver begins with: plain rounding to the
// same bits and groups.
func Round(ctx context.Context, w quant.Tensor, o quant.Options) ([]float32, error) {
	t, c, err := newTask(w, o)
	if err != nil {
		return nil, err
	}
	if err := t.start(ctx, c.roundZero); err != nil {
		return nil, err
	}
	out := make([]float32, len(w.Data))
	return out, t.groups(ctx, func(k int, w []float32) {
		for j, v := range w {
			out[t.Index(k, j, nil)] = (t.code(v, t.r[k], t.z[k]) - t.z[k]) * (1 / t.r[k])
		}
	})
}

// roundEven rounds to the nearest whole number, ties to even.
func roundEven(v float32) float32 { return float32(math.RoundToEven(float64(v))) }
