package qat

import (
	"math"
	"math/rand/v2"
)

// Data are rows of inputs with a class each.
type Data struct {
	X       []float32 // rows × Inputs
	Labels  []int
	Inputs  int
	Classes int
}

// Rows is how many there are.
func (d Data) Rows() int { return len(d.Labels) }

// Row is one row's inputs.
func (d Data) Row(i int) []float32 { return d.X[i*d.Inputs : (i+1)*d.Inputs] }

// First is the first n rows, or all where there are fewer.
func (d Data) First(n int) Data {
	n = max(0, min(n, d.Rows()))
	return Data{X: d.X[:n*d.Inputs], Labels: d.Labels[:n], Inputs: d.Inputs, Classes: d.Classes}
}

// Spirals are two arms that wind one and a half times about the middle, n
// points in all, within about [−1, 1]; noise is the deviation of each coordinate.
func Spirals(n int, noise float64, seed uint64) Data {
	r := rand.New(rand.NewPCG(seed, 1))
	d := Data{Inputs: 2, Classes: 2}
	for i := range n {
		arm := i % 2
		t := math.Sqrt(r.Float64()*0.98 + 0.02) // even over the area
		a := 3*math.Pi*t + math.Pi*float64(arm)
		d.X = append(d.X, float32(t*math.Cos(a)+noise*r.NormFloat64()), float32(t*math.Sin(a)+noise*r.NormFloat64()))
		d.Labels = append(d.Labels, arm)
	}
	return d
}

// DigitSide is the width and height of a drawn digit, in pixels.
const DigitSide = 8

// strokes are the digits 0 … 9 as lines through points of a box of 1 × 1, y
// downwards.
var strokes = [10][][2]float64{
	{{.5, .05}, {.2, .25}, {.2, .75}, {.5, .95}, {.8, .75}, {.8, .25}, {.5, .05}},
	{{.3, .25}, {.55, .05}, {.55, .95}},
	{{.2, .25}, {.5, .05}, {.8, .25}, {.75, .5}, {.2, .95}, {.8, .95}},
	{{.2, .1}, {.75, .1}, {.45, .42}, {.8, .65}, {.6, .95}, {.2, .88}},
	{{.65, .95}, {.65, .05}, {.15, .65}, {.85, .65}},
	{{.8, .05}, {.25, .05}, {.22, .45}, {.6, .4}, {.8, .65}, {.6, .95}, {.2, .88}},
	{{.7, .05}, {.3, .4}, {.2, .75}, {.5, .95}, {.8, .75}, {.6, .5}, {.25, .6}},
	{{.2, .05}, {.8, .05}, {.4, .95}},
	{{.5, .48}, {.25, .25}, {.5, .05}, {.75, .25}, {.5, .48}, {.2, .75}, {.5, .95}, {.8, .75}, {.5, .48}},
	{{.75, .4}, {.4, .5}, {.22, .25}, {.5, .05}, {.78, .25}, {.7, .6}, {.45, .95}},
}

// Digits are n drawn digits of 8 × 8 pixels, rows from the top, 0 for paper and
// 1 for ink: each is turned, slanted, sized, moved and drawn with another pen.
func Digits(n int, seed uint64) Data {
	r := rand.New(rand.NewPCG(seed, 2))
	d := Data{Inputs: DigitSide * DigitSide, Classes: 10}
	for i := range n {
		d.X = append(d.X, draw(strokes[i%10], r)...)
		d.Labels = append(d.Labels, i%10)
	}
	return d
}

func draw(line [][2]float64, r *rand.Rand) []float32 {
	turn, slant, size := 0.15*r.NormFloat64(), 0.15*r.NormFloat64(), 0.8+0.12*r.NormFloat64()
	wide, dx, dy, pen := 0.85+0.1*r.NormFloat64(), 0.04*r.NormFloat64(), 0.04*r.NormFloat64(), 0.085+0.02*r.Float64()
	sin, cos := math.Sincos(turn)
	at := make([][2]float64, len(line))
	for i, p := range line {
		x, y := (p[0]-0.5)*size*wide+0.02*r.NormFloat64(), (p[1]-0.5)*size+0.02*r.NormFloat64()
		x -= slant * y
		at[i] = [2]float64{0.5 + x*cos - y*sin + dx, 0.5 + x*sin + y*cos + dy}
	}
	out := make([]float32, DigitSide*DigitSide)
	for i := range out {
		x, y := (float64(i%DigitSide)+0.5)/DigitSide, (float64(i/DigitSide)+0.5)/DigitSide
		near := math.Inf(1)
		for j := range len(at) - 1 {
			near = min(near, distance(x, y, at[j], at[j+1]))
		}
		ink := 0.5 + (pen-near)*DigitSide*0.9 + 0.05*r.NormFloat64()
		out[i] = float32(min(1, max(0, ink)))
	}
	return out
}

// distance from a point to a line between two.
func distance(x, y float64, a, b [2]float64) float64 {
	dx, dy := b[0]-a[0], b[1]-a[1]
	t := 0.0
	if l := dx*dx + dy*dy; l > 0 {
		t = min(1, max(0, ((x-a[0])*dx+(y-a[1])*dy)/l))
	}
	return math.Hypot(x-a[0]-t*dx, y-a[1]-t*dy)
}
