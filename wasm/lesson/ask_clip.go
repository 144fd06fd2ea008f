package lesson

import (
	"fmt"
	"math/rand/v2"
)

// clipExercise asks for the two errors of a narrowed range.
var clipExercise = Exercise{ID: "clip", Title: "Two errors", Make: func(r *rand.Rand) Question {
	n := pick(r, 3, 4, 5, 8)
	m := float64(int(1)<<(n-1) - 1)
	s := pick(r, 0.02, 0.04, 0.1, 0.2)
	t := s * m
	over := t * pick(r, 1.2, 1.5, 2, 3)
	round := Field{Label: "Largest rounding error", want: s / 2, near: s / 500, other: "no. Two levels are a step apart; how far can a value between them be from the nearer one?"}
	round.add(s, "that is the whole step. The nearest level is never farther than half of it.")
	round.add(t/(m+1)/2, fmt.Sprintf("that takes %s codes on each side. The last one is %s.", num(m+1, 4), num(m, 4)))
	round.add(over/m/2, "that is without clipping: the step of the whole range.")
	round.add(2*t/(2*m+1)/2, "that divides by the number of values. Between them lies one step less.")
	round.add(s/4, "that is a quarter of a step.")
	clip := Field{Label: "Clipping error of the largest", want: over - t, near: (over - t) / 500, other: "no. The largest value becomes the end of the range. How far is that?"}
	clip.add(over, "that is the value itself. It does not vanish, it becomes the end of the range.")
	clip.add(t, "that is what it becomes. How far is that from what it was?")
	clip.add(0, "it lies outside of the range, so something is lost.")
	clip.add(over-s/2, "that is the value less the rounding error. It becomes the end of the range.")
	clip.add(t-over, "the question is how far off it is: without a sign.")
	return Question{
		Text:   fmt.Sprintf("Values reach up to %s, but the range is narrowed to ±%s. The codes are −%s … %s. How large can a rounding error be within the range, and how far is the largest value off?", num(over, 5), num(t, 5), num(m, 4), num(m, 4)),
		Given:  []Given{{"Range", "±" + num(t, 5)}, {"Codes", "−" + num(m, 4) + " … " + num(m, 4)}, {"Largest value", num(over, 5)}},
		Fields: []Field{round, clip},
		hints: []string{
			fmt.Sprintf("The step is %s / %s.", num(t, 5), num(m, 4)),
			"Halfway between two levels the rounding error is the largest.",
			fmt.Sprintf("What lies beyond the range becomes its end, %s.", num(t, 5)),
		},
		right: []string{fmt.Sprintf("Half a step of %s, and %s − %s = %s.", num(s, 4), num(over, 5), num(t, 5), num(over-t, 5)),
			fmt.Sprintf("Without clipping the step would be %s: every other value would be worse off.", num(over/m, 4))},
	}
}}
