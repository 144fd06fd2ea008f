package llama

import (
	"math"

	"fewbits/quant/internal/expf"
)

// silu is x / (1 + e^−x).
func silu(x float32) float32 { return x / (1 + expf.Exp(-x)) }

// gelu is ½x(1 + tanh(√(2/π)(x + 0.044715x³))), the form by tanh of GELU
// (arXiv 1606.08415), with tanh u = 1 − 2/(1 + e^2u).
func gelu(x float32) float32 {
	const root = 0.79788456080286535588
	u := float32(root*x) * (1 + float32(float32(0.044715*x)*x))
	return float32(0.5*x) * (2 - 2/(1+expf.Exp(2*u)))
}

// rmsNorm writes x / √(mean(x²) + ε) · weight for each row.
func rmsNorm(dst, x, weight []float32, epsilon float32) {
	n := len(weight)
	for i := 0; i+n <= len(x); i += n {
		row, out := x[i:i+n], dst[i:i+n]
		sum := 0.0
		for _, v := range row {
			sum += float64(v * v)
		}
		s := 1 / float32(math.Sqrt(float64(float32(sum/float64(n))+epsilon)))
		for j, v := range row {
			out[j] = float32(v*s) * weight[j]
		}
	}
}

// layerNorm writes (x − mean) / √(variance + ε) · weight + bias for each row.
func layerNorm(dst, x, weight, bias []float32, epsilon float32) {
	n := len(weight)
	for i := 0; i+n <= len(x); i += n {
		row, out := x[i:i+n], dst[i:i+n]
		sum := 0.0
		for _, v := range row {
			sum += float64(v)
		}
		mean := float32(sum / float64(n))
		sum = 0
		for j, v := range row {
			out[j] = v - mean
			sum += float64(out[j] * out[j])
		}
		s := 1 / float32(math.Sqrt(float64(float32(sum/float64(n))+epsilon)))
		for j, v := range out {
			out[j] = float32(float32(v*s)*weight[j]) + bias[j]
		}
	}
}

// softmax makes probabilities of scores, in place.
func softmax(x []float32) {
	top := float32(math.Inf(-1))
	for _, v := range x {
		top = max(top, v)
	}
	sum := 0.0
	for i, v := range x {
		x[i] = expf.Exp(v - top)
		sum += float64(x[i])
	}
	s := float32(1 / sum)
	for i := range x {
		x[i] *= s
	}
}
