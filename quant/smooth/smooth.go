package smooth

import (
	"fmt"
	"math"

	"fewbits/quant"
	"fewbits/quant/calib"
)

// least is the smallest scale of inputs, and the smallest range of weights.
const least = 1e-5

// Result is what SmoothQuant decided for a matrix of rows × columns.
type Result struct {
	Codes       []byte    // rows × columns, int8
	Scales      []float32 // one a row
	InputScales []float32 // t: one a column
}

// config is the options, with defaults.
type config struct {
	alpha  float64
	tensor bool // one scale for all weights
}

func resolve(o quant.Options) (config, error) {
	c := config{alpha: o.Alpha.Or(0.5), tensor: o.Granularity == quant.PerTensor}
	switch {
	case !(c.alpha >= 0 && c.alpha <= 1):
		return c, fmt.Errorf("smooth: option alpha=%v: want a number from 0 to 1", c.alpha)
	case o.Bits != 0 && o.Bits != 8:
		return c, fmt.Errorf("smooth: option bits=%d: SmoothQuant has 8 bits", o.Bits)
	case o.Granularity == quant.PerGroup:
		return c, fmt.Errorf("smooth: option granularity=group: want channel or tensor")
	}
	return c, nil
}

// Solve quantizes w for activations whose largest magnitudes are most, one an
// input. Of o it reads alpha and granularity. It fails on options without a
// meaning and where w is not finite or grows past float32.
func Solve(w quant.Tensor, most []float32, o quant.Options) (*Result, error) {
	t, err := Scales(w, most, o)
	if err != nil {
		return nil, err
	}
	return Apply(w, t, o)
}

// Scales are the input scales t alone. Layers that share their input have them
// in common: w is then the rows of all of them, one under the other.
func Scales(w quant.Tensor, most []float32, o quant.Options) ([]float32, error) {
	c, err := resolve(o)
	if err != nil {
		return nil, err
	}
	if err := quant.CheckFinite(w); err != nil {
		return nil, err
	}
	if len(most) != w.Cols() {
		return nil, fmt.Errorf("smooth: tensor %q: rows of %d values, and activations of %d inputs", w.Name, w.Cols(), len(most))
	}
	weights := calib.AbsMax(&w)
	t := make([]float32, len(most))
	for j := range t {
		t[j] = max(pow(most[j], c.alpha)/pow(max(weights[j], least), 1-c.alpha), least)
	}
	return t, nil
}

// Apply quantizes w with input scales that were found before, nil for none.
func Apply(w quant.Tensor, inputScales []float32, o quant.Options) (*Result, error) {
	c, err := resolve(o)
	if err != nil {
		return nil, err
	}
	n := w.Cols()
	if inputScales == nil {
		inputScales = make([]float32, n)
		for j := range inputScales {
			inputScales[j] = 1
		}
	}
	if len(inputScales) != n {
		return nil, fmt.Errorf("smooth: tensor %q: %d input scales for %d columns", w.Name, len(inputScales), n)
	}
	r := &Result{InputScales: inputScales}
	scaled := quant.Tensor{Name: w.Name, Shape: w.Shape, Data: make([]float32, len(w.Data))}
	for i, v := range w.Data {
		scaled.Data[i] = v * r.InputScales[i%n]
	}
	if err := quant.CheckFinite(scaled); err != nil {
		return nil, fmt.Errorf("smooth: weights times their input scales grow past the largest float32: %w", err)
	}
	r.Codes = make([]byte, len(w.Data))
	r.Scales = scales(scaled, c.tensor)
	for i, v := range scaled.Data {
		r.Codes[i] = byte(int8(code(v, r.Scales[i/n])))
	}
	return r, nil
}

// scales are one a row.
func scales(w quant.Tensor, tensor bool) []float32 {
	s := make([]float32, w.Rows())
	all := float32(0)
	for row := range s {
		for _, v := range w.Data[row*w.Cols():][:w.Cols()] {
			s[row] = max(s[row], v, -v)
		}
		all = max(all, s[row])
	}
	for row := range s {
		if tensor {
			s[row] = all
		}
		s[row] = max(s[row], least) / 127
	}
	return s
}

func code(v, scale float32) float32 { return float32(math.RoundToEven(float64(v / scale))) }

// pow is x^y, 0^0 = 1.
func pow(x float32, y float64) float32 { return float32(math.Pow(float64(x), float64(float32(y)))) }

// Tokens is x with each token rounded to INT8 by a scale of its own, divided
// by the input scales before; nil ones are 1.
func Tokens(x *quant.Tensor, inputScales []float32) []float32 {
	n := x.Cols()
	out := make([]float32, len(x.Data))
	for row := range x.Rows() {
		y := out[row*n:][:n]
		copy(y, x.Data[row*n:])
		most := float32(least)
		for c := range y {
			if inputScales != nil {
				y[c] /= inputScales[c]
			}
			most = max(most, y[c], -y[c])
		}
		s := most / 127
		for c, v := range y {
			y[c] = code(v, s) * s
		}
	}
	return out
}

// Round is w rounded to INT8 without smoothing.
func Round(w quant.Tensor, o quant.Options) ([]float32, error) {
	c, err := resolve(o)
	if err != nil {
		return nil, err
	}
	s := scales(w, c.tensor)
	out := make([]float32, len(w.Data))
	for i, v := range w.Data {
		k := s[i/w.Cols()]
		out[i] = code(v, k) * k
	}
	return out, nil
}
