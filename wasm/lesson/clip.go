package lesson

import (
	"fmt"
	"math"

	"fewbits/quant"
)

// clipValues is how many values the clipping widget looks at, clipSteps how
// many ranges its curve has.
const clipValues, clipSteps = 1024, 32

// clipWidget narrows the range: rounding loses less, clipping more.
var clipWidget = Widget{
	ID: "clip",
	Controls: []Control{
		slider("keep", "Keep this much of the range", 5, 100, 1, 100).in("%"),
		bits("4"),
		choice("of", "Values", normal, "bell curve", tailed, "heavy tails", uniform, "all equally likely").from(tailed),
	},
	Draw: drawClip,
}

// losses are mean squared errors of one way to clip.
type losses struct{ rounding, clipping, total float64 }

// clipped quantizes x symmetrically within ±t. The two errors add up: where a
// value is clipped its rounding error is none, since ±t are levels themselves.
func clipped(format string, x []float32, t float64) (losses, error) {
	c := make([]float32, len(x))
	for i, v := range x {
		c[i] = max(float32(-t), min(float32(t), v))
	}
	q, err := quantize(format, quant.Options{Granularity: quant.PerTensor, Symmetric: true, Narrow: true}, c, len(c))
	if err != nil {
		return losses{}, err
	}
	round, cut, all := rmse(c, q.rec), rmse(x, c), rmse(x, q.rec)
	return losses{float64(round * round), float64(cut * cut), float64(all * all)}, nil
}

func drawClip(v Values) ([]Part, error) {
	x := draw(v["of"], clipValues)
	top, format := largest(x), "INT"+v["bits"]
	curve := Lines{XName: "range kept, %", YName: "mean squared error", Mark: at(v.Number("keep"))}
	var rounding, clipping, total []float64
	best, bestAt := math.Inf(1), 0.0
	for i := range clipSteps {
		part := 5 + 95*float64(i)/(clipSteps-1)
		l, err := clipped(format, x, part/100*top)
		if err != nil {
			return nil, err
		}
		curve.X = append(curve.X, part)
		rounding, clipping, total = append(rounding, l.rounding), append(clipping, l.clipping), append(total, l.total)
		if l.total < best {
			best, bestAt = l.total, part
		}
	}
	curve.Series = []Series{{Name: "both", Tone: "ink", Y: total}, {Name: "rounding", Tone: "recon", Y: rounding}, {Name: "clipping", Tone: "b", Y: clipping}}
	now, err := clipped(format, x, v.Number("keep")/100*top)
	if err != nil {
		return nil, err
	}
	out := 0
	for _, w := range x {
		if math.Abs(float64(w)) > v.Number("keep")/100*top {
			out++
		}
	}
	where, share := histogram(x, -top, top, 41)
	return []Part{
		{Name: "Two errors against each other",
			Say:   fmt.Sprintf("At %s %% rounding loses %s and clipping %s; the least in all is %s, near %s %%.", num(v.Number("keep"), 3), num(now.rounding, 3), num(now.clipping, 3), num(best, 3), num(bestAt, 2)),
			Lines: &curve},
		{Name: "The values and the range",
			Say:   fmt.Sprintf("%s of %s values lie outside ±%s and are clipped to it.", whole(out), whole(len(x)), num(v.Number("keep")/100*top, 3)),
			Lines: &Lines{X: where, XName: "value", YName: "share of the values", Series: []Series{{Name: "values", Tone: "orig", Y: share, Step: true, Fill: true}, {Name: "kept", Tone: "ink", Y: within(where, share, v.Number("keep")/100*top), Step: true}}}},
	}, nil
}

// within is share where |x| is at most t, else 0.
func within(x, share []float64, t float64) []float64 {
	out := make([]float64, len(x))
	for i := range x {
		if math.Abs(x[i]) <= t {
			out[i] = share[i]
		}
	}
	return out
}
