package lesson

import (
	"fmt"
	"math"
	"math/rand/v2"

	"fewbits/quant"
	"fewbits/quant/formats"
)

// quantized is what a format makes of values.
type quantized struct {
	packed *quant.Packed
	params *quant.Params
	rec    []float32
}

// quantize runs the engine on a tensor of rows of cols values.
func quantize(format string, o quant.Options, x []float32, cols int) (*quantized, error) {
	f, ok := formats.Lookup(format)
	if !ok {
		return nil, fmt.Errorf("there is no format %q", format)
	}
	t, err := quant.NewTensor("x", []int{len(x) / cols, cols}, x)
	if err != nil {
		return nil, err
	}
	q := &quantized{rec: make([]float32, len(x))}
	if q.packed, err = f.Quantize(t, o); err != nil {
		return nil, err
	}
	if err = f.Dequantize(q.packed, q.rec); err != nil {
		return nil, err
	}
	q.params, err = f.Params(q.packed, true)
	return q, err
}

// rmse is the root of the mean squared difference.
func rmse(x, y []float32) float64 {
	var sum float64
	for i := range x {
		d := float64(y[i]) - float64(x[i])
		sum += float64(d * d)
	}
	return math.Sqrt(sum / float64(len(x)))
}

// sqnr is the ratio of signal to noise in dB.
func sqnr(x, y []float32) float64 {
	var signal, noise float64
	for i := range x {
		d := float64(y[i]) - float64(x[i])
		signal += float64(float64(x[i]) * float64(x[i]))
		noise += float64(d * d)
	}
	if noise == 0 {
		return math.Inf(1)
	}
	return 10 * math.Log10(signal/noise)
}

// histogram is the share of values in each of n bins over [lo, hi], with the
// middles of the bins.
func histogram(x []float32, lo, hi float64, n int) (at, share []float64) {
	at, share = make([]float64, n), make([]float64, n)
	w := (hi - lo) / float64(n)
	for i := range at {
		at[i] = lo + (float64(i)+0.5)*w
	}
	for _, v := range x {
		if i := int((float64(v) - lo) / w); i >= 0 && i < n {
			share[i] += 1 / float64(len(x))
		}
	}
	return at, share
}

// Distributions that widgets draw from.
const (
	normal  = "normal"
	tailed  = "tailed"  // a few values lie far out
	uniform = "uniform" // between −1 and 1
)

// draw draws n values; the same each time.
func draw(distribution string, n int) []float32 {
	r := rand.New(rand.NewPCG(7, 11))
	x := make([]float32, n)
	for i := range x {
		switch distribution {
		case tailed: // Student's t of 4 degrees of freedom
			var s float64
			for range 4 {
				g := r.NormFloat64()
				s += float64(g * g)
			}
			x[i] = float32(r.NormFloat64() / math.Sqrt(s/4))
		case uniform:
			x[i] = float32(2*r.Float64() - 1)
		default:
			x[i] = float32(r.NormFloat64())
		}
	}
	return x
}

// channels are rows × cols values of which some columns are many times larger,
// as activations and the weights before them have them.
func channels(rows, cols int) []float32 {
	r := rand.New(rand.NewPCG(3, 5))
	x := make([]float32, rows*cols)
	for i := range x {
		x[i] = float32(r.NormFloat64() / 8)
		if c := i % cols; c == 11 || c == 38 || c == 75 {
			x[i] *= 12
		}
	}
	return x
}

// largest is the largest magnitude.
func largest(x []float32) float64 {
	var m float64
	for _, v := range x {
		m = max(m, math.Abs(float64(v)))
	}
	return m
}

// open takes apart the block that holds value i.
func (q *quantized) open(i int) (*quant.Opened, error) {
	f, _ := formats.Lookup(q.packed.Format)
	return f.Open(q.packed, i)
}

// engineTerms are the pieces of a formula as the engine writes it.
func engineTerms(in []quant.Term) []Term {
	out := make([]Term, len(in))
	for i, t := range in {
		out[i] = Term{Text: t.Text, Role: string(t.Role)}
	}
	return out
}

func wide(x []float32) []float64 {
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = float64(v)
	}
	return out
}
