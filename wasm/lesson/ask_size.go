package lesson

import (
	"fmt"
	"math/rand/v2"
)

// sizeExercise asks what a model's weights take.
var sizeExercise = Exercise{ID: "size", Title: "How big is it?", Make: func(r *rand.Rand) Question {
	p := pick(r, 0.5, 1, 1.5, 2, 3, 4, 6, 7, 8, 9, 12, 13, 14, 24, 27, 32, 34, 65, 70, 72)
	f := pick(r, struct {
		name string
		bits float64
	}{"FP32", 32}, struct {
		name string
		bits float64
	}{"FP16", 16}, struct {
		name string
		bits float64
	}{"INT8", 8}, struct {
		name string
		bits float64
	}{"INT4", 4}, struct {
		name string
		bits float64
	}{"Q4_0", 4.5})
	want := p * f.bits / 8
	a := Field{Label: "Gigabytes", Unit: "GB", want: want, near: want / 100, other: "no. Weights times bits are the bits in all; eight of them are a byte."}
	a.add(p*f.bits, "those are gigabits. Eight bits are a byte.")
	a.add(p*f.bits*8, "that multiplies by 8. A byte has eight bits, so there are fewer bytes than bits.")
	a.add(want*1000, "those are megabytes. A thousand of them are a gigabyte.")
	a.add(want*1e9, "those are bytes. A gigabyte has 10⁹ of them.")
	a.add(want*1e9/(1<<30), "that is in GiB, of 2³⁰ bytes. A gigabyte has 10⁹.")
	a.add(p, "that is one byte for each weight.")
	a.add(p*4, "that is four bytes for each weight, as FP32 has.")
	a.add(p*2, "that is two bytes for each weight, as FP16 has.")
	a.add(p/f.bits, "that divides by the bits of a weight.")
	a.add(p*8/f.bits, "that is upside down: more bits make it larger.")
	if f.name == "Q4_0" {
		a.add(p*4/8, "that leaves the scales out. Q4_0 costs 4.5 bits a weight with them.")
	}
	return Question{
		Text:   fmt.Sprintf("A model has %s billion weights, each of %s bits (%s). How many gigabytes do they take? A gigabyte is 10⁹ bytes.", num(p, 3), num(f.bits, 3), f.name),
		Given:  []Given{{"Weights", num(p, 3) + " · 10⁹"}, {"Bits each", num(f.bits, 3)}},
		Fields: []Field{a},
		hints: []string{
			fmt.Sprintf("%s bits are %s.", num(f.bits, 3), bytesOf(f.bits/8)),
			fmt.Sprintf("%s billion times %s.", num(p, 3), bytesOf(f.bits/8)),
		},
		right: []string{fmt.Sprintf("%s · 10⁹ × %s / 8 = %s · 10⁹ bytes.", num(p, 3), num(f.bits, 3), num(want, 5))},
	}
}}
