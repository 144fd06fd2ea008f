package lesson

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// straightExercise makes steps of training past a rounding: the float moves, the
// level that is used moves later.
var straightExercise = Exercise{ID: "straight", Title: "When does the level move?", Make: func(r *rand.Rand) Question {
	step := pick(r, 0.1, 0.2, 0.5)
	k := float64(pick(r, -2, -1, 1, 2, 3))
	rate := pick(r, 0.05, 0.1, 0.2)
	n, move := float64(3+r.IntN(2)), step*rate // a step of training, upwards
	if rate < 0.2 {
		n += float64(r.IntN(3))
	}
	// Half a step of training before the n-th it is at the middle above its level.
	level, w := k*step, (k+0.5)*step-(n-0.5)*move
	one := w + move
	after := Field{Label: "Float after one step", want: one, near: 0.002 * step, other: "the float moves by the whole step of training; nothing is rounded there."}
	after.add(level, "that is the level. The float beside it keeps what was added.")
	after.add(level+move, "the step is added to the float, not to the level that is used.")
	after.add(w, "the derivative goes straight through the rounding, so the float does move.")
	after.add(w-move, "that is a step the other way.")
	count := Field{Label: "Steps until the level moves", want: n, other: "count the steps until the float has passed the middle between its level and the next."}
	count.add(1, "after one step the float is still nearer to its old level.")
	count.add(n-1, "then the float has not passed the middle yet.")
	count.add(n+1, "that is one more than it takes: the level moves as soon as the float is past the middle.")
	count.add(math.Round(step/move), "that is the way from one level to the next. The level moves at half of it.")
	count.add(math.Ceil((level+step-w)/move-1e-9), "the float need not reach the next level; past the middle it is rounded to it.")
	return Question{
		Text:   fmt.Sprintf("Levels lie %s apart. A weight is kept as the float %s and used as its nearest level, %s. Each step of training adds %s to it. What is the float after one step, and after how many steps does the level that is used move?", num(step, 3), num(w, 4), num(level, 3), num(move, 3)),
		Given:  []Given{{"Step of the levels", num(step, 3)}, {"Float", num(w, 4)}, {"Added each time", num(move, 3)}},
		Fields: []Field{after, count},
		hints: []string{
			"The float collects every step, however small. Only where it is used is it rounded.",
			fmt.Sprintf("The level moves when the float is past the middle between %s and %s: that is %s.", num(level, 3), num(level+step, 3), num(level+step/2, 4)),
			fmt.Sprintf("From %s to %s in steps of %s: how many does it take to be past it?", num(w, 4), num(level+step/2, 4), num(move, 3)),
		},
		right: []string{
			fmt.Sprintf("The float is %s after one step, and still rounded to %s.", num(one, 4), num(level, 3)),
			fmt.Sprintf("After %s steps it is %s, past the middle, and the level is %s.", num(n, 3), num(w+n*move, 4), num(level+step, 3)),
		},
	}
}}
