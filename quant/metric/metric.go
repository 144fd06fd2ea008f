package metric

import (
	"fmt"
	"math"

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
	_, err := fmt.Sscanf(string(b), "%g", (*float64)(d))
	return err
}

// Sums are what a Report is made of. Sums of parts of a tensor add up.
type Sums struct {
	Values, Bytes int
	kernels.Sums
}

// Add puts more values into s.
func (s *Sums) Add(x, y []float32, bytes int) {
	k := kernels.Compare(x, y)
	s.Values += len(x)
	s.Bytes += bytes
	s.ErrSq += k.ErrSq
	s.XSq += k.XSq
	s.YSq += k.YSq
	s.XY += k.XY
	s.MaxAbs = max(s.MaxAbs, k.MaxAbs)
}

// Report is what the sums so far say.
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
