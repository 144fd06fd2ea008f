package llmint8

import (
	"fmt"
	"math"

	"github.com/x448/float16"

	"fewbits/quant"
)

// DefaultThreshold is the magnitude from which an activation is an outlier.
const DefaultThreshold = 6

// resolve is the threshold.
func resolve(o quant.Options) (float64, error) {
	t := o.Threshold.Or(DefaultThreshold)
	switch {
	case !(t >= 0) || math.IsInf(t, 0):
		return t, fmt.Errorf("llmint8: option threshold=%v: want a number that is not negative; 0 keeps no columns", t)
	case o.Bits != 0 && o.Bits != 8:
		return t, fmt.Errorf("llmint8: option bits=%d: LLM.int8() has 8 bits", o.Bits)
	}
	return t, nil
}

// Outliers are the inputs that reach the threshold in some token, rising. A
// threshold of 0 has none.
func Outliers(x *quant.Tensor, threshold float64) []int32 {
	n := x.Cols()
	is := make([]bool, n)
	for i, v := range x.Data {
		if threshold > 0 && max(v, -v) >= float32(threshold) {
			is[i%n] = true
		}
	}
	list := []int32{}
	for c, yes := range is {
		if yes {
			list = append(list, int32(c))
		}
	}
	return list
}

// Rows quantizes rows of n values to INT8 by their largest magnitude. Values
// of skip or more do not count for it, and become 0; skip is 0 for none. It
// returns the codes, and the largest magnitudes (absmax, SCA or SCB there).
func Rows(x []float32, n int, skip float64) (codes []int8, absmax []float32) {
	codes, absmax = make([]int8, len(x)), make([]float32, len(x)/max(1, n))
	taken := func(v float32) bool { return !(skip > 0 && max(v, -v) >= float32(skip)) }
	for row := range absmax {
		x := x[row*n:][:n]
		for _, v := range x {
			if taken(v) {
				absmax[row] = max(absmax[row], v, -v)
			}
		}
		if absmax[row] == 0 {
			continue
		}
		f := 127 / absmax[row]
		for c, v := range x {
			if !taken(v) {
				continue
			}
			if f > math.MaxFloat32 { // absmax is far below the normal float32
				codes[row*n+c] = int8(math.RoundToEven(127 * float64(v) / float64(absmax[row])))
				continue
			}
			codes[row*n+c] = int8(math.RoundToEven(float64(v * f)))
		}
	}
	return codes, absmax
}

// Kept are the outlier columns of w as float16, row after row. It fails where
// float16 cannot hold one.
func Kept(w quant.Tensor, outliers []int32) ([]uint16, error) {
	kept := make([]uint16, 0, w.Rows()*len(outliers))
	for row := range w.Rows() {
		for _, c := range outliers {
			h := float16.Fromfloat32(w.Data[row*w.Cols()+int(c)])
			if h.IsInf(0) {
				return nil, &quant.RowError{Tensor: w.Name, Row: row, Format: name,
					Reason: fmt.Sprintf("column %d is kept in 16 bits, and its %v is past 65504", c, w.Data[row*w.Cols()+int(c)])}
			}
			kept = append(kept, h.Bits())
		}
	}
	return kept, nil
}

// activations are x as a layer with these outliers sees it: INT8 a token, but
// for outlier columns, which are as they are.
func activations(x *quant.Tensor, outliers []int32, threshold float64) []float32 {
	n := x.Cols()
	codes, absmax := Rows(x.Data, n, threshold)
	out := make([]float32, len(x.Data))
	for i, q := range codes {
		out[i] = float32(q) * (absmax[i/n] / 127)
	}
	for row := range x.Rows() {
		for _, c := range outliers {
			out[row*n+int(c)] = x.Data[row*n+int(c)]
		}
	}
	return out
}
