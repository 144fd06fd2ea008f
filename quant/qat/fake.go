package qat

import "math"

// Float is what fake quantization works on.
type Float interface{ ~float32 | ~float64 }

// Levels are the integers −N … P that codes are clipped to.
type Levels struct{ N, P int }

// Ternary stands for the weights −1, 0 and 1 where bits are asked for.
const Ternary = 0

// Signed gives the levels of b bits, 2 ≤ b ≤ 8, or Ternary.
func Signed(bits int) Levels {
	if bits == Ternary {
		return Levels{1, 1}
	}
	return Levels{1 << (bits - 1), 1<<(bits-1) - 1}
}

// Unsigned gives the levels 0 … 2^b − 1.
func Unsigned(bits int) Levels { return Levels{0, 1<<bits - 1} }

// Count is how many levels there are.
func (l Levels) Count() int { return l.N + l.P + 1 }

// Affine is fake quantization with a given step and zero point: codes are
// clip(round(x/Step) + Zero, Min, Max), halves rounded to even.
type Affine struct {
	Step     float64
	Zero     int
	Min, Max int
}

// Apply writes what each of x comes back as to y, which is as long.
func Apply[T Float](a Affine, y, x []T) {
	for i, v := range x {
		c := min(max(a.code(float64(v)), float64(a.Min)), float64(a.Max))
		y[i] = T((c - float64(a.Zero)) * a.Step)
	}
}

// Through writes the straight-through gradient to g: that of x̂ where x was
// within the levels, else 0.
func Through[T Float](a Affine, g, x, upstream []T) {
	for i, v := range x {
		g[i] = 0
		if c := a.code(float64(v)); float64(a.Min) <= c && c <= float64(a.Max) {
			g[i] = upstream[i]
		}
	}
}

func (a Affine) code(x float64) float64 { return math.RoundToEven(x/a.Step) + float64(a.Zero) }

// LSQ is a learnt step. Its zero value is of no use: see Begin.
type LSQ struct {
	Levels Levels
	Step   float64
}

// Begin gives the step that training starts from: 2·mean|x|/√Qp. A row of
// zeros gets 1.
func Begin[T Float](l Levels, x []T) LSQ {
	var sum float64
	for _, v := range x {
		sum += math.Abs(float64(v))
	}
	s := 2 * sum / float64(max(1, len(x))) / math.Sqrt(float64(l.P))
	if !(s > 0) || math.IsInf(s, 0) {
		s = 1
	}
	return LSQ{l, s}
}

// GradScale is what the step's gradient is multiplied by for n values.
func (q LSQ) GradScale(n int) float64 { return 1 / math.Sqrt(float64(n)*float64(q.Levels.P)) }

// Fake writes x̂ to y, which is as long as x.
func Fake[T Float](q LSQ, y, x []T) {
	lo, hi := -float64(q.Levels.N), float64(q.Levels.P)
	for i, v := range x {
		y[i] = T(math.RoundToEven(min(max(float64(v)/q.Step, lo), hi)) * q.Step)
	}
}

// Back writes the gradient of x to g and returns that of the step, scaled.
func Back[T Float](q LSQ, g, x, upstream []T) float64 {
	lo, hi := -float64(q.Levels.N), float64(q.Levels.P)
	var sum float64
	for i, v := range x {
		r, up := float64(v)/q.Step, float64(upstream[i])
		switch {
		case r <= lo:
			g[i], r = 0, lo
		case r >= hi:
			g[i], r = 0, hi
		default:
			g[i], r = upstream[i], math.RoundToEven(r)-r
		}
		sum += float64(r * up)
	}
	return sum * q.GradScale(len(x))
}

// Best gives the step of least squared error among 200, from that which clips
// nothing down to a hundredth of it: what rounding after training can do best.
func Best[T Float](l Levels, x []T) LSQ { return BestOf(l, x, 200) }

// BestOf is Best with so many tries, from that which clips nothing down to
// two of as many parts of it.
func BestOf[T Float](l Levels, x []T, tries int) LSQ {
	var top float64
	for _, v := range x {
		r := math.Abs(float64(v)) / float64(l.P)
		if v < 0 {
			r = math.Abs(float64(v)) / float64(max(1, l.N))
		}
		top = max(top, r)
	}
	if !(top > 0) || math.IsInf(top, 0) {
		return LSQ{l, 1}
	}
	best, least := LSQ{l, top}, math.Inf(1)
	for i := tries; i > 1; i-- {
		q := LSQ{l, top * float64(i) / float64(tries)}
		if e := squares(q, x); e < least {
			best, least = q, e
		}
	}
	return best
}

func squares[T Float](q LSQ, x []T) float64 {
	lo, hi := -float64(q.Levels.N), float64(q.Levels.P)
	var sum float64
	for _, v := range x {
		d := math.RoundToEven(min(max(float64(v)/q.Step, lo), hi))*q.Step - float64(v)
		sum += float64(d * d)
	}
	return sum
}
