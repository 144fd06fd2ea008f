package lesson

import (
	"fmt"
	"math"
	"math/rand/v2"

	"fewbits/quant"
)

// outlierWidget has one value far out, which all others pay for.
var outlierWidget = Widget{
	ID: "outlier",
	Controls: []Control{
		slider("far", "How far out, over the largest other", 1, 60, 1, 3).in("×"),
		bits("4"),
	},
	Draw: drawOutlier,
}

const others = 255 // values beside the outlier

func drawOutlier(v Values) ([]Part, error) {
	x := draw(normal, others+1)
	top := largest(x[:others])
	for i := range x {
		x[i] /= float32(top)
	}
	far := float32(v.Number("far"))
	x[others] = far
	format := "INT" + v["bits"]
	whole256, err := quantize(format, quant.Options{Granularity: quant.PerTensor, Symmetric: true, Narrow: true}, x, len(x))
	if err != nil {
		return nil, err
	}
	groups, err := quantize(format, quant.Options{Granularity: quant.PerGroup, Group: 32, Symmetric: true, Narrow: true}, x, len(x))
	if err != nil {
		return nil, err
	}
	apart, err := quantize(format, quant.Options{Granularity: quant.PerTensor, Symmetric: true, Narrow: true}, x[:others], others)
	if err != nil {
		return nil, err
	}
	opened, err := whole256.open(0)
	if err != nil {
		return nil, err
	}
	levels, inside := wide(opened.Levels), 0
	for _, l := range levels {
		if math.Abs(l) <= 1 {
			inside++
		}
	}
	loss := func(rec []float32) float64 { return rmse(x[:others], rec[:others]) }
	rows := []Bar{{"one scale for all", loss(whole256.rec), true}, {"groups of 32", loss(groups.rec), false}, {"outlier kept apart", loss(apart.rec), false}}
	return []Part{
		{Name: "The levels that the others have", Line: &Line{Levels: levels, Lo: -1.1, Hi: 1.1},
			Say: fmt.Sprintf("Of the %s one scale leaves %s to the %s values within ±1.", plural(len(levels), "level"), whole(inside), whole(others))},
		{Name: "What the others lose", Bars: &Bars{Rows: rows, Unit: "root mean squared error", Digits: 4},
			Say: fmt.Sprintf("One scale for all: %s. In groups of 32 the outlier spoils its own group alone: %s. Kept apart: %s.", num(rows[0].Value, 3), num(rows[1].Value, 3), num(rows[2].Value, 3))},
	}, nil
}

// outlierExercise asks how many codes an outlier leaves to the others.
var outlierExercise = Exercise{ID: "outlier", Title: "What an outlier leaves", Make: func(r *rand.Rand) Question {
	n := pick(r, 4, 5, 6, 8)
	m := 1<<(n-1) - 1
	far := float64(2 + r.IntN(min(m-1, 30)))
	s := far / float64(m)
	k := int(math.Floor(float64(m)/far + 1e-9))
	scale := Field{Label: "Scale s", want: s, near: s / 500, other: "no. The value farthest from 0 gets the last code."}
	scale.add(1/float64(m), "that is the scale without the outlier. It has to get a code, too.")
	scale.add(far/float64(m+1), fmt.Sprintf("that divides by %d; the last code is %d.", m+1, m))
	scale.add(2*far/float64(2*m+1), "that divides by the number of values. Between them lies one step less.")
	scale.add(far/float64(2*m), "that divides by all steps. From 0 to the end there are half as many.")
	scale.add(float64(m)/far, "that is upside down: codes per unit.")
	left := Field{Label: "Codes left", want: float64(2*k + 1), other: "no. How often does the step fit into 1? Count both signs and zero."}
	left.add(float64(2*m+1), "those are all of them. Most lie beyond ±1.")
	left.add(float64(k), "that is one sign. Count the negative ones and zero, too.")
	left.add(float64(2*k), "zero is one of them, too.")
	left.add(float64(k+1), "those are zero and one sign.")
	left.add(float64(2*k+3), "the last ones lie just beyond ±1.")
	return Question{
		Text:   fmt.Sprintf("All values lie within ±1 but one, which is %s. They share one scale, and the codes are −%d … %d. How much is a code worth, and how many codes stand for a level within ±1?", num(far, 3), m, m),
		Given:  []Given{{"Codes", fmt.Sprintf("−%d … %d", m, m)}, {"Outlier", num(far, 3)}},
		Fields: []Field{scale, left},
		hints:  []string{fmt.Sprintf("s = %s / %d.", num(far, 3), m), fmt.Sprintf("1 / s = %s steps fit into 1.", num(1/s, 4)), "Count as many negative codes as positive ones, and zero."},
		right:  []string{fmt.Sprintf("s = %s. Zero, and %d on each side, are %d of the %d codes.", num(s, 4), k, 2*k+1, 2*m+1)},
	}
}}
