package lesson

import (
	"fmt"
	"math"

	"fewbits/quant"
)

// gridWidget lays the levels of an integer format over a range, and takes one
// value there and back.
var gridWidget = Widget{
	ID: "grid",
	Controls: []Control{
		slider("lo", "Smallest value", -4, 0, 0.05, -1),
		slider("hi", "Largest value", 0, 4, 0.05, 1),
		slider("x", "A value between", -4, 4, 0.01, 0.5),
		bits("8"),
		choice("kind", "Codes", "asymmetric", "asymmetric", "symmetric", "symmetric", "narrow", "symmetric, narrow").from("narrow"),
	},
	Draw: drawGrid,
}

func drawGrid(v Values) ([]Part, error) {
	lo, hi := v.Number("lo"), v.Number("hi")
	x := max(lo, min(hi, v.Number("x")))
	format := "INT" + v["bits"]
	o := quant.Options{Granularity: quant.PerTensor, Symmetric: v["kind"] != "asymmetric", Narrow: v["kind"] == "narrow"}
	q, err := quantize(format, o, []float32{float32(lo), float32(hi), float32(x)}, 3)
	if err != nil {
		return nil, err
	}
	opened, err := q.open(2)
	if err != nil {
		return nil, err
	}
	levels := wide(opened.Levels)
	became := float64(q.rec[2])
	inside := 0
	for _, l := range levels {
		if l >= lo-1e-6 && l <= hi+1e-6 {
			inside++
		}
	}
	say := fmt.Sprintf("%s of the %s lie in the range, a step of %s; %s becomes %s.", whole(inside), plural(len(levels), "level"), num(float64(q.params.Scales[0]), 4), num(x, 4), num(became, 4))
	if lo == hi {
		say = "The range is empty: every value is 0."
	}
	a, b := min(levels[0], lo), max(levels[len(levels)-1], hi)
	pad := max(0.02*(b-a), 0.01)
	terms := line(word("s = (largest − smallest) / steps = "), Term{Text: num(float64(q.params.Scales[0]), 6), Role: "scale"})
	if o.Symmetric {
		terms = line(word("s = largest magnitude / half the steps = "), Term{Text: num(float64(q.params.Scales[0]), 6), Role: "scale"})
	}
	terms = append(terms, line(engineTerms(opened.Rule)...)...)
	terms = append(terms, line(engineTerms(opened.Formula)...)...)
	terms = append(terms, word("error = x̂ − x = "), Term{Text: num(became-x, 3)})
	parts := []Part{
		{Name: "The levels over the range", Say: say, Moves: "x", Line: &Line{Levels: levels, Lo: a - pad, Hi: b + pad, Original: at(x), Highlight: at(became)}},
		{Name: "The same in numbers", Say: fmt.Sprintf("%s is stored as the code %s and read back as %s: an error of %s, at most half a step.", num(x, 4), whole(int(opened.Code)), num(became, 4), num(math.Abs(became-x), 3)), Terms: terms},
	}
	return parts, nil
}
