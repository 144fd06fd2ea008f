package llama

import "math"

// exp is e^x for x ≤ 88.3 to within 2 units in the last place, and 0 below
// −87.3: 2^k · e^r with |r| ≤ ln 2 / 2 by a polynomial. Coefficients: expf of
// Cephes (S. L. Moshier), single/expf.c.
func exp(x float32) float32 {
	const (
		high = 0.693359375 // ln 2 in two parts, the first exact in few bits
		low  = -2.12194440e-4
	)
	switch {
	case x < -87.3:
		return 0
	case x > 88.3:
		return float32(math.Inf(1))
	case x != x:
		return x
	}
	k := float32(x * math.Log2E)
	if k < 0 {
		k -= 0.5
	} else {
		k += 0.5
	}
	n := int32(k)
	f := float32(n)
	r := x - float32(f*high)
	r -= float32(f * low)
	p := float32(1.9875691500e-4)
	p = float32(p*r) + 1.3981999507e-3
	p = float32(p*r) + 8.3334519073e-3
	p = float32(p*r) + 4.1665795894e-2
	p = float32(p*r) + 1.6666665459e-1
	p = float32(p*r) + 5.0000001201e-1
	p = float32(float32(p*r)*r) + r + 1
	return p * math.Float32frombits(uint32(n+127)<<23)
}

// silu is x / (1 + e^−x).
func silu(x float32) float32 { return x / (1 + exp(-x)) }

// gelu is ½x(1 + tanh(√(2/π)(x + 0.044715x³))), the form by tanh of GELU
// (arXiv 1606.08415), with tanh u = 1 − 2/(1 + e^2u).
func gelu(x float32) float32 {
	const root = 0.79788456080286535588
	u := float32(root*x) * (1 + float32(float32(0.044715*x)*x))
	return float32(0.5*x) * (2 - 2/(1+exp(2*u)))
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
		x[i] = exp(v - top)
		sum += float64(x[i])
	}
	s := float32(1 / sum)
	for i := range x {
		x[i] *= s
	}
}
