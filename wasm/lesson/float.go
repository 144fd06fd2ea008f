package lesson

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// small is a float of a sign, e bits of exponent and m of mantissa. From five
// bits of exponent on its last exponent is kept for infinity and NaN, as IEEE
// 754 has it; below that it holds numbers, and of E4M3 the last one is NaN.
type small struct{ e, m int }

func (f small) bias() int { return 1<<(f.e-1) - 1 }

// last is the largest code without a sign that is a number.
func (f small) last() int {
	switch {
	case f.e >= 5:
		return (1<<f.e-1)<<f.m - 1
	case f.e == 4 && f.m == 3:
		return 1<<(f.e+f.m) - 2
	}
	return 1<<(f.e+f.m) - 1
}

// value is that of a code without a sign.
func (f small) value(code int) float64 {
	e, m := code>>f.m, float64(code&(1<<f.m-1))/math.Exp2(float64(f.m))
	if e == 0 {
		return math.Ldexp(m, 1-f.bias())
	}
	return math.Ldexp(1+m, e-f.bias())
}

// nearest is the code of the value next to x ≥ 0, of two the even one; beyond
// the largest it is the largest.
func (f small) nearest(x float64) int {
	lo, hi := 0, f.last()
	for lo < hi {
		if mid := (lo + hi) / 2; f.value(mid) < x {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo == 0 || f.value(lo) <= x {
		return lo
	}
	up, down := f.value(lo)-x, x-f.value(lo-1)
	if down < up || down == up && (lo-1)%2 == 0 {
		return lo - 1
	}
	return lo
}

func (f small) name() string {
	for _, k := range []struct {
		f    small
		name string
	}{{small{5, 10}, "FP16"}, {small{8, 7}, "BF16"}, {small{4, 3}, "FP8 E4M3"}, {small{5, 2}, "FP8 E5M2"}, {small{2, 1}, "FP4 E2M1"}, {small{3, 2}, "FP6 E3M2"}, {small{2, 3}, "FP6 E2M3"}} {
		if k.f == f {
			return k.name
		}
	}
	return fmt.Sprintf("E%dM%d", f.e, f.m)
}

// floatWidget gives bits to the exponent or to the mantissa.
var floatWidget = Widget{
	ID: "float",
	Controls: []Control{
		slider("e", "Exponent E", 2, 8, 1, 4).in("bits"),
		slider("m", "Mantissa M", 0, 10, 1, 3).in("bits"),
		slider("x", "A value", -8, 8, 0.01, 0.3),
	},
	Draw: drawFloat,
}

func drawFloat(v Values) ([]Part, error) {
	f, x := small{v.Int("e"), v.Int("m")}, v.Number("x")
	code := f.nearest(math.Abs(x))
	y := math.Copysign(f.value(code), x)
	var levels []float64
	for c := 0; c <= f.last() && f.value(c) <= 4; c++ {
		if l := f.value(c); len(levels) == 0 || l-levels[len(levels)-1] > 1.0/512 {
			levels = append(levels, l)
		}
	}
	e, m := code>>f.m, code&(1<<f.m-1)
	sign := "0"
	if math.Signbit(x) {
		sign = "1"
	}
	fields := []Bits{{"sign", "sign", sign, map[string]string{"0": "+", "1": "−"}[sign]}, {"exponent", "exponent", binary(e, f.e), fmt.Sprintf("%d − %d", e, f.bias())}}
	formula := fmt.Sprintf("x̂ = %s2%s · (1 + %d/%d) = %s", signOf(x), power(e-f.bias()), m, 1<<f.m, num(y, 6))
	if e == 0 {
		formula = fmt.Sprintf("x̂ = %s2%s · (0 + %d/%d) = %s: below the smallest exponent there is no leading 1", signOf(x), power(1-f.bias()), m, 1<<f.m, num(y, 6))
	}
	if f.m > 0 {
		fields = append(fields, Bits{"mantissa", "mantissa", binary(m, f.m), fmt.Sprintf("%d of %d", m, 1<<f.m)})
	}
	return []Part{
		{Name: "The levels between 0 and 4", Line: &Line{Levels: levels, Lo: -0.05, Hi: 4.05},
			Say: fmt.Sprintf("%s, %d bits: the largest is %s, the smallest above 0 is %s.", f.name(), 1+f.e+f.m, num(f.value(f.last()), 5), num(f.value(1), 3))},
		{Name: "The bits of the value", Bits: fields, Say: fmt.Sprintf("%s becomes %s: off by %s.", num(x, 4), num(y, 6), num(math.Abs(y-x), 3))},
		{Name: "In numbers", Terms: []Term{word(formula)}, Say: "The exponent says which power of two, the mantissa how far on to the next."},
	}, nil
}

func signOf(x float64) string {
	if math.Signbit(x) {
		return "−"
	}
	return ""
}

// binary is n in so many bits.
func binary(n, bits int) string {
	b := make([]byte, bits)
	for i := range b {
		b[i] = '0' + byte(n>>(bits-1-i)&1)
	}
	return string(b)
}

// floatExercise decodes a few bits.
var floatExercise = Exercise{ID: "float", Title: "Read a float", Make: func(r *rand.Rand) Question {
	f := pick(r, small{4, 3}, small{5, 2}, small{3, 2}, small{2, 3}, small{2, 1})
	code := r.IntN(f.last()) + 1
	if f.e == 5 { // keep to numbers that can be written down
		code = (10+r.IntN(10))<<f.m | r.IntN(1<<f.m)
	}
	negative := r.IntN(3) == 0
	want := f.value(code)
	sign := "0"
	if negative {
		want, sign = -want, "1"
	}
	e, m := code>>f.m, code&(1<<f.m-1)
	unit := math.Exp2(float64(f.m))
	a := Field{Label: "Value", want: want, near: math.Abs(want) / 1e4, other: "no. Sign, then 2 to the power of exponent − bias, then 1 + mantissa."}
	a.add(-want, "the sign is the other way round: a first bit of 1 is negative.")
	p := math.Copysign(math.Ldexp(1, e-f.bias()), want)
	if e == 0 {
		p = math.Copysign(math.Ldexp(1, 1-f.bias()), want)
		a.add(p*(1+float64(m)/unit), "an exponent of only zeros has no leading 1 before the mantissa.")
		a.add(math.Copysign(math.Ldexp(float64(m)/unit, -f.bias()), want), "an exponent of only zeros counts as the one above it: 1 − bias.")
		a.add(0, "only where the mantissa is zero as well.")
	} else {
		a.add(p*float64(m)/unit, "the leading 1 before the mantissa is missing.")
		a.add(p, "that is the power of two alone. The mantissa adds a part of it.")
	}
	a.add(math.Copysign(math.Ldexp(1+float64(m)/unit, e), want), "the bias is not subtracted from the exponent.")
	a.add(math.Copysign(math.Ldexp(1+float64(m)/unit, e-f.bias()-1), want), fmt.Sprintf("the bias is one less: %d.", f.bias()))
	a.add(p*(1+float64(m)), fmt.Sprintf("the mantissa counts in parts of %d.", 1<<f.m))
	a.add(float64(code), "that reads the bits as a whole number.")
	start := fmt.Sprintf("The exponent is %d, less the bias %d.", e, f.bias())
	if e == 0 {
		start = fmt.Sprintf("An exponent of only zeros stands for 1 − %d, without a leading 1.", f.bias())
	}
	return Question{
		Text:   fmt.Sprintf("In %s a number has a sign, %d bits of exponent with a bias of %d, and %d bits of mantissa. What is %s %s %s?", f.name(), f.e, f.bias(), f.m, sign, binary(e, f.e), binary(m, f.m)),
		Given:  []Given{{"Sign", sign}, {"Exponent", binary(e, f.e)}, {"Mantissa", binary(m, f.m)}},
		Fields: []Field{a},
		hints:  []string{start, fmt.Sprintf("The mantissa is %d of %d.", m, 1<<f.m), "Value = ± 2 to the exponent, times 1 + mantissa; without the 1 where the exponent is all zeros."},
		right:  []string{fmt.Sprintf("It is %s.", num(want, 8))},
	}
}}
