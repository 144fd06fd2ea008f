package metric

import (
	"fmt"
	"math"
	"strconv"

	"fewbits/kernels"
	"fewbits/quant"
)

// Report compares a tensor x with its reconstruction x̂.
type Report struct {
	Format        string  `json:"format"`
	Tensor        string  `json:"tensor,omitempty"`
	Values        int     `json:"values"`
	Bytes         int     `json:"bytes"`         // packed, scales and padding included
	BitsPerWeight float64 `json:"bitsPerWeight"` // Bytes × 8 / Values
	Ratio         float64 `json:"ratio"`         // bytes as float32 / Bytes
	MSE           float64 `json:"mse"`           // mean (x̂−x)²
	RMSE          float64 `json:"rmse"`          // √MSE
	RelRMSE       float64 `json:"relRmse"`       // RMSE / √mean x²; 0 where x is all zero
	SQNR          Decibel `json:"sqnr"`          // 10·log10(Σx² / Σ(x̂−x)²), in dB; 0 where x is all zero and x̂ is not
	MaxAbs        float64 `json:"maxAbs"`        // max |x̂−x|
	Cosine        float64 `json:"cosine"`        // Σx·x̂ / (‖x‖·‖x̂‖); 1 where both are zero
}

// Decibel is a ratio that may be infinite (no error at all). JSON has no
// infinity: it becomes null.
type Decibel float64

// MarshalJSON writes a number, or null for an infinity.
func (d Decibel) MarshalJSON() ([]byte, error) {
	if math.IsInf(float64(d), 0) || math.IsNaN(float64(d)) {
		return []byte("null"), nil
	}
	return fmt.Appendf(nil, "%g", float64(d)), nil
}

// UnmarshalJSON reads what MarshalJSON writes: null is +Inf.
func (d *Decibel) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*d = Decibel(math.Inf(1))
		return nil
	}
	v, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return fmt.Errorf("metric: %q is no number of decibels", b)
	}
	*d = Decibel(v)
	return nil
}

// Sums are what a Report is made of. Sums of parts of a tensor add up.
type Sums struct {
	Values, Bytes int
	kernels.Sums
}

// Add puts more values into s.
func (s *Sums) Add(x, y []float32, bytes int) {
	s.Merge(Sums{len(x), bytes, kernels.Compare(x, y)})
}

// AddSub is Add, and diff[i] = y[i] − x[i].
func (s *Sums) AddSub(diff, x, y []float32, bytes int) {
	s.Merge(Sums{len(x), bytes, kernels.CompareSub(diff, x, y)})
}

// Merge puts the sums of another part into s.
func (s *Sums) Merge(more Sums) {
	s.Values += more.Values
	s.Bytes += more.Bytes
	s.ErrSq += more.ErrSq
	s.XSq += more.XSq
	s.YSq += more.YSq
	s.XY += more.XY
	s.MaxAbs = max(s.MaxAbs, more.MaxAbs)
}

// Report is what the sums so far say. Where values are NaN or infinite,
// nothing can be said of the error: MSE and what follows from it are not finite.
func (s *Sums) Report(format, tensor string) Report {
	r := Report{Format: format, Tensor: tensor, Values: s.Values, Bytes: s.Bytes, SQNR: Decibel(math.Inf(1)), Cosine: 1, MaxAbs: float64(s.MaxAbs)}
	if s.Values == 0 {
		return r
	}
	n := float64(s.Values)
	r.BitsPerWeight = float64(s.Bytes) * 8 / n
	if s.Bytes > 0 {
		r.Ratio = n * 4 / float64(s.Bytes)
	}
	r.MSE = s.ErrSq / n
	r.RMSE = math.Sqrt(r.MSE)
	if sum := s.ErrSq + s.XSq + s.YSq; math.IsNaN(sum) || math.IsInf(sum, 0) {
		r.RelRMSE, r.SQNR, r.Cosine = math.NaN(), Decibel(math.NaN()), math.NaN()
		return r
	}
	if s.XSq > 0 {
		r.RelRMSE = math.Sqrt(s.ErrSq / s.XSq)
	}
	switch {
	case s.ErrSq > 0 && s.XSq == 0:
		r.SQNR = 0 // all noise; minus infinity has no form in JSON
	case s.ErrSq > 0:
		r.SQNR = Decibel(10 * math.Log10(s.XSq/s.ErrSq))
	}
	if s.XSq > 0 && s.YSq > 0 {
		r.Cosine = max(-1, min(1, s.XY/math.Sqrt(s.XSq*s.YSq)))
	} else if s.XSq != s.YSq {
		r.Cosine = 0
	}
	return r
}

// Measure compares x with its reconstruction y. p gives the name and the size.
func Measure(x, y []float32, p *quant.Packed) Report {
	var s Sums
	s.Add(x, y, len(p.Bytes))
	return s.Report(p.Format, p.Name)
}

// MeasureFinite is Measure over the pairs of which both values are finite;
// fx and fy are those pairs. Float formats keep NaN and infinities, and make
// infinities of what is too large for them: with such a pair there would be no
// number at all. Values, Bytes and what follows from them count every pair.
func MeasureFinite(x, y []float32, p *quant.Packed) (r Report, fx, fy []float32) {
	return finitePairs(Measure(x, y, p), x, y, p)
}

// MeasureSub is MeasureFinite, and diff[i] = y[i] − x[i] of every pair.
func MeasureSub(diff, x, y []float32, p *quant.Packed) (r Report, fx, fy []float32) {
	var s Sums
	s.AddSub(diff, x, y, len(p.Bytes))
	return finitePairs(s.Report(p.Format, p.Name), x, y, p)
}

// finitePairs measures anew, where r of all pairs says nothing.
func finitePairs(r Report, x, y []float32, p *quant.Packed) (_ Report, fx, fy []float32) {
	if !math.IsNaN(r.MSE) && !math.IsInf(r.MSE, 0) {
		return r, x, y
	}
	fx, fy = make([]float32, 0, len(x)), make([]float32, 0, len(x))
	for i, v := range x {
		if w := y[i]; v-v == 0 && w-w == 0 {
			fx, fy = append(fx, v), append(fy, w)
		}
	}
	all := r
	r = Measure(fx, fy, p)
	r.Values, r.BitsPerWeight, r.Ratio = all.Values, all.BitsPerWeight, all.Ratio
	return r, fx, fy
}
