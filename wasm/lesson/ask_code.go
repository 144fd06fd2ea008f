package lesson

import (
	"fmt"
	"math"
	"math/rand/v2"

	"fewbits/quant"
)

// codeExercise takes one value to its code and back.
var codeExercise = Exercise{ID: "code", Title: "There and back", Make: func(r *rand.Rand) Question {
	n := pick(r, 3, 4, 8)
	steps, lowest := 1<<n-1, -1<<(n-1)
	s := pick(r, 0.02, 0.05, 0.1, 0.25, 0.5)
	below := 1 + r.IntN(steps-1)
	if below == -lowest { // a zero point of 0 tells nobody whether it was added
		below--
	}
	lo, hi := -s*float64(below), s*float64(steps-below)
	// A value some steps from 0, and not halfway between two.
	at := float64(r.IntN(steps+1)-below) + pick(r, -0.4, -0.3, -0.2, 0.2, 0.3, 0.4)
	outside := r.IntN(4) == 0
	if outside {
		at = pick(r, float64(-below)-1.3, float64(steps-below)+1.3)
	}
	x := math.Round(at*s*1e4) / 1e4
	q, err := quantize(fmt.Sprintf("INT%d", n), quant.Options{Granularity: quant.PerTensor}, []float32{float32(lo), float32(hi), float32(max(lo, min(hi, x)))}, 3)
	if err != nil {
		return failed(err)
	}
	code, z, back := float64(q.params.Codes[2]), float64(q.params.Zeros[0]), float64(q.rec[2])

	there := Field{Label: "Code q", want: code, other: "no. Divide by the scale, round, then add the zero point."}
	there.add(math.Round(x/s)+z, fmt.Sprintf("there is no such code: it must be kept within %s … %s.", whole(lowest), whole(-lowest-1)))
	there.add(math.Round(x/s), "the zero point is not added yet.")
	there.add(math.Round(x/s)-z, "the zero point is subtracted there. That comes on the way back.")
	there.add(math.Trunc(x/s)+z, "that cuts the fraction off. It has to go to the nearest whole number.")
	there.add(math.Floor(x/s)+z, "that rounds down. It has to go to the nearest whole number.")
	there.add(math.Ceil(x/s)+z, "that rounds up. It has to go to the nearest whole number.")
	there.add(math.Round(x*s)+z, "that multiplies by the scale. On the way there it divides.")

	there.add(-code, "the sign is the other way round.")
	there.add(x, "that is the value itself. How many steps is it from 0?")

	again := Field{Label: "Read back x̂", want: back, near: s / 200, other: "no. Subtract the zero point from the code, then multiply by the scale."}
	again.add(code*s, "the zero point is not subtracted.")
	again.add((code+z)*s, "the zero point is added there. On the way back it is subtracted.")
	again.add(x, "that is the value before. What comes back is a level.")
	again.add((code-z)/s, "that divides by the scale. On the way back it multiplies.")
	again.add(code-z, "that is still in steps. How much is a step worth?")
	rightLine := fmt.Sprintf("(%s − (%s)) · %s = %s: off by %s, at most half a step.", num(code, 4), num(z, 4), num(s, 4), num(back, 4), num(math.Abs(back-x), 3))
	if outside {
		rightLine = fmt.Sprintf("The value lies outside of the range and is clipped to its end: off by %s.", num(math.Abs(back-x), 3))
	}
	return Question{
		Text:   fmt.Sprintf("A format of %d bits has the scale s = %s and the zero point z = %s; its codes are kept within %s … %s. Which code does x = %s become, and what is read back?", n, num(s, 4), num(z, 4), whole(lowest), whole(-lowest-1), num(x, 5)),
		Given:  []Given{{"s", num(s, 4)}, {"z", num(z, 4)}, {"x", num(x, 5)}},
		Fields: []Field{there, again},
		hints: []string{
			fmt.Sprintf("x / s = %s / %s = %s.", num(x, 5), num(s, 4), num(x/s, 4)),
			fmt.Sprintf("Round it, add z, and keep it within %s … %s.", whole(lowest), whole(-lowest-1)),
			"The way back is x̂ = (q − z) · s.",
		},
		right: []string{fmt.Sprintf("q = round(%s) + %s, kept within the codes: %s.", num(x/s, 4), addend(z), num(code, 4)), rightLine},
	}
}}
