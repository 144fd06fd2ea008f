package lesson

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"fewbits/quant"
	"fewbits/quant/codebook"
)

const twoBumps = "bumps" // most values near ±½

// quantilesWidget has sixteen levels to drag, against those of NF4.
var quantilesWidget = Widget{
	ID: "quantiles",
	Controls: []Control{
		choice("of", "Weights", normal, "bell curve", uniform, "all equally likely", twoBumps, "two bumps"),
		{ID: "levels", Label: "Your levels", Kind: Points, Min: -1, Max: 1, Step: 0.01, Value: evenly(16)},
	},
	Draw: drawQuantiles,
}

// evenly are n levels from −1 to 1.
func evenly(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = strconv.FormatFloat(math.Round(1e4*(2*float64(i)/float64(n-1)-1))/1e4, 'g', -1, 64)
	}
	return strings.Join(out, " ")
}

// blocked are weights in blocks of 64, each divided by its largest magnitude,
// as NF4 sees them.
func blocked(distribution string) []float32 {
	x := draw(distribution, 64*64)
	if distribution == twoBumps {
		x = draw(normal, 64*64)
		for i := range x {
			x[i] = x[i]/8 + float32(i%2)*2 - 1
		}
	}
	for from := 0; from < len(x); from += 64 {
		b := x[from:][:64]
		top := float32(largest(b))
		for i := range b {
			b[i] /= top
		}
	}
	return x
}

// toLevels takes each value to the nearest of the levels.
func toLevels(x []float32, levels []float64) []float32 {
	out := make([]float32, len(x))
	for i, v := range x {
		at := levels[0]
		for _, l := range levels[1:] {
			if math.Abs(l-float64(v)) < math.Abs(at-float64(v)) {
				at = l
			}
		}
		out[i] = float32(at)
	}
	return out
}

func drawQuantiles(v Values) ([]Part, error) {
	x := blocked(v["of"])
	own := v.Numbers("levels")
	slices.Sort(own)
	q, err := quantize("NF4", quant.Options{}, x, 64)
	if err != nil {
		return nil, err
	}
	var even []float64
	for i := range 16 {
		even = append(even, 2*float64(i)/15-1)
	}
	yours, nf4, plain := rmse(x, toLevels(x, own)), rmse(x, q.rec), rmse(x, toLevels(x, even))
	table := codebook.NF4()
	say := fmt.Sprintf("Yours: %s, NF4: %s, even levels: %s.", num(yours, 4), num(nf4, 4), num(plain, 4))
	where, share := histogram(x, -1.001, 1.001, 61)
	return []Part{
		{Name: "Your sixteen levels", Moves: "levels", Line: &Line{Levels: own, Lo: -1.05, Hi: 1.05}, Say: judged(yours, nf4), Next: &Next{Name: "Each level to the mean of its values", Value: lloyd(x, own)}},
		{Name: "Where the values are", Lines: &Lines{X: where, XName: "value over the largest of its block", YName: "share of the values", Series: []Series{{Name: "values", Tone: "orig", Y: share, Step: true, Fill: true}}},
			Say: fmt.Sprintf("%s values in blocks of 64, each divided by its largest.", whole(len(x)))},
		{Name: "The levels of NF4", Line: &Line{Levels: wide(table[:]), Lo: -1.05, Hi: 1.05}, Say: "They are closest where a bell curve has most of its values."},
		{Name: "What is lost", Bars: &Bars{Unit: "root mean squared error", Digits: 4, Rows: []Bar{{"your levels", yours, true}, {"NF4", nf4, false}, {"even levels", plain, false}}}, Say: say},
	}, nil
}

// judged says how one's own levels stand against those of NF4.
func judged(yours, nf4 float64) string {
	part := num(100*math.Abs(yours/nf4-1), 2)
	switch {
	case yours < nf4:
		return fmt.Sprintf("You beat NF4: your levels lose %s %% less.", part)
	case yours == nf4:
		return "Your levels lose as much as NF4."
	}
	return fmt.Sprintf("Not yet: your levels lose %s %% more than NF4. Drag them to where the values are.", part)
}

// lloyd moves each level to the mean of the values that go to it, one step of
// the rule of Lloyd 1982, rounded to thousandths as levels are dragged.
func lloyd(x []float32, levels []float64) string {
	at := map[float64]int{}
	sum, n := make([]float64, len(levels)), make([]int, len(levels))
	for i, l := range levels {
		at[float64(float32(l))] = i
	}
	for i, v := range toLevels(x, levels) {
		k := at[float64(v)]
		sum[k] += float64(x[i])
		n[k]++
	}
	out := make([]string, len(levels))
	for i, l := range levels {
		if n[i] > 0 {
			l = sum[i] / float64(n[i])
		}
		out[i] = strconv.FormatFloat(math.Round(1000*l)/1000, 'g', -1, 64)
	}
	return strings.Join(out, " ")
}

// quantilesExercise has levels used equally often.
var quantilesExercise = Exercise{ID: "quantiles", Title: "Levels used equally often", Make: func(r *rand.Rand) Question {
	x := make([]float64, 8)
	now := -float64(5 + r.IntN(10))
	for i := range x {
		x[i] = now
		now += float64(1 + r.IntN(6))
	}
	var text []string
	for _, v := range x {
		text = append(text, num(v, 3))
	}
	low, high := (x[0]+x[1])/2, (x[4]+x[5])/2
	step := (x[7] - x[0]) / 3
	field := func(label string, want, a, b, even float64) Field {
		f := Field{Label: label, want: want, near: 0.001, other: "no. Two values share each level: it lies in the middle of them."}
		f.add(even, "that spaces the levels evenly. Here each is to be used equally often.")
		f.add(a, "that is the smaller of its two values. The middle is nearer to both.")
		f.add(b, "that is the larger of its two values. The middle is nearer to both.")
		f.add(a+b, "that is their sum. The middle is half of it.")
		f.add((b-a)/2, "that is half of their distance. Where is the middle?")
		return f
	}
	return Question{
		Text:   fmt.Sprintf("Eight values in order: %s. Two bits give four levels, each used by two neighbours and lying in their middle. Where are the first and the third?", strings.Join(text, ", ")),
		Given:  []Given{{"Values", strings.Join(text, ", ")}, {"Levels", "4"}},
		Fields: []Field{field("First level", low, x[0], x[1], x[0]), field("Third level", high, x[4], x[5], x[0]+2*step)},
		hints:  []string{"The first level stands for the first two values, the second for the next two.", fmt.Sprintf("The third stands for %s and %s.", num(x[4], 3), num(x[5], 3))},
		right:  []string{fmt.Sprintf("Evenly spaced, the levels would be %s apart, wherever the values are.", num(step, 3))},
	}
}}
