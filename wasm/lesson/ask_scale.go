package lesson

import (
	"fmt"
	"math"
	"math/rand/v2"

	"fewbits/quant"
)

// scaleExercise asks for the scale and the zero point of a range.
var scaleExercise = Exercise{ID: "scale", Title: "A scale from a range", Make: func(r *rand.Rand) Question {
	if r.IntN(3) == 0 {
		return askSymmetricScale(r)
	}
	n := pick(r, 2, 3, 4, 8)
	steps := 1<<n - 1
	s := pick(r, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5)
	below := 1 + r.IntN(steps-1) // steps below zero
	lo, hi := -s*float64(below), s*float64(steps-below)
	q, err := quantize(fmt.Sprintf("INT%d", n), quant.Options{Granularity: quant.PerTensor}, []float32{float32(lo), float32(hi)}, 2)
	if err != nil {
		return failed(err)
	}
	s, z, lowest := float64(q.params.Scales[0]), float64(q.params.Zeros[0]), -1<<(n-1)

	scale := Field{Label: "Scale s", want: s, near: s / 1000, other: fmt.Sprintf("no. It is the length of the range, shared among the %d steps between %d codes.", steps, steps+1)}
	scale.add((hi-lo)/float64(steps+1), fmt.Sprintf("that divides by the %d values. Between them lie %d steps.", steps+1, steps))
	scale.add(hi/float64(steps), "that is of the positive part alone. The range begins at its smallest value.")
	scale.add((hi+lo)/float64(steps), "that adds a negative number where the length of the range asks for a difference.")
	scale.add(float64(steps)/(hi-lo), "that is upside down: codes per unit. The scale is how much one code is worth.")
	scale.add((hi-lo)/float64(n), "that divides by the number of bits. Count the steps between the codes.")
	scale.add(max(hi, -lo)/float64(steps/2), "that is the scale of a symmetric format, whose range is as far to both sides.")

	zero := Field{Label: "Zero point z", want: z, other: fmt.Sprintf("no. Count the steps from the smallest value up to 0, and begin at code %s.", whole(lowest))}
	zero.add(float64(below), fmt.Sprintf("that is how many steps 0 is above the smallest value. The smallest value has the code %s, not 0.", whole(lowest)))
	zero.add(-z, "the sign is the other way round.")
	zero.add(float64(-below), "that is the smallest value in steps. Which code stands for 0?")
	zero.add(float64(lowest), "that is the code of the smallest value. Which one stands for 0?")
	zero.add(0, "0 has the code 0 only where the range is as far to both sides.")
	zero.add(lo, "that is the smallest value itself. The zero point is a code.")
	return Question{
		Text:   fmt.Sprintf("The codes of a format of %d bits run from %s to %s. They have to cover the range from %s to %s. What is one code worth, and which code stands for 0?", n, whole(lowest), whole(-lowest-1), num(lo, 5), num(hi, 5)),
		Given:  []Given{{"Codes", whole(lowest) + " … " + whole(-lowest-1)}, {"Range", num(lo, 5) + " … " + num(hi, 5)}},
		Fields: []Field{scale, zero},
		hints: []string{
			fmt.Sprintf("%d codes have %d steps between them.", steps+1, steps),
			fmt.Sprintf("s = (largest − smallest) / steps = (%s − (%s)) / %d.", num(hi, 5), num(lo, 5), steps),
			fmt.Sprintf("The smallest value has the code %s. 0 is −smallest / s steps above it.", whole(lowest)),
		},
		right: []string{fmt.Sprintf("s = %s / %d = %s, and z = %s + %d = %s.", num(hi-lo, 5), steps, num(s, 5), whole(lowest), below, num(z, 5))},
	}
}}

// askSymmetricScale is of the codes −m … m.
func askSymmetricScale(r *rand.Rand) Question {
	n := pick(r, 3, 4, 8)
	m := 1<<(n-1) - 1
	s := pick(r, 0.01, 0.02, 0.05, 0.1, 0.5)
	top := s * float64(m)
	other := top * float64(3+r.IntN(6)) / 10
	lo, hi := -top, other
	if r.IntN(2) == 0 {
		lo, hi = -other, top
	}
	q, err := quantize(fmt.Sprintf("INT%d", n), quant.Options{Granularity: quant.PerTensor, Symmetric: true, Narrow: true}, []float32{float32(lo), float32(hi)}, 2)
	if err != nil {
		return failed(err)
	}
	s = float64(q.params.Scales[0])
	f := Field{Label: "Scale s", want: s, near: s / 1000, other: "no. The value that is farthest from 0 gets the last code on its side."}
	f.add((hi-lo)/float64(2*m), "that is the length of the range over all steps. A symmetric format reaches as far to both sides, so the larger side alone counts.")
	f.add(top/float64(m+1), fmt.Sprintf("that divides by %d. The last code is %d.", m+1, m))
	f.add(other/float64(m), "that is of the nearer end. The other end would be clipped.")
	f.add(top/float64(2*m), fmt.Sprintf("that divides by all steps. From 0 to the end there are %d.", m))
	f.add(top/float64(2*m+1), fmt.Sprintf("that divides by all values. From 0 to the end there are %d steps.", m))
	f.add(float64(m)/top, "that is upside down: codes per unit.")
	return Question{
		Text:   fmt.Sprintf("A symmetric format has the codes −%d … %d, and 0 is 0. It has to cover the values from %s to %s. What is one code worth?", m, m, num(lo, 5), num(hi, 5)),
		Given:  []Given{{"Codes", fmt.Sprintf("−%d … %d", m, m)}, {"Range", num(lo, 5) + " … " + num(hi, 5)}},
		Fields: []Field{f},
		hints:  []string{"Only the end that is farther from 0 matters.", fmt.Sprintf("s = %s / %d.", num(top, 5), m)},
		right:  []string{fmt.Sprintf("s = %s / %d = %s. On the nearer side some codes are never used: that is the price of leaving the zero point out.", num(top, 5), m, num(s, 5))},
	}
}

// failed is a question that could not be made: the engine refused its numbers.
func failed(err error) Question {
	return Question{Text: "This question could not be made: " + err.Error(), Fields: []Field{{Label: "Any number", near: math.Inf(1)}}}
}
