package lesson

import (
	"fmt"
	"math/rand/v2"
)

// overheadExercise asks what a weight costs with its share of the scale.
var overheadExercise = Exercise{ID: "overhead", Title: "What a group costs", Make: func(r *rand.Rand) Question {
	b := float64(pick(r, 2, 3, 4, 8))
	g := float64(pick(r, 16, 32, 64, 128))
	scale := float64(pick(r, 16, 32))
	zero := float64(pick(r, 0, 0, 8))
	want := b + (scale+zero)/g
	f := Field{Label: "Bits per weight", want: want, near: 0.001, other: "no. Add up the bits of a whole group, then divide by its weights."}
	f.add(b, "that is the code alone. The scale takes room too, shared by the group.")
	f.add(b+scale+zero, "that gives each weight a scale of its own. A group shares one.")
	f.add(b+scale/g, "the zero point takes room too.")
	f.add(b+zero/g, "the scale takes room too.")
	f.add((b+scale+zero)/g, "that shares the code as well. Each weight has its own code.")
	f.add(b*g+scale+zero, "those are the bits of the whole group. How many are they for each weight?")
	f.add(b+(scale+zero)/8/g, "the scale counts in bits here, not in bytes.")
	f.add(b+g/(scale+zero), "that is upside down: the bits of the scale are shared by the weights.")
	with := ""
	given := []Given{{"Code", num(b, 2) + " bits"}, {"Group", num(g, 3) + " weights"}, {"Scale", num(scale, 2) + " bits"}}
	if zero > 0 {
		with = fmt.Sprintf(" and a zero point of %s bits", num(zero, 2))
		given = append(given, Given{"Zero point", num(zero, 2) + " bits"})
	}
	return Question{
		Text:   fmt.Sprintf("Each weight has a code of %s bits. %s weights share a scale of %s bits%s. How many bits does a weight cost in all?", num(b, 2), num(g, 3), num(scale, 2), with),
		Given:  given,
		Fields: []Field{f},
		hints: []string{
			fmt.Sprintf("A group has %s codes of %s bits, and one scale.", num(g, 3), num(b, 2)),
			fmt.Sprintf("That is %s · %s + %s bits for %s weights.", num(g, 3), num(b, 2), num(scale+zero, 3), num(g, 3)),
		},
		right: []string{fmt.Sprintf("%s + %s / %s = %s. The overhead makes it %s %% larger.", num(b, 2), num(scale+zero, 3), num(g, 3), num(want, 6), fixed(100*(want/b-1), 1))},
	}
}}
