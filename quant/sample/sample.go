package sample

import (
	"fmt"
	"math"
	"slices"

	"fewbits/quant"
)

// MaxValues bounds a tensor: 64 Mi values are 256 MiB.
const MaxValues = 1 << 26

// writers fill a tensor, by its name.
var writers = map[string]func(g *generator, rows, cols int, x []float32){
	"normal": func(g *generator, _, _ int, x []float32) { fill(x, func() float64 { return 0.02 * g.normal() }) },
	"uniform": func(g *generator, _, _ int, x []float32) {
		fill(x, func() float64 { return float64(0.1*g.uniform()) - 0.05 })
	},
	"outliers": outlierChannels,
	"example":  workedExample,
}

// Names are those that Make takes, in order.
func Names() []string {
	var names []string
	for name := range writers {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Make makes a tensor of rows × cols; "example" is always 1 × 17. It fails on a
// name that there is not and on a size that is not from 1 to MaxValues.
func Make(name string, rows, cols int, seed uint64) (quant.Tensor, error) {
	write, ok := writers[name]
	if !ok {
		return quant.Tensor{}, fmt.Errorf("there is no sample %q", name)
	}
	if name == "example" {
		rows, cols = 1, 17
	}
	if rows <= 0 || cols <= 0 || rows > MaxValues/cols {
		return quant.Tensor{}, fmt.Errorf("a sample of %d × %d values cannot be made: up to %d fit", rows, cols, MaxValues)
	}
	t := quant.Tensor{Name: name, Shape: []int{rows, cols}, Data: make([]float32, rows*cols)}
	write(&generator{seed}, rows, cols, t.Data)
	return t, nil
}

// generator is splitmix64 (Steele, Lea, Flood 2014), so that a seed gives the
// same numbers everywhere.
type generator struct{ state uint64 }

func (g *generator) next() uint64 {
	g.state += 0x9e3779b97f4a7c15
	z := g.state
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// uniform is in (0, 1).
func (g *generator) uniform() float64 { return (float64(g.next()>>11) + 0.5) / (1 << 53) }

// normal is one value of N(0, 1), by Box and Muller.
func (g *generator) normal() float64 {
	return math.Sqrt(-2*math.Log(g.uniform())) * math.Cos(2*math.Pi*g.uniform())
}

func fill(x []float32, f func() float64) {
	for i := range x {
		x[i] = float32(f())
	}
}

// outlierChannels has heavier tails than a Gaussian, rows of different size,
// and one column in 64 two to six times as large, as the inputs of attention
// and of the down projection have in trained models.
func outlierChannels(g *generator, rows, cols int, x []float32) {
	size := make([]float64, cols)
	for c := range size {
		size[c] = 1
	}
	for range max(1, cols/64) {
		size[g.next()%uint64(cols)] = 2 + float64(4*g.uniform())
	}
	for r := range rows {
		row := 0.02 * math.Exp(0.25*g.normal())
		for c := range cols {
			v := g.normal()
			x[r*cols+c] = float32(row * size[c] * v * (0.75 + float64(0.1*v*v)))
		}
	}
}

// workedExample is −1 … 1 in even steps: as INT8 its scale is 2/255, and 0.5
// becomes round(0.5 / scale) = 64.
func workedExample(_ *generator, _, _ int, x []float32) {
	for i := range x {
		x[i] = float32(i)/8 - 1 // exact
	}
}
