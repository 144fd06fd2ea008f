package kernels

import "math"

// Weights says how much each value of a group counts in a search.
type Weights int32

const (
	WeightsGiven     Weights = iota // as the caller says
	WeightsTypical                  // √(mean of x²) + |x|
	WeightsMagnitude                // |x|
	WeightsSquare                   // x²
)

// Weigh is w[i] = importance[i] · √(sigma2 + x[i]²), as ggml's quantizers with an
// importance matrix weigh the values of a block.
func Weigh(w, x, importance []float32, sigma2 float32) {
	n := min(len(w), len(x), len(importance))
	weigh(w[:n], x[:n], importance[:n], sigma2)
}

// In Go 1.27 what is inlined into another package may be fused in spite of its
// conversions.
//
//go:noinline
func weighGeneric(w, x, importance []float32, sigma2 float32) {
	for i, v := range x {
		w[i] = float32(importance[i] * squareRoot(sigma2+float32(v*v)))
	}
}

func squareRoot(v float32) float32 { return float32(math.Sqrt(float64(v))) }

// of are the weights of the values v, which stand at place at.
func (k Weights) of(v, given []float32, at int, buffer *[maxGroup]float32) []float32 {
	w := buffer[:len(v)]
	switch k {
	case WeightsGiven:
		return given[at : at+len(v)]
	case WeightsSquare:
		for i, v := range v {
			w[i] = float32(v * v)
		}
		return w
	}
	var typical float32
	if k == WeightsTypical {
		var sum float32
		for _, v := range v {
			sum += float32(v * v)
		}
		typical = squareRoot(sum / float32(len(v)))
	}
	for i, v := range v {
		w[i] = typical + magnitude(v)
	}
	return w
}
