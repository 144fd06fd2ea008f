package lesson

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"

	"fewbits/quant"
	"fewbits/quant/awq"
)

// awqWidget searches for the scales that keep the weights of loud inputs.
var awqWidget = Widget{
	ID: "awq",
	Controls: []Control{
		slider("far", "Loud inputs are larger by", 1, 60, 1, 20).in("×"),
		choice("bits", "Bits", "3", "3", "4", "4"),
		choice("group", "Weights in a group", "16", "16", "32", "32", "64", "64").from("32"),
	},
	Draw: drawAWQ,
}

func drawAWQ(v Values) ([]Part, error) {
	w, x := layer(v.Number("far"))
	tensor, err := quant.NewTensor("w", []int{layerRows, layerInputs}, w)
	if err != nil {
		return nil, err
	}
	acts, err := quant.NewTensor("x", []int{layerTokens, layerInputs}, x)
	if err != nil {
		return nil, err
	}
	r, err := awq.Search(context.Background(), tensor, &acts, nil, quant.Options{Bits: v.Int("bits"), Group: v.Int("group")})
	if err != nil {
		return nil, err
	}
	curve := Lines{XName: "exponent r", YName: "% of the plain error", Mark: at(r.Ratio)}
	var off []float64
	for i, l := range r.Losses {
		curve.X, off = append(curve.X, float64(i)/float64(len(r.Losses))), append(off, 100*l/max(r.Losses[0], 1e-30))
	}
	curve.Series = []Series{{Name: "error of the output", Tone: "recon", Y: off}}
	grid := Grid{Columns: []string{"Activations, mean", "Weights times"}}
	for _, c := range []int{0, 7, 20, 40, 60} {
		var mean float64
		for i := range x {
			if i%layerInputs == c {
				mean += math.Abs(float64(x[i])) / layerTokens
			}
		}
		grid.Rows = append(grid.Rows, Row{Head: fmt.Sprintf("input %d", c), Now: c == 7 || c == 40, Cells: []Cell{{Text: num(mean, 3)}, {Text: num(float64(r.InputScales[c]), 3)}}})
	}
	least := off[0]
	for _, e := range off {
		least = min(least, e)
	}
	return []Part{
		{Name: "Error by how strongly the scales follow", Lines: &curve, Say: fmt.Sprintf("The least is at r = %s: %s %% of the squared error that plain rounding has.", num(r.Ratio, 3), num(least, 3))},
		{Name: "The scales that were found", Grid: &grid, Say: "Weights of loud inputs are scaled up before they are rounded, and so lose less."},
	}, nil
}

// awqExercise rounds a weight as it is and scaled up.
var awqExercise = Exercise{ID: "awq", Title: "Scaled up before rounding", Make: func(r *rand.Rand) Question {
	s := pick(r, 0.1, 0.2, 0.5)
	t := float64(pick(r, 2, 4, 5))
	w := s * (float64(r.IntN(5)) + pick(r, 0.3, 0.35, 0.4, 0.6, 0.65, 0.7))
	w = math.Round(w*1e4) / 1e4
	plain := math.Round(w/s) * s
	scaled := math.Round(w*t/s) * s / t
	a := Field{Label: "As it is", want: plain, near: s / 500, other: "no. The nearest multiple of the scale."}
	a.add(math.Trunc(w/s)*s, "that rounds down. It has to go to the nearest level.")
	a.add(math.Ceil(w/s)*s, "that rounds up. It has to go to the nearest level.")
	a.add(math.Round(w/s), "that is the code. How much is it worth?")
	a.add(w, "that is the weight before. What comes back is a level.")
	a.add(scaled, "that is with scaling up.")
	b := Field{Label: "Scaled up", want: scaled, near: s / 500, other: "no. Multiply, round to a multiple of the scale, and divide again."}
	b.add(math.Round(w*t/s)*s, "it has to be divided again, so that the product with the input stays.")
	b.add(plain, "that is without scaling up.")
	b.add(plain/t, "that divides only. First the weight is multiplied, then rounded.")
	b.add(math.Round(w*t/s), "that is the code. How much is it worth?")
	b.add(w, "that is the weight before. What comes back is a level.")
	return Question{
		Text:   fmt.Sprintf("A group's levels are the multiples of %s. The weight %s belongs to a loud input, so it is multiplied by %s before rounding and divided by it after; the levels stay. What is read back without this, and with it?", num(s, 3), num(w, 4), num(t, 2)),
		Given:  []Given{{"Scale s", num(s, 3)}, {"Weight", num(w, 4)}, {"Factor", num(t, 2)}},
		Fields: []Field{a, b},
		hints:  []string{fmt.Sprintf("%s / %s = %s.", num(w, 4), num(s, 3), num(w/s, 4)), fmt.Sprintf("Scaled up it is %s; its nearest level is %s.", num(w*t, 5), num(math.Round(w*t/s)*s, 5)), fmt.Sprintf("Divide that by %s.", num(t, 2))},
		right:  []string{fmt.Sprintf("Off by %s as it is, by %s scaled up: at most half a step, divided by %s.", num(math.Abs(w-plain), 3), num(math.Abs(w-scaled), 3), num(t, 2))},
	}
}}
