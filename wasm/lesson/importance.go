package lesson

import (
	"fmt"
	"math"
	"math/rand/v2"

	"fewbits/quant"
)

// The tensor of the importance widget.
const importantRows, importantCols = 6, 256

// importanceWidget gives some columns more weight in the search for scales.
var importanceWidget = Widget{
	ID: "importance",
	Controls: []Control{
		slider("factor", "Loud inputs are larger by", 1, 40, 1, 10).in("×"),
		slider("part", "Loud inputs", 1, 50, 1, 6).in("%"),
		choice("format", "Format", "Q2_K", "Q2_K", "Q3_K", "Q3_K", "Q4_K", "Q4_K", "IQ2_S", "IQ2_S").from("Q3_K"),
	},
	Draw: drawImportance,
}

func drawImportance(v Values) ([]Part, error) {
	x := draw(normal, importantRows*importantCols)
	r := rand.New(rand.NewPCG(5, 5))
	h := make([]float32, importantCols) // mean squares of the inputs
	loud := 0
	for c := range h {
		h[c] = float32(0.5 + r.Float64())
		if r.Float64()*100 < v.Number("part") {
			h[c] *= float32(v.Number("factor") * v.Number("factor"))
			loud++
		}
	}
	plain, err := quantize(v["format"], quant.Options{}, x, importantCols)
	if err != nil {
		return nil, err
	}
	with, err := quantize(v["format"], quant.Options{Importance: h}, x, importantCols)
	if err != nil {
		return nil, err
	}
	a, b := weighted(x, plain.rec, h), weighted(x, with.rec, h)
	ra, rb := rmse(x, plain.rec), rmse(x, with.rec)
	pays := "quiet columns pay for the loud ones"
	if rb <= ra {
		pays = "here nobody pays, as the search with a matrix is more thorough"
	}
	return []Part{
		{Name: "Error, each column by its importance", Bars: &Bars{Unit: "% of the output, about", Digits: 2, Rows: []Bar{{"without the matrix", a, false}, {"with it", b, true}}},
			Say: fmt.Sprintf("The matrix takes it from %s %% to %s %%: %s.", num(a, 3), num(b, 3), change(a, b))},
		{Name: "Error, all columns alike", Bars: &Bars{Unit: "root mean squared error", Digits: 4, Rows: []Bar{{"without the matrix", ra, false}, {"with it", rb, true}}},
			Say: fmt.Sprintf("All alike it goes from %s to %s: %s.", num(ra, 3), num(rb, 3), pays)},
		{Name: "Which columns matter", Lines: &Lines{X: counting(importantCols), XName: "column", YName: "importance", Series: []Series{{Name: "mean square of the input", Tone: "orig", Y: wide(h), Step: true}}},
			Say: fmt.Sprintf("%s of %s columns belong to loud inputs.", whole(loud), whole(importantCols))},
	}, nil
}

// weighted is the error of x by the importance of its columns, as a part of x
// weighed alike, in %.
func weighted(x, back, h []float32) float64 {
	var off, all float64
	for i := range x {
		d, k := float64(back[i])-float64(x[i]), float64(h[i%len(h)])
		off += float64(k * d * d)
		all += float64(k * float64(x[i]) * float64(x[i]))
	}
	return 100 * math.Sqrt(off/all)
}

func change(a, b float64) string {
	if b > a {
		return num(100*(b/a-1), 2) + " % more"
	}
	return num(100*(1-b/a), 2) + " % less"
}

// counting are 0 … n−1.
func counting(n int) []float64 {
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(i)
	}
	return out
}

// importanceExercise weighs two ways to round by importance.
var importanceExercise = Exercise{ID: "importance", Title: "Which rounding is better?", Make: func(r *rand.Rand) Question {
	h := [2]float64{float64(pick(r, 10, 20, 50)), float64(pick(r, 1, 2, 4))}
	var e [2][2]float64 // by way, by weight
	for {
		for i := range e {
			for j := range e[i] {
				e[i][j] = float64(1+r.IntN(9)) / 10
			}
		}
		// A is better all alike, B by importance.
		if e[0][0]*e[0][0]+e[0][1]*e[0][1] < e[1][0]*e[1][0]+e[1][1]*e[1][1] && h[0]*e[0][0]*e[0][0]+h[1]*e[0][1]*e[0][1] > h[0]*e[1][0]*e[1][0]+h[1]*e[1][1]*e[1][1]+0.1 {
			break
		}
	}
	field := func(label string, d [2]float64) Field {
		want := h[0]*d[0]*d[0] + h[1]*d[1]*d[1]
		f := Field{Label: label, want: want, near: 0.002, other: "no. Square each error, multiply by its importance, and add both."}
		f.add(d[0]*d[0]+d[1]*d[1], "that weighs both alike. Each square is multiplied by its importance.")
		f.add(h[0]*d[0]+h[1]*d[1], "the errors are not squared.")
		f.add(h[0]*h[0]*d[0]*d[0]+h[1]*h[1]*d[1]*d[1], "the importance is not squared, only the error is.")
		f.add(math.Sqrt(want), "that takes the root at the end. It is asked before.")
		f.add(h[1]*d[0]*d[0]+h[0]*d[1]*d[1], "that has the importances the other way round.")
		return f
	}
	better := Field{Label: "Better by importance", Options: []string{"A", "B"}, want: 1, other: "A has the smaller error all alike. Weighed by importance it is the other way round."}
	better.add(0, "A has the smaller error all alike. Compare the two weighed sums.")
	return Question{
		Text: fmt.Sprintf("Two weights have the importance %s and %s. Rounding A is off by %s and %s, rounding B by %s and %s. What are their errors, squared, weighed by importance and added up, and which is better by them?",
			num(h[0], 3), num(h[1], 3), num(e[0][0], 3), num(e[0][1], 3), num(e[1][0], 3), num(e[1][1], 3)),
		Given:  []Given{{"Importance", num(h[0], 3) + " and " + num(h[1], 3)}, {"A is off by", num(e[0][0], 3) + " and " + num(e[0][1], 3)}, {"B is off by", num(e[1][0], 3) + " and " + num(e[1][1], 3)}},
		Fields: []Field{field("Error of A", e[0]), field("Error of B", e[1]), better},
		hints:  []string{fmt.Sprintf("A: %s · %s² + %s · %s².", num(h[0], 3), num(e[0][0], 3), num(h[1], 3), num(e[0][1], 3)), fmt.Sprintf("B: %s · %s² + %s · %s².", num(h[0], 3), num(e[1][0], 3), num(h[1], 3), num(e[1][1], 3)), "The smaller sum is better."},
		right:  []string{"Without importance A would have been chosen. Which inputs are loud is what calibration data tell."},
	}
}}
