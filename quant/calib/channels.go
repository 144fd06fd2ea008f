package calib

import (
	"fmt"
	"math"
)

// Channels sums up what each input of a layer sees over tokens.
type Channels struct {
	Tokens   int64
	Min, Max []float32 // of each input
	Abs      []float64 // Σ|x|
	Squares  []float64 // Σx²: over Tokens, what llama-imatrix collects
}

// NewChannels is of no tokens.
func NewChannels(inputs int) *Channels {
	c := &Channels{Min: make([]float32, inputs), Max: make([]float32, inputs), Abs: make([]float64, inputs), Squares: make([]float64, inputs)}
	for i := range c.Min {
		c.Min[i], c.Max[i] = float32(math.Inf(1)), float32(math.Inf(-1))
	}
	return c
}

// Add adds tokens × inputs. It fails on what is not finite, and on values that
// are not whole tokens.
func (c *Channels) Add(x []float32) error {
	n := len(c.Min)
	if n == 0 || len(x)%n != 0 {
		return fmt.Errorf("calib: %d activations are no whole tokens of %d inputs", len(x), n)
	}
	least, most, abs, squares := c.Min, c.Max, c.Abs, c.Squares
	for at := 0; at < len(x); at += n {
		for i, v := range x[at : at+n] {
			least[i], most[i] = min(least[i], v), max(most[i], v)
			w := float64(v)
			abs[i] += math.Abs(w)
			squares[i] += float64(w * w)
		}
	}
	c.Tokens += int64(len(x) / n)
	for i, s := range c.Squares {
		if math.IsNaN(s) || math.IsInf(s, 0) || math.IsInf(float64(c.Max[i]), 0) && c.Tokens > 0 {
			return fmt.Errorf("calib: activations of input %d are not finite: the model does not work", i)
		}
	}
	return nil
}

// AbsMax is the largest |x| of each input, 0 before the first token.
func (c *Channels) AbsMax() []float32 {
	m := make([]float32, len(c.Min))
	if c.Tokens > 0 {
		for i := range m {
			m[i] = max(c.Max[i], -c.Min[i])
		}
	}
	return m
}

// AbsMean is the mean of |x| of each input.
func (c *Channels) AbsMean() []float32 { return c.mean(c.Abs) }

// MeanSquares is the mean of x² of each input.
func (c *Channels) MeanSquares() []float32 { return c.mean(c.Squares) }

func (c *Channels) mean(sums []float64) []float32 {
	m := make([]float32, len(sums))
	for i, s := range sums {
		m[i] = float32(s / float64(max(1, c.Tokens)))
	}
	return m
}

// Range is the least and the largest of all inputs, 0 and 0 before the first
// token.
func (c *Channels) Range() (lo, hi float32) {
	if c.Tokens == 0 {
		return 0, 0
	}
	lo, hi = c.Min[0], c.Max[0]
	for i := range c.Min {
		lo, hi = min(lo, c.Min[i]), max(hi, c.Max[i])
	}
	return lo, hi
}
