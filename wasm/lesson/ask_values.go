package lesson

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// valuesExercise goes on from the first exercise: values of n bits, bits for
// so many values, and what a symmetric format gives away.
var valuesExercise = Exercise{ID: "values", Title: "Bits and values", Make: func(r *rand.Rand) Question {
	switch r.IntN(3) {
	case 0:
		return askValues(r)
	case 1:
		return askBits(r)
	}
	return askSymmetric(r)
}}

func askValues(r *rand.Rand) Question {
	n := pick(r, 3, 5, 6, 7, 9, 10, 11, 12, 13, 14, 15, 16)
	count := math.Exp2(float64(n))
	f := Field{Label: "Values", want: count, other: "no. Each bit doubles the number of values, from 2 with one bit."}
	f.add(float64(n*n), "that is bits times bits. The count is 2 × 2 × …, once for each bit.")
	f.add(float64(2*n), fmt.Sprintf("that is 2 × %d. The bits do not add up: each one doubles the count.", n))
	f.add(count-1, "that is the largest unsigned value. Zero counts too.")
	f.add(count/2, "that is one bit less, or one sign only. The sign is one of the bits.")
	f.add(count*2, "that is one bit more.")
	f.add(count/2-1, "that is the largest value of a signed format. Zero and the negative ones count too.")
	f.add(float64(n), "that is the number of bits. Each of them can be 0 or 1.")
	return Question{
		Text:   fmt.Sprintf("How many values can a format of %d bits represent?", n),
		Given:  []Given{{"Bits", whole(n)}},
		Fields: []Field{f},
		hints: []string{
			"One bit tells 2 values apart, two bits tell 2 × 2 apart.",
			fmt.Sprintf("Multiply %d twos.", n),
		},
		right: []string{fmt.Sprintf("2%s = %s.", power(n), whole(int(count)))},
	}
}

func askBits(r *rand.Rand) Question {
	n := pick(r, 3, 4, 5, 6, 7, 9, 10, 11)
	most := 1 << n
	want := most - r.IntN(most/4)
	f := Field{Label: "Bits", want: float64(n), other: "no. Find the smallest power of two that is large enough."}
	f.add(float64(n-1), fmt.Sprintf("that is one too few: it gives %s values.", whole(most/2)))
	f.add(float64(n+1), fmt.Sprintf("that is enough, but %s values fit into one bit less.", whole(want)))
	f.add(math.Ceil(float64(want)/2), "that is half of the count. Each bit doubles the number of values: how many doublings are there?")
	f.add(float64(most), "that is how many values there are then. How many bits make them?")
	f.add(math.Ceil(math.Sqrt(float64(want))), "that is the square root. The question is the power of 2.")
	return Question{
		Text:   fmt.Sprintf("A table has %s different entries. How many bits does an index into it need at least?", whole(want)),
		Given:  []Given{{"Entries", whole(want)}},
		Fields: []Field{f},
		hints: []string{
			"Double from 2 on until the number is large enough: 2, 4, 8, 16, …",
			fmt.Sprintf("2%s = %s is not enough yet.", power(n-1), whole(most/2)),
		},
		right: []string{fmt.Sprintf("2%s = %s is enough for %s, and 2%s = %s is not.", power(n), whole(most), whole(want), power(n-1), whole(most/2))},
	}
}

func askSymmetric(r *rand.Rand) Question {
	n := pick(r, 3, 4, 5, 6, 7, 8, 9, 10, 12)
	count := math.Exp2(float64(n))
	f := Field{Label: "Values", want: count - 1, other: "no. Count the negative codes, zero, and the positive ones."}
	f.add(count, "that is with the lowest code, which a symmetric format does not use.")
	f.add(count-2, "that leaves out zero, which is a value too.")
	f.add(count/2-1, "that is the positive ones alone.")
	f.add(count/2, "that is the positive ones and zero.")
	top := Field{Label: "Largest code", want: count/2 - 1, other: "no. Half of all codes is negative, and zero is one of the others."}
	top.add(count/2, "there is no such code: one of the codes that are not negative is zero.")
	top.add(count-1, "that is the largest unsigned code. Here half of the codes are negative.")
	top.add(-(count/2 - 1), "that is the smallest one that is used.")
	return Question{
		Text:   fmt.Sprintf("A symmetric format of %d bits leaves its lowest code out, so that it reaches equally far to both sides of zero. How many values does it have, and which is its largest code?", n),
		Given:  []Given{{"Bits", whole(n)}},
		Fields: []Field{f, top},
		hints: []string{
			fmt.Sprintf("All codes of %d bits are 2%s. One is left out.", n, power(n)),
			"The codes run from −m over 0 to m: that is 2·m + 1 of them.",
		},
		right: []string{fmt.Sprintf("The codes are −%d … %d, %d of the %d that there are.", int(count/2-1), int(count/2-1), int(count-1), int(count))},
	}
}
