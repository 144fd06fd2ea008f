package session

import "math"

// generator is splitmix64 (Steele, Lea, Flood 2014).
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
