package lesson

import (
	"fmt"
	"math"
	"math/rand/v2"

	"fewbits/quant"
	"fewbits/quant/smooth"
)

// The layer of the widgets on activations: tokens × inputs, rows × inputs.
const layerTokens, layerInputs, layerRows = 24, 64, 48

// layer is a matrix of weights and what goes into it. Some inputs are far times
// as large as the others, in every token.
func layer(far float64) (w, x []float32) {
	r := rand.New(rand.NewPCG(21, 4))
	w, x = make([]float32, layerRows*layerInputs), make([]float32, layerTokens*layerInputs)
	for i := range w {
		w[i] = float32(r.NormFloat64() / 8)
	}
	for t := range layerTokens {
		size := 0.5 + 1.5*r.Float64()
		for c := range layerInputs {
			v := r.NormFloat64() * size
			if c == 7 || c == 40 {
				v = (1 + 0.3*r.NormFloat64()) * far * size
			}
			x[t*layerInputs+c] = float32(v)
		}
	}
	return w, x
}

// product is x · wᵀ: tokens × rows.
func product(x, w []float32, inputs int) []float32 {
	tokens, rows := len(x)/inputs, len(w)/inputs
	y := make([]float32, tokens*rows)
	for t := range tokens {
		for r := range rows {
			var sum float64
			for c := range inputs {
				sum += float64(float64(x[t*inputs+c]) * float64(w[r*inputs+c]))
			}
			y[t*rows+r] = float32(sum)
		}
	}
	return y
}

// share is the size of an error as a part of what it is an error of, in %.
func share(y, back []float32) float64 {
	var zero = make([]float32, len(y))
	return 100 * rmse(y, back) / max(rmse(y, zero), 1e-30)
}

// activationsWidget rounds weights, activations, or both to INT8.
var activationsWidget = Widget{
	ID: "activations",
	Controls: []Control{
		slider("far", "Outlier inputs are larger by", 1, 100, 1, 30).in("×"),
		choice("what", "Round to 8 bits", "both", "weights and activations", "weights", "weights alone", "activations", "activations alone"),
	},
	Draw: drawActivations,
}

func drawActivations(v Values) ([]Part, error) {
	w, x := layer(v.Number("far"))
	y := product(x, w, layerInputs)
	back := func(o quant.Options) (float64, error) {
		xs, ws := x, w
		if v["what"] != "activations" {
			q, err := quantize("INT8", quant.Options{Granularity: quant.PerChannel, Symmetric: true, Narrow: true}, w, layerInputs)
			if err != nil {
				return 0, err
			}
			ws = q.rec
		}
		if v["what"] != "weights" {
			q, err := quantize("INT8", o, x, layerInputs)
			if err != nil {
				return 0, err
			}
			xs = q.rec
		}
		return share(y, product(xs, ws, layerInputs)), nil
	}
	tensor, err := back(quant.Options{Granularity: quant.PerTensor, Symmetric: true, Narrow: true})
	if err != nil {
		return nil, err
	}
	token, err := back(quant.Options{Granularity: quant.PerChannel, Symmetric: true, Narrow: true})
	if err != nil {
		return nil, err
	}
	most := make([]Bar, 0, 8)
	for _, c := range []int{0, 7, 20, 40, 60} {
		var top float64
		for t := range layerTokens {
			top = max(top, math.Abs(float64(x[t*layerInputs+c])))
		}
		most = append(most, Bar{fmt.Sprintf("input %d", c), top, c == 7 || c == 40})
	}
	return []Part{
		{Name: "How large the inputs get", Bars: &Bars{Rows: most, Unit: "largest magnitude", Digits: 1},
			Say: fmt.Sprintf("Two of the %d inputs are about %s times as large as the others, in every token.", layerInputs, num(v.Number("far"), 3))},
		{Name: "How far the layer's output is off", Bars: &Bars{Unit: "% of the output", Digits: 2, Rows: []Bar{{"one scale for all tokens", tensor, false}, {"a scale for each token", token, true}}},
			Say: fmt.Sprintf("With one scale for all tokens it is off by %s %%, with a scale for each by %s %%.", num(tensor, 3), num(token, 3))},
	}, nil
}

// activationsExercise asks for the code of one activation with two scales.
var activationsExercise = Exercise{ID: "activations", Title: "Whose scale?", Make: func(r *rand.Rand) Question {
	own := float64(pick(r, 1, 2, 4, 5))
	all := own * float64(pick(r, 8, 10, 16, 20))
	code := 30 + r.IntN(90)
	x := math.Round(own/127*float64(code)*1000) / 1000
	alone, err := quantize("INT8", quant.Options{Granularity: quant.PerTensor, Symmetric: true, Narrow: true}, []float32{float32(own), float32(x)}, 2)
	if err != nil {
		return failed(err)
	}
	shared, err := quantize("INT8", quant.Options{Granularity: quant.PerTensor, Symmetric: true, Narrow: true}, []float32{float32(all), float32(x)}, 2)
	if err != nil {
		return failed(err)
	}
	a := Field{Label: "With the token's own scale", want: float64(alone.params.Codes[1]), other: "no. s is the largest magnitude over 127, and the code is round(x / s)."}
	a.add(float64(shared.params.Codes[1]), "that is with the scale of all tokens.")
	a.add(math.Round(x*127), "that takes the largest magnitude to be 1.")
	a.add(math.Round(x/own*128), "that takes 128 codes on a side. The last one is 127.")
	a.add(math.Round(x*own), "that multiplies. The code is x divided by the scale.")
	a.add(math.Trunc(x/own*127), "that cuts the fraction off. It has to go to the nearest whole number.")
	b := Field{Label: "With one scale for all", want: float64(shared.params.Codes[1]), other: "no. Now the scale comes from the largest value of all tokens."}
	b.add(float64(alone.params.Codes[1]), "that is with the token's own scale.")
	b.add(math.Ceil(x/all*127), "that rounds up. It has to go to the nearest whole number.")
	b.add(math.Floor(x/all*127), "that rounds down. It has to go to the nearest whole number.")
	b.add(math.Round(x/all*128), "that takes 128 codes on a side. The last one is 127.")
	b.add(0, "it is not as small as that: at least one step fits in.")
	return Question{
		Text:   fmt.Sprintf("A token's largest activation is %s; that of all tokens is %s. Symmetric INT8 has the codes −127 … 127. Which code does x = %s become, with a scale for each token and with one for all?", num(own, 3), num(all, 4), num(x, 5)),
		Given:  []Given{{"Token's largest", num(own, 3)}, {"Largest of all", num(all, 4)}, {"x", num(x, 5)}},
		Fields: []Field{a, b},
		hints:  []string{fmt.Sprintf("The token's own scale is %s / 127.", num(own, 3)), fmt.Sprintf("The scale for all is %s / 127.", num(all, 4)), "Divide x by the scale and round to the nearest whole number."},
		right:  []string{fmt.Sprintf("One scale for all leaves this token the codes up to %s, of 127.", num(math.Round(127*own/all), 4))},
	}
}}

// smoothWidget moves the outliers of activations into the weights.
var smoothWidget = Widget{
	ID: "smooth",
	Controls: []Control{
		slider("alpha", "α: how much moves to the weights", 0, 1, 0.05, 0.5),
		slider("far", "Outlier inputs are larger by", 1, 100, 1, 30).in("×"),
	},
	Draw: drawSmooth,
}

// smoothed is how far the output is off with weights and tokens in INT8, and
// the input scales.
func smoothed(w, x, y []float32, alpha float64) (float64, []float32, error) {
	tensor, err := quant.NewTensor("w", []int{layerRows, layerInputs}, w)
	if err != nil {
		return 0, nil, err
	}
	acts, err := quant.NewTensor("x", []int{layerTokens, layerInputs}, x)
	if err != nil {
		return 0, nil, err
	}
	most := make([]float32, layerInputs)
	for i, v := range x {
		most[i%layerInputs] = max(most[i%layerInputs], v, -v)
	}
	// One scale for all weights, as SmoothQuant's own coarsest setting has it.
	r, err := smooth.Solve(tensor, most, quant.Options{Alpha: quant.Some(alpha), Granularity: quant.PerTensor})
	if err != nil {
		return 0, nil, err
	}
	ws := make([]float32, len(w))
	for i := range ws {
		ws[i] = float32(int8(r.Codes[i])) * r.Scales[i/layerInputs]
	}
	return share(y, product(smooth.Tokens(&acts, r.InputScales), ws, layerInputs)), r.InputScales, nil
}

func drawSmooth(v Values) ([]Part, error) {
	w, x := layer(v.Number("far"))
	y := product(x, w, layerInputs)
	curve := Lines{XName: "α", YName: "% of the output", Mark: at(v.Number("alpha"))}
	var off []float64
	best, bestAt := math.Inf(1), 0.0
	for i := range 21 {
		a := float64(i) / 20
		e, _, err := smoothed(w, x, y, a)
		if err != nil {
			return nil, err
		}
		curve.X, off = append(curve.X, a), append(off, e)
		if e < best {
			best, bestAt = e, a
		}
	}
	curve.Series = []Series{{Name: "error of the output", Tone: "recon", Y: off}}
	now, t, err := smoothed(w, x, y, v.Number("alpha"))
	if err != nil {
		return nil, err
	}
	grid := Grid{Columns: []string{"Activations to", "Times", "Weights to"}}
	for _, c := range []int{0, 7, 40, 60} {
		var ax, aw float64
		for i := range x {
			if i%layerInputs == c {
				ax = max(ax, math.Abs(float64(x[i])))
			}
		}
		for i := range w {
			if i%layerInputs == c {
				aw = max(aw, math.Abs(float64(w[i])))
			}
		}
		s := float64(t[c])
		grid.Rows = append(grid.Rows, Row{Head: fmt.Sprintf("input %d", c), Now: c == 7 || c == 40, Cells: []Cell{
			{Text: num(ax, 3) + " → " + num(ax/s, 3)}, {Text: num(s, 3)}, {Text: num(aw, 3) + " → " + num(aw*s, 3)}}})
	}
	return []Part{
		{Name: "How far the layer's output is off", Lines: &curve, Say: fmt.Sprintf("At α = %s it is off by %s %%; the least is %s %%, at α = %s.", num(v.Number("alpha"), 2), num(now, 3), num(best, 3), num(bestAt, 2))},
		{Name: "The scale that moves", Grid: &grid, Say: "Activations are divided by the scale, weights multiplied by it: their product stays."},
	}, nil
}

// smoothExercise asks for a scale of SmoothQuant and what it does to both sides.
var smoothExercise = Exercise{ID: "smooth", Title: "The scale that moves", Make: func(r *rand.Rand) Question {
	s := float64(2 + r.IntN(11))
	w := pick(r, 0.2, 0.25, 0.3, 0.4, 0.5, 0.8, 1, 1.5, 2)
	x := s * s * w
	scale := Field{Label: "Scale", want: s, near: s / 200, other: "no. With α = ½ it is the root of the activations' range over the weights'."}
	scale.add(s*s, "that is the quotient. With α = ½ its square root is taken.")
	scale.add(math.Sqrt(x*w), "that is the root of the product. It is the quotient.")
	scale.add(1/s, "that is upside down: the activations are divided by it, and they are to get smaller.")
	scale.add(math.Sqrt(x), "that is the root of the activations' range alone.")
	scale.add(x/w/2, "that is half of the quotient. The power ½ is the square root.")
	acts := Field{Label: "Activations then reach", want: x / s, near: x / s / 200, other: "no. They are divided by the scale."}
	acts.add(x*s, "that multiplies. The activations are divided, the weights multiplied.")
	acts.add(x, "that is as before. They are divided by the scale.")
	acts.add(w, "that moves all of it: α would be 1.")
	acts.add(x-s, "that subtracts. They are divided by the scale.")
	return Question{
		Text:   fmt.Sprintf("The activations of an input reach %s, its weights %s. With α = ½ the scale is √(activations / weights). How much is it, and how far do the activations reach after it?", num(x, 4), num(w, 3)),
		Given:  []Given{{"Activations", num(x, 4)}, {"Weights", num(w, 3)}},
		Fields: []Field{scale, acts},
		hints:  []string{fmt.Sprintf("%s / %s = %s.", num(x, 4), num(w, 3), num(x/w, 4)), "The activations are divided by the scale, the weights multiplied."},
		right:  []string{fmt.Sprintf("Both sides now reach %s, and the product is what it was.", num(x/s, 4))},
	}
}}
